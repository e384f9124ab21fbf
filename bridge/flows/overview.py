"""What a person sees first: connections with their freshness, what needs attention, how fast changes arrive.

Pure reads over one shop's session. Each costs a constant number of statements, however many rows the shop has.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from bridge.db.tables import Connection, Delivery, FacetRow, Journal, Listing, Order, Poll, Problem, Shop, Work
from bridge.flows import account, module_state
from bridge.flows.sites import site_name
from bridge.flows.wish import DISCONNECTED
from bridge.metrics import Gauge

RECENT_DELIVERIES = 200
RECENT_JOURNAL = 20_000
MEASURED = 1000
ENOUGH = 5  # below this many measurements a percentile says nothing
PROBLEMS = 200
UNFINISHED = ("connecting",)
Samples = dict[tuple[str, ...], float]


def connections(session: Session, now: datetime) -> list[dict[str, Any]]:
    """Each connection with its state, its polls, what waits and since when, its listings and its last webhook."""
    query = select(Connection).where(Connection.state.not_in(UNFINISHED)).order_by(Connection.role.desc())
    rows = list(session.scalars(query.order_by(Connection.id)))
    polls, waiting, changes = _polls(session), _waiting(session), _changes(session)
    listings, sites = _listings(session)
    webhooks, modules = _webhooks(session), module_state.states(session, now)
    return [
        {
            "id": row.id,
            "role": row.role,
            "adapter": row.adapter,
            "account": row.account,
            "title": row.title,
            "sandbox": row.sandbox,
            "state": row.state,
            "reason": row.state_reason,
            "since": row.state_since,
            "last_ok_at": row.last_ok_at,
            "stale": _stale(row, polls[row.id], now),
            "polls": polls[row.id],
            "waiting": waiting[row.id],
            "changes": changes[row.id],
            "lag_seconds": _lag(changes[row.id], now),
            "listings": listings[row.id],
            "sites": [{"name": site_name(row, code), "listings": count} for code, count in sites[row.id].items()],
            "webhook_at": webhooks.get(row.id),
            "module": modules.get(row.id),
            "score": [
                {"text": account.figure_text(item), "good": account.within(item), **account.figure_parts(item)}
                for item in account.score(row)
            ],
            "standing": [{"text": item.text, "good": not item.near} for item in account.standing(row) if item.of],
            "guard": guard.as_json() if (guard := account.guard(row)) is not None else None,
            "guard_most": int(row.settings.get(account.BOUND) or 0),
            "safe": safe.reason if (safe := account.safe(row)) is not None else "",
            "renewals": [account.ends(item, now) for item in account.expiries(row) if item.at - now <= account.WARN],
        }
        for row in rows
    ]


def _polls(session: Session) -> defaultdict[int, list[dict[str, Any]]]:
    found: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in session.scalars(select(Poll).order_by(Poll.id)):
        found[row.connection_id].append(
            {
                "flow": row.flow,
                "every": row.every,
                "last_ok_at": row.last_ok_at,
                "next_at": row.next_at,
                "found": row.last_count,
                "error": row.error,
            }
        )
    return found


def _waiting(session: Session) -> defaultdict[int, list[dict[str, Any]]]:
    """Work that is not done yet, by lane, with its age; ``parked`` was set aside and waits for a person."""
    query = (
        select(
            Work.connection_id,
            Work.lane,
            func.count(),
            func.min(Work.first_marked_at),
            func.count().filter(Work.parked.is_(True)),
        )
        .where(Work.dirty_version > Work.done_version)
        .group_by(Work.connection_id, Work.lane)
        .order_by(Work.connection_id, Work.lane)
    )
    found: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    for connection_id, lane, count, oldest, parked in session.execute(query):
        found[connection_id].append({"lane": lane, "count": count, "oldest_at": oldest, "parked": parked})
    return found


def _changes(session: Session) -> defaultdict[int, list[dict[str, Any]]]:
    """Changes the marketplace has not acknowledged, by facet: the oldest one is the lag."""
    since = func.min(func.coalesce(FacetRow.event_at, FacetRow.desired_at, type_=FacetRow.desired_at.type))
    query = (
        select(FacetRow.connection_id, FacetRow.facet, func.count(), since)
        .where(FacetRow.desired_version > FacetRow.acked_version)
        .group_by(FacetRow.connection_id, FacetRow.facet)
        .order_by(FacetRow.connection_id, FacetRow.facet)
    )
    found: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    for connection_id, facet, count, oldest in session.execute(query):
        found[connection_id].append({"facet": facet, "count": count, "oldest_at": oldest})
    return found


def _listings(session: Session) -> tuple[defaultdict[int, Counter[str]], defaultdict[int, Counter[str]]]:
    """By connection: how many listings are in which state, and how many are listed on each of its country sites."""
    keys = (Listing.connection_id, Listing.site, Listing.state)
    states: defaultdict[int, Counter[str]] = defaultdict(Counter)
    sites: defaultdict[int, Counter[str]] = defaultdict(Counter)
    query = select(*keys, func.count()).group_by(*keys)
    for connection_id, site, state, count in session.execute(query.order_by(Listing.site)):
        states[connection_id][state] += count
        if site and state != "ended":
            sites[connection_id][site] += count * (state == "live")
    return states, sites


def _webhooks(session: Session) -> dict[int, datetime]:
    """When the last webhook came, looked for among the newest ones only."""
    newest = select(Delivery.connection_id, Delivery.received_at).order_by(Delivery.received_at.desc())
    found: dict[int, datetime] = {}
    for connection_id, received_at in session.execute(newest.limit(RECENT_DELIVERIES)):
        found.setdefault(connection_id, received_at)
    return found


def _stale(row: Connection, polls: Iterable[Mapping[str, Any]], now: datetime) -> bool:
    """Whether some recurring question of an active connection has had no complete answer for three rounds."""
    if row.state != "active":
        return False
    since = row.state_since
    return any((now - (poll["last_ok_at"] or since)).total_seconds() > poll["every"] * 3 + 60 for poll in polls)


def silent(session: Session, now: datetime) -> list[dict[str, Any]]:
    """Accounts that do not do their part: their credentials no longer work, or nothing complete was heard for three
    rounds."""
    query = select(Connection).where(Connection.state.in_(("active", "needs_reauth"))).order_by(Connection.id)
    rows, polls = list(session.scalars(query)), _polls(session)
    return [
        {"id": row.id, "title": row.title, "state": row.state, "last_ok_at": row.last_ok_at}
        for row in rows
        if row.state == "needs_reauth" or _stale(row, polls[row.id], now)
    ]


def _lag(changes: Iterable[Mapping[str, Any]], now: datetime) -> float:
    """Seconds since the oldest stock change that is not acknowledged; 0 when all are."""
    moments: list[datetime] = [item["oldest_at"] for item in changes if item["facet"] == "stock"]
    return max([0.0, *((now - moment).total_seconds() for moment in moments)])


def problems(
    session: Session,
    include_closed: bool = False,
    limit: int = PROBLEMS,
    only: Sequence[ColumnElement[bool]] = (),
) -> list[dict[str, Any]]:
    """What needs a person: errors first, then warnings, newest first; closed ones at the end. ``only``: conditions on
    them."""
    query = select(Problem, Connection.title).outerjoin(Connection, Connection.id == Problem.connection_id)
    query = query.where(*only)
    if not include_closed:
        query = query.where(Problem.closed_at.is_(None))
    closed, mild = Problem.closed_at.is_not(None), Problem.severity != "error"
    query = query.order_by(closed, mild, Problem.opened_at.desc(), Problem.id.desc()).limit(limit)
    return [_problem(row, title) for row, title in session.execute(query)]


def _problem(row: Problem, title: str | None) -> dict[str, Any]:
    names = ("id", "kind", "subject", "severity", "text", "fix", "detail", "count", "connection_id")
    times = ("opened_at", "seen_at", "closed_at")
    return {**{name: getattr(row, name) for name in (*names, *times)}, "connection": title}


def problem_count(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Problem).where(Problem.closed_at.is_(None))) or 0


def latency(session: Session) -> list[dict[str, Any]]:
    """Seconds from an event to the marketplace's acknowledgement, by connection and facet: the median and the
    95th percentile of the newest acknowledgements in the journal. Nothing where too few are known."""
    newest = session.scalar(select(func.max(Journal.id))) or 0
    query = (
        select(Journal.connection_id, Journal.detail, Journal.at)
        .where(Journal.id > newest - RECENT_JOURNAL, Journal.kind == "acknowledged")
        .order_by(Journal.id.desc())
        .limit(MEASURED)
    )
    measured: dict[tuple[int, str], list[float]] = defaultdict(list)
    since: dict[tuple[int, str], datetime] = {}
    for connection_id, detail, at in session.execute(query):
        if connection_id is None or not isinstance(detail.get("seconds"), int | float):
            continue
        key = (connection_id, str(detail.get("facet", "")))
        measured[key].append(float(detail["seconds"]))
        since[key] = min(at, since.get(key, at))
    return [
        {
            "connection_id": key[0],
            "facet": key[1],
            "count": len(values),
            "since": since[key],
            "p50": _quantile(values, 0.5),
            "p95": _quantile(values, 0.95),
        }
        for key, values in sorted(measured.items())
        if len(values) >= ENOUGH
    ]


def _quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def zone(session: Session) -> ZoneInfo:
    """The store's own time zone, in which times are told; UTC where it gives none that is known."""
    query = select(Connection.info).where(Connection.role == "platform", Connection.state != DISCONNECTED)
    for info in session.scalars(query.order_by(Connection.id)):
        try:
            return ZoneInfo(str(info.get("timezone") or "UTC"))
        except (KeyError, ValueError, OSError):
            continue
    return ZoneInfo("UTC")


