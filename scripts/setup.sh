#!/bin/sh
# Makes .venv with everything the locks name and the command `storebridge` in it. Does nothing when nothing changed.
# PYTHON=python3.13 chooses the interpreter.
set -eu
cd "$(dirname "$0")/.."

fail() {
    echo "storebridge: $*" >&2
    exit 2
}

is_recent() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        is_recent "$PYTHON" || fail "PYTHON=$PYTHON is not a working Python 3.11 or newer; name another one, or unset PYTHON."
        echo "$PYTHON"
        return
    fi
    for candidate in python3 python3.13 python3.12 python3.11 python3.14; do
        if is_recent "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    fail "Python 3.11 or newer is needed and was not found on PATH; install it, or name it with PYTHON=/path/to/python3."
}

version_of() {
    "$1" -c 'import sys; print(sys.version)' 2>/dev/null
}

# What .venv was made from: the locks, the project's own metadata, the interpreter, and the folder (a moved venv is broken).
fingerprint() {
    cat pyproject.toml requirements-build.lock requirements-dev.lock scripts/setup.sh | cksum
    version_of .venv/bin/python
    pwd -P
}

is_current() {
    [ -x .venv/bin/storebridge ] && [ -f .venv/.storebridge ] || return 1
    [ -z "${PYTHON:-}" ] || [ "$(version_of "$PYTHON")" = "$(version_of .venv/bin/python)" ] || return 1
    [ "$(fingerprint)" = "$(cat .venv/.storebridge)" ]
}

# On all cores at once, which pip does on one and uv not at all. What is not for this Python is left as it is.
compile_packages() {
    .venv/bin/python -m compileall -q -j 0 .venv/lib >/dev/null 2>&1 || :
}

# A .venv of another interpreter or another folder is made anew; any other is brought up to date in place.
drop_foreign_venv() {
    [ -e .venv ] || return 0
    [ "$(version_of .venv/bin/python)" = "$(version_of "$python")" ] &&
        [ "$(sed -n '$p' .venv/.storebridge 2>/dev/null)" = "$(pwd -P)" ] || rm -rf .venv
}

install_with_uv() {
    command -v uv >/dev/null 2>&1 && uv --version >/dev/null 2>&1 || return 1
    uv venv --quiet --allow-existing --python "$python" .venv || return 1
    uv_install --require-hashes -r requirements-build.lock &&
        uv_install --require-hashes -r requirements-dev.lock &&
        uv_install --no-deps --editable .
}

uv_install() {
    uv pip install --quiet --python .venv/bin/python --no-build-isolation "$@"
}

install_with_pip() {
    "$python" -c 'import venv, ensurepip' >/dev/null 2>&1 ||
        fail "Python's venv module is missing: install it (Debian and Ubuntu: apt-get install $venv_package) and run this again."
    "$python" -m venv .venv
    pip_install --require-hashes -r requirements-build.lock &&
        pip_install --no-compile --require-hashes -r requirements-dev.lock &&
        pip_install --no-deps --editable .
}

pip_install() {
    .venv/bin/python -m pip install -qq --disable-pip-version-check --no-build-isolation --use-pep517 "$@"
}

if is_current; then
    exit 0
fi
python=$(find_python)
# Debian splits venv off each Python: python3-venv for python3, python3.12-venv for python3.12.
venv_package="$(basename "$python")-venv"
echo "storebridge: preparing .venv with $("$python" --version) ..." >&2
drop_foreign_venv
install_with_uv || install_with_pip || fail "installing the locked packages failed; the lines above say why."
compile_packages
fingerprint >.venv/.storebridge
