"""Flows of one marketplace that a person lets rest, and sets going again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from bridge.db import records
from bridge.db.tables import Connection, Hold
from bridge.flows import push
from bridge.flows.engine import LANES, Engine
from bridge.ports.errors import AskMerchant, NotFound

FLOWS = ("stock", "price", "content", "offers", "orders", "shipments", "cancellation", "refunds")
SETUP = "not live yet"  # the reason of a hold that going live ends
TEST = "test mode"


def hold(
    engine: Engine, shop_id: int, connection_id: int, flows: Sequence[str], author: str, reason: str = ""
) -> list[dict[str, Any]]:
    """Nothing of these flows goes out from now on; returns what rests. Raises NotFound and AskMerchant."""
    check(flows)
    now = engine.clock()
    engine.db.transact(shop_id, _hold, connection_id, flows or FLOWS, author, reason, now)
    return held(engine, shop_id, connection_id)


def resume(engine: Engine, shop_id: int, connection_id: int, flows: Sequence[str], author: str) -> list[dict[str, Any]]:
    """What has gathered meanwhile is done now; returns what still rests. Raises NotFound and AskMerchant."""
    check(flows)
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


def switches(session: Session, connection_ids: Iterable[int]) -> dict[int, list[tuple[str, dict[str, Any] | None]]]:
    """Each flow of these connections, with its hold where it rests."""
    rests = {(item["connection_id"], item["flow"]): item for item in holds(session)}
    return {number: [(flow, rests.get((number, flow))) for flow in FLOWS] for number in connection_ids}


def begin_setup(session: Session, row: Connection, author: str, now: datetime) -> None:
    """In the transaction that makes a connection: nothing of it goes out until it goes live."""
    session.flush()
    _hold(session, row.id, FLOWS, author or "setup", SETUP, now)


def in_setup(session: Session, connection_id: int | None = None) -> list[int]:
    """Connections that are not live yet, the newest first."""
    query = select(Hold.connection_id).where(Hold.reason == SETUP)
    query = query if connection_id is None else query.where(Hold.connection_id == connection_id)
    return sorted(set(session.scalars(query)), reverse=True)


def end_setup(session: Session, connection_id: int, flows: Sequence[str], author: str, now: datetime) -> None:
    """These flows go on; the others rest from now on by the merchant's own word."""
    rests = list(session.scalars(select(Hold).where(Hold.connection_id == connection_id, Hold.reason == SETUP)))
    for item in rests:
        if item.flow not in flows:
            item.reason, item.author, item.since = "left at rest when it went live", author[:100], now
    session.flush()
    going = [item.flow for item in rests if item.flow in flows]
    if going:
        _resume(session, connection_id, going, author, now)


def begin_test(engine: Engine, shop_id: int, author: str) -> None:
    """Test mode: everything is worked out and nothing goes out to any marketplace."""
    now = engine.clock()

    def act(session: Session) -> None:
        query = select(Connection.id).where(Connection.role == "channel", Connection.state.not_in(_AWAY))
        for number in session.scalars(query):
            _hold(session, number, FLOWS, author, TEST, now)
        records.note(session, now, "hold", f"test mode is on ({author})")

    engine.db.transact(shop_id, act)


def end_test(engine: Engine, shop_id: int, author: str) -> None:
    """What rested for the test goes on; what rested before it rests on."""
    now = engine.clock()

    def act(session: Session) -> None:
        rests = list(session.execute(select(Hold.connection_id, Hold.flow).where(Hold.reason == TEST)))
        for number in sorted({row[0] for row in rests}):
            _resume(session, number, [flow for owner, flow in rests if owner == number], author, now)
        records.note(session, now, "hold", f"test mode is off ({author})")

    engine.db.transact(shop_id, act)
    engine.ring(LANES)


def in_test(session: Session) -> bool:
    return session.scalar(select(Hold.id).where(Hold.reason == TEST).limit(1)) is not None


_AWAY = ("connecting", "disconnected")


def check(flows: Sequence[str]) -> None:
    """Raises AskMerchant for a flow that there is not."""
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
