"""An order that waited to be accepted and is not there any more: it went to another seller, or goes on as another."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db import records
from bridge.db.tables import Connection, Order, OrderLine
from bridge.domain.order import OrderPhase
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
    for line in session.scalars(select(OrderLine).where(OrderLine.order_id == order.id)):
        line.cancelled = line.quantity
    order.phase, order.accept_state, order.channel_state = OrderPhase.READY.value, "done", "cancelled"
    order.store_state = "cancelled" if order.store_state != "skipped" else order.store_state
    order.closed_at, order.error = order.closed_at or now, None
    acceptance.close_problems(session, order, now)
    text = "is answered and goes on there" if answered else "is not offered to this shop any more"
    records.note(session, now, "order", f"order {external_id} {text}", order=order.ref, connection_id=row.id)
    pools = catalogue.release_order(session, order.id, now)
    return catalogue.project_pools(engine, session, pools, now, now)
