"""The tables. Every row but those of ``shops``, ``leases``, ``rate_days`` and ``module_activations`` belongs to a shop.

Times are aware UTC; money is kept as text with its currency; versions only ever grow.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from bridge.db.alerting import AlertingRow, AlertRow, SendingRow
from bridge.db.base import Base, OfShop, UtcTime
from bridge.db.crypto import Secret
from bridge.db.editing import DraftRow, RunRow
from bridge.db.feeding import FeedPart, FeedRow
from bridge.db.linking import LooseOffer
from bridge.db.modules import ActivationRow, ModuleRow, NonceRow
from bridge.db.requests import PrivacyRequest
from bridge.db.sales import (
    Cancellation,
    Order,
    OrderLine,
    ParcelRow,
    ProofRow,
    RefundRow,
    Reservation,
    ReturnRow,
    Submission,
)
from bridge.db.sent import StockSent
from bridge.db.shaping import (
    CategoryTreeRow,
    Change,
    Document,
    Hold,
    ImageRow,
    PlanRow,
    RateDay,
    RequirementRow,
    SuggestionRow,
)
from bridge.db.turnover import Turnover

__all__ = [
    "ActivationRow",
    "AlertRow",
    "AlertingRow",
    "Base",
    "Cancellation",
    "CategoryTreeRow",
    "Change",
    "Connection",
    "Delivery",
    "Document",
    "DraftRow",
    "FacetRow",
    "FeedPart",
    "FeedRow",
    "Hold",
    "ImageRow",
    "Journal",
    "Lease",
    "Listing",
    "LooseOffer",
    "ModuleRow",
    "NonceRow",
    "OfShop",
    "Order",
    "OrderLine",
    "ParcelRow",
    "PlanRow",
    "Poll",
    "PrivacyRequest",
    "Problem",
    "Product",
    "ProofRow",
    "RateDay",
    "RefundRow",
    "RequirementRow",
    "Reservation",
    "ReturnRow",
    "RunRow",
    "SendingRow",
    "Shop",
    "StockSent",
    "Submission",
    "SuggestionRow",
    "TokenRow",
    "Turnover",
    "UtcTime",
    "Variant",
    "Work",
]


class Shop(Base):
    """A tenant: one store and the marketplaces it sells on."""

    __tablename__ = "shops"
    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
    paused: Mapped[bool] = mapped_column(default=False)
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)


class Connection(OfShop, Base):
    """An account on a store platform or a marketplace. ``state``: active, paused, needs_reauth."""

    __tablename__ = "connections"
    __table_args__ = (UniqueConstraint("shop_id", "adapter", "account"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    role: Mapped[str] = mapped_column(String(10))
    adapter: Mapped[str] = mapped_column(String(40))
    account: Mapped[str] = mapped_column(String(100))
    title: Mapped[str] = mapped_column(String(200))
    credentials: Mapped[Any] = mapped_column(Secret(recalled=True))
    webhook_secrets: Mapped[Any] = mapped_column(Secret(recalled=True), default=list)
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    urls: Mapped[dict[str, Any]] = mapped_column(default=dict)
    info: Mapped[dict[str, Any]] = mapped_column(default=dict)
    state: Mapped[str] = mapped_column(String(20), default="active")
    state_reason: Mapped[str] = mapped_column(Text, default="")
    state_since: Mapped[datetime]
    created_at: Mapped[datetime]
    last_ok_at: Mapped[datetime | None]
    sandbox: Mapped[bool] = mapped_column(default=False)


class TokenRow(OfShop, Base):
    """The access token of a connection; ``version`` is compared and swapped at refresh."""

    __tablename__ = "tokens"
    connection_id: Mapped[int] = mapped_column(ForeignKey("connections.id", ondelete="CASCADE"), primary_key=True)
    token: Mapped[Any] = mapped_column(Secret())
    version: Mapped[int] = mapped_column(default=1)


class Lease(Base):
    """A named right that one process holds at a time (the scheduler's leadership, a token refresh)."""

    __tablename__ = "leases"
    name: Mapped[str] = mapped_column(String(120), primary_key=True)
    token: Mapped[str] = mapped_column(String(40))
    until: Mapped[datetime]


class Delivery(OfShop, Base):
    """A webhook as it arrived, kept before it is acknowledged. ``body`` holds personal data."""

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("connection_id", "topic", "external_id", "body_hash"),
        Index("ix_deliveries_time", "shop_id", "received_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("connections.id", ondelete="CASCADE"))
    topic: Mapped[str] = mapped_column(String(80))
    external_id: Mapped[str] = mapped_column(String(100))
    body_hash: Mapped[str] = mapped_column(String(64))
    body: Mapped[Any] = mapped_column(Secret())
    received_at: Mapped[datetime]
    seen: Mapped[int] = mapped_column(default=1)
    last_seen_at: Mapped[datetime]


class Work(OfShop, Base):
    """Something to do, by key: the level, not the edge. Pending while ``dirty_version > done_version``."""

    __tablename__ = "work"
    __table_args__ = (
        UniqueConstraint("shop_id", "connection_id", "kind", "key"),
        Index(
            "ix_work_pending",
            "connection_id",
            "lane",
            "parked",
            "priority",
            "due_at",
            sqlite_where=text("dirty_version > done_version"),
            postgresql_where=text("dirty_version > done_version"),
        ),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("connections.id", ondelete="CASCADE"))
    lane: Mapped[str] = mapped_column(String(12))
    kind: Mapped[str] = mapped_column(String(40))
    key: Mapped[str] = mapped_column(String(190))
    priority: Mapped[int] = mapped_column(Integer, default=5)
    dirty_version: Mapped[int] = mapped_column(default=1)
    done_version: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime]
    first_marked_at: Mapped[datetime]
    last_done_at: Mapped[datetime | None]
    leased_until: Mapped[datetime | None]
    lease_token: Mapped[str | None] = mapped_column(String(40))
    attempts: Mapped[int] = mapped_column(default=0)
    parked: Mapped[bool] = mapped_column(default=False)
    error: Mapped[str | None] = mapped_column(Text)


class Product(OfShop, Base):
    """The last reading of a product. ``snapshot_version`` is compared and swapped by readers."""

    __tablename__ = "products"
    __table_args__ = (UniqueConstraint("shop_id", "external_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(String(100))
    title: Mapped[str] = mapped_column(Text, default="")
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)
    mark: Mapped[str | None] = mapped_column(String(80))
    snapshot_version: Mapped[int] = mapped_column(default=0)
    read_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]


class Variant(OfShop, Base):
    """The last reading of a variant. ``pool`` holds its stock; variants of one pool share reservations. ``writer``: who
    is writing its stock in the store right now (bridge/flows/store_shelf.py)."""

    __tablename__ = "variants"
    __table_args__ = (
        UniqueConstraint("shop_id", "external_id"),
        Index("ix_variants_sku", "shop_id", "sku"),
        Index("ix_variants_gtin", "shop_id", "gtin"),
        Index("ix_variants_pool", "shop_id", "pool"),
        Index("ix_variants_product", "product_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"))
    external_id: Mapped[str] = mapped_column(String(100))
    sku: Mapped[str | None] = mapped_column(String(190))
    gtin: Mapped[str | None] = mapped_column(String(64))
    title: Mapped[str] = mapped_column(Text, default="")
    pool: Mapped[str] = mapped_column(String(100))
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)
    mark: Mapped[str | None] = mapped_column(String(80))
    on_hand: Mapped[int | None]
    deleted_at: Mapped[datetime | None]
    read_at: Mapped[datetime]
    writer: Mapped[str | None] = mapped_column(String(60))


