"""The clock was set back: what it had put off, or leased, until a time that is far away now is taken up at once, and
what happened while it was wrong is asked for again. Doing something too early does no harm here; too late does."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from bridge.db import work
from bridge.db.tables import FacetRow, Listing, Order, Poll, Shop, Work
from bridge.flows.engine import Engine

LEAST = timedelta(seconds=30)  # less is mended by waiting
AGAIN = timedelta(days=1)
log = logging.getLogger("storebridge.flows")
_PENDING: tuple[tuple[Any, Any], ...] = (
    (Work, Work.dirty_version > Work.done_version),
    (FacetRow, FacetRow.desired_version > FacetRow.acked_version),
    (Listing, Listing.pending),
)


def notice(engine: Engine, now: datetime) -> None:
    """At each round of the schedule. A process that has just begun asks what time it was when the last one looked."""
    seen = engine.seen_at
    if seen is None:
        with engine.db.read(None) as session:
            seen = session.scalar(select(func.max(Poll.last_started_at)))
    engine.seen_at = now
    if seen is None or seen - now < LEAST:
        return
    log.warning("the clock was set back by %s: everything that waits is looked at again", seen - now)
    with engine.db.read(None) as session:
        shops = list(session.scalars(select(Shop.id)))
    for shop_id in shops:
        engine.db.transact(shop_id, _mend, now)


def _mend(session: Session, now: datetime) -> None:
    for poll in session.scalars(select(Poll)):
        poll.next_at = min(poll.next_at, now + timedelta(seconds=poll.every))
        poll.last_started_at = min(poll.last_started_at, now) if poll.last_started_at else None
        since = poll.cursor.get("since")
        if since and datetime.fromisoformat(since) > now:
            poll.cursor, poll.next_at = {**poll.cursor, "since": (now - AGAIN).isoformat()}, now
    session.flush()
    for table, pending in _PENDING:
        _run(session, update(table).where(pending, table.due_at > now).values(due_at=now))
        lost = update(table).where(table.leased_until > now + 2 * work.LEASE)
        _run(session, lost.values(leased_until=None, lease_token=None))
    _run(session, update(Order).where(Order.tried_at > now).values(tried_at=now))


def _run(session: Session, statement: Any) -> None:
    session.execute(statement.execution_options(synchronize_session=False))
