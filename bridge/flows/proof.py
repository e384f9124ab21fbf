"""The daily proof of completeness: the orders of a day on the marketplace, here and in the store are the same ones.

What differs is listed and read again, which repairs it; the day is signed off once nothing does. A day that still
differs an hour later is a problem.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db import records, work
from bridge.db.tables import Connection, Order, Poll, ProofRow
from bridge.db.work import Claim, Mark
from bridge.domain.order import OrderPhase
from bridge.flows.creating import CREATABLE
from bridge.flows.engine import Engine
from bridge.flows.outcome import alive
from bridge.flows.overview import zone
from bridge.flows.paging import pages
from bridge.flows.steps import step
from bridge.ports.errors import AskMerchant, NotFound
from bridge.ports.http import lane

T = TypeVar("T")
KIND = "orders_incomplete"
SETTLED = timedelta(minutes=30)  # after midnight: what was bought at the last minute has been read
DAYS = 7  # that are proved again while they differ
TOGETHER = 24  # store orders in one look-up
LOOKED_UP = 50  # orders a list leaves out that are asked for one by one
NAMED = 5
DIFFERENCES = ("not_here", "not_there", "not_in_store", "on_the_way")
WORDS: Mapping[str, str] = {
    "not_here": "on the marketplace and not here",
    "not_there": "here and not on the marketplace",
    "not_in_store": "gone from the store",
    "on_the_way": "not in the store yet",
}


@dataclass
class Found:
    """``store`` None: no store was at work to ask. The ids of each difference by its name."""

    marketplace: int = 0
    here: int = 0
    expected: int = 0
    store: int | None = None
    differences: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in DIFFERENCES})

    @property
    def agrees(self) -> bool:
        return self.store is not None and not any(self.differences.values())

    def as_json(self) -> dict[str, Any]:
        counts = ("marketplace", "here", "expected", "store")
        return {**{name: getattr(self, name) for name in counts}, **self.differences}


def run(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    """Work kind ``poll.proof``: yesterday, and days before it that differ still."""
    for day in _due(engine, row):
        prove(engine, row, day)
        engine.db.transact(row.shop_id, work.renew, claims, engine.clock())

    def done(session: Session, now: datetime) -> None:
        poll = session.scalars(select(Poll).where(Poll.connection_id == row.id, Poll.flow == "poll.proof")).first()
        if poll is not None:
            poll.last_ok_at, poll.error = now, None
        alive(session, row, now)
        work.done(session, claims, now)

    engine.db.transact(row.shop_id, done, engine.clock())


def _due(engine: Engine, row: Connection) -> list[date]:
    """Whole days since the connection was made, by the shop's clock, that are not signed off."""
    now = engine.clock()
    with engine.db.read(row.shop_id) as session:
        where = zone(session)
        query = select(ProofRow.day, ProofRow.signed_at).where(ProofRow.connection_id == row.id)
        known = {item[0]: item[1] for item in session.execute(query.order_by(ProofRow.day.desc()).limit(DAYS * 2))}
    yesterday = (now - SETTLED).astimezone(where).date() - timedelta(days=1)
    first = row.created_at.astimezone(where).date() + timedelta(days=1)
    days = [yesterday - timedelta(days=back) for back in range(DAYS)]
    open_ones = [day for day in days if day.isoformat() in known and known[day.isoformat()] is None]
    return [day for day in dict.fromkeys([yesterday, *open_ones]) if day >= first and not known.get(day.isoformat())]


def prove(engine: Engine, row: Connection, day: date) -> dict[str, Any]:
    """Compare one day now, have what differs read again, and keep what was found. Raises AskMerchant for a day that
    has not begun."""
    start, end = _span(engine, row, day)
    if start > engine.clock():
        raise AskMerchant(f"{day:%d %b %Y} has not begun yet.", field="day")
    found = Found()
    with engine.db.read(row.shop_id) as session:
        orders = list(session.scalars(_of_day(row, start, end).order_by(Order.id)))
        store = _store(session)
    with lane("sweep"):
        _there(engine, row, orders, start, end, found)
        if store is not None and store.adapter in engine.platforms:
            _in_store(engine, store, orders, start, found)
    step("proof.compared")
    return engine.db.transact(row.shop_id, _keep, row, store, day, orders, found, engine.clock())


