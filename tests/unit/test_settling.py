"""When repeated marks of a product are served (docs/decisions/0005), on a database, by a clock that is passed in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select

from bridge.db import crypto, work
from bridge.db.session import Database
from bridge.db.tables import Connection, Shop, Work
from bridge.db.work import BRISK, Mark, Settle
from bridge.flows.patience import AT_ONCE, FLOODED, MANY, PATIENT, WITHIN, Flood, pace_of

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

    def look(self, at: float) -> None:
        """We look ourselves: somebody asked for everything that has changed, and finds it changed."""
        mark = Mark(self.store, "stock", "product.read", "7", priority=work.LOOKED_FOR)
        self.db.transact(self.shop, work.mark, self.shop, [mark], _at(at))

    def mark(self, at: float, pace: Settle = BRISK) -> float:
        """Mark it ``at`` seconds after the start; when it will be served, in the same seconds."""
        mark = Mark(self.store, "stock", "product.read", "7", settle=True, pace=pace)
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
    yield Line(db)
    db.close()


def test_a_look_of_our_own_holds_up_no_event(line: Line) -> None:
    line.mark(0)
    assert line.serve(0)
    line.look(60)
    assert line.serve(60)
    assert line.mark(61) == 61, "nobody has told of it for a minute"
    assert line.serve(61)
    assert line.mark(62) == 64, "now somebody has, a second ago"


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


def test_what_is_sold_out_never_waits(line: Line) -> None:
    line.mark(0, PATIENT)
    line.serve(0)
    assert line.mark(0.5, PATIENT) == 2.5
    assert line.mark(0.7, AT_ONCE) == pytest.approx(0.7)
    assert line.mark(0.8, PATIENT) == pytest.approx(0.7), "what is due stays due"
    assert line.serve(0.8)
    assert line.mark(0.9, AT_ONCE) == pytest.approx(0.9)


def test_plenty_waits_longer_and_not_for_ever(line: Line) -> None:
    assert line.mark(0, PATIENT) == 0
    line.serve(0)
    assert line.mark(2.5, PATIENT) == 3.5
    due = max(line.mark(2.5 + 0.7 * turn, PATIENT) for turn in range(1, 14))
    assert 10 < due <= 2.5 + 10


def test_few_left_shorten_what_waits(line: Line) -> None:
    line.mark(0, FLOODED)
    for turn in range(1, 8):
        line.mark(turn, FLOODED)
    assert line.mark(7.1, BRISK) == pytest.approx(7.6)


def test_in_a_flood_not_even_the_first_is_served_at_once(line: Line) -> None:
    assert line.mark(0, FLOODED) == 2.5
    assert line.mark(2, FLOODED) == 4.5
    assert max(line.mark(2 + turn, FLOODED) for turn in range(1, 19)) <= 20
    assert line.serve(20)
    assert line.mark(100, FLOODED) == 102.5


@pytest.mark.parametrize(
    ("units", "kept_back", "flooded", "expected"),
    [
        (None, 0, True, BRISK),
        (0, 0, True, AT_ONCE),
        (5, 5, False, AT_ONCE),
        (15, 5, True, BRISK),
        (16, 5, False, PATIENT),
        (11, 0, True, FLOODED),
    ],
)
def test_the_fewer_are_left_the_sooner(units: int | None, kept_back: int, flooded: bool, expected: Settle) -> None:
    assert pace_of(units, kept_back, flooded=flooded) is expected


def test_a_flood_is_many_within_a_short_time_in_one_store() -> None:
    now = [0.0]
    flood = Flood(lambda: now[0])
    assert not any(flood.rises(1) for _ in range(MANY - 1))
    assert not flood.rises(2)
    assert flood.rises(1)
    now[0] = WITHIN
    assert not flood.rises(1)


def test_twenty_a_second_are_no_flood() -> None:
    now = [0.0]
    flood = Flood(lambda: now[0])
    for tick in range(400):
        now[0] = tick / 20
        assert not flood.rises(1)


def test_what_is_marked_anew_while_it_is_done_waits_behind_what_waits_already(line: Line) -> None:
    """A poll that takes longer than its interval would hold up every other one of its store for ever."""
    polls = [Mark(line.store, "sweep", kind, "all", priority=6) for kind in ("poll.products", "poll.store_orders")]
    line.db.transact(line.shop, work.mark, line.shop, polls, _at(0))
    served = []
    for at in (0, 2, 4):
        [claim] = line.db.transact(line.shop, work.claim, "sweep", line.store, _at(at), 10)
        served.append(claim.kind)
        line.db.transact(line.shop, work.mark, line.shop, polls, _at(at + 1))
        line.db.transact(line.shop, work.done, [claim], _at(at + 2))
    assert served == ["poll.products", "poll.store_orders", "poll.products"]


def test_what_is_to_come_to_rest_does_so_also_when_it_was_marked_while_it_was_done(line: Line) -> None:
    line.mark(0)
    claims = line.db.transact(line.shop, work.claim, "stock", line.store, _at(0), 10)
    due = line.mark(1)
    line.db.transact(line.shop, work.done, claims, _at(1))
    assert due > 1
    assert [line.serve(due - 0.1), line.serve(due)] == [False, True]
