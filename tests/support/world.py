"""A store and marketplaces in memory, honest to the contracts, for flows tests: state first, no patching.

Real HTTP is tested elsewhere against the sandboxes; here the point is every order of events.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet

from bridge.db import crypto
from bridge.db.session import Database
from bridge.db.tables import Connection, Shop
from bridge.domain.catalogue import StockReading, StoreProduct, StoreVariant
from bridge.domain.listing import LiveOffer
from bridge.domain.money import Money
from bridge.domain.order import (
    Address,
    CancelReason,
    MarketplaceOrder,
    OrderDraft,
    Parcel,
    SoldLine,
    StoreLine,
    StoreOrder,
    StoreOrderStatus,
    Tracking,
)
from bridge.domain.reading import following
from bridge.domain.returns import MarketplaceReturn, RefundLine, ReturnCause, ReturnDecision, ReturnLine
from bridge.flows import polls, table
from bridge.flows.engine import LANES, Engine
from bridge.flows.table import Scope
from bridge.ports.adapter import Adapter
from bridge.ports.channel import (
    ItemResult,
    OfferDraft,
    OfferRef,
    OrderRef,
    Outcome,
    Page,
    PriceUpdate,
    SaleStatus,
    StockUpdate,
    SubmissionState,
    SubmissionStatus,
)
from bridge.ports.errors import BridgeError, NotFound, RejectItem, UnknownOutcome
from bridge.ports.http.context import current_check
from bridge.ports.manifest import Capability, Manifest, Policies
from bridge.ports.platform import OrderMark, ProductBatch, ProductRef, SentEvent, WebhookAudit
from tests.support.databases import make_tables

OFFERS_PER_PAGE = 8
CHANNEL_CAPABILITIES = (
    Capability.OFFERS,
    Capability.READ_BACK,
    Capability.ORDERS,
    Capability.SHIPMENTS,
    Capability.CANCEL,
    Capability.RETURNS,
)
RETURNS = Policies.model_validate(
    {"returns": {"respond": {"count": 48, "unit": "hours"}, "source": "tests", "read_on": "2026-11-26"}}
)
PLATFORM_CAPABILITIES = (Capability.CATALOGUE, Capability.CREATE_ORDER, Capability.WEBHOOKS)


class Died(BaseException):
    """A worker's death: no handler sees it, what was not committed is gone, and leases are left behind."""


