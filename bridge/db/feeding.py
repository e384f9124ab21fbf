"""Tables of the files that marketplaces fetch from us. A file is kept in parts, so that it is written and served in
pieces by whichever process has the time."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bridge.db.base import Base, OfShop
from bridge.db.crypto import Secret


class FeedRow(OfShop, Base):
    """The feed of a connection. ``secret`` is what makes its address unguessable, ``secret_hash`` (SHA-256) finds it.

    ``generation`` is the file that is served, 0 before there is one; ``latest`` the last number that was given to one.
    ``size`` in bytes, ``seconds`` it took; ``fetched``: the generation of the last whole fetch.
    """

    __tablename__ = "feeds"
    __table_args__ = (UniqueConstraint("connection_id"), UniqueConstraint("secret_hash"))
    id: Mapped[int] = mapped_column(primary_key=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("connections.id", ondelete="CASCADE"))
    secret: Mapped[Any] = mapped_column(Secret())
    secret_hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    generation: Mapped[int] = mapped_column(default=0)
    latest: Mapped[int] = mapped_column(default=0)
    made_at: Mapped[datetime | None]
    seconds: Mapped[float] = mapped_column(default=0.0)
    entries: Mapped[int] = mapped_column(default=0)
    left_out: Mapped[int] = mapped_column(default=0)
    size: Mapped[int] = mapped_column(default=0)
    digest: Mapped[str] = mapped_column(String(64), default="")
    fetched_at: Mapped[datetime | None]
    fetched: Mapped[int] = mapped_column(default=0)
    fetches: Mapped[int] = mapped_column(default=0)


class FeedPart(OfShop, Base):
    """A piece of one file, compressed. ``awaited``: what a fetch of it acknowledges, as [facet, version] or, where
    another value than the wish was told, [facet, version, value]."""

    __tablename__ = "feed_parts"
    __table_args__ = (UniqueConstraint("feed_id", "generation", "number"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    feed_id: Mapped[int] = mapped_column(ForeignKey("feeds.id", ondelete="CASCADE"))
    generation: Mapped[int]
    number: Mapped[int]
    body: Mapped[bytes]
    awaited: Mapped[list[Any]] = mapped_column(default=list)
