"""The tables of what shapes listings: settings in versions, plans, holds, and what was asked of the marketplaces."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from bridge.db.base import Base, OfShop


class Document(OfShop, Base):
    """One setting in one version: rules, a mapping, buffers and the like.

    ``subject`` is whom it is for: ``connection:<id>``, ``shared:<name>`` or ``shop``. It held from the state
    ``since`` until the state ``until``; None: it is the one that holds now.
    """

    __tablename__ = "documents"
    __table_args__ = (
        UniqueConstraint("shop_id", "subject", "kind", "version"),
        Index(
            "ix_documents_active",
            "shop_id",
            "subject",
            "kind",
            unique=True,
            sqlite_where=text("until IS NULL"),
            postgresql_where=text("until IS NULL"),
        ),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(40))
    version: Mapped[int]
    content: Mapped[dict[str, Any]] = mapped_column(default=dict)
    since: Mapped[int]
    until: Mapped[int | None]


class Change(OfShop, Base):
    """One applied change of settings. ``number`` counts up by one: the state of a shop's settings is the number of
    its last change, and two changes cannot take the same one."""

    __tablename__ = "changes"
    __table_args__ = (UniqueConstraint("shop_id", "number"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int]
    author: Mapped[str] = mapped_column(String(100))
    at: Mapped[datetime]
    note: Mapped[str] = mapped_column(Text, default="")
    undoes: Mapped[int | None]
    undone_by: Mapped[int | None]
    confirmed: Mapped[bool] = mapped_column(default=False)
    summary: Mapped[dict[str, Any]] = mapped_column(default=dict)


class PlanRow(OfShop, Base):
    """A change that was asked for, and what it would do. ``state`` is the number of the change it was made after;
    ``wish`` lists what would be written; ``found`` has counts and examples by channel; ``over`` the limits it breaks.
    """

    __tablename__ = "plans"
    __table_args__ = (Index("ix_plans_time", "shop_id", "created_at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[int]
    wish: Mapped[list[Any]] = mapped_column(default=list)
    found: Mapped[dict[str, Any]] = mapped_column(default=dict)
    over: Mapped[list[Any]] = mapped_column(default=list)
    author: Mapped[str] = mapped_column(String(100))
    note: Mapped[str] = mapped_column(Text, default="")
    undoes: Mapped[int | None]
    created_at: Mapped[datetime]
    applied_at: Mapped[datetime | None]
    change: Mapped[int | None]


class Hold(OfShop, Base):
    """A flow of one connection that rests until somebody resumes it (bridge/flows/resting.py)."""

    __tablename__ = "holds"
    __table_args__ = (UniqueConstraint("connection_id", "flow"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("connections.id", ondelete="CASCADE"))
    flow: Mapped[str] = mapped_column(String(12))
    reason: Mapped[str] = mapped_column(Text, default="")
    author: Mapped[str] = mapped_column(String(100))
    since: Mapped[datetime]


class RequirementRow(OfShop, Base):
    """What a marketplace asks of one category (empty: of every product), as it was last told."""

    __tablename__ = "requirements"
    __table_args__ = (UniqueConstraint("connection_id", "category"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("connections.id", ondelete="CASCADE"))
    category: Mapped[str] = mapped_column(String(190), default="")
    version: Mapped[str] = mapped_column(String(80))
    content: Mapped[dict[str, Any]] = mapped_column(default=dict)
    fetched_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class CategoryTreeRow(OfShop, Base):
    """The categories of a marketplace, as they were last listed."""

    __tablename__ = "category_trees"
    connection_id: Mapped[int] = mapped_column(ForeignKey("connections.id", ondelete="CASCADE"), primary_key=True)
    version: Mapped[str] = mapped_column(String(80))
    content: Mapped[list[Any]] = mapped_column(default=list)
    fetched_at: Mapped[datetime]


class SuggestionRow(OfShop, Base):
    """A marketplace category that may suit a store category. Nothing but a person makes a mapping of it."""

    __tablename__ = "suggestions"
    __table_args__ = (UniqueConstraint("connection_id", "path", "target"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("connections.id", ondelete="CASCADE"))
    path: Mapped[str] = mapped_column(String(500))
    place: Mapped[int]
    target: Mapped[str] = mapped_column(String(190))
    target_path: Mapped[str] = mapped_column(Text)
    confidence: Mapped[float]
    reason: Mapped[str] = mapped_column(Text)
    made_at: Mapped[datetime]


class RateDay(Base):
    """The exchange rates of one day from one source: units of each currency for one of ``base``, as text."""

    __tablename__ = "rate_days"
    __table_args__ = (UniqueConstraint("source", "day"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(String(80))
    day: Mapped[str] = mapped_column(String(10))
    base: Mapped[str] = mapped_column(String(3), default="EUR")
    rates: Mapped[dict[str, Any]] = mapped_column(default=dict)
    fetched_at: Mapped[datetime]


class ImageRow(OfShop, Base):
    """What was found out about the picture at an address. ``url_hash`` is SHA-256; ``error`` says why it cannot be
    used; ``etag`` and ``last_modified`` are for asking whether it changed, not before ``due_at``."""

    __tablename__ = "image_facts"
    __table_args__ = (UniqueConstraint("shop_id", "url_hash"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    url_hash: Mapped[str] = mapped_column(String(64))
    url: Mapped[str] = mapped_column(Text)
    etag: Mapped[str | None] = mapped_column(Text)
    last_modified: Mapped[str | None] = mapped_column(String(100))
    content_type: Mapped[str] = mapped_column(String(100), default="")
    width: Mapped[int | None]
    height: Mapped[int | None]
    size: Mapped[int | None]
    error: Mapped[str] = mapped_column(Text, default="")
    checked_at: Mapped[datetime]
    due_at: Mapped[datetime]
