"""The table of requests about personal data."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bridge.db.base import Base
from bridge.db.crypto import Secret


class PrivacyRequest(Base):
    """A request of a buyer or about a whole store, as the platform passed it on. It outlives the shop: ``store`` is the
    store's own name. ``kind``: export, erase_buyer, erase_store. ``report`` says what was found or done; of an
    export it has the data."""

    __tablename__ = "privacy_requests"
    __table_args__ = (
        UniqueConstraint("platform", "store", "topic", "delivery"),
        Index("ix_privacy_requests_shop", "shop_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    platform: Mapped[str] = mapped_column(String(40))
    store: Mapped[str] = mapped_column(String(200))
    shop_id: Mapped[int | None]
    kind: Mapped[str] = mapped_column(String(20))
    topic: Mapped[str] = mapped_column(String(80))
    delivery: Mapped[str] = mapped_column(String(100))
    subject: Mapped[Any] = mapped_column(Secret())
    received_at: Mapped[datetime]
    due_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    report: Mapped[Any] = mapped_column(Secret())
