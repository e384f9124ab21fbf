"""Replaying by hand: what is meant is found or asked for, and nothing happens twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from bridge.db import work
from bridge.db.tables import Connection, Delivery, Order, ParcelRow, Work
from bridge.flows.replay import Replayed, replay
from bridge.ports.errors import AskMerchant, RejectItem
from tests.support.world import World


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    world = World(database_url, markets=2)
    yield world
    world.close()


def _again(world: World, reference: str, channel: str | None = None) -> Replayed:
    return replay(world.engine, 1, reference, channel)


def _one(world: World, table: Any) -> Any:
    with world.db.read(1) as session:
        return session.scalars(select(table)).one()


def _deliver(world: World, topic: str, external_id: str) -> str:
    now = world.clock()
    with world.db.write(1) as session:
        row = Delivery(
            connection_id=1,
            topic=topic,
            external_id=external_id,
            body_hash="h",
            body={},
            received_at=now,
            last_seen_at=now,
        )
        session.add(row)
        session.flush()
        return str(row.id)


def test_a_delivery_has_its_product_read_again(world: World) -> None:
    world.store.add("A", 5)
    world.settle(120, step=60)
    world.store.change("A", stock=world.store.by_sku("A").stock.model_copy(update={"on_hand": 2}))
    number = _deliver(world, "product.updated", "1")
    done = _again(world, f"delivery:{number}")
    assert done.what.startswith(f"delivery {number}, product.updated, received 2026-11-23")
    assert "stock" in world.rung
    world.drain()
    assert world.markets[0].stock("A") == 2


@pytest.mark.both_databases
def test_a_delivery_about_an_order_has_that_order_read_again(world: World) -> None:
    number = _deliver(world, "order.updated", "o7")
    assert _again(world, number).done == ("order o7 is read from the store again",)
    with world.db.read(1) as session:
        kinds = session.scalars(select(Work.kind).where(Work.key == "o7")).all()
    assert kinds == ["store_order.read"]


def _order(world: World, stock: int = 5) -> str:
    world.store.add("A", stock)
    world.settle(60)
    key = world.markets[0].buy(("A", 1))
    world.settle(360, step=60)
    return key


def test_an_order_that_is_done_stays_as_it_is(world: World) -> None:
    key = _order(world)
    before = dict(world.store.orders)
    done = _again(world, key)
    assert "read from the marketplace again" in done.done[0]
    world.settle(300, step=60)
    assert world.store.orders == before
    assert world.store.stock("A") == 4


def test_an_order_is_found_by_each_of_its_names(world: World) -> None:
    key = _order(world)
    row = _one(world, Order)
    for name in (key, f"mem0:{key}", f"order:{key}", f"order:mem0:{key}", row.store_number):
        assert _again(world, name).what == f"order mem0:{key}, created in the store"


def test_a_parked_order_goes_on(world: World) -> None:
    world.store.faults.before["create_order"] = [RejectItem("The store refuses it.")]
    key = _order(world)
    assert world.store.orders == {}
    world.settle(600, step=60)
    assert world.store.orders == {}
    assert "looked up in the store, and created when it is not there" in _again(world, key).done
    world.settle(60)
    assert len(world.store.orders) == 1


@pytest.mark.both_databases
def test_a_refused_shipment_gets_a_new_chance(world: World) -> None:
    key = _order(world)
    row = _one(world, Order)
    world.store.ship(row.store_order_id, "3S1")
    world.markets[0].faults.before["confirm_shipment"] = [RejectItem("The carrier is not known.")]
    world.hint_order(row.store_order_id)
    world.settle(60)
    with world.db.write(1) as session:
        session.scalars(select(ParcelRow)).one().state = "failed"
    assert world.markets[0].parcels == {}
    assert any("parcel 3S1 confirmed" in text for text in _again(world, key).done)
    world.settle(120, step=60)
    assert [parcel.tracking for parcel in world.markets[0].parcels[key]] == ["3S1"]


@pytest.mark.both_databases
def test_an_order_never_seen_is_imported_when_its_marketplace_is_named(world: World) -> None:
    world.store.add("A", 5)
    world.settle(60)
    key = world.markets[1].buy(("A", 1), key="old-1")
    with pytest.raises(AskMerchant, match="--channel"):
        _again(world, key)
    with pytest.raises(AskMerchant, match="no single marketplace account; there are: mem0, mem1"):
        _again(world, key, "amazon")
    assert "imported when it exists there" in _again(world, key, "mem1").done[0]
    world.drain()
    assert _one(world, Order).ref == "mem1:old-1"


def test_what_may_mean_two_things_is_asked_for(world: World) -> None:
    world.store.add("A", 5)
    world.settle(60)
    number = _deliver(world, "product.updated", "1")
    for market in world.markets:
        market.buy(("A", 1), key=number)
    world.settle(360, step=60)
    with pytest.raises(AskMerchant, match=f"order:mem0:{number} or order:mem1:{number} or delivery:{number}"):
        _again(world, number)
    assert _again(world, f"order:{number}", "mem1").what.startswith(f"order mem1:{number}")


@pytest.mark.parametrize("reference", ["", "delivery:", "order:", "delivery:x", "nonsense", "9" * 40])
def test_what_means_nothing_is_refused(world: World, reference: str) -> None:
    with pytest.raises(AskMerchant) as caught:
        _again(world, reference)
    assert caught.value.field == "reference"


def test_replay_does_not_wake_a_paused_connection(world: World) -> None:
    key = _order(world)
    with world.db.write(1) as session:
        session.get_one(Connection, 2).state = "paused"
    _again(world, key)
    with world.db.read(None) as session:
        scopes = work.pending_scopes(session, "orders", world.clock())
    assert (1, 2, "orders") not in scopes
