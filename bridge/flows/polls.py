"""The recurring questions: what is asked how often, and which of them are due."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bridge.db import work
from bridge.db.tables import Connection, Poll, Shop
from bridge.db.work import Mark
from bridge.flows import set_back
from bridge.flows.engine import Engine
from bridge.ports.manifest import Capability, Manifest

# flow: (lane, seconds between, key in manifest.polling that overrides it, capability it needs)
Plan = Mapping[str, tuple[str, int, str, Capability | None]]

PLATFORM: Plan = {
    "poll.products": ("sweep", 120, "products", Capability.CATALOGUE),
    "poll.variants": ("sweep", 900, "variants", Capability.CATALOGUE),
    "poll.catalogue": ("sweep", 86400, "catalogue", Capability.CATALOGUE),
    "poll.store_orders": ("sweep", 120, "store_orders", Capability.CREATE_ORDER),
    "poll.webhooks": ("sweep", 3600, "webhooks", Capability.WEBHOOKS),
    "poll.check": ("sweep", 86400, "check", Capability.CHECK),
    "poll.retention": ("sweep", 86400, "retention", None),
    "poll.rates": ("sweep", 21600, "rates", None),
    "poll.images": ("sweep", 120, "images", Capability.CATALOGUE),
}
CHANNEL: Plan = {
    "orders.changes": ("orders", 300, "orders", Capability.ORDERS),
    "orders.open": ("orders", 3600, "open_orders", Capability.ORDERS),
    "returns": ("shipments", 900, "returns", Capability.RETURNS),
    "poll.offers": ("sweep", 21600, "offers", Capability.READ_BACK),
    "poll.status": ("sweep", 60, "status", Capability.OFFERS),
    "poll.push": ("sweep", 3600, "push", Capability.PUSH),
    "poll.requirements": ("sweep", 86400, "requirements", Capability.REQUIREMENTS),
    "poll.categories": ("sweep", 604800, "categories", Capability.CATEGORIES),
    "poll.check": ("sweep", 86400, "check", Capability.CHECK),
    "poll.score": ("sweep", 86400, "score", Capability.SCORE),
    "poll.standing": ("sweep", 3600, "standing", Capability.ORDERS),
    "poll.proof": ("sweep", 3600, "proof", Capability.ORDERS),
    "poll.feed": ("sweep", 900, "feed", Capability.FEED),
}
LATER = ("poll.check", "poll.proof")
WORK_OF = {
    "orders.changes": ("orders.pull", "changes"),
    "orders.open": ("orders.pull", "open"),
    "returns": ("returns.pull", "all"),
}

# Recurring question: what is asked for.
NAMES: Mapping[str, str] = {
    "poll.products": "changed products",
    "poll.variants": "changed variants",
    "poll.catalogue": "the whole catalogue",
    "poll.store_orders": "changed store orders",
    "poll.webhooks": "webhooks in place",
    "poll.images": "pictures",
    "poll.retention": "clearing old records",
    "orders.changes": "new and changed orders",
    "orders.open": "all open orders",
    "returns": "returns",
    "poll.offers": "reading all offers back",
    "poll.status": "whether offers can be bought",
    "poll.push": "push messages in place",
    "poll.rates": "exchange rates",
    "poll.requirements": "what categories ask for",
    "poll.categories": "the marketplace's categories",
    "poll.check": "the account itself",
    "poll.score": "the marketplace's own figures",
    "poll.standing": "our own figures on the account",
    "poll.proof": "whether all orders are here",
    "poll.feed": "writing the feed anew",
}


def ensure(session: Session, row: Connection, manifest: Manifest, now: datetime) -> None:
    """Create what is missing, drop what is asked no more (by this version, or of this adapter), and bring intervals in
    line with manifest and settings. The first round is due at once, but for what connecting has just asked and what a
    day must have passed for."""
    known = {poll.flow: poll for poll in session.scalars(select(Poll).where(Poll.connection_id == row.id))}
    plan = {
        flow: item
        for flow, item in (PLATFORM if row.role == "platform" else CHANNEL).items()
        if item[3] is None or _has(manifest, item[3])
    }
    for flow in known.keys() - plan.keys():
        session.delete(known[flow])
    for flow, (lane, every, name, _) in plan.items():
        seconds = _every(row, manifest, name, every)
        poll = known.get(flow)
        if poll is None:
            first = now + timedelta(seconds=seconds) if flow in LATER else now
            session.add(
                Poll(connection_id=row.id, flow=flow, lane=lane, every=seconds, next_at=first, cursor={}, last_count=0)
            )
        else:
            poll.every = seconds


def _has(manifest: Manifest, needs: Capability) -> bool:
    """What goes by the feed is an offer too."""
    found = manifest.capabilities
    return needs in found or (needs is Capability.OFFERS and Capability.FEED in found)


def catch_up(engine: Engine) -> None:
    """Connections made by an earlier version get the questions that are new."""
    with engine.db.read(None) as session:
        rows = list(session.scalars(select(Connection).where(Connection.state.not_in(("connecting", "disconnected")))))
    for row in rows:
        if engine.is_installed(row):
            engine.db.transact(row.shop_id, ensure, row, engine.manifest(row), engine.clock())


def _every(row: Connection, manifest: Manifest, name: str, default: int) -> int:
    own = row.settings.get(f"poll_{name}")
    if own is not None:
        return max(1, int(own))
    polling = manifest.polling.get(name)
    return polling.every if polling is not None else default


def tick(engine: Engine) -> set[str]:
    """Mark every question that is due as work. Returns the lanes to ring."""
    now = engine.clock()
    set_back.notice(engine, now)
    with engine.db.read(None) as session:
        query = (
            select(Poll.shop_id)
            .join(Connection, Connection.id == Poll.connection_id)
            .join(Shop, Shop.id == Poll.shop_id)
            .where(Poll.next_at <= now, Connection.state == "active", Shop.paused.is_(False))
            .distinct()
        )
        shops = list(session.scalars(query))
    lanes: set[str] = set()
    for shop_id in shops:
        lanes |= engine.db.transact(shop_id, _tick, shop_id, now)
    return lanes


def _tick(session: Session, shop_id: int, now: datetime) -> set[str]:
    query = (
        select(Poll)
        .join(Connection, Connection.id == Poll.connection_id)
        .where(Poll.next_at <= now, Connection.state == "active")
        .with_for_update(skip_locked=True, of=Poll)
    )
    due = list(session.scalars(query))
    marks = []
    for poll in due:
        kind, key = WORK_OF.get(poll.flow, (poll.flow, "all"))
        marks.append(Mark(poll.connection_id, poll.lane, kind, key, priority=6))
        poll.last_started_at = now
        poll.next_at = now + timedelta(seconds=poll.every * random.uniform(0.9, 1.1))  # spread, not secrecy
    work.mark(session, shop_id, marks, now)
    return {poll.lane for poll in due}


def due_now(session: Session, connections: Collection[int], flow: str, now: datetime) -> int:
    """Have a recurring question of these connections asked at once. Returns how many are asked it."""
    found = update(Poll).where(Poll.connection_id.in_(connections), Poll.flow == flow).values(next_at=now)
    return int(session.execute(found.execution_options(synchronize_session=False)).rowcount)  # type: ignore[attr-defined]


def ask_now(engine: Engine, shop_id: int, connection_id: int, flow: str) -> bool:
    """The same, with its bell. False where this connection is not asked it."""
    now = engine.clock()
    if not engine.db.transact(shop_id, due_now, [connection_id], flow, now):
        return False
    engine.ring(tick(engine))
    return True
