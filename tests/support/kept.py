"""A world that was lived through once in this process, to begin with as often as it is wanted: its database, and what
store and marketplaces remember, which are in no database. Each copy is a world of its own."""

from __future__ import annotations

import copy
import itertools
import sqlite3
from contextlib import closing
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from tests.support.world import MemoryStore, World

_OWN = ("clock", "faults", "lock", "on_publish", "waiting", "_ids")


@dataclass(frozen=True)
class Kept:
    """``counts``: where the numbers of the store and of each marketplace go on."""

    database: bytes
    key: str
    world: World
    counts: tuple[int, ...]

    @classmethod
    def of(cls, world: World, key: str) -> Kept:
        """``world`` is on SQLite and at rest: nothing waits for a later time, and no fault is set. It is not used any
        more."""
        places = (world.store, *world.markets)
        for place in places:
            assert not getattr(place, "waiting", ()), "a copy would do it in the first world"
            assert place.faults.is_clear(), "a copy has none of its faults"
        with closing(sqlite3.connect(world.db.url.removeprefix("sqlite:///"))) as connection:
            database = connection.serialize()
        return cls(database, key, world, tuple(next(place._ids) for place in places))

    def copy_to(self, database_url: str) -> World:
        Path(database_url.removeprefix("sqlite:///")).write_bytes(self.database)
        return World(database_url, key=self.key, begun=self._begun)

    def _begun(self, world: World) -> None:
        """Store and marketplaces of a new world become what they were in the first."""
        first = self.world
        world.clock.now = first.clock.now
        world.store = _copy(first.store, MemoryStore(world.clock))
        world.markets = [_copy(market, type(market)(world.clock)) for market in first.markets]
        for place, count in zip((world.store, *world.markets), self.counts, strict=True):
            place._ids = itertools.count(count)


def _copy(of: Any, into: Any) -> Any:
    names = [item.name for item in fields(of) if item.name not in _OWN]
    vars(into).update(copy.deepcopy({name: getattr(of, name) for name in names}))
    return into
