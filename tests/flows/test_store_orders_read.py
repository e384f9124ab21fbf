"""Orders of the store that are read many at once: one that cannot be read stops none of the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from sqlalchemy import select

from bridge.db.tables import Problem, Work
from bridge.domain.order import StoreOrder
from bridge.ports.errors import BridgeError, RejectItem, RetryLater, SlowDown
from tests.support.world import World

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    world = World(database_url, markets=1)
    world.store.add("A", 50)
    world.settle(60, step=60)
    for _ in range(4):
        world.markets[0].buy(("A", 1))
    world.settle(400, step=50)
    assert len(world.store.orders) == 4
    yield world
    world.close()


def ship_all(world: World) -> list[str]:
    ids = list(world.store.orders)
    for key in ids:
        world.store.ship(key, f"3S-{key}")
        world.hint_order(key)
    return ids


def refuse(world: World, broken: str, error: Exception, monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    asked: list[Sequence[str]] = []
    whole = world.store.fetch_orders

    def fetch(ids: Sequence[str]) -> list[StoreOrder]:
        asked.append(list(ids))
        if broken in ids:
            raise error
        return whole(ids)

    monkeypatch.setattr(world.store, "fetch_orders", fetch)
    return asked


@pytest.mark.parametrize(
    "error",
    [RetryLater("A list came without its end."), RejectItem("It has no lines."), ValueError("not an amount of money")],
    ids=lambda error: type(error).__name__,
)
def test_each_comes_or_is_told_by_itself(world: World, error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = ship_all(world)
    refuse(world, ids[1], error, monkeypatch)
    world.settle(120, step=20)
    assert len(world.markets[0].parcels) == 3
    with world.db.read(1) as session:
        query = select(Work).where(Work.kind == "store_order.read", Work.dirty_version > Work.done_version)
        waiting = {row.key for row in session.scalars(query)}
        told = [
            row.subject for row in session.scalars(select(Problem).where(Problem.kind == "parked.store_order.read"))
        ]
    assert waiting == {ids[1]}
    assert told == ([f"store_order.read {ids[1]}"] if isinstance(error, RejectItem) else [])
    monkeypatch.undo()
    if isinstance(error, RetryLater):
        world.settle(3600, step=300)
        assert len(world.markets[0].parcels) == 4


def test_a_store_that_wants_rest_is_not_asked_one_by_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = ship_all(world)
    error: BridgeError = SlowDown("The store wants fewer calls.")
    asked = refuse(world, ids[0], error, monkeypatch)
    world.settle(1, step=1)
    assert [len(part) for part in asked] == [4]
