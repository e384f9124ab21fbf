"""Migrations of the database, run by ``storebridge run`` and ``storebridge migrate``.

A new one: change the tables, then ``scripts/migration.py "what changes"``, then read what it wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from bridge.db import planner
from bridge.db.session import Database

FOLDER = Path(__file__).parent
_LOCK = 5_077_244_310  # any number that is ours: one machine migrates at a time


class NewerDatabase(RuntimeError):
    """The database was migrated by a newer version of the bridge."""


def head() -> str:
    """The revision this code needs."""
    return str(_scripts().get_current_head())


def current(db: Database) -> str | None:
    """The revision the database is at; None when it is empty."""
    with db.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def is_current(db: Database) -> bool:
    return current(db) == head()


def upgrade(db: Database, revision: str = "head") -> str | None:
    """Bring the database up to ``revision``; returns the revision it was at. Safe to run on several machines at
    once. Raises NewerDatabase."""
    before = current(db)
    if before is not None and before not in {script.revision for script in _scripts().walk_revisions()}:
        raise NewerDatabase(f"the database is at revision {before}, which this version does not know")
    _run(db, lambda config: command.upgrade(config, revision))
    planner.advise(db)
    return before


def downgrade(db: Database, revision: str) -> None:
    _run(db, lambda config: command.downgrade(config, revision))


def write_revision(db: Database, message: str, identity: str | None = None) -> None:
    """Write a migration for what the tables have and the database has not."""
    _run(db, lambda config: command.revision(config, message=message, autogenerate=True, rev_id=identity))


def _run(db: Database, act: Callable[[AlembicConfig], object]) -> None:
    engine = db.engine.execution_options(write=True)
    with engine.connect() as connection, _without_cascades(db, connection), connection.begin():
        if not db.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        act(_config(connection))


@contextmanager
def _without_cascades(db: Database, connection: Connection) -> Iterator[None]:
    """SQLite changes a table by making it anew, and dropping the old one must not delete what points at it."""
    raw = connection.connection.dbapi_connection
    if not db.is_sqlite or raw is None:
        yield
        return
    raw.cursor().execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        raw.cursor().execute("PRAGMA foreign_keys=ON")


def _config(connection: Connection | None = None) -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())
