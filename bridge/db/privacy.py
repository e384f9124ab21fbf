"""What is held about buyers, found and erased by the store's orders."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from bridge.db.sales import Order, OrderLine, ReturnRow
from bridge.db.tables import Connection, Delivery, Journal, Listing, Product, Shop

CHUNK = 500
NOTHING: dict[str, Any] = {}


def orders_of(session: Session, store_order_ids: Iterable[str]) -> list[Order]:
    """Orders of the session's shop, by the store's ids of theirs."""
    ids = sorted(set(store_order_ids))
    found: list[Order] = []
    for start in range(0, len(ids), CHUNK):
        part = ids[start : start + CHUNK]
        found += session.scalars(select(Order).where(Order.store_order_id.in_(part)).order_by(Order.id))
    return found


def held(session: Session, orders: Sequence[Order]) -> list[dict[str, Any]]:
    """What is held about the buyers of these orders, in plain words."""
    lines: dict[int, list[dict[str, Any]]] = {}
    query = select(OrderLine).where(OrderLine.order_id.in_([order.id for order in orders]))
    for line in session.scalars(query.order_by(OrderLine.id)):
        lines.setdefault(line.order_id, []).append({"title": line.title, "sku": line.sku, "quantity": line.quantity})
    told: dict[int, list[Any]] = {}
    sent_back = select(OrderLine.order_id, ReturnRow.raw).join(OrderLine, OrderLine.id == ReturnRow.order_line_id)
    for order_id, raw in session.execute(sent_back.where(OrderLine.order_id.in_([order.id for order in orders]))):
        told.setdefault(order_id, []).append(raw)
    return [
        {
            "order": order.ref,
            "store_order": order.store_number,
            "placed_at": order.placed_at.isoformat(),
            "total": f"{order.total} {order.currency}",
            "buyer": order.buyer,
            "lines": lines.get(order.id, []),
            "as_the_marketplace_told_it": order.raw,
            "returns_as_told": told.get(order.id, []),
        }
        for order in orders
    ]


def erase_buyers(session: Session, orders: Sequence[Order], connection_id: int, now: datetime) -> dict[str, int]:
    """Names, addresses and whatever the marketplaces told of these orders' buyers are gone for good, and do not come
    back with the next reading. What was sold, for how much, and what became of it stays. Returns what was erased."""
    for order in orders:
        order.buyer, order.raw, order.erased_at = NOTHING, NOTHING, now
    lines = select(OrderLine.id).where(OrderLine.order_id.in_([order.id for order in orders]))
    returns = list(session.scalars(select(ReturnRow).where(ReturnRow.order_line_id.in_(lines))))
    for row in returns:
        row.raw = NOTHING
    deliveries = 0
    ids = [order.store_order_id for order in orders]
    for start in range(0, len(ids), CHUNK):
        query = delete(Delivery).where(
            Delivery.connection_id == connection_id, Delivery.external_id.in_(ids[start : start + CHUNK])
        )
        deliveries += _count(session.execute(query.execution_options(synchronize_session=False)))
    return {"orders": len(orders), "returns": len(returns), "deliveries": deliveries}


def erase_shop(session: Session, shop_id: int) -> dict[str, int]:
    """Everything of a shop, with all its accounts."""
    told = counted(session, shop_id)
    session.execute(delete(Shop).where(Shop.id == shop_id).execution_options(synchronize_session=False))
    return {**told, "shops": 1}


def counted(session: Session, shop_id: int) -> dict[str, int]:
    """What a shop holds, by kind."""
    tables: dict[str, Any] = {
        "orders": Order,
        "returns": ReturnRow,
        "products": Product,
        "listings": Listing,
        "accounts": Connection,
        "deliveries": Delivery,
        "activity": Journal,
    }
    queries = {name: select(func.count()).select_from(table) for name, table in tables.items()}
    found = {name: query.where(tables[name].shop_id == shop_id) for name, query in queries.items()}
    return {name: session.scalar(query) or 0 for name, query in found.items()}


def erase_store(session: Session, connection_id: int, now: datetime) -> dict[str, int]:
    """What a shop that sells through another store now still holds of this one: buyers of its orders, what it told, and
    what was exchanged with it."""
    where = (Order.store_order_id.is_not(None), Order.erased_at.is_(None))
    values = {"buyer": NOTHING, "raw": NOTHING, "erased_at": now}
    told: dict[str, int] = {}
    for name, statement in (
        ("orders", update(Order).where(*where).values(**values)),
        ("deliveries", delete(Delivery).where(Delivery.connection_id == connection_id)),
        ("exchanges", delete(Journal).where(Journal.connection_id == connection_id)),
    ):
        told[name] = _count(session.execute(statement.execution_options(synchronize_session=False)))
    return told


def _count(result: Any) -> int:
    return int(result.rowcount)
