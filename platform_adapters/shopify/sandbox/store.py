"""The store's state: products with their variants and stock, orders, webhooks; its clock, its numbers, its indexes.

Everything is a document of :class:`bridge.ports.sandbox.Documents`; times are seconds since 1970.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from bridge.ports.sandbox import Documents
from platform_adapters.shopify.sandbox.options import Options

Doc = dict[str, Any]


def number(gid: Any) -> int:
    """Of gid://shopify/Product/1: 1. 0 where it is none."""
    tail = str(gid).rpartition("/")[2].partition("?")[0]
    return int(tail) if tail.isdigit() else 0


def gid(kind: str, key: Any) -> str:
    return f"gid://shopify/{kind}/{key}"


class Store:
    """Hold ``docs.lock`` while changing. ``listener`` hears (topic, body) of what happens; ``dry`` makes the request at
    hand a pretence."""

    def __init__(self, docs: Documents, options: Options) -> None:
        self.docs = docs
        self.options = options
        self.clock_shift = 0.0
        self.dry = False
        self.listener: Callable[[str, Doc], None] = lambda topic, body: None
        self._variants: dict[int, int] = {}
        self._items: dict[int, int] = {}
        self.reindex()

    def now(self) -> float:
        return time.time() + self.clock_shift

    @staticmethod
    def iso(stamp: float | None) -> str | None:
        """Whole seconds, as Shopify writes them."""
        return None if stamp is None else datetime.fromtimestamp(stamp, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def next_id(self, name: str) -> int:
        return self.docs.next_id(name, 10_000_000_001)

    def all(self, kind: str) -> list[Doc]:
        return list(self.docs.all(kind).values())

    def get(self, kind: str, key: int) -> Doc | None:
        found: Doc | None = self.docs.get(kind, str(key))
        return found

    def save(self, kind: str, doc: Doc) -> None:
        if not self.dry:
            self.docs.put(kind, str(doc["id"]), doc)

    def remove(self, kind: str, key: int) -> None:
        if not self.dry:
            self.docs.remove(kind, str(key))

    def fire(self, topic: str, body: Doc) -> None:
        if not self.dry:
            self.listener(topic, body)

    # -- products ---------------------------------------------------------------------------------------------

    def reindex(self) -> None:
        self._variants.clear()
        self._items.clear()
        for product in self.all("products"):
            self._index(product)
        for order in self.all("orders"):
            order.setdefault("returns", [])  # of a file that was written before there were any

    def _index(self, product: Doc) -> None:
        for variant in product["variants"]:
            self._variants[variant["id"]] = product["id"]
            self._items[variant["item"]] = product["id"]

    def save_product(self, product: Doc, topic: str = "products/update") -> None:
        """Changed, and everyone who listens is told."""
        product["updated"] = self.now()
        self.save("products", product)
        if not self.dry:
            self._index(product)
        self.fire(topic, {"id": product["id"], "title": product["title"], "updated_at": self.iso(product["updated"])})

    def variant(self, key: int) -> tuple[Doc, Doc] | None:
        return self._of(self._variants.get(key), lambda variant: bool(variant["id"] == key))

    def item(self, key: int) -> tuple[Doc, Doc] | None:
        return self._of(self._items.get(key), lambda variant: bool(variant["item"] == key))

    def by_sku(self, sku: str) -> tuple[Doc, Doc] | None:
        return next(((p, v) for p in self.all("products") for v in p["variants"] if v["sku"] == sku), None)

    def _of(self, product_id: int | None, fits: Callable[[Doc], bool]) -> tuple[Doc, Doc] | None:
        product = self.get("products", product_id) if product_id is not None else None
        found = next((variant for variant in product["variants"] if fits(variant)), None) if product else None
        return (product, found) if product is not None and found is not None else None

    def move(self, item: int, location: int, units: int) -> None:
        """Add units (or take them off, below zero too) at a location."""
        found = self.item(item)
        if found is None:
            return
        product, variant = found
        if not variant["tracked"]:
            return
        levels = variant["levels"]
        levels[str(location)] = levels.get(str(location), 0) + units
        variant["updated"] = self.now()
        self.save_product(product)
        body = {"inventory_item_id": item, "location_id": location, "available": levels[str(location)]}
        self.fire("inventory_levels/update", body | {"updated_at": self.iso(self.now())})

    # -- orders -----------------------------------------------------------------------------------------------

    def save_order(self, order: Doc, topic: str = "orders/updated") -> None:
        order["updated"] = self.now()
        self.save("orders", order)
        body = {"id": order["id"], "name": order["name"], "updated_at": self.iso(order["updated"])}
        self.fire(topic, body | {"email": order.get("email"), "shipping_address": order.get("shipping_address")})
