"""What our own doing changed in the store, remembered and read again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db.tables import Order, OrderLine
from bridge.domain.order import StoreOrder
from bridge.flows import catalogue
from bridge.flows.draft import store_connection


def remember_refunds(session: Session, line_ids: Sequence[int], after: StoreOrder) -> None:
    """What the store has refunded by our own doing is no news when its webhook says so."""
    refunded = {line.external_id: line.refunded for line in after.lines}
    for line in session.scalars(select(OrderLine).where(OrderLine.id.in_(line_ids))):
        line.restocked = max(line.restocked, refunded.get(line.store_line_id or "-", 0))


def reread(session: Session, order: Order, now: datetime) -> None:
    """The store's stock has just changed by our own doing: read it, whatever the webhooks do."""
    platform = store_connection(session)
    if platform is not None:
        catalogue.mark_products(session, platform.id, catalogue.products_of_order(session, order.id), now)
