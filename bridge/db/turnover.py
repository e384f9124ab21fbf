"""What was sold to consumers, by year and country."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bridge.db.base import Base, OfShop


class Turnover(OfShop, Base):
    """The sum of a year's sales to consumers in one other EU country: ``amount`` in EUR without VAT. Counted anew from
    the orders, never added to."""

    __tablename__ = "turnover"
    __table_args__ = (UniqueConstraint("shop_id", "year", "country"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    year: Mapped[int]
    country: Mapped[str] = mapped_column(String(2))
    amount: Mapped[str] = mapped_column(String(40))
    counted_at: Mapped[datetime]
