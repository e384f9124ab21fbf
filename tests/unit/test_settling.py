"""When repeated marks of a product are served (docs/decisions/0005), on a database, by a clock that is passed in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select

from bridge.db import crypto, migrations, work
from bridge.db.session import Database
from bridge.db.tables import Connection, Shop, Work
from bridge.db.work import Mark

START = datetime(2026, 11, 2, 9, tzinfo=UTC)


class Line:
    """One product of one store: its marks, and the work of serving them."""

    def __init__(self, db: Database) -> None:
        self.db = db
        with db.write(None) as session:
            shop = Shop(public_id="s", name="S", created_at=START)
            session.add(shop)
            session.flush()
            given: dict[str, Any] = {"credentials": {}, "state_since": START, "created_at": START}
            row = Connection(shop_id=shop.id, role="platform", adapter="x", title="X", account="x", **given)
            session.add(row)
            session.flush()
            self.shop, self.store = shop.id, row.id

    def mark(self, at: float) -> float:
        """Mark it ``at`` seconds after the start; when it will be served, in the same seconds."""
        mark = Mark(self.store, "stock", "product.read", "7", settle=True)
        self.db.transact(self.shop, work.mark, self.shop, [mark], _at(at))
        with self.db.read(self.shop) as session:
            return (session.scalars(select(Work.due_at)).one() - START).total_seconds()

    def serve(self, at: float) -> bool:
        """Whether there was something to do."""
        claims = self.db.transact(self.shop, work.claim, "stock", self.store, _at(at), 10)
        self.db.transact(self.shop, work.done, claims, _at(at))
        return bool(claims)


def _at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


@pytest.fixture
def line(database_url: str) -> Iterator[Line]:
    crypto.install(crypto.KeyRing([Fernet.generate_key().decode()]))
    db = Database(database_url)
    migrations.upgrade(db)
    yield Line(db)
    db.close()


def test_the_first_is_served_at_once(line: Line) -> None:
    assert line.mark(0) == 0
    assert line.serve(0)
    assert not line.serve(9)


def test_after_a_quiet_time_again_at_once(line: Line) -> None:
    line.mark(0)
    line.serve(0)
    assert line.mark(5.1) == 5.1


def test_soon_after_it_was_served_it_waits_two_seconds(line: Line) -> None:
    line.mark(0)
    line.serve(0)
    assert line.mark(1) == 3
    assert line.mark(2) == 3
    assert line.mark(2.9) == pytest.approx(3.4)
    assert not line.serve(3.3)
    assert line.serve(3.4)


def test_later_it_waits_until_it_has_come_to_rest(line: Line) -> None:
    line.mark(0)
    line.serve(0)
    assert line.mark(3) == 3.5
    assert line.mark(3.4) == 3.9


def test_never_longer_than_five_seconds(line: Line) -> None:
    line.mark(0)
    line.serve(0)
    due = max(line.mark(2.5 + 0.4 * turn) for turn in range(20))
    assert due <= 2.5 + 5


def test_a_burst_of_ten_a_second_costs_few_servings(line: Line) -> None:
    served = 0
    for tick in range(100):
        line.mark(tick / 10)
        served += line.serve(tick / 10 + 0.01)
    served += line.serve(15)
    assert 2 <= served <= 4
