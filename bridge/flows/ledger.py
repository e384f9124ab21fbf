"""What was given back for an order, in the store and on the marketplace, held against each other to the cent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db import records
from bridge.db.tables import Cancellation, Connection, Order, OrderLine, RefundRow, ReturnRow
from bridge.domain.money import Money
from bridge.domain.order import StoreLine, StoreOrder, StoreOrderStatus
from bridge.domain.returns import ReturnDecision
from bridge.flows.draft import share
from bridge.flows.engine import Engine
from bridge.ports.manifest import Capability

KIND = "refund_differs"
_OVER = (StoreOrderStatus.CANCELLED, StoreOrderStatus.FAILED, StoreOrderStatus.TRASHED)
_REFUNDING = ("wanted", "sending", "unknown", "submitted", "doubtful")
_CANCELLING = ("wanted", "sending", "unknown", "submitted", "asked")
_DECIDING = ("decided", "sending", "unknown", "submitted")


def compare(
    engine: Engine, session: Session, order: Order, lines: Sequence[OrderLine], store_order: StoreOrder, now: datetime
) -> None:
    """A problem says by how much the two sides differ, once nothing is under way; it closes when they agree."""
    if store_order.status in _OVER or store_order.refunded is None or _under_way(session, order, lines):
        return
    channel = session.get_one(Connection, order.connection_id)
    pays = Capability.REFUNDS in engine.manifest(channel).capabilities
    there = sum((_there(session, order, line, store_order, pays=pays) for line in lines), Decimal(0))
    here = store_order.refunded.quantised().amount
    if here == there:
        records.close_problem(session, now, KIND, order.ref)
        return
    more, less = ("store", channel.title) if here > there else (channel.title, "store")
    text = (
        f"Order {order.external_id}: the store has given back {here} {order.currency}, {channel.title} {there} "
        f"{order.currency}: {abs(here - there)} {order.currency} more in the {more} than in the {less}."
    ).replace(f"in the {channel.title}", f"on {channel.title}")
    fix = "Give the rest back on the other side, in its own portal, then mark this as dealt with."
    records.open_problem(session, now, KIND, order.ref, text, fix, connection_id=channel.id, severity="warning")


def _under_way(session: Session, order: Order, lines: Sequence[OrderLine]) -> bool:
    ids = [line.id for line in lines]
    waiting = (
        select(Cancellation.id).where(Cancellation.order_id == order.id, Cancellation.state.in_(_CANCELLING)),
        select(RefundRow.id).where(RefundRow.order_id == order.id, RefundRow.state.in_(_REFUNDING)),
        select(ReturnRow.id).where(
            ReturnRow.order_line_id.in_(ids), ReturnRow.state.in_(_DECIDING) | (ReturnRow.store_state == "wanted")
        ),
    )
    behind = any(line.cancelled > line.restocked for line in lines)
    return behind or any(session.scalars(query).first() is not None for query in waiting)


def _there(session: Session, order: Order, line: OrderLine, store_order: StoreOrder, *, pays: bool) -> Decimal:
    """What the buyer has got back on the marketplace for units of this line that the store had sold: for what was
    cancelled by the marketplace itself, for what came back by it or by us."""
    part = next((item for item in store_order.lines if _is_of(item, line)), None)
    if part is None:
        return Decimal(0)
    whole = Money.of(line.total, order.currency).quantised()
    units = max(0, line.cancelled - (line.quantity - part.quantity))
    if not pays:
        units += _accepted(session, line)
    paid = share(whole, min(units, line.quantity), line.quantity).amount if units else Decimal(0)
    refunds = select(RefundRow.amount).where(RefundRow.order_line_id == line.id, RefundRow.state == "done")
    return paid + sum((Decimal(amount) for amount in session.scalars(refunds)), Decimal(0))


def _is_of(part: StoreLine, line: OrderLine) -> bool:
    return part.external_id == line.store_line_id or (part.ref is not None and part.ref == line.external_id)


def _accepted(session: Session, line: OrderLine) -> int:
    query = select(ReturnRow.decided_quantity, ReturnRow.quantity).where(
        ReturnRow.order_line_id == line.id, ReturnRow.decision == ReturnDecision.ACCEPTED.value
    )
    rows = session.execute(query.where(ReturnRow.state == "closed"))
    return sum(quantity if decided is None else decided for decided, quantity in rows)
