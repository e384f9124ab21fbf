"""What a store adapter promises. All calls are synchronous, go through the connection's transport, and raise
only errors of :mod:`bridge.ports.errors`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from pydantic import Field

from bridge.domain.catalogue import StoreProduct
from bridge.domain.order import OrderDraft, StoreOrder
from bridge.domain.reading import amount
from bridge.domain.returns import RefundLine, ReturnNotice, StoreReturn
from bridge.domain.values import Value
from bridge.ports.channel import Choice, Page
from bridge.ports.errors import AskMerchant
from bridge.ports.manifest import Manifest


def order_total(told: Any, order_id: str) -> Decimal:
    """The total a store tells of an order; 0 where it tells none. Raises AskMerchant where that is no amount: 0 would
    be compared with the marketplace's as if the store had said it."""
    found = amount(told)
    if found is None and told not in (None, ""):
        raise AskMerchant(f"The total of order {order_id} in the store is no amount of money.", field="total")
    return found or Decimal(0)


class StoreInfo(Value):
    """The store as a check of the credentials found it. ``details`` is shown to the merchant as it is; ``choices``: by
    name of a setting, what can be chosen there (store views, sources); ``better``: what it would do too with a right
    that it was not given, and how to give it."""

    name: str
    url: str
    currency: str
    version: str
    prices_include_tax: bool
    timezone: str = "UTC"
    details: dict[str, Any] = Field(default_factory=dict)
    choices: dict[str, tuple[Choice, ...]] = Field(default_factory=dict)
    better: tuple[str, ...] = ()


class ProductRef(Value):
    """A product in a list; ``mark`` changes whenever the product, its stock or a variant changed. In lists of
    variants ``variant_id`` names the variant the mark is of, and ``external_id`` its product. ``product``: the product
    whole, where the list brings it along, which spares reading one that nobody knows yet."""

    external_id: str
    variant_id: str | None = None
    modified_at: datetime | None = None
    mark: str
    product: StoreProduct | None = None


class ProductBatch(Value):
    """Products read whole. ``missing`` are ids that no longer exist or are in the bin; ``parents`` are products to
    read because one of those ids was a variant of them (WooCommerce tells a deleted variant by its own id).
    ``later`` are ids that were not read for now, because the store wants fewer calls; the others are good."""

    products: tuple[StoreProduct, ...]
    missing: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()
    later: tuple[str, ...] = ()


class OrderMark(Value):
    """A store order in a list; ``marketplace_ref`` where the list tells it."""

    external_id: str
    modified_at: datetime | None = None
    mark: str
    marketplace_ref: str | None = None


class HintKind(StrEnum):
    PRODUCT = "product"
    STOCK = "stock"  # of one pool (StockReading.pool), where the store names no product
    ORDER = "order"
    NOTHING = "nothing"  # well-formed and of no interest (a ping, a draft, a coupon)


class Hint(Value):
    """What a webhook points at. The engine re-reads it; nothing of the payload is believed.

    ``external_id`` is the product to read (the parent, for a variation), the order, or the pool. ``accept_status`` is
    the status the sender must get. ``delivery``: the sender's own name of this delivery, unique per topic; without one,
    equal bytes are the same delivery. ``units``: how many it says can still be sold, 0 for what is not for sale; None
    where it does not say. Only how soon it is read depends on that.
    """

    kind: HintKind
    topic: str
    external_id: str
    mark: str | None = None
    accept_status: int = 200
    delivery: str | None = None
    units: int | None = None


class WebhookAudit(Value):
    """The state of our webhooks at the store. ``mended`` lists what was created or switched on again."""

    active: int
    mended: tuple[str, ...] = ()


class SentEvent(Value):
    """A test event that a store was asked to send: under which topic and id it arrives. ``trouble``: what the store
    says that keeps it from arriving; empty where it knows of nothing."""

    topic: str
    external_id: str
    trouble: str = ""


