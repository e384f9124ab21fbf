"""Leases are kept while a call takes its time, and no longer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select

from bridge.db import crypto, work
from bridge.db.session import Database
from bridge.db.tables import Connection, Shop, Work
from bridge.flows import holding
from bridge.flows.holding import held

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)


class Desk:
    """A database with one claimed work, by a clock of its own; all that holding a lease needs of an engine."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.now = NOW
        self.engine: Any = SimpleNamespace(db=db, clock=lambda: self.now)
        with db.write(None) as session:
            session.add(Shop(id=1, public_id="s", name="S", created_at=NOW))
            session.flush()
            given: dict[str, Any] = {"credentials": {}, "state_since": NOW, "created_at": NOW}
            session.add(Connection(id=1, shop_id=1, role="platform", adapter="x", title="X", account="x", **given))
        db.transact(1, work.mark, 1, [work.Mark(1, "stock", "product.read", "7")], NOW)
        self.claims = db.transact(1, work.claim, "stock", 1, NOW, 1)

    def until(self) -> datetime | None:
        with self.db.read(1) as session:
            return session.scalars(select(Work.leased_until)).one()


@pytest.fixture
def desk(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    crypto.install(crypto.KeyRing([Fernet.generate_key().decode()]))
    monkeypatch.setattr(holding, "EVERY", 0.02)
    db = Database(database_url)
    yield Desk(db)
    db.close()


def eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 10
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.01)
    return holds()


def test_a_lease_is_renewed_for_as_long_as_the_call_takes(desk: Desk) -> None:
    with held(desk.engine, 1, desk.claims):
        for seconds in (20, 40, 60):
            desk.now = NOW + timedelta(seconds=seconds)
            assert eventually(lambda: desk.until() == desk.now + work.LEASE)
    desk.now += timedelta(seconds=20)
    last = desk.until()
    time.sleep(0.2)
    assert desk.until() == last


def test_what_somebody_else_has_taken_over_stays_theirs(desk: Desk) -> None:
    with held(desk.engine, 1, desk.claims):
        taken = desk.db.transact(1, work.claim, "stock", 1, NOW + timedelta(minutes=5), 1)
        theirs = desk.until()
        time.sleep(0.2)
        assert desk.until() == theirs
    assert taken
