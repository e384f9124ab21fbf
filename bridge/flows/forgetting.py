"""What is held about buyers goes when its time is over: as each marketplace says, else after the shop's own period, the
bridge's where it wants no other."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db import privacy
from bridge.db.records import note
from bridge.db.tables import Connection, Order
from bridge.flows import keeping
from bridge.flows.draft import store_connection
from bridge.flows.engine import Engine

CHUNK = 500


def forget(engine: Engine, shop_id: int) -> int:
    """Of every marketplace of a shop, disconnected ones too. Returns of how many orders the buyers were erased."""
    with engine.db.read(shop_id) as session:
        rows = session.scalars(select(Connection).where(Connection.role == "channel").order_by(Connection.id)).all()
        wanted = keeping.kept(engine, session, shop_id).buyers
    return sum(_forget(engine, row, period(engine, row, wanted)) for row in rows)


def _forget(engine: Engine, row: Connection, kept: timedelta) -> int:
    """Erase the buyers of one marketplace's orders that were closed (shipped or cancelled whole) too long ago. Orders
    that are still under way keep theirs. Leaves a report in the journal.

    Shipping comes before delivery, from which marketplaces count: nothing is kept longer than they allow.
    """
    told = {"orders": 0, "returns": 0, "deliveries": 0}
    while (done := engine.db.transact(row.shop_id, _erase, row.id, engine.clock(), kept))["orders"]:
        told = {name: count + done[name] for name, count in told.items()}
    if told["orders"]:
        text = f"what was held about the buyers of {told['orders']} orders of {row.title} is erased ({kept.days} days)"
        engine.db.transact(row.shop_id, lambda session: note(
            session, engine.clock(), "privacy", text, connection_id=row.id, detail=told
        ))  # fmt: skip
    return told["orders"]


def period(engine: Engine, row: Connection, wanted: timedelta) -> timedelta:
    """The marketplace's own, where it names one, else what the shop wants; never longer than either."""
    adapter = engine.channels.get(row.adapter)
    days = adapter.manifest.policies.personal_data_days if adapter is not None else None
    return wanted if days is None else min(wanted, timedelta(days=days))


def _erase(session: Session, channel_id: int, now: datetime, kept: timedelta) -> dict[str, int]:
    query = select(Order).where(
        Order.connection_id == channel_id, Order.closed_at < now - kept, Order.erased_at.is_(None)
    )
    orders = session.scalars(query.order_by(Order.id).limit(CHUNK)).all()
    store = store_connection(session)
    return privacy.erase_buyers(session, orders, store.id if store is not None else 0, now)
