"""Names and addresses of buyers go when a marketplace's own period is over, and the orders still add up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select

from bridge.db.tables import Connection, Journal, Order, Work
from bridge.flows import forgetting, pushed
from bridge.ports.channel import PushHint
from bridge.ports.manifest import Policies
from tests.support.world import RETURNS, Clock, MemoryMarket, World

pytestmark = pytest.mark.both_databases

STRICT = Policies.model_validate({**RETURNS.model_dump(), "personal_data_days": 30})


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    """Two marketplaces: the first lets buyers be kept for 30 days, the second says nothing. An order of each that is
    shipped, and one of the first that is not."""
    policies = iter((STRICT, RETURNS))

    def market(clock: Clock) -> MemoryMarket:
        made = MemoryMarket(clock)
        made.manifest = made.manifest.model_copy(update={"policies": next(policies)})
        return made

    world = World(database_url, market=market)
    world.store.add("A", 50)
    world.settle(120)
    for number in (0, 1):
        world.markets[number].buy(("A", 1))
        world.settle(400, step=100)
        order = list(world.store.orders)[-1]
        world.store.ship(order, f"3S{number}")
        world.hint_order(order)
        world.settle(400, step=100)
    world.markets[0].buy(("A", 1))
    world.settle(400, step=100)
    yield world
    world.close()


def orders(world: World) -> list[Order]:
    with world.db.read(1) as session:
        return list(session.scalars(select(Order).order_by(Order.id)))


def known(world: World) -> list[bool]:
    """Of each order, whether something is held about its buyer."""
    return [bool(order.buyer.get("ship_to")) and bool(order.raw is not None) for order in orders(world)]


def test_each_marketplaces_own_period_counts_from_when_the_order_was_closed(world: World) -> None:
    assert [order.closed_at is not None for order in orders(world)] == [True, True, False]
    world.clock.advance(29 * 86400)
    assert forgetting.forget(world.engine, 1) == 0
    world.clock.advance(2 * 86400)
    assert forgetting.forget(world.engine, 1) == 1
    assert known(world) == [False, True, True]
    world.clock.advance(180 * 86400)
    assert forgetting.forget(world.engine, 1) == 1
    assert known(world) == [False, False, True]
    assert forgetting.forget(world.engine, 1) == 0


def test_the_bridges_own_period_is_the_longest(world: World) -> None:
    world.engine.buyers_kept = timedelta(days=10)
    world.clock.advance(11 * 86400)
    assert forgetting.forget(world.engine, 1) == 2


def test_the_daily_clearing_does_it_and_leaves_a_report_and_the_money(world: World) -> None:
    before = [(order.total, order.channel_state, order.store_order_id) for order in orders(world)]
    world.clock.advance(31 * 86400)
    world.settle(300, step=100)
    assert known(world) == [False, True, True]
    assert [(order.total, order.channel_state, order.store_order_id) for order in orders(world)] == before
    with world.db.read(1) as session:
        [line] = session.scalars(select(Journal).where(Journal.kind == "privacy")).all()
    assert "buyers of 1 orders of Market 0 is erased (30 days)" in line.text


def test_reading_the_order_again_brings_nothing_back(world: World) -> None:
    world.clock.advance(31 * 86400)
    forgetting.forget(world.engine, 1)
    world.settle(4000, step=1000)
    assert known(world) == [False, True, True]


def test_a_buyer_who_asked_the_marketplace_is_forgotten_at_once(world: World) -> None:
    """But for the order that is under way, whose parcel needs an address."""
    first, second, open_one = orders(world)
    asked = [first.external_id, open_one.external_id, "nobody's"]
    world.markets[0].forgotten_orders = lambda: asked  # type: ignore[attr-defined]
    assert (ask(world, first.connection_id), ask(world, second.connection_id)) == (1, 0)
    assert known(world) == [False, True, True]
    with world.db.read(1) as session:
        [told] = session.scalars(select(Journal).where(Journal.kind == "privacy")).all()
    assert told.text.endswith("is erased, as they asked there")
    world.store.ship(str(open_one.store_order_id), "3S9")
    world.hint_order(str(open_one.store_order_id))
    world.settle(400, step=100)
    assert (ask(world, first.connection_id), ask(world, first.connection_id)) == (1, 0)
    assert known(world) == [False, True, False]


def ask(world: World, connection_id: int) -> int:
    with world.db.read(1) as session:
        row = session.get_one(Connection, connection_id)
    return forgetting.as_asked(world.engine, row)


def test_a_buyer_who_has_closed_the_account_is_forgotten(world: World) -> None:
    """Told once, by a message; an order that is under way is seen to when it is closed."""
    world.markets[0].buyers_in = lambda raw: ["ada"]  # type: ignore[attr-defined]
    with world.db.write(1) as session:
        row = session.get_one(Connection, orders(world)[0].connection_id)
        hints = [PushHint(kind="buyer", key=name) for name in ("ada", "nobody")]
        pushed._mark(session, row, hints, world.engine)
    world.settle(400, step=100)
    assert known(world) == [True, True, True]
    world.clock.advance(6 * 3600)
    world.settle(400, step=100)
    assert known(world) == [False, True, True]
    open_one = orders(world)[2]
    world.store.ship(str(open_one.store_order_id), "3S9")
    world.hint_order(str(open_one.store_order_id))
    world.settle(400, step=100)
    world.clock.advance(86400)
    world.settle(400, step=100)
    assert known(world) == [False, True, False]
    with world.db.read(1) as session:
        assert session.scalars(select(Work.key).where(Work.kind == forgetting.KIND)).all() == []
