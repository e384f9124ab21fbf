"""Orders on both sides: as the marketplace sold them, and as the store holds them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from bridge.domain.money import Money
from bridge.domain.values import Value

# What beside its fields belongs on a parcel or a bill, or tells who packs it how it is to be sent. Whatever else a
# marketplace tells with an address, of the buyer above all, is kept and stands on none.
ON_A_PARCEL = (
    "company_2", "address_line_3", "neighborhood", "district", "municipality", "country",
    "pickup_point", "pickup_name", "pickup_address", "pickup_provider", "pickup_carrier", "post_number",
    "final_destination", "note", "reference", "purchase_order",
    "delivery_method", "delivery_type", "shipping_method", "service", "provider",
)  # fmt: skip


class Address(Value):
    """A postal address. ``extra`` keeps what has no field of its own (pickup point, salutation), by name; what of it a
    parcel has to carry goes by the names of ``ON_A_PARCEL``."""

    first_name: str = ""
    last_name: str = ""
    company: str = ""
    street: str = ""
    house_number: str = ""
    addition: str = ""
    postcode: str = ""
    city: str = ""
    region: str = ""
    country: str = ""
    email: str = ""
    phone: str = ""
    vat_number: str = ""
    extra: dict[str, str] = Field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def for_delivery(self) -> list[str]:
        """What of ``extra`` a parcel or a bill has to carry: pickup point, note, reference."""
        return [value for name, value in self.extra.items() if name in ON_A_PARCEL]


class FulfilledBy(StrEnum):
    MERCHANT = "merchant"
    CHANNEL = "channel"


class OrderPhase(StrEnum):
    """How far an order is on its marketplace. Units are reserved in every phase; only READY orders are created in
    the store. Cancelled and shipped units are told by the lines, in any phase."""

    AWAITING_ACCEPTANCE = "awaiting_acceptance"  # the seller has to accept it first; an address may come only then
    PENDING = "pending"  # sold, and not paid or not checked yet: not to be shipped
    READY = "ready"


class SoldLine(Value):
    """One line of a marketplace order. Prices include VAT; ``total`` is for ``quantity`` after discounts.

    ``tax`` is the VAT contained in ``total`` and ``discount`` what was taken off before it, where the marketplace
    tells; both are for ``quantity`` units. ``shipped``: as many as the marketplace tells at least; where it keeps no
    quantities, what was confirmed to it is counted.
    """

    external_id: str
    offer_id: str | None = None
    sku: str | None = None
    gtin: str | None = None
    title: str = ""
    quantity: int = Field(ge=1)
    cancelled: int = Field(default=0, ge=0)
    shipped: int = Field(default=0, ge=0)
    unit_price: Money
    total: Money
    tax: Money | None = None
    discount: Money | None = None
    cancellation_requested: bool = False
    fulfilled_by: FulfilledBy = FulfilledBy.MERCHANT
    ship_by: datetime | None = None
    expires_at: datetime | None = None

    @property
    def open(self) -> int:
        """Units still to be shipped or cancelled."""
        return max(0, self.quantity - self.cancelled - self.shipped)


class MarketplaceOrder(Value):
    """An order as the marketplace tells it. ``raw`` is the answer it came from, kept whole; ``list_mark`` is the
    fingerprint under which lists show this state of the order (``OrderRef.mark``).

    ``site`` is the code of the country site it was sold on (``Manifest.sites``), "" where there is only one;
    ``accept_by``: the last moment to accept it; ``tax_by_channel``: the marketplace collects and remits the VAT.
    ``shipping`` includes VAT, of which ``shipping_tax`` is the part. ``takes_over``: unpaid orders with any of these
    line ids have become this one (line ids are unique in the account). ``shipping_method``: how it is to be
    sent, in the marketplace's own word, "" where it does not tell.
    """

    external_id: str
    placed_at: datetime
    changed_at: datetime | None = None
    list_mark: str = ""
    phase: OrderPhase = OrderPhase.READY
    site: str = ""
    accept_by: datetime | None = None
    currency: str
    lines: tuple[SoldLine, ...]
    shipping: Money | None = None
    shipping_tax: Money | None = None
    tax_by_channel: bool = False
    takes_over: bool = False
    shipping_method: str = ""
    ship_to: Address
    bill_to: Address | None = None
    note: str = ""
    raw: dict[str, Any] = Field(default_factory=dict)

    @property
    def total(self) -> Money:
        """What the buyer paid: lines after discounts, and shipping."""
        result = self.shipping or Money.zero(self.currency)
        for line in self.lines:
            result = result + line.total
        return result


class StoreOrderStatus(StrEnum):
    """The store's order status in one vocabulary. ``OTHER`` keeps the raw word beside it."""

    DRAFT = "draft"
    PENDING = "pending"
    PROCESSING = "processing"
    ON_HOLD = "on_hold"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"
    FAILED = "failed"
    TRASHED = "trashed"
    OTHER = "other"


