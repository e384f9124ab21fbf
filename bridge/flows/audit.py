"""Who changed what: the lines of the journal that have an author, kept longer than the others. Nothing changes or
deletes one before its time."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from bridge.db import author
from bridge.db.author import Author
from bridge.db.records import note
from bridge.flows.engine import Engine

KEPT = timedelta(days=730)
SHOWN = 60


@contextmanager
def recorded(engine: Engine, shop_id: int, name: str, what: str) -> Iterator[Author]:
    """What is done inside is ``name``'s doing. A change that says nothing of itself in the journal is there as
    ``what``; one that fails is there as far as it came. The caller sets ``noted`` where nothing was changed."""
    with author.by(name) as acting:
        yield acting
        if not acting.noted:
            now = engine.clock()
            engine.db.transact(shop_id, lambda session: note(session, now, "change", what))


def changes(before: Mapping[str, Any], after: Mapping[str, Any], secret: Collection[str] = ()) -> dict[str, list[Any]]:
    """By name: old and new of what differs. Of what is ``secret`` only that it differs."""
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    hidden = ["***", "***"]
    return {name: hidden if name in secret else [before.get(name), after.get(name)] for name in names}


def words(changed: Mapping[str, list[Any]]) -> str:
    """``buffer 3 -> 5, client_secret new``."""
    return ", ".join(
        f"{name} new" if old == "***" else f"{name} {_short(old)} → {_short(new)}"
        for name, (old, new) in changed.items()
    )


def _short(value: Any) -> str:
    text = "none" if value in (None, "") else str(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
