"""A marketplace that wants to know when its order is in the store, and one that wants time between two steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from sqlalchemy import select

from bridge.db.tables import ParcelRow, Problem
from bridge.domain.order import MarketplaceOrder, Parcel
from bridge.flows import attend
from bridge.ports.channel import ItemResult, Outcome
from bridge.ports.manifest import Manifest
from tests.support.demo import DemoMarket, demo_manifest
from tests.support.world import Died, World, time_out


@dataclass
class Curious(DemoMarket):
    """``known``: its orders by the number they have in the store."""

    manifest: Manifest = field(default_factory=lambda: demo_manifest().model_copy(update={"acknowledge": True}))
    asynchronous: bool = False
    known: dict[str, str] = field(default_factory=dict)
    refuses: bool = False
    busy: int = 0
    pause: timedelta = timedelta(0)
    tracked: set[str] = field(default_factory=set)

    def acknowledge_order(self, order: MarketplaceOrder, store_number: str) -> ItemResult | None:
        self._write("acknowledge_order", order.external_id, store_number)
        if self.busy:
            self.busy -= 1
            return ItemResult(key=order.external_id, outcome=Outcome.RETRY, message="busy", after=timedelta(seconds=40))
        if self.refuses:
            return ItemResult(key=order.external_id, outcome=Outcome.REJECTED, message="not yours")
        self.known[order.external_id] = store_number
        self.faults.check_after("acknowledge_order")
        return ItemResult(key=order.external_id, outcome=Outcome.APPLIED)

    def confirm_shipment(self, order: MarketplaceOrder, parcel: Parcel) -> ItemResult:
        if self.pause and parcel.reference not in self.tracked:
            self.tracked.add(parcel.reference)
            return ItemResult(key=parcel.reference, outcome=Outcome.RETRY, message="first", after=self.pause)
        return super().confirm_shipment(order, parcel)


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    world = World(database_url, markets=1, market=Curious)
    world.store.add("A", 9)
    world.settle(60, step=60)
    yield world
    world.close()


def market(world: World) -> Curious:
    found = world.markets[0]
    assert isinstance(found, Curious)
    return found


def problems(world: World) -> list[str]:
    with world.db.read(1) as session:
        return list(session.scalars(select(Problem.kind).where(Problem.closed_at.is_(None))))


def sold(world: World) -> str:
    key = market(world).buy(("A", 1))
    world.clock.advance(330)
    world.settle(30)
    return key


def test_it_is_told_once_the_store_has_the_order(world: World) -> None:
    key = sold(world)
    assert market(world).known == {key: next(iter(world.store.orders))}
    world.settle(900, step=300)
    assert [name for name, _, _ in market(world).writes].count("acknowledge_order") == 1


def test_an_answer_that_was_lost_is_asked_for_again_and_one_that_wants_time_gets_it(world: World) -> None:
    market(world).faults.before["acknowledge_order"] = [time_out()]
    market(world).busy = 1
    key = sold(world)  # the first try is lost, the second is told to wait
    assert market(world).known == {}
    world.clock.advance(20)
    world.drain()
    assert market(world).known == {}
    world.clock.advance(30)
    world.drain()
    assert (list(market(world).known), problems(world)) == ([key], [])


@pytest.mark.parametrize("point", ["before", "after"])
def test_a_worker_that_dies_over_it_leaves_it_to_another(world: World, point: str) -> None:
    getattr(market(world).faults, point)["acknowledge_order"] = [Died()]
    key = market(world).buy(("A", 1))
    world.clock.advance(330)
    with pytest.raises(Died):
        world.settle(30)
    world.clock.advance(60)
    world.settle(60, step=30)
    assert market(world).known == {key: next(iter(world.store.orders))}
    assert world.store.creates == 1
    assert problems(world) == []


def test_a_refusal_is_said_and_can_be_tried_again(world: World) -> None:
    market(world).refuses = True
    key = sold(world)
    assert problems(world) == ["acknowledgement_refused"]
    market(world).refuses = False
    with world.db.read(1) as session:
        number = session.scalars(select(Problem.id).where(Problem.closed_at.is_(None))).one()
    attend.retry(world.engine, 1, number)
    world.settle(60)
    assert (list(market(world).known), problems(world)) == ([key], [])


def test_time_between_two_steps_of_a_shipment_holds_no_worker(world: World) -> None:
    market(world).pause = timedelta(seconds=50)
    key = sold(world)
    store_id = next(iter(world.store.orders))
    world.store.ship(store_id, "3S1")
    world.hint_order(store_id)
    world.drain()
    world.clock.advance(45)
    world.drain()
    assert market(world).parcels == {}
    world.clock.advance(10)
    world.drain()
    assert [parcel.tracking for parcel in market(world).parcels[key]] == ["3S1"]
    with world.db.read(1) as session:
        assert [row.state for row in session.scalars(select(ParcelRow))] == ["confirmed"]