class Clock:
    """A clock that moves when it is told to, and a hair at each look so that times differ."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(microseconds=10)
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


Happening = BaseException | Callable[[], None]


class Faults:
    """What happens at the next calls of an operation: an error that is raised, or something done meanwhile.

    ``waiting``: before the fence of a write (it waits for the limit). ``before``: behind the fence, not yet there.
    ``after``: it has happened, the answer is on its way back.
    """

    def __init__(self) -> None:
        self.waiting: dict[str, list[Happening]] = {}
        self.before: dict[str, list[Happening]] = {}
        self.after: dict[str, list[Happening]] = {}

    def clear(self) -> None:
        for point in (self.waiting, self.before, self.after):
            point.clear()

    def is_clear(self) -> bool:
        return not any(happenings for point in (self.waiting, self.before, self.after) for happenings in point.values())

    def write(self, operation: str) -> None:
        """What the shared transport does right before the bytes of a write go out."""
        self._happens(self.waiting, operation)
        check = current_check()
        if check is not None:
            check()

    def check_before(self, operation: str) -> None:
        self._happens(self.before, operation)

    def check_after(self, operation: str) -> None:
        self._happens(self.after, operation)

    def _happens(self, point: dict[str, list[Happening]], operation: str) -> None:
        waiting = point.get(operation)
        if not waiting:
            return
        next_one = waiting.pop(0)
        if isinstance(next_one, BaseException):
            raise next_one
        next_one()


@dataclass
class MemoryStore:
    """A store: products with absolute stock, orders that reduce it at once, no idempotency key."""

    clock: Clock
    manifest: Manifest = field(
        default_factory=lambda: Manifest(
            name="memstore", title="Store", kind="platform", capabilities=PLATFORM_CAPABILITIES
        )
    )
    products: dict[str, StoreProduct] = field(default_factory=dict)
    orders: dict[str, StoreOrder] = field(default_factory=dict)
    drafts: dict[str, OrderDraft] = field(default_factory=dict)
    refunds: dict[str, str] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)
    told: list[tuple[str, str]] = field(default_factory=list)  # of cancellations
    faults: Faults = field(default_factory=Faults)
    hidden: set[str] = field(default_factory=set)
    stock_writes: int = 0
    amounts: list[Money] = field(default_factory=list)  # refunded without units
    made_of: dict[str, dict[str, int]] = field(default_factory=dict)  # what an app for bundles takes off with each
    brings: bool = False  # its list of everything has the products whole
    per_page: int = 1000  # products
    busy: set[str] = field(default_factory=set)  # products that it wants to be asked for later, once each
    reads: int = 0
    creates: int = 0
    _ids: Any = field(default_factory=lambda: itertools.count(1))

    def add(self, sku: str, stock: int, price: str = "10.00", gtin: str | None = None, *, managed: bool = True) -> str:
        key = str(next(self._ids))
        reading = StockReading(pool=key, managed=managed, on_hand=stock if managed else None)
        variant = StoreVariant(
            external_id=key, product_id=key, sku=sku, gtin=gtin or ean(int(key)), title=f"Product {sku}", stock=reading,
            price=Money(amount=Decimal(price), currency="EUR"),
        )  # fmt: skip
        self.products[key] = StoreProduct(
            external_id=key, title=f"Product {sku}", variants=(variant,), modified_at=self.clock()
        )
        return key

    def by_sku(self, sku: str) -> StoreVariant:
        return next(v for p in self.products.values() for v in p.variants if v.sku == sku)

    def stock(self, sku: str) -> int:
        return self.by_sku(sku).stock.on_hand or 0

    def set(self, sku: str, stock: int) -> str:
        return self.change(sku, stock=self.by_sku(sku).stock.model_copy(update={"on_hand": stock}))

    def change(self, sku: str, /, **values: Any) -> str:
        variant = self.by_sku(sku)
        product = self.products[variant.product_id]
        changed = variant.model_copy(update=values)
        rest = tuple(changed if v.external_id == variant.external_id else v for v in product.variants)
        self.products[product.external_id] = product.model_copy(update={"variants": rest, "modified_at": self.clock()})
        return product.external_id

    def delete(self, sku: str) -> str:
        key = self.by_sku(sku).product_id
        del self.products[key]
        return key

    def _take(self, variant_id: str, units: int) -> None:
        for product in list(self.products.values()):
            for variant in product.variants:
                if variant.external_id == variant_id:
                    for sku, each in ({variant.sku or "": 1} | self.made_of.get(variant.sku or "", {})).items():
                        if self.by_sku(sku).stock.managed:
                            self.set(sku, self.stock(sku) - units * each)

    # the contract
    def list_products(self, since: datetime | None, cursor: str | None) -> Page[ProductRef]:
        self.faults.check_before("list_products")
        items = [p for p in self.products.values() if since is None or (p.modified_at and p.modified_at > since)]
        marks = [
            ProductRef(
                external_id=p.external_id,
                modified_at=p.modified_at,
                mark=p.fingerprint(),
                product=p if self.brings and since is None else None,
            )
            for p in items
        ]
        start = int(cursor or 0)
        here, after = tuple(marks[start : start + self.per_page]), start + self.per_page
        return Page(items=here, next_cursor=str(after) if after < len(marks) else None)

    def list_variants(self, cursor: str | None) -> Page[ProductRef]:
        self.faults.check_before("list_variants")
        return Page(items=())

    def fetch_products(self, ids: Sequence[str]) -> ProductBatch:
        self.faults.check_before("fetch_products")
        self.reads += 1
        later = tuple(key for key in ids if key in self.busy)
        self.busy -= set(later)
        found = tuple(self.products[key] for key in ids if key in self.products and key not in later)
        self.faults.check_after("fetch_products")
        missing = tuple(key for key in ids if key not in self.products)
        return ProductBatch(products=found, missing=missing, later=later)

    def list_orders(self, since: datetime, cursor: str | None) -> Page[OrderMark]:
        self.faults.check_before("list_store_orders")
        items = [
            OrderMark(external_id=o.external_id, mark=o.fingerprint(), marketplace_ref=o.marketplace_ref)
            for o in self.orders.values()
        ]
        return Page(items=tuple(items))

    def fetch_orders(self, ids: Sequence[str]) -> list[StoreOrder]:
        self.faults.check_before("fetch_orders")
        found = [self.orders[key] for key in ids if key in self.orders]
        self.faults.check_after("fetch_orders")
        return found

    def find_orders(self, refs: Sequence[str], since: datetime | None = None) -> dict[str, StoreOrder]:
        self.faults.check_before("find_orders")
        found = {
            o.marketplace_ref: o
            for o in self.orders.values()
            if o.marketplace_ref in refs and o.external_id not in self.hidden
        }
        self.faults.check_after("find_orders")
        return found

    def create_order(self, draft: OrderDraft) -> StoreOrder:
        self.faults.write("create_order")
        self.faults.check_before("create_order")
        self.creates += 1
        key = f"o{next(self._ids)}"
        lines = tuple(
            StoreLine(external_id=f"{key}-{n}", variant_id=line.variant_id or "", sku=line.sku, quantity=line.quantity,
                      reduced=line.quantity, ref=line.ref)
            for n, line in enumerate(draft.lines)
        )  # fmt: skip
        order = StoreOrder(
            external_id=key, number=key, status=StoreOrderStatus.PROCESSING, raw_status="processing", currency=draft.currency,
            total=draft.total, marketplace_ref=draft.ref, lines=lines, modified_at=self.clock(),
        )  # fmt: skip
        self.orders[key], self.drafts[draft.ref] = order, draft
        for line in draft.lines:
            self._take(line.variant_id or "", line.quantity)
        self.faults.check_after("create_order")
        return order

    def update(self, key: str, **values: Any) -> StoreOrder:
        self.orders[key] = self.orders[key].model_copy(update={**values, "modified_at": self.clock()})
        return self.orders[key]

    def ship(self, key: str, number: str, lines: dict[str, int] | None = None, *, complete: bool = True) -> None:
        parcel = Tracking(ref=f"t-{number}", carrier="PostNL", number=number, lines=lines or {})
        values: dict[str, Any] = {"parcels": (*self.orders[key].parcels, parcel)}
        if complete:
            values |= {"status": StoreOrderStatus.COMPLETED, "raw_status": "completed"}
        self.update(key, **values)

    def cancel_order(self, external_id: str, note: str, code: str = "") -> StoreOrder:
        self.faults.write("cancel_order")
        self.faults.check_before("cancel_order")
        self.told.append((note, code))
        order = self.orders[external_id]
        if order.status is not StoreOrderStatus.CANCELLED:
            for line in order.lines:
                self._take(line.variant_id, -(line.reduced or 0))
        lines = tuple(line.model_copy(update={"reduced": None}) for line in order.lines)
        order = self.update(external_id, status=StoreOrderStatus.CANCELLED, raw_status="cancelled", lines=lines)
        self.faults.check_after("cancel_order")
        return order

    def add_note(self, external_id: str, note: str) -> None:
        self.faults.write("add_note")
        self.faults.check_before("add_note")
        if note not in (known := self.notes.setdefault(external_id, [])):
            known.append(note)
        self.faults.check_after("add_note")

    def refund_lines(self, external_id: str, lines: Sequence[RefundLine], reason: str, ref: str) -> StoreOrder:
        self.faults.write("refund_lines")
        self.faults.check_before("refund_lines")
        order = self.orders[external_id]
        if ref in self.refunds:
            return order
        self.refunds[ref] = external_id
        units = {part.store_line_id: part for part in lines}
        changed = []
        for line in order.lines:
            part = units.get(line.external_id)
            if part is None:
                changed.append(line)
                continue
            if line.refunded + part.quantity > line.quantity:
                raise RejectItem(f"more refunded than line {line.external_id} has")
            values: dict[str, Any] = {"refunded": line.refunded + part.quantity}
            if not ref.startswith(f"{order.marketplace_ref}/"):  # somebody in the store, not we
                values["refund_reason"] = reason
            if part.amount is not None:
                self.amounts.append(part.amount)
            if part.restock:
                if not line.variant_id:
                    raise RejectItem(f"line {line.external_id} is no product, and goes on no shelf")
                self._take(line.variant_id, -part.quantity)
                values["reduced"] = (line.reduced or 0) - part.quantity
            changed.append(line.model_copy(update=values))
        order = self.update(external_id, lines=tuple(changed))
        self.faults.check_after("refund_lines")
        return order

    def set_stock(self, product_id: str, variant_id: str, quantity: int) -> None:
        self.stock_writes += 1
        self.faults.write("set_stock")
        self.faults.check_before("set_stock")
        sku = next(v.sku for v in self.products[product_id].variants if v.external_id == variant_id)
        self.set(sku or "", quantity)
        self.faults.check_after("set_stock")

    def ensure_webhooks(self, url: str, secret: str) -> WebhookAudit:
        self.faults.check_before("ensure_webhooks")
        return WebhookAudit(active=6)

    def remove_webhooks(self, url: str) -> int:
        self.faults.check_before("remove_webhooks")
        return 6

    def send_test_event(self, marker: str) -> SentEvent:
        self.faults.check_before("send_test_event")
        return SentEvent(topic="test", external_id=marker)


@dataclass
class MemoryMarket:
    """A marketplace: offers, orders, submissions that end later, returns."""

    clock: Clock
    manifest: Manifest = field(
        default_factory=lambda: Manifest(
            name="memmarket",
            title="Market",
            kind="channel",
            capabilities=CHANNEL_CAPABILITIES,
            concurrency=1,
            policies=RETURNS,
        )
    )
    offers: dict[str, LiveOffer] = field(default_factory=dict)
    orders: dict[str, MarketplaceOrder] = field(default_factory=dict)
    parcels: dict[str, list[Parcel]] = field(default_factory=dict)
    submissions: dict[str, SubmissionState] = field(default_factory=dict)
    codes: list[str] = field(default_factory=list)  # of cancellations
    waiting: list[tuple[datetime, str, Callable[[], bool]]] = field(default_factory=list)
    delay: float = 0.0
    on_publish: Callable[[str, int], None] = field(default=lambda sku, units: None)
    backs: dict[str, MarketplaceReturn] = field(default_factory=dict)
    decisions: dict[str, tuple[ReturnDecision, int]] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)
    writes: list[tuple[str, str, Any]] = field(default_factory=list)
    asynchronous: bool = True
    stock_later: bool = False  # stock is accepted first and followed, as by feeds and commands
    lock: threading.RLock = field(default_factory=threading.RLock)
    _ids: Any = field(default_factory=lambda: itertools.count(1000))

    def stock(self, sku: str) -> int | None:
        return next((o.stock for o in self.offers.values() if o.sku == sku), None)

    def buy(
        self, *lines: tuple[str, int], gtin: str | None = None, price: str = "10.00", key: str | None = None
    ) -> str:
        """A buyer orders; the marketplace lowers its own number by itself."""
        key = key or f"m{next(self._ids)}"
        sold = []
        for number, (sku, units) in enumerate(lines):
            unit = Money(amount=Decimal(price), currency="EUR")
            sold.append(SoldLine(external_id=f"{key}-{number}", sku=sku, gtin=gtin, title=sku, quantity=units, unit_price=unit,
                                 total=unit.times(units), ship_by=self.clock() + timedelta(days=2)))  # fmt: skip
        address = Address(first_name="Ada", last_name="Buyer", street="Kade", house_number="1", postcode="1011AB",
                          city="Amsterdam", country="NL")  # fmt: skip
        self.orders[key] = MarketplaceOrder(external_id=key, placed_at=self.clock(), currency="EUR", lines=tuple(sold),
                                            ship_to=address)  # fmt: skip
        return key

    def alter(self, order: str, line: str, **values: Any) -> None:
        known = self.orders[order]
        lines = tuple(part.model_copy(update=values) if part.external_id == line else part for part in known.lines)
        self.orders[order] = known.model_copy(update={"lines": lines})

    def announce_return(self, order: str, units: int) -> str:
        line = self.orders[order].lines[0]
        key = f"rma{next(self._ids)}"
        part = ReturnLine(
            external_id=key,
            order_id=order,
            sku=line.sku,
            title=line.title,
            quantity=units,
            reason="too small",
            cause=ReturnCause.TOO_SMALL,
        )
        self.backs[key] = MarketplaceReturn(external_id=f"r-{key}", registered_at=self.clock(), lines=(part,))
        return key

    def handled(self, key: str) -> None:
        """Somebody has decided on the return in the marketplace's own portal."""
        lines = tuple(line.model_copy(update={"handled": True}) for line in self.backs[key].lines)
        self.backs[key] = self.backs[key].model_copy(update={"lines": lines})

    def _write(self, operation: str, key: str, value: Any) -> None:
        self.faults.write(operation)
        if operation in ("update_stock", "create_offers"):
            self.on_publish(key, value)
        self.faults.check_before(operation)
        self.writes.append((operation, key, value))

    def _later(self, act: Callable[[], bool]) -> str:
        """Accepted now, done ``delay`` seconds later; an act that cannot be done any more ends in FAILED."""
        key = f"s{next(self._ids)}"
        self.submissions[key] = SubmissionState.PENDING
        self.waiting.append((self.clock() + timedelta(seconds=self.delay), key, act))
        self.catch_up()
        return key

    def catch_up(self) -> None:
        """Do what is due by now, in the order in which it was accepted."""
        due = [item for item in self.waiting if item[0] <= self.clock()]
        self.waiting = [item for item in self.waiting if item not in due]
        for _, key, act in due:
            self.submissions[key] = SubmissionState.DONE if act() else SubmissionState.FAILED

    # the contract
    def find_offers(self, skus: Sequence[str], gtins: Sequence[str]) -> list[LiveOffer]:
        return [o for o in self.offers.values() if o.sku in skus or o.gtin in gtins]

    def create_offers(self, drafts: Sequence[OfferDraft]) -> list[ItemResult]:
        results = []
        for draft in drafts:
            self._write("create_offers", draft.sku, draft.stock)
            key = f"f{next(self._ids)}"
            self.offers[key] = LiveOffer(offer_id=key, sku=draft.sku, gtin=draft.gtin, stock=draft.stock, price=draft.price,
                                         title=draft.content.title)  # fmt: skip
            results.append(ItemResult(key=draft.key, outcome=Outcome.APPLIED, offer_id=key))
        self.faults.check_after("create_offers")
        return results

    def update_stock(self, updates: Sequence[StockUpdate]) -> list[ItemResult]:
        return [self._update("update_stock", u, u.stock, stock=u.stock) for u in updates]

    def update_prices(self, updates: Sequence[PriceUpdate]) -> list[ItemResult]:
        return [self._update("update_prices", u, u.price, price=u.price) for u in updates]

    def update_content(self, updates: Sequence[Any]) -> list[ItemResult]:
        return [self._update("update_content", u, u.content, title=u.content.title, sku=u.sku) for u in updates]

    def _update(self, operation: str, ref: OfferRef, value: Any, **change: Any) -> ItemResult:
        self._write(operation, ref.sku, value)
        key = self._key_of(ref.site, ref.offer_id)
        if key not in self.offers:
            return ItemResult(key=ref.key, outcome=Outcome.MISSING)

        def apply() -> bool:
            with self.lock:
                known = self.offers.get(key)
                if known is not None:
                    self.offers[key] = known.model_copy(update=change)
            return known is not None

        if operation == "update_stock" and self.stock_later:
            return self._answer(operation, ref.key, apply)
        apply()
        self.faults.check_after(operation)
        return ItemResult(key=ref.key, outcome=Outcome.APPLIED)

    def _key_of(self, site: str, offer_id: str) -> str:
        return offer_id

    def end_offers(self, offers: Sequence[OfferRef]) -> list[ItemResult]:
        for ref in offers:
            self._write("end_offers", ref.sku, None)
            self.offers.pop(self._key_of(ref.site, ref.offer_id), None)
        return [ItemResult(key=ref.key, outcome=Outcome.APPLIED) for ref in offers]

    def list_offers(self, cursor: str | None) -> Page[LiveOffer]:
        start = int(cursor or 0)
        here = tuple(self.offers.values())[start : start + OFFERS_PER_PAGE]
        after = str(following(start, len(here))) if len(here) == OFFERS_PER_PAGE else None
        return Page(items=here, next_cursor=after)

    def sale_status(self, offer: OfferRef) -> SaleStatus:
        return SaleStatus(offer_id=offer.offer_id, for_sale=True)

    def _refs(self, orders: Iterable[MarketplaceOrder]) -> Page[OrderRef]:
        return Page(items=tuple(OrderRef(external_id=o.external_id, mark=o.fingerprint()) for o in orders))

    def list_orders(self, since: datetime, cursor: str | None) -> Page[OrderRef]:
        self.faults.check_before("list_orders")
        self.catch_up()
        return self._refs(self.orders.values())

    def list_open_orders(self, cursor: str | None) -> Page[OrderRef]:
        return self._refs(o for o in self.orders.values() if any(line.open for line in o.lines))

    def fetch_order(self, external_id: str) -> MarketplaceOrder:
        self.faults.check_before("fetch_order")
        self.catch_up()
        if external_id not in self.orders:
            raise NotFound(f"no order {external_id}")
        order = self.orders[external_id]
        self.faults.check_after("fetch_order")
        return order.model_copy(update={"list_mark": order.fingerprint()})

    def confirm_shipment(self, order: MarketplaceOrder, parcel: Parcel) -> ItemResult:
        self._write("confirm_shipment", order.external_id, parcel)

        def apply() -> bool:
            known = {line.external_id: line for line in self.orders[order.external_id].lines}
            if any(known[part.external_id].open < part.quantity for part in parcel.lines):
                return False
            self.parcels.setdefault(order.external_id, []).append(parcel)
            for part in parcel.lines:
                shipped = known[part.external_id].shipped + part.quantity
                self.alter(order.external_id, part.external_id, shipped=shipped)
            return True

        return self._answer("confirm_shipment", order.external_id, apply)

    def cancel_line(
        self, order_id: str, line_id: str, quantity: int, reason: CancelReason, code: str = ""
    ) -> ItemResult:
        self._write("cancel_line", order_id, reason)
        self.codes.append(code)

        def apply() -> bool:
            known = next(line for line in self.orders[order_id].lines if line.external_id == line_id)
            if known.open < quantity:
                return False
            self.alter(order_id, line_id, cancelled=known.cancelled + quantity, cancellation_requested=False)
            return True

        return self._answer("cancel_line", order_id, apply)

    def _answer(self, operation: str, key: str, apply: Callable[[], bool]) -> ItemResult:
        if not self.asynchronous:
            outcome = Outcome.APPLIED if apply() else Outcome.REJECTED
            self.faults.check_after(operation)
            return ItemResult(key=key, outcome=outcome)
        submission = self._later(apply)
        self.faults.check_after(operation)
        return ItemResult(key=key, outcome=Outcome.SUBMITTED, submission=submission)

    def list_returns(self, cursor: str | None) -> Page[MarketplaceReturn]:
        self.catch_up()
        return Page(items=tuple(self.backs.values()))

    def decide_return(self, line_id: str, decision: ReturnDecision, quantity: int, note: str = "") -> ItemResult:
        self._write("decide_return", line_id, decision)

        def apply() -> bool:
            back = self.backs[line_id]
            if any(part.handled for part in back.lines):
                return False
            self.decisions[line_id] = (decision, quantity)
            lines = tuple(part.model_copy(update={"handled": True}) for part in back.lines)
            self.backs[line_id] = back.model_copy(update={"lines": lines})
            return True

        return self._answer("decide_return", line_id, apply)

    def follow(self, submissions: Sequence[str]) -> list[SubmissionStatus]:
        self.faults.check_before("follow")
        self.catch_up()
        gone = SubmissionState.GONE
        return [SubmissionStatus(submission=key, state=self.submissions.get(key, gone)) for key in submissions]

    def carrier_code(self, carrier: str, tracking: str) -> str:
        return {"PostNL": "TNT"}.get(carrier, "OTHER")


