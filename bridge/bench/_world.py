"""A store and a marketplace in agreement: two sandboxes, connected as a merchant would connect the real ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from bridge.bench import _seed
from bridge.bench._result import progress
from bridge.bench._stack import Control, Stack, wait_until
from bridge.db.tables import Connection, Listing, Product, Variant, Work
from bridge.flows import admin

STORE, MARKET = "woocommerce", "bol"
# Some of the seeded products are faulty on purpose and are never offered.
SPARE = 1.2


@dataclass(frozen=True)
class World:
    parts: Stack
    store: Control
    market: Control
    shop_id: int
    store_id: int
    channel_id: int
    skus: tuple[str, ...]

    def row(self, connection_id: int) -> Connection:
        return admin.get(self.parts.engine, self.shop_id, connection_id)

    def offers(self) -> dict[str, dict[str, Any]]:
        """What stands on the marketplace, by SKU."""
        return {offer["sku"]: offer for offer in self.market.get("offers")}

    def is_quiet(self) -> bool:
        """Nothing of stock is left to read or to send."""
        query = select(Work.id).where(Work.lane == "stock", Work.dirty_version > Work.done_version)
        with self.parts.engine.db.read(self.shop_id) as session:
            if session.scalars(query.limit(1)).first() is not None:
                return False
            return session.scalars(_seed.pending("stock").limit(1)).first() is None


def open_world(
    parts: Stack,
    products: int,
    *,
    store_options: Mapping[str, Any],
    market_options: Mapping[str, Any],
    workers: Mapping[str, int] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> World:
    """``products`` SKUs that are for sale on both sides, in agreement."""
    store = parts.sandbox("platform", STORE, {"delay": 0, **store_options})
    market = parts.sandbox("channel", MARKET, market_options)
    store.post("seed", {"products": int(products * SPARE) + 10, "variable": 0})
    shop_id = admin.ensure_shop(parts.engine, "Bench").id
    parts.web()
    parts.workers(counts=workers)
    progress(f"{products} products are offered on the marketplace")
    store_id = parts.connect(shop_id, "platform", STORE, store, {})
    channel_id = parts.connect(shop_id, "channel", MARKET, market, {"send_content": False, **(settings or {})})
    world = World(parts, store, market, shop_id, store_id, channel_id, ())
    wait_until(lambda: len(world.offers()) > products and _all_offered(world), 180, "all offers made", 0.25)
    wait_until(world.is_quiet, 60, "everything quiet", 0.25)
    return World(parts, store, market, shop_id, store_id, channel_id, _sellable(world)[:products])


def _all_offered(world: World) -> bool:
    query = select(Listing.id).where(Listing.pending.is_(True), Listing.state.in_(("new", "creating")))
    with world.parts.engine.db.read(world.shop_id) as session:
        return session.scalars(query.limit(1)).first() is None


def _sellable(world: World) -> tuple[str, ...]:
    """Offered, counted in the store and no draft there."""
    query = select(Variant.sku, Variant.on_hand, Product.data).join(Product, Product.id == Variant.product_id)
    with world.parts.engine.db.read(world.shop_id) as session:
        rows = session.execute(query).all()
    counted = {sku for sku, on_hand, product in rows if on_hand is not None and product["published"]}
    return tuple(sorted(counted & set(world.offers())))


def products(world: World) -> dict[str, str]:
    """The store's number of each product, by SKU."""
    query = select(Variant.sku, Product.external_id).join(Product, Variant.product_id == Product.id)
    with world.parts.engine.db.read(world.shop_id) as session:
        return {str(row[0]): row[1] for row in session.execute(query.where(Variant.sku.in_(world.skus)))}


def calls(log: Sequence[Mapping[str, Any]], operation: str) -> list[Mapping[str, Any]]:
    return [entry for entry in log if entry["op"] == operation]
