"""What has to be done by when, over everything that is open: orders to accept and to ship, buyers who ask to cancel,
returns to decide, money to pay back. The one whose time runs out first stands first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, case, func, select
from sqlalchemy.orm import Session

from bridge.db.tables import Cancellation, Connection, Order, OrderLine, ReturnRow
from bridge.domain.order import OrderPhase
from bridge.flows.order_view import NEVER
from bridge.flows.sites import place

SOON = timedelta(hours=24)
MOST = 100
# What a decided return goes through until the money is back.
_PAYING = ("decided", "sending", "unknown", "submitted", "confirmed")


def due(session: Session, now: datetime, limit: int = MOST) -> list[dict[str, Any]]:
    """``what``: accept, ship, cancel (the buyer asks to), gone (we ask, as it is out of stock), decide (a return) or
    refund; ``at``: by when; ``urgency``: "late", "soon" (within a day) or ""; ``items``: units and what of."""
    asked = {item["order_id"]: item for item in _asked(session, limit)}
    # What is asked of an order stands for all that is due of it.
    orders = [item for item in _orders(session, limit) if item["order_id"] not in asked]
    found = sorted([*asked.values(), *orders, *_returns(session, limit)], key=lambda item: (item["at"], item["number"]))
    return [{**item, "urgency": _urgency(item["at"], now)} for item in found[:limit]]


def _urgency(at: datetime, now: datetime) -> str:
    return "late" if at <= now else "soon" if at <= now + SOON else ""


def _orders(session: Session, limit: int) -> Iterator[dict[str, Any]]:
    accept = case((Order.phase == OrderPhase.AWAITING_ACCEPTANCE.value, Order.accept_by))
    at = func.coalesce(accept, Order.ship_by, type_=Order.ship_by.type)
    query = (
        select(Order, Connection, at)
        .join(Connection, Connection.id == Order.connection_id)
        .where(Order.closed_at.is_(None), Order.confirmed_at.is_(None), Order.channel_state == "open")
        .where(Order.store_state.not_in(tuple(NEVER)), at.is_not(None))
        .order_by(at, Order.id)
    )
    found = session.execute(query.limit(limit)).all()
    sold = _lines(session, [row.id for row, _, _ in found])
    for row, channel, until in found:
        what = "accept" if row.phase == OrderPhase.AWAITING_ACCEPTANCE and row.accept_by else "ship"
        yield _of_order(what, row, channel, until, sold.get(row.id, []))


def _asked(session: Session, limit: int) -> Iterator[dict[str, Any]]:
    """The answer has as long as the parcel: that would be one, too."""
    questions = select(Cancellation.order_id, Cancellation.origin).where(Cancellation.state == "asked")
    origins: dict[int, set[str]] = {}
    for order_id, origin in session.execute(questions):
        origins.setdefault(order_id, set()).add(origin)
    at = func.coalesce(Order.ship_by, Order.expires_at, type_=Order.ship_by.type)
    query = (
        select(Order, Connection, at)
        .join(Connection, Connection.id == Order.connection_id)
        .where(Order.id.in_(questions.with_only_columns(Cancellation.order_id)))
        .where(Order.closed_at.is_(None), at.is_not(None))
        .order_by(at, Order.id)
    )
    found = session.execute(query.limit(limit)).all()
    sold = _lines(session, [row.id for row, _, _ in found])
    for row, channel, until in found:
        what = "cancel" if "buyer" in origins[row.id] else "gone"
        yield _of_order(what, row, channel, until, sold.get(row.id, []))


def _of_order(what: str, row: Order, channel: Connection, at: Any, items: list[tuple[int, str]]) -> dict[str, Any]:
    names = {"number": row.external_id, "order_id": row.id, "return_id": None, "channel": place(channel, row.site)}
    return {"what": what, "at": at, "items": items, **names}


def _returns(session: Session, limit: int) -> Iterator[dict[str, Any]]:
    query = (
        select(ReturnRow, Connection.title, Order.id)
        .join(Connection, Connection.id == ReturnRow.connection_id)
        .outerjoin(
            Order,
            and_(Order.connection_id == ReturnRow.connection_id, Order.external_id == ReturnRow.order_external_id),
        )
        .where(ReturnRow.closed_at.is_(None), ReturnRow.respond_by.is_not(None))
        .where(ReturnRow.state.in_(("open", "failed", *_PAYING)))
        .order_by(ReturnRow.respond_by, ReturnRow.id)
    )
    for row, title, order_id in session.execute(query.limit(limit)):
        yield {
            "what": "refund" if row.state in _PAYING else "decide",
            "at": row.respond_by,
            "items": [(row.quantity, row.title or row.sku or row.gtin or "")],
            "number": row.external_id,
            "order_id": order_id,
            "return_id": row.id,
            "channel": title,
        }


def _lines(session: Session, orders: Iterable[int]) -> dict[int, list[tuple[int, str]]]:
    found: dict[int, list[tuple[int, str]]] = {}
    query = select(OrderLine).where(OrderLine.order_id.in_(list(orders))).order_by(OrderLine.id)
    for line in session.scalars(query):
        name = line.sku or line.gtin or line.external_id
        found.setdefault(line.order_id, []).append((line.quantity - line.cancelled, name))
    return found
