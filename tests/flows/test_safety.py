"""The store is away: listings keep, freeze or go to 0 by policy, orders are kept, and coming back begins with a
comparison."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from bridge.db.tables import Order, Poll
from bridge.flows import listing_view, safety
from bridge.flows.watching import Watching
from bridge.ports.errors import AskMerchant, RetryLater
from tests.support.demo import Demo

CALLS = ("fetch_products", "list_products", "list_variants", "list_store_orders", "ensure_webhooks", "find_orders",
         "create_order", "fetch_orders")  # fmt: skip


@pytest.fixture
def world(database_url: str) -> Iterator[Demo]:
    world = Demo(database_url)
    world.market.asynchronous = False
    for sku, units in (("A", 9), ("B", 2), ("C", 5)):
        world.store.add(sku, units)
    world.use("A1")
    world.settle(60, step=60)
    yield world
    world.close()


def down(world: Demo) -> None:
    """The store refuses every call until it is mended."""
    for name in CALLS:
        world.store.faults.before[name] = [RetryLater("The store is down.") for _ in range(500)]


def pass_minutes(world: Demo, minutes: int) -> None:
    watching = Watching(world.engine)
    for _ in range(0, minutes, 5):
        watching.look()
        world.drain()
        world.settle(300, step=300)
    watching.look()
    world.drain()


def shown(world: Demo) -> dict[str, int | None]:
    return {sku: world.market.shown(sku)["A1"] for sku in ("A", "B", "C")}


def stock_writes(world: Demo) -> list[tuple[str, Any]]:
    return [(sku, value) for name, sku, value in world.market.writes if name == "update_stock"]


@pytest.mark.both_databases
def test_listings_go_to_zero_after_a_while_smallest_first_and_orders_are_made_later(world: Demo) -> None:
    world.settings(store_away="zero", store_away_after=20, sites=["A1"])
    down(world)
    key = world.market.buy(("A", 1))
    pass_minutes(world, 12)
    assert shown(world) == {"A": 8, "B": 2, "C": 5}
    assert "listings go to 0 after 20 minutes" in world.problems()["store_away"]
    world.market.writes.clear()
    pass_minutes(world, 15)
    assert shown(world) == {"A": 0, "B": 0, "C": 0}
    assert [sku for sku, _ in stock_writes(world)] == ["B", "C", "A"]
    with world.db.read(1) as session:
        [row] = [item for item in listing_view.explain(session, "B") if item["site"] in ("A1", "DE")]
        assert "the store does not answer since" in str(row)
        assert session.scalars(select(Order.store_state)).one() == "ready"
    assert world.store.orders == {}

    world.store.faults.clear()
    world.store.set("C", 3)
    world.market.writes.clear()
    pass_minutes(world, 10)
    assert shown(world) == {"A": 8, "B": 2, "C": 3}
    assert sorted(stock_writes(world)) == [("A", 8), ("B", 2), ("C", 3)]  # once each, and never what was true before
    assert ([order.marketplace_ref for order in world.store.orders.values()], world.problems()) == ([f"mem0:{key}"], {})


def test_frozen_listings_may_only_fall(world: Demo) -> None:
    world.settings(store_away="freeze", sites=["A1"])
    world.market.buy(("A", 2), key="m1")
    world.clock.advance(330)
    world.settle(60)
    down(world)
    pass_minutes(world, 10)
    world.market.alter("m1", "m1-0", cancelled=2)
    world.market.buy(("B", 1))
    pass_minutes(world, 10)
    assert (shown(world)["A"], shown(world)["B"]) == (7, 1)
    world.store.faults.clear()
    pass_minutes(world, 10)
    assert (shown(world)["A"], shown(world)["B"]) == (9, 1)


def test_by_default_listings_stay_and_it_is_said(world: Demo) -> None:
    down(world)
    pass_minutes(world, 12)
    assert shown(world) == {"A": 9, "B": 2, "C": 5}
    assert "listings stay as they are" in world.problems()["store_away"]
    world.store.faults.clear()
    pass_minutes(world, 5)
    assert "store_away" not in world.problems()


def test_planned_maintenance_holds_for_its_time(world: Demo) -> None:
    world.settings(store_away="zero", store_away_after=0, sites=["A1"])
    safety.plan_maintenance(world.engine, 1, 8, "me")
    pass_minutes(world, 2)
    assert shown(world) == {"A": 0, "B": 0, "C": 0}
    assert "under maintenance" in world.problems()["store_away"]
    pass_minutes(world, 10)
    assert shown(world) == {"A": 9, "B": 2, "C": 5}
    with pytest.raises(AskMerchant, match="at least one minute"):
        safety.plan_maintenance(world.engine, 1, 0, "me")
    safety.plan_maintenance(world.engine, 1, None, "me")
    safety.end_maintenance(world.engine, 1, "me")
    with pytest.raises(AskMerchant, match="No maintenance"):
        safety.end_maintenance(world.engine, 1, "me")


@pytest.mark.both_databases
def test_a_bridge_that_was_off_itself_does_not_take_the_store_for_away(world: Demo) -> None:
    world.settings(store_away="zero", store_away_after=0, sites=["A1"])
    world.clock.advance(86400)
    Watching(world.engine).look()
    world.drain()
    assert shown(world) == {"A": 9, "B": 2, "C": 5}
    with world.db.read(1) as session:
        assert session.scalars(select(Poll).where(Poll.flow == "poll.standing")).first() is not None
