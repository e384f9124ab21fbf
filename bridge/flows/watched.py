"""What is looked at all the time: answers that stay away, work and changes that lie about, shipments that are due, the
disk. Each is a problem while it lasts, and closes by itself."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from bridge.db import records
from bridge.db.resting import work_rests
from bridge.db.tables import Connection, FacetRow, Hold, Listing, Order, Poll, Problem, Work
from bridge.domain.listing import Facet
from bridge.flows.overview import zone
from bridge.flows.polls import NAMES

LATE = timedelta(minutes=15)  # work that was due
STUCK = timedelta(minutes=30)  # a quantity that the marketplace has not acknowledged
SOON = timedelta(hours=4)  # before a shipment is due
ROUNDS = 3  # of a recurring question without a whole answer
LOUD = ("orders.changes", "orders.open", "returns", "poll.products", "poll.store_orders")
LITTLE_SPACE = 1024**3
LONG = timedelta(minutes=30)
SHOWN = 5


class Told(NamedTuple):
    text: str
    fix: str
    connection_id: int | None
    severity: str = "error"


def keep(
    session: Session,
    now: datetime,
    kind: str,
    found: Mapping[str, Told],
    among: Callable[[str], bool] = lambda subject: True,
) -> None:
    """Open what is found, by subject, and close what is found no more (``among`` the subjects that were looked at). The
    same again is not written again."""
    query = select(Problem).where(Problem.kind == kind, Problem.closed_at.is_(None))
    known = {row.subject: row for row in session.scalars(query) if among(row.subject)}
    if gone := [subject for subject in known if subject not in found]:
        records.close_problems(session, now, kind, gone)
    for subject, told in found.items():
        row = known.get(subject)
        if row is None or (row.text, row.severity) != (told.text, told.severity):
            records.open_problem(
                session, now, kind, subject, told.text, told.fix, connection_id=told.connection_id,
                severity=told.severity,
            )  # fmt: skip


def check(session: Session, rows: Sequence[Connection], now: datetime) -> None:
    """``rows``: the connections of one shop that are at work; none while the shop is paused."""
    titles = {row.id: row.title for row in rows}
    keep(session, now, "stale", _stale(session, {row.id: row for row in rows}, now))
    keep(session, now, "work_late", _late(session, titles, now))
    keep(session, now, "stock_stuck", _stuck(session, titles, now))
    keep(session, now, "ship_by", _shipments(session, titles, now))


def _stale(session: Session, rows: Mapping[int, Connection], now: datetime) -> dict[str, Told]:
    found: dict[str, Told] = {}
    where = zone(session)
    for poll in session.scalars(select(Poll).where(Poll.connection_id.in_(rows)).order_by(Poll.id)):
        row = rows[poll.connection_id]
        since = max(poll.last_ok_at or row.state_since, row.state_since)
        if now - since <= max(LATE, timedelta(seconds=ROUNDS * poll.every)):
            continue
        asked, when = NAMES.get(poll.flow, poll.flow), since.astimezone(where)
        text = f"{row.title}: no whole answer to “{asked}” since {when:%d %b %Y %H:%M} ({where.key})."
        if poll.error:
            text += f" {poll.error}"
        fix = "It is asked again by itself. If it lasts: storebridge doctor says what stands in the way."
        severity = "error" if poll.flow in LOUD else "warning"
        found[f"{poll.flow} of connection {row.id}"] = Told(text, fix, row.id, severity)
    return found


def _late(session: Session, titles: Mapping[int, str], now: datetime) -> dict[str, Told]:
    query = (
        select(Work.lane, func.min(Work.due_at))
        .where(Work.dirty_version > Work.done_version, Work.parked.is_(False), Work.due_at < now - LATE)
        .where(Work.connection_id.in_(titles), ~work_rests(Work.connection_id, Work.lane, Work.kind))
        .group_by(Work.lane)
    )
    fix = "See that a worker of this lane runs (storebridge doctor), or give it more (STOREBRIDGE_WORKERS)."
    where = zone(session)
    return {
        f"lane {lane}": Told(
            f"Work of the lane {lane} waits since {oldest.astimezone(where):%d %b %Y %H:%M} ({where.key}).", fix, None
        )
        for lane, oldest in session.execute(query)
    }


def _stuck(session: Session, titles: Mapping[int, str], now: datetime) -> dict[str, Told]:
    """Quantities of live offers, but for those a person let rest or holds back."""
    since = func.coalesce(FacetRow.event_at, FacetRow.desired_at, type_=FacetRow.desired_at.type)
    resting = select(Hold.connection_id).where(Hold.flow == Facet.STOCK.value)
    query = (
        select(FacetRow.connection_id, func.min(since), func.min(Listing.sku))
        .join(Listing, Listing.id == FacetRow.listing_id)
        .where(FacetRow.facet == Facet.STOCK.value, FacetRow.desired_version > FacetRow.acked_version)
        .where(FacetRow.held_hash.is_(None), Listing.state == "live", since < now - STUCK)
        .where(FacetRow.connection_id.in_(titles), FacetRow.connection_id.not_in(resting))
        .group_by(FacetRow.connection_id)
    )
    where = zone(session)
    fix = "See the listing's page for why; what the marketplace refuses is a problem of its own."
    return {
        f"connection {number}": Told(
            f"{titles[number]}: stock changes are not acknowledged, the oldest since "
            f"{oldest.astimezone(where):%d %b %Y %H:%M} ({where.key}), such as {sku}.", fix, number,
        )
        for number, oldest, sku in session.execute(query)
    }  # fmt: skip


def _shipments(session: Session, titles: Mapping[int, str], now: datetime) -> dict[str, Told]:
    """Orders that have to be shipped within ``SOON`` or are late, and are not confirmed on the marketplace."""
    query = (
        select(Order.connection_id, Order.external_id, Order.ship_by, Order.shipped_at)
        .where(Order.closed_at.is_(None), Order.confirmed_at.is_(None), Order.channel_state == "open")
        .where(Order.store_state.not_in(("skipped", "cancelled")), Order.ship_by <= now + SOON)
        .where(Order.connection_id.in_(titles), Order.placed_at > now - timedelta(days=90))
        .order_by(Order.ship_by, Order.id)
    )
    due: dict[int, list[tuple[str, datetime, datetime | None]]] = {}
    for number, name, ship_by, shipped in session.execute(query):
        if ship_by is not None:
            due.setdefault(number, []).append((name, ship_by, shipped))
    where = zone(session)
    found: dict[str, Told] = {}
    for number, orders in due.items():
        first = orders[0][1].astimezone(where)
        names = ", ".join(name for name, _, _ in orders[:SHOWN]) + (" and more" if len(orders) > SHOWN else "")
        text = (
            f"{titles[number]}: {len(orders)} orders are due and not confirmed as shipped, the first by "
            f"{first:%d %b %Y %H:%M} ({where.key}): {names}."
        )
        severe = any(ship_by <= now or shipped is not None for _, ship_by, shipped in orders)
        fix = "Ship them in the store, with tracking; where that is done, the order's page says what is in the way."
        found[f"connection {number}"] = Told(text, fix, number, "error" if severe else "warning")
    return found


def check_adapters(session: Session, rows: Sequence[Connection], now: datetime) -> None:
    """``rows``: connections that are at work and whose adapter is not installed."""
    found = {
        f"connection {row.id}": Told(
            f"{row.title}: the adapter {row.adapter} is not installed here; nothing is exchanged with this account.",
            "Install it again, or disconnect the account. What waits is done when it is back.", row.id,
        )
        for row in rows
    }  # fmt: skip
    keep(session, now, "adapter_missing", found)


def check_disk(session: Session, now: datetime, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    text = f"Less than {LITTLE_SPACE // 1024**2} MB are free in {folder}: soon nothing can be stored."
    told = Told(text, "Make room, or shorten STOREBRIDGE_RETENTION_DAYS.", None)
    keep(session, now, "disk", {"data folder": told} if free < LITTLE_SPACE else {})


def check_database(session: Session, now: datetime) -> None:
    """Whether a transaction was left open for long: nothing is cleaned up behind it, and the database grows."""
    found: dict[str, Told] = {}
    if session.connection().dialect.name == "postgresql":
        query = text(
            "SELECT max(EXTRACT(EPOCH FROM now() - xact_start)) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND datname = current_database() AND backend_type = 'client backend'"
        )
        seconds = float(session.scalar(query) or 0)
        if seconds > LONG.total_seconds():
            words = f"A transaction in the database is open for {seconds / 60:.0f} minutes."
            found["database"] = Told(words, "See who holds it (pg_stat_activity) and end it.", None, "warning")
    keep(session, now, "database", found)
