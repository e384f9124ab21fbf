"""What was sold today and in the last seven days: by the store's days, exactly, in each currency by itself, and as the
lists show it that the numbers lead to."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event, select

from bridge.db import queue
from bridge.db.records import close_problem, open_problem
from bridge.db.tables import Order, OrderLine, Shop, StockSent
from bridge.domain.money import Money
from bridge.flows import activity, figures, order_view, overview
from bridge.flows.figures import Both, Figures
from tests.support.world import World

pytestmark = pytest.mark.both_databases

# Half past midnight in Auckland: yesterday's afternoon in UTC, and summer time there.
NOW = datetime(2026, 11, 24, 11, 30, tzinfo=UTC)
ZONE = ZoneInfo("Pacific/Auckland")
_numbers = itertools.count()


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    world = World(database_url, markets=2)
    world.clock.now = NOW
    yield world
    world.close()


def sold(world: World, at: datetime, *lines: tuple[str, int, int], on: int = 2, shop: int = 1, **values: Any) -> None:
    """An order of lines: total, units, cancelled units."""
    number = f"o{next(_numbers)}"
    with world.db.write(shop) as session:
        order = Order(
            connection_id=on,
            external_id=number,
            ref=number,
            buyer={},
            raw={},
            placed_at=at,
            imported_at=at,
            **{"currency": "EUR", "total": "0", **values},
        )
        session.add(order)
        session.flush()
        for place, (total, units, cancelled) in enumerate(lines):
            session.add(
                OrderLine(
                    order_id=order.id,
                    external_id=str(place),
                    quantity=units,
                    cancelled=cancelled,
                    unit_price=total,
                    total=total,
                )
            )


def counted(world: World) -> tuple[Both, dict[int, Both]]:
    with world.db.read(1) as session:
        return figures.counted(session, NOW, ZONE)


def money(found: Figures) -> list[str]:
    return [item.text() for item in found.sales]


def test_days_are_the_stores_own(world: World) -> None:
    midnight = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)
    first = midnight - timedelta(days=6)
    sold(world, midnight, ("1.00", 1, 0))
    sold(world, midnight - timedelta(seconds=1), ("2.00", 1, 0))
    sold(world, first, ("4.00", 1, 0))
    sold(world, first - timedelta(seconds=1), ("8.00", 1, 0))
    everything, _ = counted(world)
    assert (everything.today.orders, money(everything.today)) == (1, ["1.00 EUR"])
    assert (everything.week.orders, money(everything.week)) == (3, ["7.00 EUR"])


def test_a_week_over_the_end_of_summer_time_begins_at_midnight() -> None:
    after = datetime(2026, 10, 28, 12, 0, tzinfo=UTC)
    assert figures.begin("week", after, ZoneInfo("Europe/Berlin")) == datetime(2026, 10, 21, 22, 0, tzinfo=UTC)


def test_money_is_exact_and_each_currency_stands_by_itself(world: World) -> None:
    for _ in range(30):
        sold(world, NOW, ("0.10", 1, 0), ("0.20", 2, 0))
    sold(world, NOW, ("100.00", 3, 1), on=3, currency="PLN")
    sold(world, NOW, ("9007199254740993.01", 1, 0), on=3)
    sold(world, NOW, ("50.00", 2, 2), on=3, currency="CZK")
    everything, single = counted(world)
    assert everything.today.sales == [
        Money(amount=Decimal("9007199254741002.01"), currency="EUR"),
        Money(amount=Decimal("66.67"), currency="PLN"),
    ]
    assert money(single[2].today) == ["9.00 EUR"]
    assert (single[2].week.units, single[3].week.units, everything.week.units) == (90, 3, 93)
    assert (single[2].week.cancelled, single[3].week.cancelled, everything.week.cancelled) == (0, 2, 2)


def test_every_number_is_as_long_as_its_list(world: World) -> None:
    old = NOW - timedelta(days=2)
    long_ago = NOW - timedelta(days=20)
    past, coming = NOW - timedelta(hours=1), NOW + timedelta(hours=1)
    for at in (NOW, old, long_ago):
        for number in (2, 3):
            sold(world, at, ("5.00", 2, 1), on=number)
            sold(world, at, on=number, store_state="held")
            sold(world, at, on=number, store_state="failed", ship_by=past)
            sold(world, at, on=number, store_state="unknown", ship_by=coming)
            sold(world, at, on=number, ship_by=past, shipped_at=past + timedelta(seconds=1), closed_at=NOW)
            sold(world, at, on=number, ship_by=past, shipped_at=past, closed_at=NOW)
            sold(world, at, on=number, ship_by=past, closed_at=past)  # cancelled, and never to be shipped
    sold(world, NOW, ("1.00", 1, 0))
    everything, single = counted(world)
    with world.db.read(1) as session:
        for on, both in ((None, everything), *single.items()):
            for since in figures.DAYS:
                place = [order_view.Order.placed_at >= figures.begin(since, NOW, ZONE)]
                place += [order_view.Order.connection_id == on] if on else []
                listed = {
                    name: len(order_view.orders(session, 100, only=[*place, figures.which(name, NOW)]))
                    for name in figures.WHICH
                }
                found = getattr(both, since)
                assert listed == {name: getattr(found, name) for name in figures.WHICH}
                assert found.orders == len(order_view.orders(session, 100, only=place))
    assert {name: getattr(everything.week, name) for name in figures.WHICH} == {"cancelled": 4, "failed": 8, "late": 8}
    assert {name: getattr(single[2].today, name) for name in figures.WHICH} == {"cancelled": 1, "failed": 2, "late": 2}


def test_problems_that_were_solved_are_counted_by_when(world: World) -> None:
    with world.db.write(1) as session:
        for subject, at, on in (("a", NOW, 2), ("b", NOW - timedelta(days=3), 2), ("c", NOW, None), ("d", None, 3)):
            open_problem(session, NOW - timedelta(days=9), "drift", subject, "x", "y", connection_id=on)
            if at is not None:
                close_problem(session, at, "drift", subject)
    everything, single = counted(world)
    assert (everything.today.solved, everything.week.solved) == (2, 3)
    assert (single[2].today.solved, single[2].week.solved) == (1, 2)
    assert 3 not in single
    with world.db.read(1) as session:
        only = [overview.Problem.closed_at >= figures.begin("week", NOW, ZONE)]
        assert len(overview.problems(session, include_closed=True, only=only)) == 3


@pytest.mark.parametrize("later", [False, True])
def test_stock_that_was_accepted_is_counted_and_listed(world: World, later: bool) -> None:
    """Told at once, and accepted first and followed."""
    world.store.add("A", 5)
    world.store.add("B", 5)
    world.settle(60)
    for market in world.markets:
        market.stock_later = later
    for units in (4, 3, 2):
        world.store.set("A", units)
        world.store.change("A", price=Money.of(f"1{units}.00", "EUR"))
        world.settle(300)
    everything, single = counted(world)
    assert (everything.today.sent, everything.week.sent) == (6, 6)
    assert (single[2].today.sent, single[3].week.sent) == (3, 3)
    with world.db.read(1) as session:
        found = activity.activity(session, only=[figures.accepted_stock()])
    assert sorted(entry["text"] for entry in found) == sorted(
        f"stock {units} acknowledged by {name}" for units in (4, 3, 2) for name in ("Market 0", "Market 1")
    )


def test_stock_is_counted_by_the_stores_own_days(world: World) -> None:
    first = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)  # midnight
    moments = (first, first - timedelta(seconds=1), first - timedelta(days=6), first - timedelta(days=6, seconds=1))
    for number, at in enumerate(moments):
        world.db.transact(1, queue.count_stock, 2, 10**number, at)
    everything, _ = counted(world)
    assert (everything.today.sent, everything.week.sent) == (1, 111)


def test_whoever_counts_at_the_same_time_is_counted(world: World) -> None:
    def many() -> None:
        for _ in range(20):
            world.db.transact(1, queue.count_stock, 2, 3, NOW)

    threads = [threading.Thread(target=many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counted(world)[1][2].today.sent == 240


def test_counts_are_kept_for_ninety_days(world: World) -> None:
    for days in (89, 91):
        world.db.transact(1, queue.count_stock, 2, 1, NOW - timedelta(days=days))
    world.mark("sweep", "poll.retention", "all")
    world.drain()
    with world.db.read(1) as session:
        assert list(session.scalars(select(StockSent.quarter))) == [NOW - timedelta(days=89)]


def test_it_costs_four_statements_and_nothing_of_another_shop(world: World) -> None:
    with world.db.write(None) as session:
        session.add(Shop(public_id="other", name="Other", created_at=NOW, settings={}))
    for _ in range(20):
        sold(world, NOW, ("1.00", 1, 0), ("2.00", 2, 1))
    seen: list[str] = []

    def count(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            seen.append(statement)

    event.listen(world.db.engine, "before_cursor_execute", count)
    try:
        with world.db.read(2) as session:
            everything, single = figures.counted(session, NOW, ZONE)
        assert len(seen) == 4
        assert everything == Both()
        assert single == {}
        counted(world)
        assert len(seen) == 8
    finally:
        event.remove(world.db.engine, "before_cursor_execute", count)
