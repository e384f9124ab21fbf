"""Flows of one marketplace that a person lets rest, and sets going again: stock, price, content, offers, orders."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from bridge.db import records
from bridge.db.tables import Connection, Hold
from bridge.flows import push
from bridge.flows.engine import LANES, Engine
from bridge.ports.errors import AskMerchant, NotFound

FLOWS = ("stock", "price", "content", "offers", "orders")


def hold(
    engine: Engine, shop_id: int, connection_id: int, flows: Sequence[str], author: str, reason: str = ""
) -> list[dict[str, Any]]:
    """Nothing of these flows goes out from now on; returns what rests. Raises NotFound and AskMerchant."""
    _check(flows)
    now = engine.clock()
    engine.db.transact(shop_id, _hold, connection_id, flows or FLOWS, author, reason, now)
    return held(engine, shop_id, connection_id)


def resume(engine: Engine, shop_id: int, connection_id: int, flows: Sequence[str], author: str) -> list[dict[str, Any]]:
    """What has gathered meanwhile is done now; returns what still rests. Raises NotFound and AskMerchant."""
    _check(flows)
    now = engine.clock()
    engine.db.transact(shop_id, _resume, connection_id, flows or FLOWS, author, now)
    engine.ring(LANES)
    return held(engine, shop_id, connection_id)


def held(engine: Engine, shop_id: int, connection_id: int) -> list[dict[str, Any]]:
    with engine.db.read(shop_id) as session:
        return [item for item in holds(session) if item["connection_id"] == connection_id]


def holds(session: Session) -> list[dict[str, Any]]:
    """Everything that rests in a shop."""
    query = select(Hold, Connection.title).join(Connection, Connection.id == Hold.connection_id).order_by(Hold.id)
    names = ("connection_id", "flow", "reason", "author", "since")
    return [{**{name: getattr(row, name) for name in names}, "channel": title} for row, title in session.execute(query)]


def _check(flows: Sequence[str]) -> None:
    unknown = [flow for flow in flows if flow not in FLOWS]
    if unknown:
        raise AskMerchant(f"There is no flow {unknown[0]!r}; there are: {', '.join(FLOWS)}.", field="flow")


def _channel(session: Session, connection_id: int) -> Connection:
    row = session.scalars(select(Connection).where(Connection.id == connection_id)).first()
    if row is None:
        raise NotFound("There is no such connection.")
    return row


def _hold(session: Session, connection_id: int, flows: Sequence[str], author: str, reason: str, now: datetime) -> None:
    row = _channel(session, connection_id)
    known = set(session.scalars(select(Hold.flow).where(Hold.connection_id == row.id)))
    for flow in sorted(set(flows) - known):
        session.add(Hold(connection_id=row.id, flow=flow, author=author[:100], reason=reason[:500], since=now))
        records.note(session, now, "hold", f"{row.title}: {flow} rests ({author})", connection_id=row.id)


def _resume(session: Session, connection_id: int, flows: Sequence[str], author: str, now: datetime) -> None:
    row = _channel(session, connection_id)
    known = set(session.scalars(select(Hold.flow).where(Hold.connection_id == row.id, Hold.flow.in_(flows))))
    if not known:
        raise AskMerchant(f"Nothing of that rests on {row.title}.", field="flow")
    session.execute(delete(Hold).where(Hold.connection_id == row.id, Hold.flow.in_(known)))
    push.wake(session, row.id, now)
    for flow in sorted(known):
        records.note(session, now, "hold", f"{row.title}: {flow} goes on ({author})", connection_id=row.id)
