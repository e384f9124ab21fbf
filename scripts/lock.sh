#!/bin/sh
# Writes the three locks: names, versions and hashes for every supported Python and machine, and no addresses.
#   requirements-build.lock  what builds packages; installed first
#   requirements.lock        what a server needs
#   requirements-dev.lock    both, and what tests and checks need
# Arguments are handed to the resolver, for example: scripts/lock.sh --upgrade, scripts/lock.sh -P flask
set -eu
cd "$(dirname "$0")/.."

if command -v uv >/dev/null 2>&1 && uv --version >/dev/null 2>&1; then
    uv=uv
else
    python3 -m venv build/lock
    build/lock/bin/python -m pip install -qq uv
    uv=build/lock/bin/uv
fi

resolve() {
    target=$1
    shift
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
        --no-emit-find-links --no-annotate --no-header --output-file "$target" "$@" >/dev/null
}

resolve requirements-dev.lock --extra dev --group build pyproject.toml "$@"
# The smaller locks are parts of the large one, never other versions.
resolve requirements.lock --constraint requirements-dev.lock pyproject.toml
resolve requirements-build.lock --constraint requirements-dev.lock --group build
