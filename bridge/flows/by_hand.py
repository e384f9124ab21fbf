"""What a marketplace takes from no program is put to a person: entered in its own portal, and then said so here."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db import records, work
from bridge.db.tables import Connection, Order, ParcelRow
from bridge.db.work import Claim
from bridge.flows import ship
from bridge.flows.engine import Engine
from bridge.ports.manifest import Capability

KIND = "shipment_by_hand"
STATE = "by_hand"


def confirm_parcel(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    """Work kind ``parcel.confirm``, key our parcel id: sent, or asked for where the marketplace has no call for it."""
    if Capability.SHIPMENTS in engine.manifest(row).capabilities:
        ship.confirm_parcel(engine, row, claims)
    else:
        engine.db.transact(row.shop_id, _ask, row, claims[0], engine.clock())


def _ask(session: Session, row: Connection, claim: Claim, now: datetime) -> None:
    work.done(session, [claim], now)
    item = session.get(ParcelRow, int(claim.key))
    if item is None or item.state not in ("ready", "sending", "unknown"):
        return
    order = session.get_one(Order, item.order_id)
    item.state = STATE
    session.flush()
    waiting = session.scalars(select(ParcelRow).where(ParcelRow.order_id == order.id, ParcelRow.state == STATE))
    parcels = ", ".join(f"{found.carrier} {found.number}".strip() for found in waiting)
    until = f" before {order.ship_by:%d %b %Y %H:%M} UTC" if order.ship_by else ""
    records.open_problem(
        session,
        now,
        KIND,
        order.ref,
        f"Order {order.external_id} is shipped ({parcels}); {row.title} takes shipments from no program.",
        f"Enter it in the marketplace's own portal{until}, then mark this as dealt with.",
        connection_id=row.id,
    )


def entered(session: Session, ref: str, now: datetime) -> None:
    """The merchant says that the shipments of this order are entered."""
    order = session.scalars(select(Order).where(Order.ref == ref)).first()
    if order is None:
        return
    for item in session.scalars(select(ParcelRow).where(ParcelRow.order_id == order.id, ParcelRow.state == STATE)):
        ship.confirmed(session, item, now)
    if order.confirmed_at is not None:
        order.closed_at = order.closed_at or now
        order.channel_state = order.channel_state or "shipped"
