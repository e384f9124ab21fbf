"""Refunds where the seller pays them through the marketplace, and a no to a buyer who asks to cancel."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from sqlalchemy import select

from bridge.db.tables import Cancellation, RefundRow
from bridge.domain.returns import RefundLine
from bridge.flows import attend
from bridge.ports.errors import AskMerchant
from tests.support.demo import Demo
from tests.support.world import MemoryMarket, World, time_out


@pytest.fixture
def world(database_url: str) -> Iterator[Demo]:
    world = Demo(database_url)
    world.market.asynchronous = False
    world.store.add("A", 9)
    world.settle(60, step=60)
    yield world
    world.close()


def sold_and_shipped(world: World, units: int, price: str = "10.00", sku: str = "A") -> tuple[str, str]:
    """The order's number on the marketplace and in the store."""
    key = world.markets[0].buy((sku, units), price=price)
    world.clock.advance(330)
    world.settle(30)
    [store_id] = world.store.orders
    world.store.ship(store_id, "3S1")
    world.hint_order(store_id)
    world.settle(30)
    return key, store_id


def come_back(world: World, key: str, units: int) -> str:
    back = world.markets[0].announce_return(key, units)
    world.mark("shipments", "returns.pull", "all", connection=2)
    world.drain()
    return back


@pytest.mark.both_databases
def test_returns_are_paid_back_once_each_and_come_to_the_line_total(world: Demo) -> None:
    key, _ = sold_and_shipped(world, 3, price="3.3333")  # 9.9999 in all
    world.market.faults.after["refund"] = [time_out()]
    for units in (1, 1, 1):
        attend.decide_return(world.engine, 1, come_back(world, key, units), "accepted")
        world.settle(90, step=45)
    paid = world.market.refunds
    assert [str(part.amount.amount) for part in paid.values()] == ["3.33", "3.34", "3.33"]
    assert sum(part.amount.amount for part in paid.values()) == Decimal("10.00")
    assert [part.before and part.before.amount for part in paid.values()] == [
        Decimal(0),
        Decimal("3.33"),
        Decimal("6.67"),
    ]
    assert [part.line_id for part in paid.values()] == [f"{key}-0"] * 3
    sent = world.wrote("refund")
    assert (len(sent), len(set(sent))) == (4, 3)  # the one in doubt went out again, under its own reference
    assert world.store.stock("A") == 9
    with world.db.read(1) as session:
        assert {row.state for row in session.scalars(select(RefundRow))} == {"done"}


def test_a_refund_in_the_store_for_what_was_shipped_is_paid_back_and_no_more_than_was_sold(world: Demo) -> None:
    key, store_id = sold_and_shipped(world, 2)
    line = world.store.orders[store_id].lines[0].external_id
    world.store.refund_lines(store_id, [RefundLine(store_line_id=line, quantity=1, restock=False)], "goodwill", "r1")
    for _ in range(2):
        world.hint_order(store_id)
        world.settle(60)
    assert [str(part.amount.amount) for part in world.market.refunds.values()] == ["10.00"]
    attend.decide_return(world.engine, 1, come_back(world, key, 2), "accepted", 1)
    world.settle(60)
    assert [str(part.amount.amount) for part in world.market.refunds.values()] == ["10.00", "10.00"]
    attend.decide_return(world.engine, 1, come_back(world, key, 1), "refused")
    world.settle(60)
    assert len(world.market.refunds) == 2


def test_where_the_marketplace_refunds_by_itself_nothing_is_sent(database_url: str) -> None:
    world = World(database_url, markets=1)
    world.markets[0].asynchronous = False
    world.store.add("A", 9)
    world.settle(60, step=60)
    key, _ = sold_and_shipped(world, 1)
    attend.decide_return(world.engine, 1, come_back(world, key, 1), "accepted")
    world.settle(60)
    with world.db.read(1) as session:
        assert session.scalars(select(RefundRow)).all() == []
    assert world.store.stock("A") == 9
    world.close()


def asked_to_cancel(world: Demo) -> str:
    world.settings(buyer_cancellation="ask")
    key = world.markets[0].buy(("A", 1))
    world.markets[0].alter(key, f"{key}-0", cancellation_requested=True)
    world.clock.advance(330)
    world.settle(30)
    return key


@pytest.mark.both_databases
@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_no_to_the_buyer_is_told_and_the_order_goes_on(world: Demo, asynchronous: bool) -> None:
    key = asked_to_cancel(world)
    assert "cancellation_asked" in world.problems()
    world.market.asynchronous = asynchronous
    world.market.faults.after["refuse_cancellation"] = [time_out()]
    browser, page = world.browser(), f"orders/{world.order().id}"
    assert "Refuse the cancellation" in browser.get(page).text
    assert browser.post(page, "refuse").status_code == 303
    assert "Being answered: no" in browser.get(page).text
    world.settle(90)
    assert len(world.wrote("refuse_cancellation")) == 1
    with world.db.read(1) as session:
        assert [row.state for row in session.scalars(select(Cancellation))] == ["refused"]
    assert (world.problems(), len(world.store.orders)) == ({}, 1)
    with pytest.raises(AskMerchant, match="No buyer asks"):
        attend.refuse_cancellation(world.engine, 1, key)


def test_where_no_answer_is_taken_it_says_what_to_do(world: Demo) -> None:
    world.market.manifest = world.market.manifest.model_copy(
        update={"capabilities": MemoryMarket(world.clock).manifest.capabilities}
    )
    world.engine = world.new_engine()
    key = asked_to_cancel(world)
    with pytest.raises(AskMerchant, match="ship the order"):
        attend.refuse_cancellation(world.engine, 1, key)
    [store_id] = world.store.orders
    world.store.ship(store_id, "3S1")
    world.hint_order(store_id)
    world.settle(60)
    assert world.market.parcels[key]
