"""Shipments that a marketplace accepted and did not keep: an order of which every parcel was confirmed, and which
stands there as open and wholly unshipped long after. It is told once more, then a person is.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db import records, work
from bridge.db.sales import ParcelRow
from bridge.db.tables import Connection, Order
from bridge.db.work import Mark
from bridge.domain.order import FulfilledBy, MarketplaceOrder, OrderPhase

# Longer than any marketplace needs to show a shipment it has taken.
LATER = timedelta(hours=1)
TRIES = 2


def suspects(session: Session, row: Connection, open_ids: Collection[str], now: datetime) -> list[str]:
    """Of the orders the marketplace lists as open, those that are shipped as far as we know."""
    query = select(Order.external_id).where(
        Order.connection_id == row.id, Order.external_id.in_(open_ids), Order.confirmed_at < now - LATER
    )
    return list(session.scalars(query))


def look(session: Session, order: Order, sold: MarketplaceOrder, now: datetime) -> set[str]:
    """Compare what was confirmed with what the marketplace has. Returns the lanes to ring."""
    if any(line.shipped for line in sold.lines) and not any(line.open for line in sold.lines):
        records.close_problem(session, now, "shipment_refused", order.ref)
    if order.confirmed_at is None or order.confirmed_at > now - LATER or not _stands_open(sold):
        return set()
    query = select(ParcelRow).where(ParcelRow.order_id == order.id, ParcelRow.state == "confirmed")
    parcels = list(session.scalars(query.with_for_update()))
    if not parcels:
        return set()  # somebody told it by hand
    order.confirmed_at = now  # the next look is an hour from now
    if any(parcel.rounds >= TRIES for parcel in parcels):
        _tell(session, order, now)
        return set()
    for parcel in parcels:
        parcel.state = "unknown"
    text = f"the marketplace shows order {order.external_id} as not shipped: its parcels are told once more"
    records.note(session, now, "parcel", text, order=order.ref)
    marks = [Mark(order.connection_id, "shipments", "parcel.confirm", str(parcel.id), priority=1) for parcel in parcels]
    work.mark(session, order.shop_id, marks, now)
    return {"shipments"}


def _stands_open(sold: MarketplaceOrder) -> bool:
    ours = [line for line in sold.lines if line.fulfilled_by is FulfilledBy.MERCHANT]
    return (
        sold.phase is OrderPhase.READY
        and any(line.open for line in ours)
        and not any(line.shipped for line in sold.lines)
    )


def _tell(session: Session, order: Order, now: datetime) -> None:
    records.open_problem(
        session,
        now,
        "shipment_refused",
        order.ref,
        f"The marketplace accepted the shipment of order {order.external_id} and goes on showing it as not shipped.",
        "Enter the shipment in the marketplace's own portal; this closes by itself when the marketplace shows it.",
        connection_id=order.connection_id,
    )
