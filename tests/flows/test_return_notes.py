"""A return that is announced on a marketplace is told in the store's order, once, before it is decided."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridge.ports.errors import UnknownOutcome
from tests.support.world import World


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    world = World(database_url, markets=1)
    yield world
    world.close()


def sold(world: World) -> tuple[str, str]:
    """A marketplace order that has left the store, and the store's number of it."""
    world.store.add("A", 9)
    world.settle(60, step=60)
    key = world.markets[0].buy(("A", 2))
    world.settle(400)
    [order] = world.store.orders.values()
    world.store.ship(order.external_id, "3S1")
    world.hint_order(order.external_id)
    world.settle(600)
    return key, order.external_id


@pytest.mark.parametrize("fault", ["", "before", "after"])
def test_it_is_told_once(world: World, fault: str) -> None:
    key, number = sold(world)
    if fault:
        getattr(world.store.faults, fault)["add_note"] = [UnknownOutcome("Nobody knows.")]
    world.markets[0].announce_return(key, 1)
    world.settle(7200, step=60)
    [note] = world.store.notes[number]
    assert note.startswith("Return rma")
    assert "announced on Market 0: 1 x A (too small)." in note
    assert not world.store.refunds


def test_what_is_decided_already_is_not_announced(world: World) -> None:
    key, number = sold(world)
    back = world.markets[0].announce_return(key, 1)
    world.markets[0].handled(back)
    world.settle(7200, step=60)
    assert number not in world.store.notes


def test_it_is_told_once_the_order_is_in_the_store(world: World) -> None:
    world.store.add("A", 9)
    world.settle(60, step=60)
    key = world.markets[0].buy(("B", 1))
    world.settle(400)
    assert not world.store.orders, "nobody knows B"
    world.markets[0].announce_return(key, 1)
    world.settle(7200, step=60)
    world.store.add("B", 9)
    world.settle(3600, step=60)
    [number] = world.store.orders
    [note] = world.store.notes[number]
    assert "announced on Market 0: 1 x B (too small)." in note
