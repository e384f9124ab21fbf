"""Deadlines as the scheduler sees them: work of an order or a return whose time runs out goes before all other work."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from bridge.db.tables import Cancellation, Order, ParcelRow, RefundRow, ReturnRow, Work

FIRST = 0
SOON, RECENT = timedelta(hours=24), timedelta(days=90)
# What each kind of work is about: its key is our number of this row.
_OF_ORDER = ("orders.create", "orders.accept", "orders.acknowledge")
_OF_RETURN = ("return.decide", "return.store", "return.refund")


def raise_priority(session: Session, now: datetime) -> None:
    """The priority is the first thing a claim sorts by. What is claimed already is left alone."""
    until = now + SOON
    due = or_(Order.ship_by <= until, Order.accept_by <= until, Order.expires_at <= until)
    orders = select(Order.id).where(Order.closed_at.is_(None), Order.placed_at > now - RECENT, due)
    returns = select(ReturnRow.id).where(ReturnRow.closed_at.is_(None), ReturnRow.respond_by <= until)
    about = [
        (_OF_ORDER, orders),
        (("parcel.confirm",), select(ParcelRow.id).where(ParcelRow.order_id.in_(orders))),
        (("cancel.send", "cancel.refuse"), select(Cancellation.id).where(Cancellation.order_id.in_(orders))),
        (("refund.send",), select(RefundRow.id).where(RefundRow.order_id.in_(orders))),
        (_OF_RETURN, returns),
    ]
    for kinds, ids in about:
        keys = [str(number) for number in session.scalars(ids)]
        if not keys:
            continue
        session.execute(
            update(Work)
            .where(Work.kind.in_(kinds), Work.key.in_(keys), Work.priority > FIRST)
            .where(Work.dirty_version > Work.done_version, Work.leased_until.is_(None))
            .values(priority=FIRST)
            .execution_options(synchronize_session=False)
        )