def is_paused(session: Session, shop_id: int) -> bool:
    return bool(session.scalar(select(Shop.paused).where(Shop.id == shop_id)))


def gauges(session: Session, now: datetime) -> list[Gauge]:
    """How things are right now, over all shops, for /metrics. The session has no shop."""
    pending: Samples = {}
    parked: Samples = {}
    ages: Samples = {}
    query = (
        select(Work.lane, func.count(), func.count().filter(Work.parked.is_(True)), func.min(Work.first_marked_at))
        .where(Work.dirty_version > Work.done_version)
        .group_by(Work.lane)
    )
    for lane, count, aside, oldest in session.execute(query):
        pending[(lane,)], parked[(lane,)] = float(count), float(aside)
        ages[(lane,)] = (now - oldest).total_seconds()
    lag: Samples = {
        (adapter, facet): (now - oldest).total_seconds()
        for adapter, facet, oldest in session.execute(
            select(Connection.adapter, FacetRow.facet, func.min(FacetRow.desired_at))
            .join(Connection, Connection.id == FacetRow.connection_id)
            .where(FacetRow.desired_version > FacetRow.acked_version)
            .group_by(Connection.adapter, FacetRow.facet)
        )
    }
    problems_open = select(Problem.severity, func.count()).where(Problem.closed_at.is_(None)).group_by(Problem.severity)
    orders_open = select(func.count()).select_from(Order).where(Order.closed_at.is_(None))
    severities: Samples = {(severity,): float(count) for severity, count in session.execute(problems_open)}
    lane_label = ("lane",)
    return [
        Gauge("storebridge_work_pending", "Work that is not done yet", lane_label, pending),
        Gauge("storebridge_work_parked", "Work set aside for a person", lane_label, parked),
        Gauge("storebridge_work_age_seconds", "Age of the oldest work that is not done", lane_label, ages),
        Gauge("storebridge_change_age_seconds", "Age of the oldest change not acknowledged", ("channel", "facet"), lag),
        Gauge("storebridge_problems_open", "Problems that wait for a person", ("severity",), severities),
        Gauge("storebridge_orders_open", "Orders not closed", (), {(): float(session.scalar(orders_open) or 0)}),
    ]
