"""A PostgreSQL server of the benchmark's own, with its default durability, where the programs are installed."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import click
import psycopg

from bridge.supervisor.redis import free_port

HOST = "127.0.0.1"
PATIENCE = 60


def address(wanted: str | None, exits: ExitStack) -> str | None:
    """None for an SQLite file of the benchmark's own; for ``postgres`` a server of its own, which ends with ``exits``;
    else what was given."""
    if wanted in (None, "sqlite"):
        return None
    if wanted != "postgres":
        return wanted
    programs = binaries()
    if programs is None:
        raise click.BadParameter("PostgreSQL is not installed here; name a database.", param_hint="--database")
    return exits.enter_context(server(programs))


def binaries() -> Path | None:
    """The newest installation; Debian keeps each version's programs off PATH."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    found = debian[-1] if debian else shutil.which("initdb")
    return Path(found).resolve().parent if found else None


@contextmanager
def server(programs: Path) -> Iterator[str]:
    """The address of an empty database on a server that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="storebridge-bench-postgres-"))
    user = _user()
    if user:
        shutil.chown(folder, user["user"], user["group"])
    data, port = folder / "data", free_port()
    try:
        options = ["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8"]
        subprocess.run([programs / "initdb", "-D", data, *options], check=True, capture_output=True, cwd="/", **user)
        settings = ["-c", f"listen_addresses={HOST}", "-c", "unix_socket_directories=", "-c", f"port={port}"]
        quiet: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
        command: list[str | Path] = [programs / "postgres", "-D", data, *settings]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd="/", process_group=0, **quiet, **user)
        url = f"postgresql://postgres@{HOST}:{port}/postgres"
        try:
            _wait_for(url)
            yield url
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def version(url: str) -> str:
    with psycopg.connect(url) as connection:
        row = connection.execute("SHOW server_version").fetchone()
    return str(row[0]) if row else ""


def _user() -> dict[str, Any]:
    """PostgreSQL refuses to run as root: then it runs as the user its package made."""
    if os.geteuid() != 0:
        return {}
    found = pwd.getpwnam("postgres")
    return {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not _is_up(url):
        if time.monotonic() > deadline:
            raise click.ClickException(f"not within {PATIENCE} s: PostgreSQL up")
        time.sleep(0.1)


def _is_up(url: str) -> bool:
    try:
        with psycopg.connect(url, connect_timeout=1):
            return True
    except psycopg.OperationalError:
        return False
