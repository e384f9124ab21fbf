#!/bin/sh
# The tests, and beside them the checks: what is given is given to pytest. Both run to their end, and either may fail.
set -u
cd "$(dirname "$0")/.."
memory=/dev/shm

# No test needs its files after a power cut, and every commit waits for the disk: where there is room, memory keeps them.
has_room() {
    [ -w "$memory" ] && ! grep -q " $memory .*noexec" /proc/mounts &&
        [ "$(df -Pk "$memory" | awk 'NR == 2 { print $4 }')" -gt 4000000 ]
}

if [ -z "${TMPDIR:-}" ] && has_room; then
    folder=$(mktemp -d "$memory/tests-XXXXXX")
    export TMPDIR="$folder"
else
    folder=$(mktemp -d)
fi
# PostgreSQL's own user must be able to pass.
chmod 711 "$folder"
checks=""
trap '[ -z "$checks" ] || kill "$checks" 2>/dev/null; rm -rf "$folder"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

scripts/check.sh >"$folder/checks" 2>&1 &
checks=$!
# Once, and not by every process of the tests for itself.
.venv/bin/python -m compileall -q -j 0 bridge platform_adapters channel_adapters tests/support >/dev/null 2>&1
.venv/bin/python -m pytest -n auto --dist worksteal "$@"
tested=$?
wait "$checks"
checked=$?
checks=""
cat "$folder/checks"
[ "$tested" -eq 0 ] && [ "$checked" -eq 0 ]
