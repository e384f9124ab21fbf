"""Safe mode: while the store cannot be read its listings keep, freeze or go to 0, by the merchant's policy for each
marketplace; orders are kept. When it answers again it is compared with first, and only what differs is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from bridge.db import records, work
from bridge.db.bulk import update_rows
from bridge.db.tables import Connection, FacetRow, Listing, Order, Poll, Shop, Variant, Work
from bridge.db.work import Claim, Mark
from bridge.domain.listing import Facet
from bridge.domain.safety import Away, Safe, held_back
from bridge.flows import account, project
from bridge.flows.draft import store_connection
from bridge.flows.engine import Engine
from bridge.flows.watched import Told, keep
from bridge.ports.errors import AskMerchant

PLANNED = "maintenance"
KIND, PROBLEM = "safe.project", "store_away"
POLICY, AFTER = "store_away", "store_away_after"
MINUTES = 60
# Nothing heard for two rounds of the quickest question, and what is tried fails.
ROUNDS, AT_LEAST = 2, timedelta(seconds=5)
TOLD_AFTER = timedelta(minutes=5)
COMPARED = ("poll.products", "poll.catalogue", "poll.store_orders")
CHUNK = 100
AHEAD = timedelta(milliseconds=CHUNK)  # so that all of a chunk is due, in its order
_NOBODY_KNOWS = 2**31


@dataclass(frozen=True)
class Planned:
    """``until`` None: until it is said to be over."""

    since: datetime
    until: datetime | None
    author: str


@dataclass(frozen=True)
class _Absence:
    since: datetime
    planned: bool = False


def check(session: Session, engine: Engine, shop_id: int, now: datetime) -> set[str]:
    """One look at one shop. Returns the lanes that have something to do."""
    store = store_connection(session)
    if store is None:
        return set()
    absence = _absence(session, shop_id, store, now)
    query = select(Connection).where(Connection.role == "channel", Connection.state != "disconnected")
    rows = [row for row in session.scalars(query.order_by(Connection.id)) if row.adapter in engine.channels]
    lanes: set[str] = set()
    for row in rows:
        lanes |= _follow(session, store, row, absence, now)
    keep(session, now, PROBLEM, _told(session, store, rows, absence, now))
    return lanes


def _absence(session: Session, shop_id: int, store: Connection, now: datetime) -> _Absence | None:
    if (plan := planned(session, shop_id, now)) is not None:
        return _Absence(plan.since, planned=True)
    if store.state == "needs_reauth":
        return _Absence(store.state_since)
    heard = store.last_ok_at or store.state_since
    every = session.scalar(select(func.min(Poll.every)).where(Poll.connection_id == store.id)) or 0
    if store.state != "active" or now - heard < max(AT_LEAST, timedelta(seconds=ROUNDS * every)):
        return None
    failing = select(Work.id).where(
        Work.connection_id == store.id, Work.dirty_version > Work.done_version, Work.error.is_not(None)
    )
    return _Absence(heard) if session.scalars(failing.limit(1)).first() is not None else None


def planned(session: Session, shop_id: int, now: datetime) -> Planned | None:
    """The maintenance that the merchant has announced, as long as it lasts."""
    known = (session.get_one(Shop, shop_id).settings or {}).get(PLANNED)
    if not known:
        return None
    until = datetime.fromisoformat(known["until"]) if known["until"] else None
    if until is not None and now >= until:
        return None
    return Planned(datetime.fromisoformat(known["since"]), until, known["author"])


def _follow(session: Session, store: Connection, row: Connection, absence: _Absence | None, now: datetime) -> set[str]:
    safe = account.safe(row)
    if absence is None:
        return _come_back(session, store, row, safe, now) if safe is not None else set()
    minutes = row.settings.get(AFTER)
    policy = Away(row.settings.get(POLICY, Away.KEEP))
    mode = held_back(policy, MINUTES if minutes is None else int(minutes), absence.since, now)
    if mode is None:
        return _hold(session, row, None, "nothing holds listings back any more", now) if safe is not None else set()
    if safe is not None and safe.mode is mode and safe.back_at is None:
        return set()
    what = {Away.ZERO: "listings go to 0, the smallest stock first", Away.FREEZE: "listings are frozen"}[mode]
    return _hold(session, row, Safe(mode=mode, since=absence.since, planned=absence.planned), what, now)


def _come_back(session: Session, store: Connection, row: Connection, safe: Safe, now: datetime) -> set[str]:
    """First everything is read and compared; then what differs goes out."""
    if safe.back_at is None:
        session.execute(
            update(Poll)
            .where(Poll.connection_id == store.id, Poll.flow.in_(COMPARED))
            .values(next_at=now)
            .execution_options(synchronize_session=False)
        )
        return _hold(session, row, safe.model_copy(update={"back_at": now}), "the store answers, it is compared", now)
    if not _compared(session, store, safe.back_at):
        return set()
    return _hold(session, row, None, "the store is compared with, what differs goes out", now)


def _compared(session: Session, store: Connection, since: datetime) -> bool:
    """Its whole catalogue was listed since then, and what was found different by that is read."""
    query = select(Poll.last_ok_at).where(Poll.connection_id == store.id, Poll.flow == "poll.catalogue")
    listed = session.scalar(query)
    if listed is None or listed < since:
        return False
    waiting = select(Work.id).where(
        Work.connection_id == store.id, Work.kind.in_(("product.read", "pool.read")), Work.first_marked_at <= listed,
        Work.dirty_version > Work.done_version, Work.parked.is_(False),
    )  # fmt: skip
    return session.scalars(waiting.limit(1)).first() is None


def _hold(session: Session, row: Connection, safe: Safe | None, what: str, now: datetime) -> set[str]:
    """From here on every projection knows it; the listings that are there follow by work of their own."""
    others = {name: value for name, value in (row.info or {}).items() if name != account.SAFE}
    row.info = {**others, **({account.SAFE: safe.as_json()} if safe is not None else {})}
    session.flush()
    records.note(session, now, "safe mode", f"{row.title}: {what}", connection_id=row.id)
    work.mark(session, row.shop_id, [Mark(row.id, "stock", KIND, "all", priority=0)], now)
    return {"stock", "sweep", "orders"}


def _told(
    session: Session, store: Connection, rows: Sequence[Connection], absence: _Absence | None, now: datetime
) -> dict[str, Told]:
    if absence is None or (not absence.planned and now - absence.since < TOLD_AFTER):
        return {}
    waiting = select(func.count()).where(Order.store_state.in_(("ready", "creating", "unknown")))
    kept = int(session.scalar(waiting) or 0)
    why = "is under maintenance" if absence.planned else "does not answer"
    text = f"{store.title} {why} since {absence.since:%d %b %Y %H:%M} UTC. {kept} orders wait for it. "
    text += "; ".join(f"{row.title}: {_doing(row)}" for row in rows) + "."
    fix = "See that the store is up. Orders are kept and made there as soon as it answers; then it is compared with."
    if absence.planned:
        fix = "When it is over, say so under Settings, General, or let its time run out."
    severity = "warning" if absence.planned else "error"
    return {f"connection {store.id}": Told(text.replace(". .", "."), fix, store.id, severity)}


def _doing(row: Connection) -> str:
    safe = account.safe(row)
    if safe is not None:
        return {Away.ZERO: "listings show 0", Away.FREEZE: "listings are frozen"}.get(safe.mode, "listings stay")
    if row.settings.get(POLICY) == Away.ZERO:
        return f"listings go to 0 after {row.settings.get(AFTER, MINUTES)} minutes"
    return "listings stay as they are"


def follow_listings(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    """Work kind ``safe.project``: the listings of one marketplace, the smallest stock first: it is sold out soonest."""
    order = func.coalesce(Variant.on_hand, _NOBODY_KNOWS)
    with engine.db.read(row.shop_id) as session:
        ids = list(session.scalars(select(Variant.id).order_by(order, Variant.id)))
    for start in range(0, len(ids), CHUNK):
        engine.ring(engine.db.transact(row.shop_id, _project, engine, row.id, ids[start : start + CHUNK]))
        engine.db.transact(row.shop_id, work.renew, claims, engine.clock())
    engine.db.transact(row.shop_id, work.done, claims, engine.clock())


def _project(session: Session, engine: Engine, connection_id: int, ids: Sequence[int]) -> set[str]:
    now = engine.clock()
    lanes = project.project(session, project.channel_views(engine, session, connection_id), ids, now, now)
    waiting = (
        select(FacetRow.id, Listing.variant_id)
        .join(Listing, Listing.id == FacetRow.listing_id)
        .where(FacetRow.connection_id == connection_id, Listing.variant_id.in_(ids))
        .where(FacetRow.facet == Facet.STOCK.value, FacetRow.desired_version > FacetRow.acked_version)
    )
    place = {variant: timedelta(milliseconds=number) for number, variant in enumerate(ids)}
    rows = [{"id": facet, "due_at": now - AHEAD + place[variant]} for facet, variant in session.execute(waiting)]
    update_rows(session, FacetRow, rows)
    return lanes


def plan_maintenance(engine: Engine, shop_id: int, minutes: int | None, author: str) -> dict[str, Any]:
    """The store is about to be away, for ``minutes`` or until it is said to be over."""
    now = engine.clock()
    if minutes is not None and minutes < 1:
        raise AskMerchant("Give at least one minute.", field="minutes")
    until = (now + timedelta(minutes=minutes)).isoformat() if minutes is not None else None
    plan = {"since": now.isoformat(), "until": until, "author": author}
    _set_plan(engine, shop_id, plan, f"maintenance of the store ({author})")
    return plan


def end_maintenance(engine: Engine, shop_id: int, author: str) -> None:
    _set_plan(engine, shop_id, None, f"maintenance of the store is over ({author})")


def _set_plan(engine: Engine, shop_id: int, plan: dict[str, Any] | None, text: str) -> None:
    def act(session: Session) -> set[str]:
        now = engine.clock()
        shop = session.get_one(Shop, shop_id)
        if plan is None and PLANNED not in (shop.settings or {}):
            raise AskMerchant("No maintenance is planned.", field="maintenance")
        others = {name: value for name, value in (shop.settings or {}).items() if name != PLANNED}
        shop.settings = {**others, **({PLANNED: plan} if plan else {})}
        session.flush()
        records.note(session, now, "safe mode", text)
        return check(session, engine, shop_id, now)

    engine.ring(engine.db.transact(shop_id, act))
