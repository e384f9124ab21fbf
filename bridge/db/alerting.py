"""The tables of alerts: what is to be told (the outbox), to whom it goes, and how that is set."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from bridge.db.base import Base, OfShop
from bridge.db.crypto import Secret


class AlertRow(OfShop, Base):
    """Something to tell, written in the transaction that brought it about. ``event``: opened, worse, closed.

    ``ref`` is its name for whoever receives it, the same however often it is sent. ``spread``: who is told has been
    decided, and each way has its sending.
    """

    __tablename__ = "alerts"
    __table_args__ = (
        Index("ix_alerts_time", "shop_id", "at"),
        Index("ix_alerts_fresh", "shop_id", sqlite_where=text("NOT spread"), postgresql_where=text("NOT spread")),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    ref: Mapped[str] = mapped_column(String(40), unique=True)
    problem_id: Mapped[int]
    event: Mapped[str] = mapped_column(String(10))
    kind: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(190))
    severity: Mapped[str] = mapped_column(String(10))
    text: Mapped[str] = mapped_column(Text)
    fix: Mapped[str] = mapped_column(Text)
    connection_id: Mapped[int | None]
    opened_at: Mapped[datetime]
    at: Mapped[datetime]
    spread: Mapped[bool] = mapped_column(default=False)


class SendingRow(OfShop, Base):
    """One alert on one ``route`` (email, webhook). ``state``: waiting, sent, failed (given up)."""

    __tablename__ = "alert_sendings"
    __table_args__ = (
        UniqueConstraint("alert_id", "route"),
        Index(
            "ix_alert_sendings_waiting",
            "shop_id",
            "route",
            "due_at",
            sqlite_where=text("state = 'waiting'"),
            postgresql_where=text("state = 'waiting'"),
        ),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    alert_id: Mapped[int] = mapped_column(ForeignKey("alerts.id", ondelete="CASCADE"))
    route: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None] = mapped_column(Text)
    sent_at: Mapped[datetime | None]


class AlertingRow(OfShop, Base):
    """How a shop is told (bridge.domain.alerting.Alerting). ``secrets``: what webhooks are signed with, the newest
    first, each with the time until which it is used."""

    __tablename__ = "alerting"
    __table_args__ = (UniqueConstraint("shop_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[dict[str, Any]] = mapped_column(default=dict)
    secrets: Mapped[Any] = mapped_column(Secret(), default=list)
    changed_at: Mapped[datetime]
