"""The tables of store modules: what is known of each, what they have signed once, and handshakes that are under way."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from bridge.db.base import Base, OfShop
from bridge.db.crypto import Secret


class ModuleRow(OfShop, Base):
    """The module in a store, one per connection. ``secrets``: newest first; the second is taken until
    ``retired_until``. ``last_event`` is the highest number taken of the outbox called ``epoch``. ``beat`` is when, by
    its own clock in unix seconds, the module signed the heartbeat that ``health`` is of."""

    __tablename__ = "modules"
    connection_id: Mapped[int] = mapped_column(ForeignKey("connections.id", ondelete="CASCADE"), primary_key=True)
    secrets: Mapped[Any] = mapped_column(Secret(), default=list)
    retired_until: Mapped[datetime | None]
    made_at: Mapped[datetime]
    heard_at: Mapped[datetime | None]
    version: Mapped[str] = mapped_column(String(40), default="")
    epoch: Mapped[str] = mapped_column(String(40), default="")
    last_event: Mapped[int | None] = mapped_column(BigInteger)
    last_event_at: Mapped[datetime | None]
    gap_at: Mapped[datetime | None]
    beat: Mapped[int] = mapped_column(BigInteger, default=0)
    health: Mapped[dict[str, Any]] = mapped_column(default=dict)


class NonceRow(OfShop, Base):
    """Something a module has signed, which is taken once; of no use after ``until``."""

    __tablename__ = "module_nonces"
    __table_args__ = (Index("ix_module_nonces_until", "until"),)
    connection_id: Mapped[int] = mapped_column(ForeignKey("connections.id", ondelete="CASCADE"), primary_key=True)
    nonce: Mapped[str] = mapped_column(String(32), primary_key=True)
    until: Mapped[datetime]


class ActivationRow(Base):
    """A platform's handshake that waits for its module to ask for a connection. Of no shop yet. ``name`` is hashed."""

    __tablename__ = "module_activations"
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    platform: Mapped[str] = mapped_column(String(40))
    content: Mapped[Any] = mapped_column(Secret())
    until: Mapped[datetime]
