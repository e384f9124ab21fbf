"""How many stock values marketplaces have accepted, counted as they do."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import PrimaryKeyConstraint
from sqlalchemy.orm import Mapped

from bridge.db.base import Base, OfShop

QUARTER = timedelta(minutes=15)  # every time zone's midnight is at one
KEPT = timedelta(days=90)


class StockSent(OfShop, Base):
    """Of one connection, in the quarter of an hour that begins at ``quarter``."""

    __tablename__ = "stock_sent"
    __table_args__ = (PrimaryKeyConstraint("shop_id", "quarter", "connection_id"),)
    quarter: Mapped[datetime]
    connection_id: Mapped[int]
    count: Mapped[int]