class StoreLine(Value):
    """A line of a store order. ``reduced``: units the store has taken off its stock for it (None = unknown).

    ``ref`` is the marketplace line it was made from, where the store order carries it; ``refund_reason``: what somebody
    wrote into its newest refund in the store.
    """

    external_id: str
    variant_id: str
    sku: str | None = None
    quantity: int
    reduced: int | None = None
    refunded: int = 0
    refund_reason: str = ""
    ref: str | None = None


class Tracking(Value):
    """A parcel as the store knows it: ``lines`` maps store line id to units, empty = everything left.

    ``ref`` is stable: the same parcel has the same ref at each reading.
    """

    ref: str
    carrier: str = ""
    number: str = ""
    url: str = ""
    shipped_at: datetime | None = None
    lines: dict[str, int] = Field(default_factory=dict)


class StoreOrder(Value):
    """An order in the store. ``marketplace_ref`` is ours, see :class:`OrderDraft`, where the order carries it;
    ``cancel_reason``: the store's own word or code for why it was cancelled."""

    external_id: str
    number: str
    status: StoreOrderStatus
    raw_status: str
    currency: str
    total: Money
    marketplace_ref: str | None = None
    lines: tuple[StoreLine, ...] = ()
    parcels: tuple[Tracking, ...] = ()
    refunded: Money | None = None
    modified_at: datetime | None = None
    link: str | None = None
    cancel_reason: str = ""


class DraftLine(Value):
    """A line to create in the store: a known variant, or (both ids None) one of no product, which takes no stock.
    ``total`` includes VAT, of which ``tax`` is the part where the marketplace tells it."""

    ref: str
    product_id: str | None
    variant_id: str | None
    sku: str | None
    title: str
    quantity: int = Field(ge=1)
    unit_price: Money
    total: Money
    tax: Money | None = None


class ShippingMethod(Value):
    """The store's own shipping method: its code, as the store's manifest describes it, and its name."""

    code: str
    title: str = ""

    @property
    def name(self) -> str:
        return self.title or self.code


class OrderDraft(Value):
    """What the store is asked to create.

    ``ref`` is the business key ``<account>:<marketplace order id>``, written into the store order, by which it
    is looked up; ``label`` is what a person reads, e.g. ``bol 1043946570``. ``shipping_tax`` and
    ``tax_by_channel`` as in :class:`MarketplaceOrder`. ``shipping_method`` None: the store's usual; it moves no amount.
    ``payment_text``: what the order shows as the way of paying; empty: the store's usual.
    """

    ref: str
    label: str
    channel: str
    external_id: str
    placed_at: datetime
    currency: str
    lines: tuple[DraftLine, ...] = Field(min_length=1)
    shipping: Money | None = None
    shipping_tax: Money | None = None
    tax_by_channel: bool = False
    total: Money
    shipping_method: ShippingMethod | None = None
    payment_text: str = ""
    ship_to: Address
    bill_to: Address
    note: str = ""


class Step(StrEnum):
    """The seven steps of an order, as a person follows them."""

    PLACED = "placed"
    IMPORTED = "imported"
    STOCK_LOWERED = "stock_lowered"
    IN_STORE = "in_store"
    SHIPPED = "shipped"
    CONFIRMED = "confirmed"
    CLOSED = "closed"


STEPS = tuple(Step)


class ParcelLine(Value):
    """Units of one marketplace line in a parcel."""

    external_id: str
    quantity: int = Field(ge=1)


class Parcel(Value):
    """A shipment to confirm on the marketplace. ``carrier`` is the marketplace's own carrier code."""

    reference: str
    carrier: str
    tracking: str
    lines: tuple[ParcelLine, ...] = Field(min_length=1)
    shipped_at: datetime | None = None


class CancelReason(StrEnum):
    """Why an order line is cancelled, in one vocabulary; adapters map it to theirs."""

    OUT_OF_STOCK = "out_of_stock"
    BUYER_REQUEST = "buyer_request"
    PRICE_ERROR = "price_error"
    CANNOT_SHIP_IN_TIME = "cannot_ship_in_time"
    DAMAGED = "damaged"
    OTHER = "other"