class World:
    """An engine between one store and some marketplaces, all in memory but the database."""

    def __init__(
        self,
        database_url: str,
        markets: int = 2,
        key: str | None = None,
        market: Callable[[Clock], MemoryMarket] | None = None,
        begun: Callable[[World], None] | None = None,
    ) -> None:
        """``begun`` makes it one that has been connected before (tests/support/kept.py)."""
        crypto.install(crypto.KeyRing([key or Fernet.generate_key().decode()]))
        self.clock = Clock()
        self.store = MemoryStore(self.clock)
        self.markets = [(market or MemoryMarket)(self.clock) for _ in range(markets)]
        make_tables(database_url)
        self.db = Database(database_url, pool_size=5)
        self.rung: set[str] = set()
        if begun is not None:
            begun(self)
        self.engine = self.new_engine()
        if begun is None:
            self._connect()

    def new_engine(self) -> Engine:
        """A fresh process: nothing in memory is kept."""
        folder = Path(__file__).parent
        platform = Adapter(folder, self.store.manifest, lambda _: self.store, sandbox=_no_sandbox)
        channels = {
            f"mem{n}": Adapter(folder, market.manifest, lambda _, m=market: m, sandbox=_no_sandbox)
            for n, market in enumerate(self.markets)
        }
        return Engine(
            db=self.db, platforms={"memstore": platform}, channels=channels, make_transport=lambda row, adapter: None,  # type: ignore[arg-type,return-value]
            clock=self.clock, ring=self.rung.update,
        )  # fmt: skip

    def _connect(self) -> None:
        now = self.clock()
        with self.db.write(None) as session:
            session.add(Shop(public_id="shop", name="Shop", created_at=now, settings={}))
        with self.db.write(1) as session:
            rows = [Connection(role="platform", adapter="memstore", account="store", title="Store", credentials={},
                               webhook_secrets=["s"], state_since=now, created_at=now)]  # fmt: skip
            rows += [
                Connection(role="channel", adapter=f"mem{n}", account=f"mem{n}", title=f"Market {n}", credentials={},
                           webhook_secrets=[], state_since=now, created_at=now)
                for n in range(len(self.markets))
            ]  # fmt: skip
            session.add_all(rows)
            session.flush()
            for row in rows:
                polls.ensure(session, row, self.engine.manifest(row), now)

    def due(self) -> list[Scope]:
        """Everything that could be worked on now, most urgent lane first."""
        lanes = table.lanes_with_work(self.engine)
        return [scope for lane in LANES if lane in lanes for scope in table.scopes(self.engine, lane)]

    def drain(self, rounds: int = 200) -> None:
        """Do everything that is due now, lane after lane, in this thread."""
        for _ in range(rounds):
            todo = self.due()
            if not todo:
                return
            for scope in todo:
                table.run(self.engine, scope, deadline=float("inf"))
        raise AssertionError(f"never comes to rest: {todo}")

    def settle(self, seconds: int = 900, step: int = 30) -> None:
        """Let time pass with the polls running, until long after the last thing happened."""
        for _ in range(0, seconds, step):
            polls.tick(self.engine)
            self.drain()
            self.clock.advance(step)
        polls.tick(self.engine)
        self.drain()

    def hint(self, product_id: str) -> None:
        """A store webhook for a product arrives."""
        self.mark("stock", "product.read", product_id)

    def hint_order(self, order_id: str) -> None:
        self.mark("orders", "store_order.read", order_id)

    def mark(self, lane: str, kind: str, key: str, connection: int = 1) -> None:
        from bridge.db import work

        marks = [work.Mark(connection, lane, kind, key, settle=kind == "product.read")]
        self.db.transact(1, work.mark, 1, marks, self.clock())

    def close(self) -> None:
        self.db.close()


def _no_sandbox(*_: object, **__: object) -> Any:
    raise LookupError("memory adapters have no sandbox")


def ean(number: int) -> str:
    """A valid EAN-13 under the prefix 871."""
    body = f"871{number:09d}"
    total = sum(int(digit) * (3 if index % 2 else 1) for index, digit in enumerate(body))
    return body + str(-total % 10)


def time_out(text: str = "no answer") -> BridgeError:
    return UnknownOutcome(text)
