"""Whether a shop is ready to sell through Storebridge: the store, its currency and webhooks, the clockwork, the
products. From what is stored; nothing is asked of anybody."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bridge.db.tables import Connection, Delivery, Lease, ModuleRow, Poll, Variant, Work
from bridge.flows import progress
from bridge.flows.draft import store_connection
from bridge.flows.engine import Engine
from bridge.ports.manifest import Capability

SCHEDULER = "scheduler"  # the name of its lease (bridge/jobs/schedule.py)
FRESH = timedelta(minutes=15)


@dataclass(frozen=True)
class Check:
    """``state``: good, wait (it comes by itself), warn (works without, worse) or bad (stands in the way). ``code`` says
    what of it is the case; pages have the words. ``facts`` fill them in."""

    name: str
    state: str
    code: str
    facts: dict[str, Any] = field(default_factory=dict)


def checks(engine: Engine, session: Session) -> list[Check]:
    row = store_connection(session)
    if row is None:
        return [Check("store", "bad", "none"), _clockwork(session, engine.clock())]
    found = [_store(row), _currency(row), _webhooks(engine, session, row), _clockwork(session, engine.clock())]
    return [*found, _products(session, row)]


def _store(row: Connection) -> Check:
    facts = {"title": row.title, "connection": row.id, "reason": row.state_reason}
    return Check("store", "good" if row.state == "active" else "bad", row.state, facts)


def _currency(row: Connection) -> Check:
    info = row.info or {}
    facts = {"currency": info.get("currency"), "tax": info.get("prices_include_tax")}
    return Check("currency", "good" if facts["currency"] else "bad", "known" if facts["currency"] else "unknown", facts)


def _webhooks(engine: Engine, session: Session, row: Connection) -> Check:
    """Without them changes are found by asking, minutes later. A module in the store tells of them, too."""
    last = session.scalar(select(func.max(Delivery.last_seen_at)).where(Delivery.connection_id == row.id))
    if last is not None:
        return Check("webhooks", "good", "arrive", {"at": last})
    module = session.get(ModuleRow, row.id)
    if module is not None and module.heard_at is not None:
        return Check("webhooks", "good", "in place", {"at": module.heard_at})
    adapter = engine.platforms.get(row.adapter)
    if adapter is None or Capability.WEBHOOKS not in adapter.manifest.capabilities:
        return Check("webhooks", "warn", "none")
    poll = session.scalars(select(Poll).where(Poll.connection_id == row.id, Poll.flow == "poll.webhooks")).first()
    if poll is not None and poll.last_ok_at is not None and not poll.error:
        return Check("webhooks", "good", "in place", {"at": poll.last_ok_at})
    return Check("webhooks", "warn", "not seen", {"error": poll.error if poll else None})


def _clockwork(session: Session, now: datetime) -> Check:
    until = session.scalar(select(Lease.until).where(Lease.name == SCHEDULER))
    if until is not None and until > now:
        return Check("clockwork", "good", "runs")
    last = session.scalar(select(func.max(Poll.last_ok_at)))
    if last is not None and now - last < FRESH:
        return Check("clockwork", "good", "ran", {"at": last})
    return Check("clockwork", "bad", "stands still", {"at": last})


def is_reading(session: Session) -> bool:
    """Whether the store's products are still being read for the first time."""
    row = store_connection(session)
    return row is not None and row.state == "active" and _products(session, row).state == "wait"


def _products(session: Session, row: Connection) -> Check:
    count = session.scalar(select(func.count()).select_from(Variant).where(Variant.deleted_at.is_(None))) or 0
    waiting = select(func.count()).select_from(Work)
    waiting = waiting.where(Work.kind == "product.read", Work.dirty_version > Work.done_version, Work.parked.is_(False))
    left = session.scalar(waiting) or 0
    poll = session.scalars(select(Poll).where(Poll.connection_id == row.id, Poll.flow == "poll.catalogue")).first()
    facts = {"products": count, "left": left}
    unread = poll is not None and poll.last_ok_at is None
    if unread and not left and progress.was_stopped(session, row.id, progress.CATALOGUE):
        return Check("products", "warn", "stopped", facts)
    if left or unread:
        return Check("products", "wait", "being read", facts)
    return Check("products", "good" if count else "warn", "read" if count else "none", facts)
