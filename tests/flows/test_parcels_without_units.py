"""A marketplace that keeps the numbers of parcels and not what is in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from sqlalchemy import select

from bridge.db.tables import ParcelRow
from bridge.domain.order import MarketplaceOrder, Parcel
from bridge.ports.channel import ItemResult, Outcome
from tests.support.demo import DemoMarket
from tests.support.world import World


@dataclass
class Wordless(DemoMarket):
    """``left``: open units of the order as it was given with each parcel."""

    asynchronous: bool = False
    left: list[int] = field(default_factory=list)

    def confirm_shipment(self, order: MarketplaceOrder, parcel: Parcel) -> ItemResult:
        self._write("confirm_shipment", order.external_id, parcel)
        self.left.append(order.lines[0].open)
        self.parcels.setdefault(order.external_id, []).append(parcel)
        if order.lines[0].open == parcel.lines[0].quantity:
            self.alter(order.external_id, order.lines[0].external_id, shipped=order.lines[0].quantity)
        return ItemResult(key=parcel.reference, outcome=Outcome.APPLIED)


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    world = World(database_url, markets=1, market=Wordless)
    world.store.add("A", 9)
    world.settle(60, step=60)
    yield world
    world.close()


def test_what_was_confirmed_is_counted_where_the_marketplace_does_not_count(world: World) -> None:
    market = world.markets[0]
    assert isinstance(market, Wordless)
    key = market.buy(("A", 5))
    world.clock.advance(330)
    world.settle(30)
    store_id = next(iter(world.store.orders))
    line = world.store.orders[store_id].lines[0].external_id
    for number, units in (("3S1", 3), ("3S2", 2)):
        world.store.ship(store_id, number, {line: units})
        world.hint_order(store_id)
        world.settle(60, step=20)
    assert [(parcel.tracking, parcel.lines[0].quantity) for parcel in market.parcels[key]] == [("3S1", 3), ("3S2", 2)]
    assert (market.left, market.orders[key].lines[0].open) == ([5, 2], 0)
    with world.db.read(1) as session:
        assert {row.state for row in session.scalars(select(ParcelRow))} == {"confirmed"}


def test_a_parcel_that_names_nothing_holds_what_the_others_leave(world: World) -> None:
    """In whichever order the store tells them."""
    key = world.markets[0].buy(("A", 5))
    world.clock.advance(330)
    world.settle(30)
    store_id = next(iter(world.store.orders))
    line = world.store.orders[store_id].lines[0].external_id
    world.store.ship(store_id, "3S0", complete=False)
    world.store.ship(store_id, "3S1", {line: 3})
    world.hint_order(store_id)
    world.settle(60, step=20)
    told = {parcel.tracking: parcel.lines[0].quantity for parcel in world.markets[0].parcels[key]}
    assert told == {"3S0": 2, "3S1": 3}
