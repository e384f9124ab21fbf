"""Deadlines as the scheduler sees them: work of an order or a return whose time runs out goes before all other work."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Select, String, cast, inspect, or_, select, update
from sqlalchemy.orm import Session

from bridge.db.base import OfShop
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
    orders = _ids(session, Order).where(Order.closed_at.is_(None), Order.placed_at > now - RECENT, due)
    returns = _ids(session, ReturnRow).where(ReturnRow.closed_at.is_(None), ReturnRow.respond_by <= until)
    about = [
        (_OF_ORDER, orders),
        (("parcel.confirm",), _ids(session, ParcelRow).where(ParcelRow.order_id.in_(orders))),
        (("cancel.send", "cancel.refuse"), _ids(session, Cancellation).where(Cancellation.order_id.in_(orders))),
        (("refund.send",), _ids(session, RefundRow).where(RefundRow.order_id.in_(orders))),
        (_OF_RETURN, returns),
    ]
    for kinds, ids in about:
        keys = select(cast(ids.subquery().c.id, String))  # in the database: after an absence they are very many
        session.execute(
            update(Work)
            .where(Work.kind.in_(kinds), Work.key.in_(keys), Work.priority > FIRST)
            .where(Work.dirty_version > Work.done_version, Work.leased_until.is_(None))
            .values(priority=FIRST)
            .execution_options(synchronize_session=False)
        )


def _ids(session: Session, table: type[OfShop]) -> Select[tuple[int]]:
    """Ids of the session's own shop: a part of a statement is not scoped by itself."""
    return select(inspect(table).c.id).where(table.shop_id == session.info["shop_id"])
