"""Our own figures on an account beside the marketplace's, how much is left to a limit, and the buffer that rises."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from sqlalchemy import select

from bridge.db.tables import Connection, Work
from bridge.domain.standing import Measure, ScoreLimit, extra, left_to
from bridge.flows import account, attend, listing_view, overview, urgent
from tests.support.demo import DEMO, Demo

pytestmark = pytest.mark.both_databases

LIMITS = [
    {"measure": "cancelled", "limit": "0.3", "days": 30, "source": "tests", "read_on": "2026-11-26"},
    {"measure": "late", "limit": "0.1", "week": True, "source": "tests", "read_on": "2026-11-26"},
]


@pytest.fixture
def world(database_url: str) -> Iterator[Demo]:
    world = Demo(database_url)
    world.market.asynchronous = False
    policies = world.market.manifest.policies
    score = tuple(ScoreLimit.model_validate(item) for item in LIMITS)
    world.market.manifest = world.market.manifest.model_copy(
        update={"policies": policies.model_copy(update={"score": score})}
    )
    world.engine = world.new_engine()
    world.store.add("A", 50)
    world.use("A1")
    world.settle(60, step=60)
    yield world
    world.close()


def counted(world: Demo) -> list[str]:
    world.mark("sweep", "poll.standing", "all", connection=DEMO)
    world.drain()
    with world.db.read(1) as session:
        return [item.text for item in account.standing(session.get_one(Connection, DEMO))]


def test_near_a_limit_it_is_said_and_the_buffer_rises_and_falls_again(world: Demo) -> None:
    world.settings(score_buffer=4, buffer=1, sites=["A1"])
    keys = [world.market.buy(("A", 1)) for _ in range(10)]
    world.clock.advance(330)
    world.settle(30)
    assert (
        counted(world)[0]
        == "Cancelled by our own fault in 30 days: 0 % (0 of 10, at most 30 %); 4 more are over the limit"
    )
    assert (world.market.shown("A")["A1"], world.problems()) == (39, {})
    for key in keys[:2]:
        attend.cancel_order(world.engine, 1, key, "out_of_stock")
    attend.cancel_order(world.engine, 1, keys[2], "buyer_request")  # not the seller's fault
    world.settle(60)
    assert counted(world)[0].endswith("20 % (2 of 10, at most 30 %); 2 more are over the limit")
    assert "2 more are over the limit" in world.problems()["score_near"]
    assert world.market.shown("A")["A1"] == 50 - 10 + 3 - 1 - 2
    with world.db.read(1) as session:
        [row] = listing_view.explain(session, "A")
        assert "and 2 more: Cancelled by our own fault in 30 days: 20 %" in str(row)
        [shown] = [item for item in overview.connections(session, world.clock()) if item["id"] == DEMO]
        assert any("20 % (2 of 10" in item["text"] for item in shown["standing"])
    for key in keys[3:5]:
        attend.cancel_order(world.engine, 1, key, "out_of_stock")
    world.settle(60)
    assert "that is over the limit" in world.problems()["score_near"]
    assert world.market.shown("A")["A1"] == 50 - 10 + 5 - 1 - 4
    world.clock.advance(32 * 86400)
    counted(world)
    world.settle(60)
    assert world.market.shown("A")["A1"] == 50 - 10 + 5 - 1
    assert "Cancelled" not in world.problems().get("score_near", "")


def test_late_shipments_and_missing_tracking_are_counted_from_our_records(world: Demo) -> None:
    on_time, late = world.market.buy(("A", 1)), world.market.buy(("A", 1))
    world.clock.advance(330)
    world.settle(30)
    by_ref = {order.marketplace_ref: key for key, order in world.store.orders.items()}
    world.store.ship(by_ref[f"mem0:{on_time}"], "3S1")
    world.hint_order(by_ref[f"mem0:{on_time}"])
    world.settle(60)
    world.clock.advance(50 * 3600)
    figures = {text.split(":")[0]: text for text in counted(world)}
    assert "50 % (1 of 2" in figures["Shipped late this week"]
    assert "0 % (0 of 1)" in figures["Parcels without tracking in 30 days"]
    assert late


def test_work_near_its_deadline_goes_first(world: Demo) -> None:
    soon, later = world.market.buy(("A", 1)), world.market.buy(("A", 1))
    for key, days in ((soon, 0.5), (later, 5)):
        line = world.market.orders[key].lines[0]
        world.market.alter(
            key, line.external_id, ship_by=line.ship_by + (days - 2) * (line.ship_by - world.clock.now) / 2
        )
    for name in ("find_orders", "create_order"):
        world.store.faults.before[name] = [RuntimeError("not now")] * 4
    world.clock.advance(330)
    world.settle(30)
    with world.db.write(1) as session:
        urgent.raise_priority(session, world.clock())
    with world.db.read(1) as session:
        rows = {row.key: row.priority for row in session.scalars(select(Work).where(Work.kind == "orders.create"))}
    assert sorted(rows.values()) == [0, 1]
    page = world.browser().get("orders?show=urgent").text
    assert 0 < page.index(soon) < page.index(later)
    assert "in 11 hours" in page or "in 12 hours" in page


@pytest.mark.parametrize(
    ("bad", "of", "least", "left"), [(0, 100, 1, 3), (2, 100, 1, 1), (3, 100, 1, 0), (0, 20, 3, 3), (0, 0, 1, None), (1, 9, 1, None), (1, 10, 1, 0)]
)  # fmt: skip
def test_how_many_more_pass_a_limit_of_two_percent(bad: int, of: int, least: int, left: int | None) -> None:
    assert left_to(Decimal("0.02"), least, bad, of) == left


def test_the_extra_buffer_stays_within_what_was_allowed() -> None:
    assert [extra(5, left) for left in (None, 3, 2, 1, 0)] == [0, 0, 3, 5, 5]
    assert extra(0, 0) == 0


def test_a_week_begins_on_monday_by_the_clock_of_the_country() -> None:
    rule = ScoreLimit(measure=Measure.LATE, limit=Decimal("0.1"), week=True, source="x", read_on=date(2026, 11, 26))
    late_sunday = datetime(2026, 11, 29, 23, 30, tzinfo=UTC)  # Monday already in Amsterdam
    assert rule.begins(late_sunday, "NL") == datetime(2026, 11, 29, 23, 0, tzinfo=UTC)
    in_summer = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
    assert rule.begins(in_summer, "NL") == datetime(2026, 6, 28, 22, 0, tzinfo=UTC)
