"""What is being edited and not in effect yet, and how far long work has come."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bridge.db.base import Base, OfShop


class DraftRow(OfShop, Base):
    """A setting as somebody is editing it, beside the one that holds. ``version`` is that of the document it was begun
    from, 0 where there was none."""

    __tablename__ = "drafts"
    __table_args__ = (UniqueConstraint("shop_id", "subject", "kind"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(40))
    content: Mapped[dict[str, Any]] = mapped_column(default=dict)
    version: Mapped[int]
    author: Mapped[str] = mapped_column(String(100))
    at: Mapped[datetime]


class RunRow(OfShop, Base):
    """How far one piece of long work has come: ``done`` of ``total`` (None: nobody knows how much it is). ``state``:
    running, done, stopping (somebody wants it to stop) or stopped."""

    __tablename__ = "runs"
    __table_args__ = (UniqueConstraint("connection_id", "kind"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("connections.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(40))
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int | None]
    can_stop: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(String(10), default="running")
    started_at: Mapped[datetime]
    updated_at: Mapped[datetime]
