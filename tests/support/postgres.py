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

# A test cluster need not survive a power cut, and writes little.
_FAST = [
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "max_wal_size=64MB",
    "min_wal_size=32MB",
]
_HINT = "apt-get install postgresql"


# What a test may have left of the tables, so that none is taken for what it is no more.
_SHAPE = """
SELECT md5(string_agg(line, E'\n' ORDER BY line)) FROM (
    SELECT concat_ws(' ', relname, relkind, attname, atttypid, attnotnull, atthasdef) AS line
    FROM pg_class LEFT JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0
    WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT concat_ws(' ', tgname, tgenabled) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT setconfig::text FROM pg_db_role_setting
    UNION ALL SELECT version_num FROM alembic_version
) AS lines
"""
_TABLES = """
SELECT relname FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'
"""
_SEQUENCES = """
SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace
"""
_OTHERS = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"


class Postgres:
    """Databases in a running cluster."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._numbers = itertools.count(1)
        self._templates: dict[str, str] = {}
        self._idle: list[str] = []
        self._shape = ""

    def url(self, name: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self._port}/{name}"

    @contextlib.contextmanager
    def database(self, template: str = "template0") -> Iterator[str]:
        """The address of a fresh copy of ``template``, dropped afterwards whoever is still connected."""
        name = self._new_name()
        self._create(name, template)
        try:
            yield self.url(name)
        finally:
            self._drop(name)

    @contextlib.contextmanager
    def with_tables(self) -> Iterator[str]:
        """The address of a database with all tables and nothing in them. It is emptied and used again, since to make one
        takes longer than most tests; under another name, so that nobody who is left over from one test meets the next."""
        name = self._idle.pop() if self._idle else self._make()
        try:
            yield self.url(name)
        finally:
            self._take_back(name)

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

    def _make(self) -> str:
        from bridge.db import migrations  # not for whoever needs no database
        from bridge.db.session import Database

        name = self._new_name()
        self._create(name, "template0")
        with contextlib.closing(Database(self.url(name).replace("://", "+psycopg://"))) as db:
            migrations.upgrade(db)
        with psycopg.connect(self.url(name)) as connection:
            self._shape = _shape(connection)
        return name

    def _take_back(self, name: str) -> None:
        fresh = self._new_name()
        rename = sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(name), sql.Identifier(fresh))
        try:
            with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
                connection.execute(_OTHERS, [name])
                connection.execute(rename)
        except psycopg.errors.ObjectInUse:  # a process of the test that is killed only later
            return self._drop(name)
        with psycopg.connect(self.url(fresh)) as connection:
            as_made = _shape(connection) == self._shape
            if as_made:
                _empty(connection)
        return self._idle.append(fresh) if as_made else self._drop(fresh)

    def _new_name(self) -> str:
        return f"test_{next(self._numbers)}"

    def _create(self, name: str, template: str) -> None:
        self._admin(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))

    def _drop(self, name: str) -> None:
        self._admin(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _admin(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)


def _shape(connection: psycopg.Connection) -> str:
    """What the tables are; empty where there are none."""
    try:
        [shape] = connection.execute(_SHAPE).fetchone() or [""]
    except psycopg.errors.UndefinedTable:
        return ""
    return str(shape)


def _empty(connection: psycopg.Connection) -> None:
    """DELETE, since TRUNCATE makes new files; without foreign keys being followed, and in any order."""
    connection.execute("SET session_replication_role = replica")
    for (table,) in connection.execute(_TABLES).fetchall():
        connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
    connection.execute(_SEQUENCES)


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