class WebhookDoor(Protocol):
    """Reading a delivery needs no connection: bytes, headers and secrets in, a hint out. No I/O."""

    def read(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> Hint:
        """Verify over the raw bytes in constant time against each secret, then parse.

        Raises Reauthorise when no secret fits or the signature is missing or malformed, and AskMerchant
        (naming the field) when the body is signed rightly and still makes no sense.
        """
        ...


class Platform(Protocol):
    """A merchant's store."""

    manifest: Manifest

    def check(self) -> StoreInfo:
        """Prove that the credentials work and may read and write. Raises Reauthorise or AskMerchant."""
        ...

    def list_products(self, since: datetime | None, cursor: str | None) -> Page[ProductRef]:
        """Products changed after ``since`` (None: all), by id. Changes of variants count, except where the
        store cannot tell: ``list_variants`` finds those."""
        ...

    def list_variants(self, cursor: str | None) -> Page[ProductRef]:
        """All variants as marks under their product's id: the sweep for what ``list_products`` cannot see."""
        ...

    def fetch_products(self, ids: Sequence[str]) -> ProductBatch:
        """Read these products whole, with as few calls as the store allows."""
        ...

    def list_orders(self, since: datetime, cursor: str | None) -> Page[OrderMark]:
        """Orders changed after ``since``, drafts left out."""
        ...

    def fetch_orders(self, ids: Sequence[str]) -> list[StoreOrder]:
        """These orders whole, parcels included, with as few calls as the store allows; missing ones left out. Raises
        where one of them cannot be read whole; each is then asked for by itself."""
        ...

    def find_orders(self, refs: Sequence[str], since: datetime | None = None) -> dict[str, StoreOrder]:
        """Orders in the store that carry any of these references (OrderDraft.ref), by reference. ``since``: when the
        first of them was placed on its marketplace; no store order of theirs can be older."""
        ...

    def create_order(self, draft: OrderDraft) -> StoreOrder:
        """Create the order, stock reduced by the store. Raises UnknownOutcome when no answer came back."""
        ...

    def cancel_order(self, external_id: str, note: str, code: str = "") -> StoreOrder:
        """``code``: one of the store's own reasons, where it has any (Manifest.cancel_reasons)."""
        ...

    def refund_lines(self, external_id: str, lines: Sequence[RefundLine], reason: str, ref: str) -> StoreOrder:
        """Refund units in the store's books (no payment is touched), putting them back on stock where asked.

        Safe to repeat: ``ref`` is written into the refund and looked up first.
        """
        ...

    def announce_return(self, external_id: str, notice: ReturnNotice) -> StoreReturn:
        """Keep a return of units that have left, once: looked up first, by its id, its reference, and among those that
        were made in the store for the same units. Nothing is refunded yet. Raises UnknownOutcome when no answer came
        back; called again, it is looked up.

        This and the next two are asked of a store with Capability.RETURNS only.
        """
        ...

    def accept_return(self, external_id: str, known: str, line: RefundLine, reason: str, ref: str) -> StoreOrder:
        """Take units back: by the return that the store keeps for ``ref`` (or as ``known``), with its refund; where it
        keeps none, as :meth:`refund_lines`. Never both. Raises UnknownOutcome when no answer came back.

        Safe to repeat: what the store has processed is read first.
        """
        ...

    def drop_return(self, external_id: str, ref: str) -> None:
        """Nothing (more) comes back: cancel the return that was made for ``ref``, or close it where something was done
        about it. Safe to repeat."""
        ...

    def add_note(self, external_id: str, note: str) -> None:
        """For the merchant, not the buyer. Safe to repeat: the same note stands there once."""
        ...

    def set_stock(self, product_id: str, variant_id: str, quantity: int) -> None:
        """Write an absolute quantity. Only on the merchant's explicit wish."""
        ...

    def ensure_webhooks(self, url: str, secret: str) -> WebhookAudit:
        """Create what is missing, switch on what was switched off, all pointing at ``url`` with ``secret``."""
        ...

    def remove_webhooks(self, url: str) -> int: ...

    def send_test_event(self, marker: str) -> SentEvent:
        """Have the store send us at once a signed event that changes nothing. ``marker`` names it: up to 40 letters
        and digits. Raises AskMerchant where the store has nothing that could send it (Feature.TEST_EVENT)."""
        ...


class Trace(NamedTuple):
    """Something that a rehearsal has made in the store: an "order" or a "product"."""

    kind: str
    external_id: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name} ({self.external_id})" if self.name else f"{self.kind} {self.external_id}"


class StoreRehearsal(Protocol):
    """What a rehearsal does in the store as the merchant would, against the sandbox or a staging store."""

    def prepare(self) -> None:
        """Look, before anything is made, whether this store lets a rehearsal do its part. Raises AskMerchant naming
        what to do."""
        ...

    def create_product(self, sku: str, gtin: str, title: str, price: str, stock: int) -> str: ...

    def set_stock(self, sku: str, quantity: int) -> None: ...

    def change_title(self, sku: str, title: str) -> None: ...

    def stock_of(self, sku: str) -> int: ...

    def ship(self, order_id: str, carrier: str, tracking: str) -> None:
        """Without ``tracking`` it is only marked as sent; called again with it, the number is added."""
        ...

    def cancel(self, order_id: str) -> None: ...

    def traces(self, skus: Collection[str], refs: Collection[str]) -> list[Trace]:
        """What rehearsals have left in the store, orders before products, as it is there now: by these SKUs, by
        these references of orders (OrderDraft.ref), and by the mark that products of a rehearsal carry."""
        ...

    def kept(self, refs: Collection[str]) -> list[str]:
        """Of these references, the orders that the store lets nobody delete, each with its status there now."""
        ...

    def remove(self, trace: Trace) -> None:
        """Delete it for good, or where the store deletes no such thing, end it. Nothing happens when it is gone."""
        ...
