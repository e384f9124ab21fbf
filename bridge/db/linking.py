"""Offers that stand on a marketplace and fit no product of the store by themselves."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bridge.db.base import Base, OfShop


class LooseOffer(OfShop, Base):
    """One of them, as the last comparison found it; also while a listing has it that was linked to it by hand, so that
    it is known when that is taken back. ``sku``, ``gtin`` and ``title`` are the marketplace's."""

    __tablename__ = "loose_offers"
    __table_args__ = (
        UniqueConstraint("connection_id", "site", "offer_id"),
        Index("ix_loose_offers_sku", "connection_id", "sku"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("connections.id", ondelete="CASCADE"))
    site: Mapped[str] = mapped_column(String(40), default="")
    offer_id: Mapped[str] = mapped_column(String(100))
    sku: Mapped[str] = mapped_column(String(190), default="")
    gtin: Mapped[str] = mapped_column(String(64), default="")
    title: Mapped[str] = mapped_column(String(300), default="")
    seen_at: Mapped[datetime]
