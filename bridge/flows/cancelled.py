"""What the marketplace cancelled, followed in the store: its order and its shelf, once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db import records, work
from bridge.db.tables import Connection, Order, OrderLine, Reservation
from bridge.db.work import Claim
from bridge.domain.order import StoreOrder, StoreOrderStatus
from bridge.domain.returns import RefundLine
from bridge.flows import cancel_reasons, catalogue, part_units
from bridge.flows.cancellations import DEAD
from bridge.flows.draft import store_connection
from bridge.flows.engine import Engine
from bridge.flows.outcome import fence
from bridge.flows.steps import step
from bridge.flows.store_side import gone_units, read_store_order, reread, returned_units
from bridge.ports.http import about, before_write, lane


def cancel_in_store(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    """Work kind ``cancel.store``, key our order id: the store's order and shelf follow what was cancelled."""
    claim = claims[0]
    with engine.db.read(row.shop_id) as session:
        platform_row = store_connection(session)
        order = session.get(Order, int(claim.key))
        lines = list(session.scalars(select(OrderLine).where(OrderLine.order_id == int(claim.key))))
        told = cancel_reasons.to_store(engine, session, row, int(claim.key), platform_row)
    if order is None or platform_row is None:
        engine.db.transact(row.shop_id, work.done, claims, engine.clock())
        return
    if order.store_order_id and order.store_state == "created":
        platform = engine.platform(platform_row)
        with lane("orders"), about(order=order.ref), before_write(lambda: fence(engine, row, claim)):
            # What is still to be done there is read there: our own record may be behind a write of ours.
            current = next(iter(platform.fetch_orders([order.store_order_id])), None)
            if current is None or current.status in DEAD:
                pass
            elif current.status is StoreOrderStatus.COMPLETED:
                engine.db.transact(row.shop_id, _already_sent, order.id, engine.clock())
            elif all(line.quantity <= line.cancelled for line in lines):
                if any(gone_units(line, current) < line.quantity for line in lines):
                    platform.cancel_order(order.store_order_id, *told)
            else:
                _refund_cancelled(engine, platform_row, order, lines, current, row.title)
    step("cancel.store.sent")
    pools = engine.db.transact(row.shop_id, _store_followed, engine, claim, order.id)
    step("cancel.store.recorded")
    if pools:
        engine.ring({"stock"})


def _already_sent(session: Session, order_id: int, now: datetime) -> None:
    """Its parcel has left: putting the units back on the shelf would sell what is not there."""
    order = session.get_one(Order, order_id)
    records.open_problem(
        session,
        now,
        "shipped_cancelled",
        order.ref,
        f"Order {order.external_id} is cancelled on the marketplace and shipped in the store.",
        "Stop the parcel, or expect it back.",
        connection_id=order.connection_id,
    )


def _refund_cancelled(
    engine: Engine, platform_row: Connection, order: Order, lines: list[OrderLine], current: StoreOrder, title: str
) -> None:
    with engine.db.read(platform_row.shop_id) as session:
        wanted = {line.id: line.cancelled + returned_units(session, line, done=True) for line in lines}
    parts = [
        RefundLine(
            store_line_id=line.store_line_id,
            quantity=wanted[line.id] - gone_units(line, current),
            restock=not line.without_product,
            cancelled=True,
        )
        for line in lines
        if line.store_line_id and wanted[line.id] > gone_units(line, current)
    ]
    if parts and order.store_order_id:
        marker = "-".join(f"{line.id}x{wanted[line.id]}" for line in lines if line.cancelled)
        reason = f"Cancelled on {title}"
        engine.platform(platform_row).refund_lines(order.store_order_id, parts, reason, f"{order.ref}/cancel/{marker}")


def _store_followed(session: Session, engine: Engine, claim: Claim, order_id: int) -> set[str]:
    now = engine.clock()
    order = session.get_one(Order, order_id)
    lines = list(session.scalars(select(OrderLine).where(OrderLine.order_id == order_id)))
    for line in lines:
        line.restocked = max(line.restocked, line.cancelled)
    pools: set[str] = set()
    if all(line.quantity <= line.cancelled for line in lines):
        pools = set(catalogue.release_order(session, order_id, now))
        if order.store_state != "created":
            order.store_state = "cancelled"
        order.closed_at = order.closed_at or now
    pools |= _shrink(session, lines, now)
    part_units.follow(session, order, lines, now)
    lanes = catalogue.project_pools(engine, session, sorted(pools), now, claim.first_marked_at)
    reread(session, order, now)
    read_store_order(session, order, now)
    records.note(session, now, "cancellation", "the store's order and stock follow the cancellation", order=order.ref)
    work.done(session, [claim], now)
    return lanes | {"stock"}


def _shrink(session: Session, lines: Sequence[OrderLine], now: datetime) -> set[str]:
    pools: set[str] = set()
    gone = {line.id: line for line in lines if line.cancelled}
    query = select(Reservation).where(Reservation.order_line_id.in_(gone), Reservation.state != "released")
    for held in session.scalars(query):
        part_units.shrink(held, gone[held.order_line_id], now)
        pools.add(held.pool)
    session.flush()
    return pools
