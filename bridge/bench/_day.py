"""A day simulated: the same wishes against an interval sync, and against the decisions of the real flows.

The clock, the store and the marketplaces are simulated; every decision of "this engine" is made by bridge.flows on
an SQLite database: storing and reserving an order, creating it in the store, reading the store, projecting, sending.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import event

from bridge import app, config
from bridge.bench._demand import STORE, Demand
from bridge.bench._seed import ean13
from bridge.db import migrations, work
from bridge.db.tables import Connection
from bridge.db.work import Mark
from bridge.domain.catalogue import StockReading, StoreProduct, StoreVariant
from bridge.domain.listing import LiveOffer
from bridge.domain.money import Money
from bridge.domain.order import Address, MarketplaceOrder, OrderDraft, SoldLine, StoreLine, StoreOrder, StoreOrderStatus
from bridge.flows import admin, table
from bridge.ports.adapter import Adapter
from bridge.ports.adapter import Connection as Opened
from bridge.ports.channel import ItemResult, OfferDraft, Outcome, StockUpdate
from bridge.ports.manifest import Capability, Manifest
from bridge.ports.platform import ProductBatch
from bridge.registry import Registry

MORNING = datetime(2026, 11, 23, tzinfo=UTC)
PRICE = Money(amount=Decimal("19.95"), currency="EUR")
LANES = ("orders", "stock", "content")
FAR = timedelta(days=2)


@dataclass
class Score:
    """Units: sold in all, sold though there were none left, refused though there were some."""

    sold: int = 0
    oversold: int = 0
    withheld: int = 0
    refused: int = 0


class Truth:
    """What is really on the shelf. ``want`` keeps the score."""

    def __init__(self, stock: dict[str, int]) -> None:
        self.left = dict(stock)
        self.score = Score()

    def want(self, wish: Demand, shown: int) -> bool:
        """Whether a channel that shows ``shown`` units takes the order."""
        left = self.left[wish.sku]
        if shown < wish.quantity:
            self.score.refused += wish.quantity
            self.score.withheld += wish.quantity if left >= wish.quantity else 0
            return False
        self.score.sold += wish.quantity
        self.score.oversold += max(0, wish.quantity - left)
        self.left[wish.sku] = max(0, left - wish.quantity)
        return True


def interval_sync(trace: Sequence[Demand], stock: dict[str, int], every: float, buffer: int) -> Score:
    """All channels are set to stock less buffer every so many seconds, at once; the store sees marketplace sales then
    too. In between each channel counts its own sales down."""
    truth = Truth(stock)
    channels = {wish.channel for wish in trace}
    shown = {(channel, sku): _buffered(channel, units, buffer) for channel in channels for sku, units in stock.items()}
    next_sync = every
    for wish in trace:
        while wish.at >= next_sync:
            for channel, sku in shown:
                shown[channel, sku] = _buffered(channel, truth.left[sku], buffer)
            next_sync += every
        if truth.want(wish, shown[wish.channel, wish.sku]):
            shown[wish.channel, wish.sku] -= wish.quantity
    return truth.score


def _buffered(channel: str, units: int, buffer: int) -> int:
    return units if channel == STORE else max(0, units - buffer)


@dataclass(frozen=True)
class Hops:
    """Seconds. ``polls``: how often each marketplace is asked for orders; without it, it rings by itself (``ring``)."""

    polls: dict[str, float]
    ring: float = 2.0
    webhook: float = 1.0
    work: float = 0.5
    shown: float = 0.5

    def notice(self, channel: str, at: float) -> float:
        """When a marketplace sale made at this time is known to the engine."""
        every = self.polls.get(channel, 0.0)
        return (at // every + 1) * every + self.work if every else at + self.ring + self.work


class _Market:
    """A marketplace in memory; what it is told is shown ``hops.shown`` later."""

    manifest: Manifest

    def __init__(self, name: str, day: Day) -> None:
        self.name = name
        self.day = day
        self.shown: dict[str, int] = {}
        self.orders: dict[str, MarketplaceOrder] = {}
        self.manifest = _manifest(name, "channel")

    def find_offers(self, skus: Sequence[str], gtins: Sequence[str]) -> list[LiveOffer]:
        return []

    def create_offers(self, drafts: Sequence[OfferDraft]) -> list[ItemResult]:
        for draft in drafts:
            self.shown[draft.sku] = draft.stock
        return [ItemResult(key=draft.key, outcome=Outcome.APPLIED, offer_id=f"O-{draft.sku}") for draft in drafts]

    def update_stock(self, updates: Sequence[StockUpdate]) -> list[ItemResult]:
        for update in updates:
            self.day.later(self.day.hops.shown, partial(self.shown.update, {update.sku: update.stock}))
        return [ItemResult(key=update.key, outcome=Outcome.APPLIED, offer_id=update.offer_id) for update in updates]

    def fetch_order(self, external_id: str) -> MarketplaceOrder:
        return self.orders[external_id]

    def acknowledge_order(self, order: MarketplaceOrder, store_number: str) -> None:
        return None


class _Store:
    """A store in memory that counts its own sales down, and those it is told of."""

    def __init__(self, stock: dict[str, int], day: Day) -> None:
        self.day = day
        self.on_hand = dict(stock)
        self.manifest = _manifest(STORE, "platform")
        self.orders: dict[str, StoreOrder] = {}
        self._lock = threading.Lock()

    def fetch_products(self, ids: Sequence[str]) -> ProductBatch:
        return ProductBatch(products=tuple(self._product(sku) for sku in ids))

    def _product(self, sku: str) -> StoreProduct:
        reading = StockReading(pool=sku, managed=True, on_hand=self.on_hand[sku])
        number = list(self.on_hand).index(sku) + 1
        variant = StoreVariant(external_id=sku, product_id=sku, sku=sku, gtin=ean13(number), title=sku, price=PRICE,
                               stock=reading)  # fmt: skip
        return StoreProduct(external_id=sku, title=sku, variants=(variant,))

    def find_orders(self, refs: Sequence[str], since: datetime | None = None) -> dict[str, StoreOrder]:
        return {ref: self.orders[ref] for ref in refs if ref in self.orders}

    def create_order(self, draft: OrderDraft) -> StoreOrder:
        with self._lock:
            number = str(len(self.orders) + 1)
            for line in draft.lines:
                self.on_hand[line.product_id or ""] -= line.quantity
            lines = tuple(
                StoreLine(external_id=line.ref, variant_id=line.variant_id or "", sku=line.sku, quantity=line.quantity,
                          reduced=line.quantity, ref=line.ref)
                for line in draft.lines
            )  # fmt: skip
            made = StoreOrder(external_id=number, number=number, status=StoreOrderStatus.PROCESSING,
                              raw_status="processing", currency=draft.currency, total=draft.total,
                              marketplace_ref=draft.ref, lines=lines)  # fmt: skip
            self.orders[draft.ref] = made
            return made


def _manifest(name: str, kind: Any) -> Manifest:
    capabilities = (Capability.OFFERS, Capability.ORDERS) if kind == "channel" else (Capability.CREATE_ORDER,)
    batch = {"update_stock": 100, "create_offers": 100}
    return Manifest(name=name.replace("-", "_"), title=name, kind=kind, currency="EUR", capabilities=capabilities,
                    batch=batch, concurrency=1)  # fmt: skip


@dataclass(order=True)
class _Event:
    at: float
    turn: int
    act: Callable[[], None] = field(compare=False)


class Day:
    """Runs a trace through the flows. ``now`` is in seconds since the morning."""

    def __init__(self, folder: Path, stock: dict[str, int], channels: Sequence[str], hops: Hops) -> None:
        self.now = 0.0
        self.hops = hops
        self.truth = Truth(stock)
        self.store = _Store(stock, self)
        self.markets = {name: _Market(name, self) for name in channels if name != STORE}
        self._events: list[_Event] = []
        self._turns = itertools.count()
        self._numbers = itertools.count(1)
        self._asleep_until = 0.0
        self._engine = app.bootstrap(
            config.load({"data_dir": folder, "database_url": f"sqlite:///{folder / 'day.db'}", "redis_url": "",
                         "keys": (), "log_level": "error"}),
            registry=self._registry(),
            clock=lambda: MORNING + timedelta(seconds=self.now),
            ring=lambda lanes: None,
        )  # fmt: skip
        # Nothing here is about durability, and a day has many commits.
        event.listen(self._engine.db.engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF"))
        self._connect()

    def run(self, trace: Sequence[Demand]) -> Score:
        self._offer_all()
        for wish in trace:
            self._until(wish.at)
            self._want(wish)
        self._until(self.now + 60)
        app.close(self._engine)
        return self.truth.score

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._events, _Event(self.now + seconds, next(self._turns), act))

    def _until(self, at: float) -> None:
        """Whatever happens up to this time, in order."""
        while self._events and self._events[0].at <= at:
            soonest = heapq.heappop(self._events)
            self.now = max(self.now, soonest.at)
            soonest.act()
        self.now = max(self.now, at)

    def _want(self, wish: Demand) -> None:
        if wish.channel == STORE:
            if self.truth.want(wish, self.store.on_hand[wish.sku]):
                self.store.on_hand[wish.sku] -= wish.quantity
                self.later(self.hops.webhook + self.hops.work, lambda: self._told_by_store(wish.sku))
            return
        market = self.markets[wish.channel]
        if self.truth.want(wish, market.shown.get(wish.sku, 0)):
            market.shown[wish.sku] -= wish.quantity
            number = f"{wish.channel}-{next(self._numbers)}"
            market.orders[number] = _order(number, wish, MORNING + timedelta(seconds=self.now))
            self.later(self.hops.notice(wish.channel, self.now) - self.now, lambda: self._told_by_market(wish, number))

    def _told_by_store(self, sku: str) -> None:
        self._mark(Mark(self._ids[STORE], "stock", "product.read", sku, priority=3, settle=True))

    def _told_by_market(self, wish: Demand, number: str) -> None:
        self._mark(Mark(self._ids[wish.channel], "orders", "orders.import", number, priority=2, wake=False))

    def _mark(self, mark: Mark) -> None:
        self._engine.db.transact(self._shop_id, work.mark, self._shop_id, [mark], self._engine.clock())
        self._work()

    def _work(self) -> None:
        """Everything that is due now; and again when more falls due."""
        deadline = time.monotonic() + 60
        while scopes := [scope for lane in LANES for scope in table.scopes(self._engine, lane)]:
            for scope in scopes:
                table.run(self._engine, scope, deadline)
        due = self._next_due()
        if due is not None and not self.now < self._asleep_until <= due:
            self._asleep_until = due
            self.later(due - self.now, self._work)

    def _next_due(self) -> float | None:
        until = self._engine.clock() + FAR
        with self._engine.db.read(None) as session:
            found = [at for lane in LANES if (at := work.next_due(session, lane, until)) is not None]
        return max(self.now + 0.01, (min(found) - MORNING).total_seconds()) if found else None

    def _offer_all(self) -> None:
        for sku in self.store.on_hand:
            mark = Mark(self._ids[STORE], "stock", "product.read", sku)
            self._engine.db.transact(self._shop_id, work.mark, self._shop_id, [mark], self._engine.clock())
        self._work()

    def _registry(self) -> Registry:
        def adapter(side: _Store | _Market) -> Adapter:
            def connect(_opened: Opened) -> Any:
                return side

            return Adapter(Path(), side.manifest, connect=connect, sandbox=_no_sandbox)

        channels = {market.manifest.name: adapter(market) for market in self.markets.values()}
        return Registry({STORE: adapter(self.store)}, channels)

    def _connect(self) -> None:
        migrations.upgrade(self._engine.db)
        self._shop_id = admin.ensure_shop(self._engine, "Bench").id
        self._ids: dict[str, int] = {}
        with self._engine.db.write(self._shop_id) as session:
            for name in (STORE, *self.markets):
                role = "platform" if name == STORE else "channel"
                row = Connection(role=role, adapter=name.replace("-", "_"), account=name, title=name, credentials={})
                row.state_since, row.created_at = MORNING - timedelta(days=1), MORNING - timedelta(days=1)
                session.add(row)
                session.flush()
                self._ids[name] = row.id


def _no_sandbox(*_args: Any, **_options: Any) -> Any:
    raise NotImplementedError


def _order(number: str, wish: Demand, at: datetime) -> MarketplaceOrder:
    total = _times(PRICE, wish.quantity)
    line = SoldLine(external_id=f"{number}-1", sku=wish.sku, title=wish.sku, quantity=wish.quantity, unit_price=PRICE,
                    total=total)  # fmt: skip
    return MarketplaceOrder(external_id=number, placed_at=at, currency="EUR", lines=(line,),
                            ship_to=Address(last_name="Buyer", country="NL"))  # fmt: skip


def _times(price: Money, quantity: int) -> Money:
    return Money(amount=price.amount * quantity, currency=price.currency)
