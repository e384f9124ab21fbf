"""A world that was lived through once in this process, to begin with as often as it is wanted: its database, and what
store and marketplaces remember, which are in no database. Each copy is a world of its own."""

from __future__ import annotations

import copy
import itertools
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from tests.support.world import World

_OWN = ("clock", "faults", "lock", "on_publish", "waiting", "_ids")
_TABLES = """
SELECT relname FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'
"""
_SEQUENCES = "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL"
Place = Mapping[str, Any]


@dataclass(frozen=True)
class Kept:
    """``database``: the file of SQLite, or the rows of PostgreSQL's tables and where its sequences are."""

    database: bytes | Rows
    key: str
    now: datetime
    places: Sequence[Place]

    @classmethod
    def of(cls, world: World, key: str) -> Kept:
        """``world`` is at rest: nothing waits for a later time, and no fault is set. It may be used on."""
        made = [world.store, *world.markets]
        for place in made:
            assert not getattr(place, "waiting", ()), "a copy would do it in the first world"
            assert place.faults.is_clear(), "a copy has none of its faults"
        database = _file(world.db.url) if world.db.is_sqlite else Rows.of(world.db.url)
        return cls(database, key, world.clock.now, [_memory(place) for place in made])

    def copy_to(self, database_url: str) -> World:
        """``database_url``: a file that is not there yet, or a database of PostgreSQL with nothing in its tables."""
        if isinstance(self.database, bytes):
            Path(database_url.removeprefix("sqlite:///")).write_bytes(self.database)
        else:
            self.database.copy_to(database_url)
        return World(database_url, markets=len(self.places) - 1, key=self.key, begun=self._begun)

    def _begun(self, world: World) -> None:
        """Store and marketplaces of a new world become what they were in the first."""
        world.clock.now = self.now
        for place, memory in zip((world.store, *world.markets), self.places, strict=True):
            vars(place).update(copy.deepcopy(memory))
            place._ids = itertools.count(place._ids)  # the number that comes next


def _memory(place: Any) -> Place:
    names = [item.name for item in fields(place) if item.name not in _OWN]
    following = next(place._ids)
    place._ids = itertools.count(following)
    return copy.deepcopy({name: getattr(place, name) for name in names}) | {"_ids": following}


def _file(url: str) -> bytes:
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        return connection.serialize()


@dataclass(frozen=True)
class Rows:
    tables: Mapping[str, bytes]
    sequences: Mapping[str, int]

    @classmethod
    def of(cls, url: str) -> Rows:
        with psycopg.connect(_plain(url)) as connection:
            names = [name for (name,) in connection.execute(_TABLES)]
            return cls(
                {name: _read(connection, name) for name in names}, dict(connection.execute(_SEQUENCES).fetchall())
            )

    def copy_to(self, url: str) -> None:
        with psycopg.connect(_plain(url)) as connection, connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")  # in any order
            for name, rows in self.tables.items():
                if rows:
                    with cursor.copy(sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(name))) as into:
                        into.write(rows)
            for name, last in self.sequences.items():
                cursor.execute("SELECT setval(%s::regclass, %s)", [name, last])


def _read(connection: psycopg.Connection, table: str) -> bytes:
    with (
        connection.cursor() as cursor,
        cursor.copy(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))) as rows,
    ):
        return b"".join(bytes(part) for part in rows)


def _plain(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://")