class Listing(OfShop, Base):
    """One variant on one site of one channel; ``site`` is its code, "" where an account is one site.

    ``state``: new, blocked, creating, unknown, live, submitted,
    rejected, ending, ended, unlinked. The existence of the offer is versioned
    like a facet: ``wanted`` is the desired state. ``end_hold``: "held" while its end waits for a person, "approved"
    once one agreed. ``linked_by``: who said by hand that ``offer_id`` is this variant's, and ``linked_at`` when; of one
    that is unlinked, when that was taken back.
    """

    __tablename__ = "listings"
    __table_args__ = (
        UniqueConstraint("connection_id", "variant_id", "site"),
        Index("ix_listings_variant", "variant_id"),
        Index("ix_listings_sku", "connection_id", "sku"),
        Index("ix_listings_offer", "connection_id", "offer_id"),
        *(
            Index(
                name,
                "connection_id",
                "due_at",
                sqlite_where=text(f"pending = 1 AND offer_id IS {offer}"),
                postgresql_where=text(f"pending AND offer_id IS {offer}"),
            )
            for name, offer in (("ix_listings_to_make", "NULL"), ("ix_listings_to_end", "NOT NULL"))
        ),
        Index(
            "ix_listings_held",
            "connection_id",
            sqlite_where=text("end_hold = 'held'"),
            postgresql_where=text("end_hold = 'held'"),
        ),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("connections.id", ondelete="CASCADE"))
    variant_id: Mapped[int] = mapped_column(ForeignKey("variants.id", ondelete="CASCADE"))
    site: Mapped[str] = mapped_column(String(40), default="")
    sku: Mapped[str] = mapped_column(String(190), default="")
    gtin: Mapped[str | None] = mapped_column(String(64))
    offer_id: Mapped[str | None] = mapped_column(String(100))
    wanted: Mapped[bool] = mapped_column(default=True)
    state: Mapped[str] = mapped_column(String(12), default="new")
    pending: Mapped[bool] = mapped_column(default=False)
    version: Mapped[int] = mapped_column(default=1)
    findings: Mapped[list[Any]] = mapped_column(default=list)
    error: Mapped[str | None] = mapped_column(Text)
    for_sale: Mapped[bool | None]
    sale_reasons: Mapped[list[Any]] = mapped_column(default=list)
    status_due_at: Mapped[datetime | None]
    due_at: Mapped[datetime]
    leased_until: Mapped[datetime | None]
    lease_token: Mapped[str | None] = mapped_column(String(40))
    attempts: Mapped[int] = mapped_column(default=0)
    drift_count: Mapped[int] = mapped_column(default=0)
    end_hold: Mapped[str] = mapped_column(String(10), default="", server_default="")
    event_at: Mapped[datetime | None]
    linked_by: Mapped[str | None] = mapped_column(String(100))
    linked_at: Mapped[datetime | None]


