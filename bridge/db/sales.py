"""The tables of what was sold: orders, reservations, parcels, cancellations, returns, refunds, submissions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from bridge.db.base import Base, OfShop
from bridge.db.crypto import Secret
from bridge.domain.bundles import TakenBy
from bridge.domain.order import OrderPhase


class Order(OfShop, Base):
    """A marketplace order. ``store_state``: held, ready, creating, unknown, created, failed, cancelled, skipped.

    The seven steps have a time each. ``buyer`` (addresses, note) and ``raw`` are encrypted, and empty since
    ``erased_at``. ``phase`` is that of the marketplace (OrderPhase). ``accept_state``, where it has to be accepted
    first: "" (it has not), wanted, asked (the merchant decides), sending, unknown, submitted, done, failed;
    ``accept_refused`` are the lines the merchant refuses, None while the setting decides. ``consumer_in``: the country
    that a consumer had it delivered to, "" for a business; it stays when the buyer is erased (flows/turnover.py).
    ``shipping_method``: the marketplace's; ``store_method``: what was chosen for the store, and why
    (flows/shipping_methods.py).
    """

    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("connection_id", "external_id"),
        Index("ix_orders_store", "shop_id", "store_order_id"),
        Index("ix_orders_time", "shop_id", "placed_at"),
        Index(
            "ix_orders_ready",
            "connection_id",
            sqlite_where=text("store_state = 'ready'"),
            postgresql_where=text("store_state = 'ready'"),
        ),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("connections.id", ondelete="CASCADE"))
    external_id: Mapped[str] = mapped_column(String(100))
    ref: Mapped[str] = mapped_column(String(220))
    fingerprint: Mapped[str] = mapped_column(String(64), default="")
    currency: Mapped[str] = mapped_column(String(3))
    total: Mapped[str] = mapped_column(String(40))
    shipping: Mapped[str | None] = mapped_column(String(40))
    shipping_tax: Mapped[str | None] = mapped_column(String(40))
    tax_by_channel: Mapped[bool] = mapped_column(default=False)
    site: Mapped[str] = mapped_column(String(40), default="")
    shipping_method: Mapped[str] = mapped_column(String(100), default="", server_default="")
    store_method: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    phase: Mapped[str] = mapped_column(String(20), default=OrderPhase.READY.value)
    accept_by: Mapped[datetime | None]
    accept_state: Mapped[str] = mapped_column(String(12), default="")
    accept_refused: Mapped[list[Any] | None]
    accept_rounds: Mapped[int] = mapped_column(default=0)
    buyer: Mapped[Any] = mapped_column(Secret())
    raw: Mapped[Any] = mapped_column(Secret())
    placed_at: Mapped[datetime]
    imported_at: Mapped[datetime]
    stock_lowered_at: Mapped[datetime | None]
    created_at: Mapped[datetime | None]
    shipped_at: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    ship_by: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    channel_state: Mapped[str] = mapped_column(String(12), default="open")
    store_state: Mapped[str] = mapped_column(String(12), default="ready")
    store_order_id: Mapped[str | None] = mapped_column(String(100))
    store_number: Mapped[str | None] = mapped_column(String(100))
    store_link: Mapped[str | None] = mapped_column(Text)
    store_status: Mapped[str | None] = mapped_column(String(40))
    store_mark: Mapped[str | None] = mapped_column(String(80))
    store_total: Mapped[str | None] = mapped_column(String(40))
    tried_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(Text)
    erased_at: Mapped[datetime | None]
    consumer_in: Mapped[str | None] = mapped_column(String(2))


class OrderLine(OfShop, Base):
    """A line of a marketplace order; ``variant_id`` None while nothing in the store matches. ``bundle``: what it was
    made of (SoldBundle), from the moment that somebody had to know. ``without_product``: the store's order has it, or
    is to have it, as a line of no product, which takes no stock (flows/unmatched.py)."""

    __tablename__ = "order_lines"
    __table_args__ = (UniqueConstraint("order_id", "external_id"), Index("ix_order_lines_variant", "variant_id"))
    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"))
    external_id: Mapped[str] = mapped_column(String(100))
    offer_id: Mapped[str | None] = mapped_column(String(100))
    sku: Mapped[str | None] = mapped_column(String(190))
    gtin: Mapped[str | None] = mapped_column(String(64))
    title: Mapped[str] = mapped_column(Text, default="")
    quantity: Mapped[int]
    cancelled: Mapped[int] = mapped_column(default=0)
    shipped: Mapped[int] = mapped_column(default=0)
    unit_price: Mapped[str] = mapped_column(String(40))
    total: Mapped[str] = mapped_column(String(40))
    tax: Mapped[str | None] = mapped_column(String(40))
    discount: Mapped[str | None] = mapped_column(String(40))
    fulfilled_by: Mapped[str] = mapped_column(String(10), default="merchant")
    cancellation_requested: Mapped[bool] = mapped_column(default=False)
    variant_id: Mapped[int | None] = mapped_column(ForeignKey("variants.id", ondelete="SET NULL"))
    store_line_id: Mapped[str | None] = mapped_column(String(100))
    restocked: Mapped[int] = mapped_column(default=0)
    bundle: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    without_product: Mapped[bool] = mapped_column(default=False, server_default=false())


class Reservation(OfShop, Base):
    """Units sold on a marketplace that the store's own stock does not show yet: of the product that a line names, and
    of each component where that is a bundle. One unit of the line takes ``per_unit`` of it.

    ``state``: open (the store has not heard of it), waiting (the store order exists, and somebody else than the store
    has to take the component off its stock), placed (it is taken off), released (a reading of the store's stock that
    began after it was placed has been recorded, or the sale was cancelled). ``taken_by``: who takes it off (TakenBy);
    ``taken``: units that a person or we have taken off; ``found`` and ``target``: the store's number before and after a
    write of ours that is under way.
    """

    __tablename__ = "reservations"
    __table_args__ = (
        UniqueConstraint("order_line_id", "variant_id"),
        Index("ix_reservations_variant", "variant_id"),
        Index(
            "ix_reservations_held",
            "shop_id",
            "pool",
            sqlite_where=text("state <> 'released'"),
            postgresql_where=text("state <> 'released'"),
        ),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    order_line_id: Mapped[int] = mapped_column(ForeignKey("order_lines.id", ondelete="CASCADE"))
    variant_id: Mapped[int] = mapped_column(ForeignKey("variants.id", ondelete="CASCADE"))
    pool: Mapped[str] = mapped_column(String(100))
    quantity: Mapped[int]
    per_unit: Mapped[int] = mapped_column(default=1, server_default="1")
    taken_by: Mapped[str] = mapped_column(String(10), default=TakenBy.STORE.value, server_default="store")
    taken: Mapped[int] = mapped_column(default=0, server_default="0")
    found: Mapped[int | None]
    target: Mapped[int | None]
    state: Mapped[str] = mapped_column(String(10), default="open")
    created_at: Mapped[datetime]
    placed_at: Mapped[datetime | None]
    released_at: Mapped[datetime | None]


class ParcelRow(OfShop, Base):
    """A parcel of the store to confirm on the marketplace.

    ``state``: waiting (no tracking yet), ready, sending, unknown, submitted, confirmed, failed, dropped.
    """

    __tablename__ = "parcels"
    __table_args__ = (UniqueConstraint("order_id", "ref"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"))
    connection_id: Mapped[int] = mapped_column(ForeignKey("connections.id", ondelete="CASCADE"))
    ref: Mapped[str] = mapped_column(String(190))
    carrier: Mapped[str] = mapped_column(String(100), default="")
    number: Mapped[str] = mapped_column(String(190), default="")
    carrier_code: Mapped[str | None] = mapped_column(String(60))
    lines: Mapped[dict[str, Any]] = mapped_column(default=dict)
    state: Mapped[str] = mapped_column(String(12), default="waiting")
    submission: Mapped[str | None] = mapped_column(String(190))
    shipped_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(Text)
    rounds: Mapped[int] = mapped_column(default=0)


class Cancellation(OfShop, Base):
    """A cancellation of units of a line. ``origin``: buyer, store, marketplace, bridge.

    ``state``: asked (the merchant decides), wanted, sending, unknown, submitted, done, failed, overtaken
    (the parcel was faster), refusing, refusal_sent, refused (the merchant said no to the buyer), kept (out of
    stock, and a backorder by the merchant's word), withdrawn (our question has answered itself).
    """

    __tablename__ = "cancellations"
    __table_args__ = (UniqueConstraint("order_line_id", "origin"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    order_line_id: Mapped[int] = mapped_column(ForeignKey("order_lines.id", ondelete="CASCADE"))
    connection_id: Mapped[int] = mapped_column(ForeignKey("connections.id", ondelete="CASCADE"))
    origin: Mapped[str] = mapped_column(String(12))
    quantity: Mapped[int]
    reason: Mapped[str] = mapped_column(String(30))
    state: Mapped[str] = mapped_column(String(12))
    submission: Mapped[str | None] = mapped_column(String(190))
    error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    rounds: Mapped[int] = mapped_column(default=0)


class ReturnRow(OfShop, Base):
    """One line of a return (an RMA). ``state``: open, decided, sending, unknown, submitted, confirmed, closed, failed.

    ``store_state``: none, wanted, done, unmatched: whether the store's books and shelf follow. ``note``: why it was
    refused; ``days_late``: announced so long after the buyer's window. ``parts``: the components of a bundle that came
    back, each with its condition and what becomes of it on the shelf (bridge/flows/parts.py); paid back in proportion
    where ``decided_quantity`` is 0. ``cause``: what the marketplace's word for its reason means; ``store_return_id``
    and ``store_return_name``: the store's own return, where it keeps one.
    """

    __tablename__ = "returns"
    __table_args__ = (UniqueConstraint("connection_id", "external_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("connections.id", ondelete="CASCADE"))
    external_id: Mapped[str] = mapped_column(String(100))
    return_id: Mapped[str] = mapped_column(String(100))
    order_external_id: Mapped[str | None] = mapped_column(String(100))
    order_line_id: Mapped[int | None] = mapped_column(ForeignKey("order_lines.id", ondelete="SET NULL"))
    sku: Mapped[str | None] = mapped_column(String(190))
    gtin: Mapped[str | None] = mapped_column(String(64))
    title: Mapped[str] = mapped_column(Text, default="")
    quantity: Mapped[int]
    reason: Mapped[str] = mapped_column(Text, default="")
    cause: Mapped[str] = mapped_column(String(20), default="other", server_default="other")
    registered_at: Mapped[datetime]
    received_at: Mapped[datetime | None]
    respond_by: Mapped[datetime | None]
    decision: Mapped[str | None] = mapped_column(String(20))
    decided_quantity: Mapped[int | None]
    restock: Mapped[bool] = mapped_column(default=True)
    condition: Mapped[str] = mapped_column(String(10), default="", server_default="")
    note: Mapped[str] = mapped_column(Text, default="", server_default="")
    days_late: Mapped[int] = mapped_column(default=0, server_default="0")
    parts: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    state: Mapped[str] = mapped_column(String(12), default="open")
    store_state: Mapped[str] = mapped_column(String(12), default="none")
    store_return_id: Mapped[str] = mapped_column(String(100), default="", server_default="")
    store_return_name: Mapped[str] = mapped_column(String(100), default="", server_default="")
    submission: Mapped[str | None] = mapped_column(String(190))
    error: Mapped[str | None] = mapped_column(Text)
    raw: Mapped[Any] = mapped_column(Secret())
    closed_at: Mapped[datetime | None]
    rounds: Mapped[int] = mapped_column(default=0)


class RefundRow(OfShop, Base):
    """Money to pay back through a marketplace where the seller has to, for ``quantity`` units of a line, or for
    ``parts`` of a bundle: units by SKU.

    ``ref`` is unique for it on both sides. ``state``: wanted, sending, unknown, submitted, done, failed.
    """

    __tablename__ = "refunds"
    __table_args__ = (UniqueConstraint("connection_id", "ref"), Index("ix_refunds_line", "order_line_id"))
    id: Mapped[int] = mapped_column(primary_key=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("connections.id", ondelete="CASCADE"))
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    order_line_id: Mapped[int] = mapped_column(ForeignKey("order_lines.id", ondelete="CASCADE"))
    ref: Mapped[str] = mapped_column(String(250))
    quantity: Mapped[int]
    parts: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    amount: Mapped[str] = mapped_column(String(40))
    reason: Mapped[str] = mapped_column(String(30))
    state: Mapped[str] = mapped_column(String(12), default="wanted")
    submission: Mapped[str | None] = mapped_column(String(190))
    error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    rounds: Mapped[int] = mapped_column(default=0)


class Submission(OfShop, Base):
    """Something a marketplace accepted for later. ``kind``: parcel, cancellation, refusal, acceptance, return, refund,
    facet, offer. An offer is not made again before ``next_check_at``, even when the submission has ended."""

    __tablename__ = "submissions"
    __table_args__ = (
        UniqueConstraint("connection_id", "external_id"),
        Index("ix_submissions_due", "connection_id", "state", "next_check_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("connections.id", ondelete="CASCADE"))
    external_id: Mapped[str] = mapped_column(String(190))
    kind: Mapped[str] = mapped_column(String(20))
    subject_id: Mapped[int]
    state: Mapped[str] = mapped_column(String(10), default="pending")
    version: Mapped[int] = mapped_column(default=0)
    message: Mapped[str] = mapped_column(Text, default="")
    submitted_at: Mapped[datetime]
    next_check_at: Mapped[datetime]
    checks: Mapped[int] = mapped_column(default=0)


class ProofRow(OfShop, Base):
    """Whether the orders of one day (the shop's own, ``YYYY-MM-DD``) are the same on the marketplace, here and in the
    store. ``found`` has the counts and the ids that differ; ``signed_at`` None while something does."""

    __tablename__ = "proofs"
    __table_args__ = (UniqueConstraint("connection_id", "day"), Index("ix_proofs_day", "shop_id", "day"))
    id: Mapped[int] = mapped_column(primary_key=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("connections.id", ondelete="CASCADE"))
    day: Mapped[str] = mapped_column(String(10))
    found: Mapped[dict[str, Any]] = mapped_column(default=dict)
    rounds: Mapped[int] = mapped_column(default=0)
    proved_at: Mapped[datetime]
    signed_at: Mapped[datetime | None]
