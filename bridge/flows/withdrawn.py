"""An order that is not there any more: one that waited to be accepted went to another seller, or goes on as another;
an unpaid one was paid for together with others."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db import records
from bridge.db.tables import Connection, Order, OrderLine
from bridge.domain.order import MarketplaceOrder, OrderPhase
from bridge.flows import acceptance, catalogue
from bridge.flows.engine import Engine


def withdrawn(engine: Engine, session: Session, row: Connection, external_id: str, now: datetime) -> set[str]:
    """Its units are free again. Nothing where the order waits for nobody's acceptance: it is only not found then.
    Returns the lanes that have something to do."""
    query = select(Order).where(Order.connection_id == row.id, Order.external_id == external_id).with_for_update()
    order = session.scalars(query).first()
    if order is None or order.phase != OrderPhase.AWAITING_ACCEPTANCE:
        return set()
    answered = order.accept_state == "done"
    order.accept_state = "done"
    acceptance.close_problems(session, order, now)
    text = "is answered and goes on there" if answered else "is not offered to this shop any more"
    pools = _end(session, row, order, text, now)
    return catalogue.project_pools(engine, session, pools, now, now)


def taken_over(
    engine: Engine, session: Session, row: Connection, orders: Sequence[MarketplaceOrder], now: datetime
) -> set[str]:
    """Unpaid orders whose purchases stand in one of these now: the units are held once, by the new one. Returns the
    lanes that have something to do."""
    pools: list[str] = []
    for sold in orders:
        if not sold.takes_over:
            continue
        lines = select(OrderLine.order_id).where(OrderLine.external_id.in_([line.external_id for line in sold.lines]))
        query = select(Order).where(
            Order.connection_id == row.id,
            Order.external_id != sold.external_id,
            Order.phase == OrderPhase.PENDING.value,
            Order.closed_at.is_(None),
            Order.id.in_(lines),
        )
        for order in session.scalars(query.with_for_update()):
            pools += _end(session, row, order, f"is paid for together with others, as {sold.external_id}", now)
    return catalogue.project_pools(engine, session, sorted(set(pools)), now, now) if pools else set()


def _end(session: Session, row: Connection, order: Order, text: str, now: datetime) -> list[str]:
    """Nothing of it is left here; the pools whose units are free again."""
    for line in session.scalars(select(OrderLine).where(OrderLine.order_id == order.id)):
        line.cancelled = line.quantity
    order.phase, order.channel_state = OrderPhase.READY.value, "cancelled"
    order.store_state = "cancelled" if order.store_state != "skipped" else order.store_state
    order.closed_at, order.error = order.closed_at or now, None
    what = f"order {order.external_id} {text}"
    records.note(session, now, "order", what, order=order.ref, connection_id=row.id)
    return catalogue.release_order(session, order.id, now)
