#!/bin/sh
# Format, lint, types and layers. Every check runs, even after one has failed; a warning is a failure.
set -u
cd "$(dirname "$0")/.."
failed=""
set --

check() {
    name=$1
    shift
    if output=$("$@" 2>&1) && ! printf '%s\n' "$output" | grep -Eiq '^(warning|.*: warning)\b'; then
        echo "check: $name ok"
    else
        printf '%s\n' "$output"
        echo "check: $name FAILED"
        failed="$failed $name"
    fi
}

PATH="$PWD/.venv/bin:$PATH"
check format ruff format --check --diff .
check lint ruff check .
for part in bridge platform_adapters channel_adapters wsgi.py; do
    [ ! -e "$part" ] || set -- "$@" "$part"
done
check types mypy "$@"
check layers lint-imports --no-logo

if [ -n "$failed" ]; then
    echo "check: failed:$failed" >&2
    exit 1
fi
