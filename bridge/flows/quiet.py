"""No orders on a channel that is normally busy: a problem that opens by the channel's own rhythm, and closes with the
next order. The marketplace answers all the while; that it does not is told elsewhere (bridge/flows/watched.py)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bridge.db import records
from bridge.db.tables import Connection, Order, Poll, Problem
from bridge.domain.silence import WEEK, WEEKS, Rhythm, rhythm
from bridge.flows.overview import zone

KIND = "silence"
ANEW = timedelta(hours=6)
AWAY = timedelta(minutes=15)
FIX = (
    "Look on the marketplace whether the account is in order and the offers can be bought. The marketplace answers, "
    "and tells of no orders. This closes by itself with the next order."
)
Known = dict[int, tuple[datetime, Rhythm | None]]


def check(session: Session, rows: Sequence[Connection], now: datetime, known: Known) -> None:
    """``rows``: the marketplaces of one shop that take orders and are at work. ``known``: rhythms, kept by the caller
    between two calls."""
    where = zone(session)
    for row in rows:
        if _answers(session, row, now):
            _check(session, row, now, _rhythm(session, row, now, where, known))


def _answers(session: Session, row: Connection, now: datetime) -> bool:
    query = select(Poll).where(Poll.connection_id == row.id, Poll.flow == "orders.changes")
    poll = session.scalars(query).first()
    if poll is None or poll.last_ok_at is None:
        return False
    return now - poll.last_ok_at <= max(AWAY, timedelta(seconds=3 * poll.every))


def _rhythm(session: Session, row: Connection, now: datetime, where: ZoneInfo, known: Known) -> Rhythm | None:
    made = known.get(row.id)
    if made is None or now - made[0] >= ANEW:
        query = select(Order.placed_at).where(Order.connection_id == row.id, Order.placed_at >= now - WEEKS * WEEK)
        times = list(session.scalars(query.order_by(Order.placed_at)))
        made = known[row.id] = (now, rhythm(times, now, where))
    return made[1]


def _check(session: Session, row: Connection, now: datetime, normal: Rhythm | None) -> None:
    newest = select(func.max(Order.placed_at)).where(Order.connection_id == row.id)
    last = session.scalar(newest.where(Order.placed_at >= now - WEEKS * WEEK, Order.placed_at <= now))
    subject = f"connection {row.id}"
    query = select(Problem).where(Problem.kind == KIND, Problem.subject == subject, Problem.closed_at.is_(None))
    told = session.scalars(query).first()
    if told is not None:
        if last is not None and last.isoformat() != told.detail:
            records.close_problem(session, now, KIND, subject)
        return
    if normal is None or last is None or not normal.is_silent(last, now):
        return
    missed = round(normal.expected(last, now))
    when = last.astimezone(normal.zone)
    text = f"{row.title}: no order since {when:%d %b %Y %H:%M} ({normal.zone.key}); normally {missed} would have come."
    records.open_problem(session, now, KIND, subject, text, FIX, connection_id=row.id, detail=last.isoformat())
