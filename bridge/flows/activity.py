"""The journal as a person reads it: decisions and exchanges, newest first, by order, SKU or delivery."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from bridge.db.tables import Connection, Delivery, Journal

LIMIT = 50


def activity(
    session: Session,
    *,
    order: str | None = None,
    sku: str | None = None,
    delivery: int | None = None,
    exchanges: bool | None = None,
    by_people: bool = False,
    only: Sequence[ColumnElement[bool]] = (),
    before: int | None = None,
    limit: int = LIMIT,
) -> list[dict[str, Any]]:
    """``before`` is the id of the last entry seen; ``exchanges`` True for calls to the outside only, False for all
    else; ``by_people``: what people have changed; ``only``: further conditions. Nothing in the journal is secret, or
    personal of buyers."""
    query = select(Journal, Connection.title).outerjoin(Connection, Connection.id == Journal.connection_id)
    query = query.where(*only)
    given = ((Journal.order_ref, order), (Journal.sku, sku), (Journal.delivery_id, delivery))
    for column, value in given:
        if value is not None:
            query = query.where(column == value)
    if exchanges is not None:
        query = query.where((Journal.kind == "exchange") if exchanges else (Journal.kind != "exchange"))
    if by_people:
        query = query.where(Journal.author.is_not(None))
    if before is not None:
        query = query.where(Journal.id < before)
    rows = session.execute(query.order_by(Journal.id.desc()).limit(limit))
    return [_entry(row, title) for row, title in rows]


def _entry(row: Journal, title: str | None) -> dict[str, Any]:
    names = ("id", "at", "kind", "text", "detail", "order_ref", "sku", "delivery_id", "author")
    return {**{name: getattr(row, name) for name in names}, "connection": title}


def delivery(session: Session, delivery_id: int) -> dict[str, Any] | None:
    """A stored webhook but its body, which holds personal data."""
    row = session.scalars(select(Delivery).where(Delivery.id == delivery_id)).first()
    if row is None:
        return None
    names = ("id", "topic", "external_id", "received_at", "seen", "last_seen_at")
    return {name: getattr(row, name) for name in names}