class FacetRow(OfShop, Base):
    """What one facet of a listing should be, what was sent, what was acknowledged.

    Pending while ``desired_version > acked_version``. ``in_flight`` stays set from before the first byte goes
    out until an answer is recorded, so that a crash in between can never make "equal to the last
    acknowledged" look like "nothing to do". While ``held_hash`` is set, ``held`` is a value that waits for a person
    and ``desired`` stays what it was; ``approved_hash`` is the value a person agreed to.
    """

    __tablename__ = "facets"
    __table_args__ = (
        UniqueConstraint("listing_id", "facet"),
        Index(
            "ix_facets_pending",
            "connection_id",
            "facet",
            "priority",
            "due_at",
            sqlite_where=text("desired_version > acked_version"),
            postgresql_where=text("desired_version > acked_version"),
        ),
        Index(
            "ix_facets_held",
            "connection_id",
            sqlite_where=text("held_hash IS NOT NULL"),
            postgresql_where=text("held_hash IS NOT NULL"),
        ),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    listing_id: Mapped[int] = mapped_column(ForeignKey("listings.id", ondelete="CASCADE"))
    connection_id: Mapped[int] = mapped_column(ForeignKey("connections.id", ondelete="CASCADE"))
    facet: Mapped[str] = mapped_column(String(10))
    desired: Mapped[dict[str, Any]] = mapped_column(default=dict)
    desired_hash: Mapped[str] = mapped_column(String(32), default="")
    desired_version: Mapped[int] = mapped_column(default=0)
    desired_at: Mapped[datetime]
    explain: Mapped[dict[str, Any]] = mapped_column(default=dict)
    priority: Mapped[int] = mapped_column(default=2)
    held: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    held_hash: Mapped[str | None] = mapped_column(String(32))
    approved_hash: Mapped[str | None] = mapped_column(String(32))
    acked: Mapped[dict[str, Any]] = mapped_column(default=dict)
    acked_hash: Mapped[str] = mapped_column(String(32), default="")
    acked_version: Mapped[int] = mapped_column(default=0)
    acked_at: Mapped[datetime | None]
    in_flight: Mapped[bool] = mapped_column(default=False)
    sent_at: Mapped[datetime | None]
    event_at: Mapped[datetime | None]
    due_at: Mapped[datetime]
    leased_until: Mapped[datetime | None]
    lease_token: Mapped[str | None] = mapped_column(String(40))
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None] = mapped_column(Text)


