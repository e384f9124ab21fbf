"""A return that is announced on a marketplace is told in the store's order, before anything is decided or refunded."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from bridge.db import work
from bridge.db.tables import Connection, Order, OrderLine, ReturnRow
from bridge.db.work import Claim, Mark
from bridge.flows.draft import store_connection
from bridge.flows.engine import Engine
from bridge.flows.outcome import fence
from bridge.flows.steps import step
from bridge.ports.http import about, before_write, lane


def queue(session: Session, item: ReturnRow, now: datetime) -> None:
    """Once it is known which order it is of."""
    if item.order_line_id is not None:
        work.mark(session, item.shop_id, [Mark(item.connection_id, "shipments", "return.note", str(item.id))], now)


def tell_store(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    """Work kind ``return.note``, key our return id. The store adds the same note once only."""
    claim = claims[0]
    with engine.db.read(row.shop_id) as session:
        item = session.get(ReturnRow, int(claim.key))
        line = session.get(OrderLine, item.order_line_id) if item and item.order_line_id else None
        order = session.get(Order, line.order_id) if line else None
        store = store_connection(session)
    if item is not None and item.state == "open" and order is not None and order.store_order_id and store is not None:
        with lane("shipments"), about(order=order.ref), before_write(lambda: fence(engine, row, claim)):
            engine.platform(store).add_note(order.store_order_id, words(item, row.title))
    step("return.note.sent")
    engine.db.transact(row.shop_id, work.done, claims, engine.clock())


def words(item: ReturnRow, channel: str) -> str:
    what = item.title or item.sku or item.gtin
    until = f" It is to be decided before {item.respond_by:%d %b %Y %H:%M} UTC." if item.respond_by else ""
    reason = f" ({item.reason})" if item.reason else ""
    return f"Return {item.external_id} announced on {channel}: {item.quantity} x {what}{reason}.{until}"
