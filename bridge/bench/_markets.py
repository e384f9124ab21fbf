"""A store and every marketplace that is installed, in one shop and in agreement, and what each has been told."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from sqlalchemy import select

from bridge.bench import _seed
from bridge.bench._result import progress
from bridge.bench._stack import Control, Stack, wait_until
from bridge.db.tables import FacetRow, Journal, Listing, Product, Variant, Work
from bridge.flows import admin
from bridge.ports.manifest import Limit
from bridge.registry import discover

STORE = "woocommerce"
# Some of the seeded products are faulty on purpose and are never offered.
SPARE = 1.3
LONGEST = 600
WRITES = ("POST", "PUT", "PATCH")
# Limits that let two stock calls follow each other sooner than this hold nothing up.
UNTHROTTLED = 1.0
_WORD = re.compile(r"[\w-]+")


@dataclass(frozen=True)
class Market:
    """One marketplace: its sandbox, and the number of its connection."""

    name: str
    control: Control
    id: int


@dataclass
class Markets:
    """``skus`` are for sale on every marketplace."""

    parts: Stack
    store: Control
    shop_id: int
    markets: dict[str, Market]
    skus: tuple[str, ...] = ()
    _names: dict[str, dict[str, set[str]]] = field(default_factory=dict)

    def is_quiet(self, names: Iterable[str] | None = None) -> bool:
        """Nothing of stock or of orders is left to read, or to send to ``names`` (to all)."""
        ids = [self.markets[name].id for name in names or self.markets]
        query = select(Work.id).where(Work.lane.in_(("stock", "orders")), Work.dirty_version > Work.done_version)
        with self.parts.engine.db.read(self.shop_id) as session:
            if session.scalars(query.limit(1)).first() is not None:
                return False
            waiting = _seed.pending("stock").where(FacetRow.connection_id.in_(ids))
            return session.scalars(waiting.limit(1)).first() is None

    def buy(self, seller: str, sku: str) -> float:
        """One unit is sold on ``seller``. Returns when it was there to be seen, in seconds since 1970."""
        self.markets[seller].control.post("orders", {"lines": [{"sku": sku, "quantity": 1}]})
        return time.time()

    def told(self, name: str, sku: str, since: int) -> float | None:
        """When ``name`` got the first call that writes something about this SKU, after its request ``since``."""
        return self.all_told(name, since).get(sku)

    def all_told(self, name: str, since: int) -> dict[str, float]:
        """When ``name`` got the first call about each SKU, after its request ``since``."""
        owner = {part: sku for sku, parts in self.names(name).items() for part in parts}
        told: dict[str, float] = {}
        for call in self.calls(name, since):
            for word in _WORD.findall(unquote(call["path"]) + call["body"]):
                if (sku := owner.get(word)) is not None:
                    told.setdefault(sku, call["at"])
        return told

    def calls(self, name: str, since: int) -> list[dict[str, Any]]:
        """Calls that write and were accepted, oldest first."""
        log = self.markets[name].control.get("requests", since=since)
        return [call for call in log if call["method"] in WRITES and call["status"] < 400]

    def names(self, name: str) -> Mapping[str, set[str]]:
        """By SKU, whatever a call about it may name it by: SKU, GTIN, offer."""
        if name not in self._names:
            query = select(Listing).where(Listing.connection_id == self.markets[name].id, Listing.offer_id.is_not(None))
            found: dict[str, set[str]] = {}
            with self.parts.engine.db.read(self.shop_id) as session:
                for row in session.scalars(query):
                    offer = row.offer_id or ""
                    parts = {row.sku, row.gtin or "", offer, offer.rpartition(":")[2], offer.rpartition("/")[2]}
                    found.setdefault(row.sku, set()).update(parts - {""})
            self._names[name] = found
        return self._names[name]

    def places(self, names: Iterable[str] | None = None) -> dict[str, int]:
        """The newest request of each marketplace: calls after it are new."""
        return {name: self.markets[name].control.last_request() for name in names or self.markets}

    def only(self, names: Iterable[str], act: Callable[[], Any]) -> Any:
        """``act`` while all other marketplaces are paused; what gathered for them meanwhile is sent after it."""
        engine, others = self.parts.engine, [self.markets[name].id for name in self.markets if name not in set(names)]
        for number in others:
            admin.pause(engine, self.shop_id, number)
        try:
            return act()
        finally:
            for number in others:
                admin.resume(engine, self.shop_id, number)
            quick = self.unthrottled()
            wait_until(lambda: self.is_quiet(quick), LONGEST, "everything quiet", 0.25)

    def spacing(self, name: str) -> float:
        """Seconds that the documented limits leave between two of the stock calls made so far; 0 before the first."""
        query = select(Journal.detail).where(Journal.kind == "exchange", Journal.connection_id == self.markets[name].id)
        with self.parts.engine.db.read(self.shop_id) as session:
            rows = list(session.scalars(query.order_by(Journal.id.desc()).limit(500)))
        limits = self.parts.engine.channels[name].manifest.limits
        calls = {row["operation"] for row in rows if row["lane"] == "stock" and row["method"] in WRITES}
        return max((_spacing(limits, operation) for operation in calls), default=0.0)

    def unthrottled(self) -> list[str]:
        return [name for name in self.markets if self.spacing(name) <= UNTHROTTLED]


def called() -> list[str]:
    """Every marketplace that is told by calls: one that fetches a feed comes when it pleases."""
    return sorted(name for name, adapter in discover().channels.items() if adapter.manifest.feed is None)


def open_markets(
    parts: Stack, names: Sequence[str], products: int, options: Mapping[str, Mapping[str, Any]]
) -> Markets:
    """At least ``products`` SKUs for sale in the store and on all of ``names``. ``options`` are of the sandboxes."""
    store = parts.sandbox("platform", STORE, {"delay": 0})
    controls = {name: parts.sandbox("channel", name, options.get(name)) for name in names}
    store.post("seed", {"products": int(products * SPARE) + 10, "variable": 0})
    shop_id = admin.ensure_shop(parts.engine, "Bench").id
    parts.web()
    parts.workers()
    progress(f"{products} products are offered on {len(names)} marketplaces: {', '.join(names)}")
    parts.connect(shop_id, "platform", STORE, store, {})
    markets = {name: Market(name, at, parts.connect(shop_id, "channel", name, at, {})) for name, at in controls.items()}
    world = Markets(parts, store, shop_id, markets)
    wait_until(lambda: _all_offered(world), LONGEST, "all offers made", 0.5)
    wait_until(lambda: len(_everywhere(world)) >= products, LONGEST, f"{products} products live on all", 1.0)
    wait_until(world.is_quiet, LONGEST, "everything quiet", 0.5)
    world.skus = _everywhere(world)
    return world


def _all_offered(world: Markets) -> bool:
    query = select(Listing.id).where(Listing.pending.is_(True), Listing.state.in_(("new", "creating")))
    with world.parts.engine.db.read(world.shop_id) as session:
        some = session.scalars(select(Listing.id).where(Listing.state == "live").limit(1)).first()
        return some is not None and session.scalars(query.limit(1)).first() is None


def _everywhere(world: Markets) -> tuple[str, ...]:
    """Counted in the store, no draft there, more than a few left, and live on every marketplace."""
    goods = select(Variant.sku, Variant.on_hand, Product.data).join(Product, Product.id == Variant.product_id)
    live = select(Listing.connection_id, Listing.sku).where(Listing.state == "live", Listing.offer_id.is_not(None))
    with world.parts.engine.db.read(world.shop_id) as session:
        found = {sku for sku, on_hand, product in session.execute(goods) if (on_hand or 0) > 3 and product["published"]}
        rows = session.execute(live).all()
    for market in world.markets.values():
        found &= {sku for connection_id, sku in rows if connection_id == market.id}
    return tuple(sorted(found))


def _spacing(limits: Mapping[str, Limit], operation: str) -> float:
    limit = limits.get(operation) or limits.get("*")
    return limit.seconds / limit.calls if limit else 0.0
