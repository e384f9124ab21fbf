"""The engine between a marketplace in memory and a Shopify that was written by nobody who had read the adapter: what happens
on one side is done on the other once, to the unit and to the cent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bridge.db.tables import Problem
from bridge.flows.engine import Engine
from bridge.ports.adapter import Adapter
from platform_adapters.shopify import ADAPTER
from tests.support.independent_shopify import Json, Reply
from tests.support.independent_shopify_store import Shopify
from tests.support.played import store_at_shopify
from tests.support.world import World

pytestmark = pytest.mark.timeout(300)


class Hour:
    """The world's, once there is one."""

    def __init__(self) -> None:
        self.clock: Callable[[], datetime] = lambda: datetime(2026, 11, 23, 7, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.clock()


class ShopifyWorld(World):
    """The same world, with that Shopify for a store. Both live in the world's hour."""

    def __init__(self, database_url: str, at: Shopify, connect: Callable[..., Any], hour: Hour) -> None:
        self.at = at
        self.platform = connect()
        self.platform.check()
        variants = [
            {"sku": "A", "stock": {0: 1, 1: 8}, "price": "10.00", "barcode": "8719102443555"},
            {"sku": "B", "stock": 5, "price": "4.00", "barcode": "4006381333931"},
        ]
        self.product = at.product("Thing", variants=variants)
        super().__init__(database_url, markets=1)
        hour.clock = self.clock
        self.settle(120, step=60)

    def new_engine(self) -> Engine:
        engine = super().new_engine()
        store = Adapter(Path(__file__).parent, ADAPTER.manifest, lambda _: self.platform, sandbox=ADAPTER.sandbox)
        engine.platforms["memstore"] = store  # type: ignore[index]
        return engine

    def sell(self, *lines: tuple[str, int]) -> tuple[str, Json]:
        key = str(self.markets[0].buy(*lines))
        self.settle(400, step=40)
        [order] = [row for row in self.at.known("Order") if row["sourceIdentifier"] == f"mem0:{key}"]
        return key, order

    def changed(self, order: Json) -> None:
        self.hint_order(order["legacyResourceId"])
        self.settle(600, step=60)

    def cancelled(self, key: str) -> list[int]:
        return [line.cancelled for line in self.markets[0].orders[key].lines]

    @property
    def shelf(self) -> list[list[int]]:
        levels = [row["inventoryItem"]["levels"] for row in self.product["variants"]]
        return [[level["states"]["available"] for level in row] for row in levels]

    @property
    def shown(self) -> list[int | None]:
        return [self.markets[0].stock("A"), self.markets[0].stock("B")]

    @property
    def problems(self) -> list[str]:
        with self.db.read(1) as session:
            return list(session.scalars(select(Problem.kind).where(Problem.closed_at.is_(None))))


@pytest.fixture
def world(database_url: str, specs_dir: Path, serve: Callable[..., str]) -> Iterator[ShopifyWorld]:
    hour = Hour()
    with store_at_shopify(specs_dir, hour, serve, places=2) as (at, connect):
        world = ShopifyWorld(database_url, at, connect, hour)
        yield world
        world.close()


@pytest.mark.both_databases
def test_an_order_is_made_once_and_its_parcels_are_told(world: ShopifyWorld) -> None:
    assert world.shown == [9, 5]
    world.at.trouble["orderCreate"] = [Reply(502, after=True)]
    world.at.lag = timedelta(minutes=10)
    key, order = world.sell(("A", 4), ("B", 1))
    assert len(world.at.known("Order")) == 1
    assert (world.at.total(order), world.at.paid(order)) == (Decimal("50.00"), Decimal("50.00"))
    assert (world.shelf, world.shown) == ([[1, 4], [4]], [5, 4])
    one, two = order["lines"]
    first, second = order["fulfillmentOrders"]
    world.at.sent(order, {one["id"]: 3}, first, company="PostNL", numbers=["3S1", "3S2"])
    world.changed(order)
    world.at.sent(order, {one["id"]: 1}, first, company="PostNL", number="3S3")
    world.at.sent(order, {two["id"]: 1}, second, company="PostNL", number="3S4")
    world.changed(order)
    told = world.markets[0].parcels[key]
    assert [line.shipped for line in world.markets[0].orders[key].lines] == [4, 1]
    assert [(parcel.tracking, [part.quantity for part in parcel.lines]) for parcel in told] == [
        ("3S1", [2]), ("3S2", [1]), ("3S3", [1]), ("3S4", [1]),
    ]  # fmt: skip
    assert world.problems == []


def test_a_part_that_the_marketplace_cancels_is_not_packed(world: ShopifyWorld) -> None:
    key, order = world.sell(("A", 4))
    [one] = order["lines"]
    world.at.sent(order, {one["id"]: 1}, company="PostNL", number="3S1")
    world.changed(order)
    world.markets[0].alter(key, f"{key}-0", cancelled=2)
    world.settle(900)
    assert world.at.of_LineItem_unfulfilledQuantity(one) == 1
    assert (world.at.refunded(one), world.at.given_back(order)) == (2, Decimal("20.00"))
    assert (world.shelf[0], world.shown[0]) == ([1, 6], 7)
    world.settle(900)
    assert (world.at.refunded(one), world.problems) == (2, [])


def test_units_that_are_edited_out_are_cancelled_on_the_marketplace(world: ShopifyWorld) -> None:
    key, order = world.sell(("A", 4), ("B", 2))
    one, _ = order["lines"]
    world.at.edited(order, one, down_to=3)
    world.changed(order)
    assert world.cancelled(key) == [1, 0]
    assert (world.at.refunded(one), world.shelf[0], world.shown[0]) == (0, [1, 5], 6)
    world.settle(900)
    assert (world.cancelled(key), world.at.refunded(one), world.problems) == ([1, 0], 0, [])


def test_what_the_merchant_cancels_and_refunds_is_told_once(world: ShopifyWorld) -> None:
    key, order = world.sell(("A", 2), ("B", 2))
    one, _ = order["lines"]
    world.at.refund(order, {one["id"]: 1}, amount="10.00", restock="CANCEL")
    world.changed(order)
    assert world.cancelled(key) == [1, 0]
    world.at.cancelled(order, "CUSTOMER")
    world.changed(order)
    assert world.cancelled(key) == [2, 2]
    assert (world.shelf, world.shown, world.problems) == ([[1, 8], [5]], [9, 5], [])


@pytest.mark.parametrize("may_read", [True, False])
def test_a_return_is_refunded_once(world: ShopifyWorld, *, may_read: bool) -> None:
    if not may_read:
        world.at.scopes -= {"read_returns", "write_returns"}
        world.clock.advance(3600)
    key, order = world.sell(("A", 3))
    [one] = order["lines"]
    world.at.sent(order, {one["id"]: 3}, company="PostNL", number="3S1")
    world.changed(order)
    world.markets[0].announce_return(key, 2)
    world.mark("shipments", "returns.pull", "all", connection=2)
    world.settle(400)
    assert len(order["returns"]) == may_read
    if may_read:
        [row] = order["returns"]
        world.at.processed(row, {row["lines"][0]["id"]: 2}, "20.00")
    else:
        world.at.refund(order, {one["id"]: 2}, amount="20.00", restock="RETURN")
    world.changed(order)
    [(_, units)] = world.markets[0].decisions.values()
    assert units == 2
    world.settle(900)
    assert (world.at.refunded(one), world.at.given_back(order)) == (2, Decimal("20.00"))
    assert world.problems == []
