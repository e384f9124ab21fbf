"""Where a marketplace fetches its file: an address that nobody guesses, told to the merchant and changed at a wish."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db import records
from bridge.db.tables import Connection, FeedRow
from bridge.flows.engine import Engine
from bridge.ports.errors import AskMerchant

LOOK = "look"


def hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def ensure(session: Session, row: Connection, now: datetime) -> FeedRow:
    """The feed of a connection, made with its address where there is none yet."""
    found = session.scalars(select(FeedRow).where(FeedRow.connection_id == row.id)).first()
    if found is None:
        secret = secrets.token_urlsafe(32)
        found = FeedRow(connection_id=row.id, secret=secret, secret_hash=hashed(secret), created_at=now)
        session.add(found)
        session.flush()
    return found


def address(engine: Engine, feed: FeedRow, file: str, *, look: bool = False) -> str:
    """``look``: for people and checking programs; a fetch there acknowledges nothing."""
    middle = f"{LOOK}/" if look else ""
    return f"{engine.public_url.rstrip('/')}/feeds/{feed.secret}/{middle}{file}"


def shown(engine: Engine, session: Session) -> dict[int, dict[str, Any]]:
    """Every feed of the shop for people, by connection: addresses, the file that is served, the last whole fetch."""
    query = select(FeedRow, Connection).join(Connection, Connection.id == FeedRow.connection_id)
    found: dict[int, dict[str, Any]] = {}
    for feed, row in session.execute(query.order_by(FeedRow.id)):
        adapter = engine.channels.get(row.adapter)
        if adapter is None or adapter.manifest.feed is None or row.state == "disconnected":
            continue
        names = ("made_at", "entries", "left_out", "size", "fetched_at", "fetches")
        file = adapter.manifest.feed.file
        places = {"address": address(engine, feed, file), "look": address(engine, feed, file, look=True)}
        current = feed.generation > 0 and feed.fetched == feed.generation
        more = {"title": row.title, "adapter": row.adapter, "connection_id": row.id, "fetched_current": current}
        found[row.id] = {**more, **places, **{name: getattr(feed, name) for name in names}}
    return found


def renew(engine: Engine, shop_id: int, connection_id: int, author: str) -> Mapping[str, Any]:
    """Give the feed a new address; the old one answers no more. Raises AskMerchant."""

    def act(session: Session) -> None:
        feed = session.scalars(select(FeedRow).where(FeedRow.connection_id == connection_id)).first()
        if feed is None:
            raise AskMerchant("This connection has no feed.", field="connection")
        feed.secret = secrets.token_urlsafe(32)
        feed.secret_hash = hashed(feed.secret)
        text = f"the feed has a new address, by {author}; the old one answers no more"
        records.note(session, engine.clock(), "feed", text, connection_id=connection_id)

    engine.db.transact(shop_id, act)
    with engine.db.read(shop_id) as session:
        return shown(engine, session)[connection_id]
