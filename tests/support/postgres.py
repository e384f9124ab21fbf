"""A real PostgreSQL cluster for one test run, with a fresh database per test."""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from tests.support.needs import needs
from tests.support.procs import die_with_parent, free_port, wait_until

# A test cluster need not survive a power cut.
_FAST = ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]
_HINT = "apt-get install postgresql"


class Postgres:
    """Databases in a running cluster."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._numbers = itertools.count(1)
        self._templates: dict[str, str] = {}

    def url(self, name: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self._port}/{name}"

    @contextlib.contextmanager
    def database(self, template: str = "template0") -> Iterator[str]:
        """The address of a fresh copy of ``template``, dropped afterwards whoever is still connected."""
        name = f"test_{next(self._numbers)}"
        self._create(name, template)
        try:
            yield self.url(name)
        finally:
            self._admin(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def template(self, name: str, build: Callable[[str], None]) -> str:
        """A database to copy from, built at its first use."""
        if name not in self._templates:
            self._create(f"template_{name}", "template0")
            build(self.url(f"template_{name}"))
            self._templates[name] = f"template_{name}"
        return self._templates[name]

    def is_up(self) -> bool:
        with (
            contextlib.suppress(psycopg.OperationalError),
            psycopg.connect(self.url("postgres"), connect_timeout=1),
        ):
            return True
        return False

    def _create(self, name: str, template: str) -> None:
        self._admin(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))

    def _admin(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)


@contextlib.contextmanager
def cluster() -> Iterator[Postgres]:
    binaries = _binaries()
    # Not below pytest's folder, which only its owner may enter: the server is another user when we are root.
    folder = Path(tempfile.mkdtemp(prefix="storebridge-postgres-"))
    data, log_path, user = folder / "data", folder / "server.log", _server_user()
    if user:
        shutil.chown(folder, user["user"], user["group"])
    try:
        options = ["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
        subprocess.run([binaries / "initdb", "-D", data, *options], check=True, capture_output=True, cwd="/", **user)
        port = free_port()
        settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", f"port={port}", *_FAST]
        with log_path.open("wb") as log:
            server = subprocess.Popen(
                [
                    binaries / "postgres",
                    "-D",
                    data,
                    *itertools.chain.from_iterable(("-c", s) for s in settings),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd="/",
                preexec_fn=die_with_parent(signal.SIGQUIT),  # noqa: PLW1509 - one system call
                **user,
            )
        try:
            postgres = Postgres(port)
            wait_until(postgres.is_up, 30, lambda: f"PostgreSQL up:\n{log_path.read_text()}")
            yield postgres
        finally:
            server.send_signal(signal.SIGQUIT)
            server.wait(20)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _binaries() -> Path:
    """The newest installation: Debian keeps each version's programs off PATH."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    found = debian[-1] if debian else shutil.which("initdb")
    return Path(found).resolve().parent if found else needs("postgresql", _HINT)


def _server_user() -> dict[str, Any]:
    """PostgreSQL refuses to run as root: as root we start it as the package's own user."""
    if os.geteuid() != 0:
        return {}
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        needs("postgresql", _HINT)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