def _span(engine: Engine, row: Connection, day: date) -> tuple[datetime, datetime]:
    with engine.db.read(row.shop_id) as session:
        where = zone(session)
    first, last = (datetime.combine(day + timedelta(days=n), time(0), where).astimezone(UTC) for n in (0, 1))
    return first, last


def _of_day(row: Connection, start: datetime, end: datetime) -> Any:
    return select(Order).where(Order.connection_id == row.id, Order.placed_at >= start, Order.placed_at < end)


def _store(session: Session) -> Connection | None:
    query = select(Connection).where(Connection.role == "platform", Connection.state == "active")
    return session.scalars(query.order_by(Connection.id)).first()


def _there(
    engine: Engine, row: Connection, orders: Sequence[Order], start: datetime, end: datetime, found: Found
) -> None:
    """What the marketplace lists as changed since the day began; what a list leaves out is asked for by its id."""
    channel, listed = engine.channel(row), set[str]()
    for page in pages(lambda cursor: channel.list_orders(start, cursor)):
        later = {ref.external_id for ref in page if ref.order and not start <= ref.order.placed_at < end}
        listed |= {ref.external_id for ref in page} - later
    ours = {order.external_id: order for order in orders}
    known = _known(engine, row, listed - ours.keys())
    found.differences["not_here"] = sorted(listed - ours.keys() - known)
    left_out = [order for key, order in ours.items() if key not in listed]
    for order in left_out[:LOOKED_UP]:
        try:
            channel.fetch_order(order.external_id)
        except NotFound:
            if order.channel_state == "open":  # else it was withdrawn, and that is known
                found.differences["not_there"].append(order.external_id)
    found.here = len(ours)
    found.marketplace = len(ours) - len(found.differences["not_there"]) + len(found.differences["not_here"])


def _parts(items: Sequence[T], most: int) -> Iterator[Sequence[T]]:
    return (items[start : start + most] for start in range(0, len(items), most))


def _known(engine: Engine, row: Connection, ids: Collection[str]) -> set[str]:
    """Orders of other days."""
    known: set[str] = set()
    for part in _parts(sorted(ids), 500):
        with engine.db.read(row.shop_id) as session:
            query = select(Order.external_id).where(Order.connection_id == row.id, Order.external_id.in_(part))
            known.update(session.scalars(query))
    return known


def _in_store(engine: Engine, store: Connection, orders: Iterable[Order], start: datetime, found: Found) -> None:
    """Orders that are held or waited for are not there yet; those without units for the store never are."""
    platform = engine.platform(store)
    made = [order for order in orders if order.store_state == "created"]
    there: set[str] = set()
    for part in _parts(made, TOGETHER):
        there |= platform.find_orders([order.ref for order in part], start).keys()
    waiting = [order for order in orders if _waits(order)]
    found.differences["not_in_store"] = [order.external_id for order in made if order.ref not in there]
    found.differences["on_the_way"] = [order.external_id for order in waiting]
    found.store, found.expected = len(there), len(made) + len(waiting)


def _waits(order: Order) -> bool:
    return order.phase == OrderPhase.READY and order.store_state in (*CREATABLE, "held")


def _keep(
    session: Session,
    row: Connection,
    store: Connection | None,
    day: date,
    orders: Sequence[Order],
    found: Found,
    now: datetime,
) -> dict[str, Any]:
    query = select(ProofRow).where(ProofRow.connection_id == row.id, ProofRow.day == day.isoformat())
    proof = session.scalars(query.with_for_update()).first()
    if proof is None:
        proof = ProofRow(connection_id=row.id, day=day.isoformat(), rounds=0, proved_at=now)
        session.add(proof)
    proof.found, proof.proved_at, proof.rounds = found.as_json(), now, proof.rounds + 1
    proof.signed_at = now if found.agrees else None
    _repair(session, row, store, orders, found, now)
    session.flush()
    _tell(session, row, now)
    if proof.signed_at:
        counts = f"{found.marketplace} on the marketplace, {found.here} here, {found.store} in the store"
        records.note(session, now, "proof", f"{row.title}: orders of {day:%d %b %Y}: {counts}", connection_id=row.id)
    return shown_row(proof, row.title)


