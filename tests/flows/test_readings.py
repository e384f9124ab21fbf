"""How products come to be known: read one by one, brought by a list, put off by a busy store, named by their stock."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import select

from bridge.db.tables import Reservation, Variant, Work
from tests.support.world import World

pytestmark = pytest.mark.both_databases


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    world = World(database_url)
    yield world
    world.close()


def known(world: World) -> dict[str | None, int | None]:
    with world.db.read(1) as session:
        return {row.sku: row.on_hand for row in session.scalars(select(Variant).where(Variant.deleted_at.is_(None)))}


def test_products_that_a_list_brings_along_need_no_reading(world: World) -> None:
    world.store.brings = True
    for number in range(5):
        world.store.add(f"S{number}", 10 + number)
    world.mark("sweep", "poll.catalogue", "all")
    world.drain()
    assert known(world) == {f"S{number}": 10 + number for number in range(5)}
    assert world.store.reads == 0
    assert [market.stock("S3") for market in world.markets] == [13, 13]


def test_of_a_product_that_is_known_a_list_is_not_believed(world: World) -> None:
    """What it brings may be older than what was read since: a change is read."""
    world.store.add("A", 5)
    world.settle(120)
    world.store.brings = True
    world.store.set("A", 3)
    reads = world.store.reads
    world.mark("sweep", "poll.catalogue", "all")
    world.drain()
    assert world.store.reads > reads
    assert known(world) == {"A": 3}


def test_a_sale_is_still_reserved_when_the_list_brings_the_products(world: World) -> None:
    world.store.brings = True
    world.store.add("A", 5)
    world.settle(120)
    world.markets[0].buy(("A", 2))
    world.settle(400)
    assert [market.stock("A") for market in world.markets] == [3, 3]
    with world.db.read(1) as session:
        assert {row.state for row in session.scalars(select(Reservation))} == {"released"}


def test_what_a_busy_store_puts_off_comes_later_and_the_rest_now(world: World) -> None:
    keys = [world.store.add(f"S{number}", 1) for number in range(4)]
    world.store.busy = set(keys[:2])
    for key in keys:
        world.hint(key)
    world.clock.advance(2)
    world.drain()
    assert set(known(world)) == {"S2", "S3"}
    world.clock.advance(10)
    world.drain()
    assert set(known(world)) == {"S0", "S1", "S2", "S3"}
    with world.db.read(1) as session:
        assert session.scalars(select(Work).where(Work.parked)).all() == []


def test_stock_that_is_named_without_its_product(world: World) -> None:
    world.store.add("A", 5)
    world.settle(120)
    world.store.set("A", 2)
    world.mark("stock", "pool.read", world.store.by_sku("A").stock.pool)
    world.mark("stock", "pool.read", "nobody-knows-this")
    world.drain()
    assert known(world) == {"A": 2}
    assert [market.stock("A") for market in world.markets] == [2, 2]
