"""What is held about buyers goes when its time is over: as each marketplace says, else after the shop's own period, the
bridge's where it wants no other. And before, where a buyer asked the marketplace for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from bridge.db import privacy, work
from bridge.db.records import note
from bridge.db.tables import Connection, Order, Work
from bridge.db.work import Claim
from bridge.flows import keeping
from bridge.flows.draft import store_connection
from bridge.flows.engine import Engine
from bridge.ports.channel import Forgetting, KnowsBuyers

CHUNK = 500
KIND = "buyers.forget"
# Of everybody who ever closed an account some marketplaces tell: who bought here is looked for in many at once.
GATHERED = timedelta(hours=6)
AGAIN = timedelta(days=1)


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


def as_asked(engine: Engine, row: Connection) -> int:
    """Erase the buyers who asked this marketplace for it. An order that is under way keeps its address until it is
    closed: the marketplace tells it again. Returns of how many orders. Raises what the channel raises."""
    channel: object = engine.channel(row) if row.role == "channel" else None
    wanted = sorted(set(channel.forgotten_orders())) if isinstance(channel, Forgetting) else []
    parts = [wanted[start : start + CHUNK] for start in range(0, len(wanted), CHUNK)]
    return sum(engine.db.transact(row.shop_id, _erase_asked, row, part, engine.clock()) for part in parts)


def _erase_asked(session: Session, row: Connection, ids: Sequence[str], now: datetime) -> int:
    query = select(Order).where(Order.connection_id == row.id, Order.external_id.in_(ids))
    orders = session.scalars(query.where(Order.closed_at.is_not(None), Order.erased_at.is_(None))).all()
    if not orders:
        return 0
    store = store_connection(session)
    told = privacy.erase_buyers(session, orders, store.id if store is not None else 0, now)
    text = f"what was held about the buyers of {len(orders)} orders of {row.title} is erased, as they asked there"
    note(session, now, "privacy", text, connection_id=row.id, detail=told)
    return len(orders)


def named(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    """Work kind ``buyers.forget``: erase these buyers, by their fingerprints. What of theirs is under way keeps its
    address until it is closed."""
    channel: object = engine.channel(row)
    wanted = {claim.key for claim in claims}
    found = list(_theirs(engine, row, channel, wanted)) if isinstance(channel, KnowsBuyers) else []
    closed = sorted({external_id for _, external_id, is_closed in found if is_closed})
    waiting = {name for name, _, is_closed in found if not is_closed}

    def act(session: Session) -> None:
        now = engine.clock()
        for start in range(0, len(closed), CHUNK):
            _erase_asked(session, row, closed[start : start + CHUNK], now)
        work.put_back(session, [claim for claim in claims if claim.key in waiting], now + AGAIN)
        work.done(session, [claim for claim in claims if claim.key not in waiting], now)
        _clear(session, row)

    engine.db.transact(row.shop_id, act)


def _clear(session: Session, row: Connection) -> None:
    """Of the many who never bought here no trace is kept."""
    over = delete(Work).where(Work.connection_id == row.id, Work.kind == KIND, Work.done_version >= Work.dirty_version)
    session.execute(over.execution_options(synchronize_session=False))


def _theirs(engine: Engine, row: Connection, channel: KnowsBuyers, wanted: set[str]) -> Iterator[tuple[str, str, bool]]:
    """Fingerprint, order, and whether it is closed. What was told is encrypted, so that each has to be looked at: never
    while others wait to write."""
    after = 0
    query = (
        select(Order).where(Order.connection_id == row.id, Order.erased_at.is_(None)).order_by(Order.id).limit(CHUNK)
    )
    while True:
        with engine.db.read(row.shop_id) as session:
            orders = session.scalars(query.where(Order.id > after)).all()
            for order in orders:
                for name in wanted.intersection(channel.buyers_in(order.raw or {})):
                    yield name, order.external_id, order.closed_at is not None
        if not orders:
            return
        after = orders[-1].id


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
