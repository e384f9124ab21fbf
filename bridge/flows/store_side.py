"""What our own doing changed in the store, remembered and read again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db import work
from bridge.db.tables import Order, OrderLine, ReturnRow
from bridge.db.work import Mark
from bridge.domain.order import StoreLine, StoreOrder
from bridge.flows import catalogue
from bridge.flows.draft import store_connection


def in_store(line: OrderLine, store_order: StoreOrder) -> StoreLine | None:
    """The line of the store's order that a marketplace line became."""
    for part in store_order.lines:
        if part.external_id == line.store_line_id or part.ref == line.external_id:
            return part
    return None


def gone_units(line: OrderLine, store_order: StoreOrder) -> int:
    """Units of a marketplace line that the store's order does not hold (any more): left out when it was made,
    or refunded since."""
    part = in_store(line, store_order)
    return line.cancelled if part is None else max(0, line.quantity - part.quantity) + part.refunded


def returned_units(session: Session, line: OrderLine, *, done: bool = False) -> int:
    """Units whose return is accepted and refunded in the store, or (not ``done``) will be by ourselves."""
    states = ("done",) if done else ("wanted", "done")
    query = select(ReturnRow.decided_quantity, ReturnRow.quantity).where(
        ReturnRow.order_line_id == line.id, ReturnRow.store_state.in_(states)
    )
    return sum(quantity if decided is None else decided for decided, quantity in session.execute(query))


def remember_refunds(session: Session, line_ids: Sequence[int], after: StoreOrder) -> None:
    """What the store has refunded by our own doing is no news when its webhook says so."""
    for line in session.scalars(select(OrderLine).where(OrderLine.id.in_(line_ids))):
        line.restocked = max(line.restocked, gone_units(line, after))


def read_store_order(session: Session, order: Order, now: datetime) -> None:
    """Have the order read in the store, so that both sides can be held against each other."""
    platform = store_connection(session)
    if platform is not None and order.store_order_id:
        mark = Mark(platform.id, "orders", "store_order.read", order.store_order_id)
        work.mark(session, order.shop_id, [mark], now)


def reread(session: Session, order: Order, now: datetime) -> None:
    """The store's stock has just changed by our own doing: read it, whatever the webhooks do."""
    platform = store_connection(session)
    if platform is not None:
        catalogue.mark_products(session, platform.id, catalogue.products_of_order(session, order.id), now)