class Problem(OfShop, Base):
    """Something a person should know, with its fix. Open while ``closed_at`` is None; one per kind and subject."""

    __tablename__ = "problems"
    __table_args__ = (UniqueConstraint("shop_id", "kind", "subject"), Index("ix_problems_open", "shop_id", "closed_at"))
    id: Mapped[int] = mapped_column(primary_key=True)
    connection_id: Mapped[int | None] = mapped_column(ForeignKey("connections.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(190))
    severity: Mapped[str] = mapped_column(String(10), default="error")
    text: Mapped[str] = mapped_column(Text)
    fix: Mapped[str] = mapped_column(Text, default="")
    detail: Mapped[str] = mapped_column(Text, default="")
    opened_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    count: Mapped[int] = mapped_column(default=1)
    closed_at: Mapped[datetime | None]


class Journal(OfShop, Base):
    """Every decision and every exchange, readable per order, per SKU and per delivery. Redacted.

    ``author``: the person who wanted it, where one did; these lines are the record of who changed what.
    """

    __tablename__ = "journal"
    __table_args__ = (
        Index("ix_journal_order", "shop_id", "order_ref", "id"),
        Index("ix_journal_sku", "shop_id", "sku", "id"),
        Index("ix_journal_delivery", "shop_id", "delivery_id", "id"),
        Index("ix_journal_time", "at"),
        Index(
            "ix_journal_author",
            "shop_id",
            "id",
            sqlite_where=text("author IS NOT NULL"),
            postgresql_where=text("author IS NOT NULL"),
        ),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    connection_id: Mapped[int | None]
    kind: Mapped[str] = mapped_column(String(40))
    text: Mapped[str] = mapped_column(Text)
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    order_ref: Mapped[str | None] = mapped_column(String(220))
    sku: Mapped[str | None] = mapped_column(String(190))
    delivery_id: Mapped[int | None]
    author: Mapped[str | None] = mapped_column(String(120))


class Poll(OfShop, Base):
    """A recurring question to the outside. ``cursor`` is where the last complete answer ended."""

    __tablename__ = "polls"
    __table_args__ = (UniqueConstraint("connection_id", "flow"), Index("ix_polls_next", "next_at"))
    id: Mapped[int] = mapped_column(primary_key=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("connections.id", ondelete="CASCADE"))
    flow: Mapped[str] = mapped_column(String(30))
    lane: Mapped[str] = mapped_column(String(12))
    every: Mapped[int]
    next_at: Mapped[datetime]
    cursor: Mapped[dict[str, Any]] = mapped_column(default=dict)
    last_started_at: Mapped[datetime | None]
    last_ok_at: Mapped[datetime | None]
    last_count: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None] = mapped_column(Text)