def _repair(
    session: Session, row: Connection, store: Connection | None, orders: Sequence[Order], found: Found, now: datetime
) -> None:
    """Reading an order again takes it in, or learns that it was withdrawn; making one looks it up first. An order
    that somebody took out of the store is a person's to decide on."""
    wrong = found.differences
    marks = [Mark(row.id, "orders", "orders.import", key) for key in (*wrong["not_here"], *wrong["not_there"])]
    ids = {order.external_id: order.id for order in orders if order.store_state in CREATABLE}
    if store is not None:
        ready = [ids[key] for key in wrong["on_the_way"] if key in ids]
        marks += [Mark(store.id, "orders", "orders.create", str(number)) for number in ready]
    work.mark(session, row.shop_id, marks, now)


def _tell(session: Session, row: Connection, now: datetime) -> None:
    """One problem for a marketplace, while one of the last days differs that was already repaired once."""
    oldest = (now - timedelta(days=DAYS + 1)).date().isoformat()
    again = (ProofRow.signed_at.is_(None), ProofRow.rounds >= 2, ProofRow.day >= oldest)
    query = select(ProofRow).where(ProofRow.connection_id == row.id, *again)
    rows = [proof for proof in session.scalars(query.order_by(ProofRow.day)) if _differs(proof.found)]
    subject = f"connection {row.id}"
    if not rows:
        records.close_problem(session, now, KIND, subject)
        return
    text = f"{row.title}: orders differ: {'; '.join(f'{proof.day}: {said(proof.found)}' for proof in rows[:DAYS])}."
    fix = (
        "What is missing here or on its way was read again by itself; its own problem says what is in the way. An "
        "order that was deleted in the store is not made again: restore it there, or settle it on the marketplace."
    )
    records.open_problem(session, now, KIND, subject, text, fix, connection_id=row.id)


def _differs(found: Mapping[str, Any]) -> bool:
    return any(found.get(name) for name in DIFFERENCES)


def said(found: Mapping[str, Any]) -> str:
    """The differences in words; empty where there is none."""
    parts = [(found.get(name) or [], words) for name, words in WORDS.items()]
    return ", ".join(f"{len(ids)} {words} ({_named(ids)})" for ids, words in parts if ids)


def _named(ids: Sequence[str]) -> str:
    return ", ".join(ids[:NAMED]) + (" and more" if len(ids) > NAMED else "")


def shown_row(proof: ProofRow, title: str) -> dict[str, Any]:
    names = ("connection_id", "day", "proved_at", "signed_at")
    return {**{name: getattr(proof, name) for name in names}, "connection": title, **proof.found}


def shown(session: Session, limit: int = 50) -> list[dict[str, Any]]:
    """The newest proofs first."""
    query = select(ProofRow, Connection.title).join(Connection, Connection.id == ProofRow.connection_id)
    rows = session.execute(query.order_by(ProofRow.day.desc(), ProofRow.connection_id).limit(limit))
    return [shown_row(proof, title) for proof, title in rows]


def yesterday(engine: Engine, shop_id: int) -> date:
    """By the shop's own clock."""
    with engine.db.read(shop_id) as session:
        return engine.clock().astimezone(zone(session)).date() - timedelta(days=1)


def channels(engine: Engine, shop_id: int) -> list[Connection]:
    """The marketplaces whose orders can be proved: those at work that have the question."""
    with engine.db.read(shop_id) as session:
        query = select(Connection).join(Poll, Poll.connection_id == Connection.id)
        rows = session.scalars(query.where(Connection.state == "active", Poll.flow == "poll.proof"))
        return [row for row in rows.all() if row.adapter in engine.channels]
