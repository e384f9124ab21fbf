"""Work: what has to be done, claimed by a lease with a fencing token, finished by version.

Marking raises ``dirty_version``; a claim takes the version it saw; finishing sets ``done_version`` to that
version only while the lease is still held. So a signal that arrives during the work is never lost, and a
process that lost its lease can finish nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, cast

import sqlalchemy
from sqlalchemy import Executable, Integer, String, Table, and_, bindparam, case, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from bridge.db.resting import work_rests
from bridge.db.session import Asks, core_execute, core_execute_many, line
from bridge.db.tables import Connection, Shop, UtcTime, Work

LEASE = timedelta(seconds=45)
PARK_AFTER = 8
CLAIM = 100
LANES = ("stock", "orders", "shipments", "content", "sweep")
PRIORITIES = tuple(range(10))  # the most urgent first
LOOKED_FOR = 6  # from here on: what nobody told of. It is no reason to let the next event of its key wait.


@dataclass(frozen=True, slots=True)
class Settle:
    """How repeated marks of a key come to rest before it is done again (docs/decisions/0005), all in seconds.

    It is done when ``rest`` has passed without another mark, not sooner than ``apart`` after it was last done, and
    never later than ``most`` after the first mark that is not served yet. After ``quiet`` without having been done
    it is done at once; None: never at once.
    """

    rest: float
    apart: float
    most: float
    quiet: float | None

    def times(self, now: datetime) -> dict[str, datetime]:
        """The moments that :func:`or_again` compares with."""
        rest = now + timedelta(seconds=self.rest)
        return {
            "now_": now,
            "rest_": rest,
            "first_": now if self.quiet is not None else rest,
            "quiet_": now - timedelta(seconds=self.quiet or 0.0),
            "latest_": now - timedelta(seconds=self.most - self.rest),
            "served_": now - timedelta(seconds=self.apart),
            "pause_": now + timedelta(seconds=self.apart),
        }


BRISK = Settle(rest=0.5, apart=2, most=5, quiet=5)


@dataclass(frozen=True)
class Mark:
    """One thing to do. ``settle`` lets repeated marks of a key come to rest before it is done again, as ``pace`` says;
    ``wake`` False leaves pending work as it is: its tries go on counting, and what was set aside stays set aside."""

    connection_id: int
    lane: str
    kind: str
    key: str
    priority: int = 5
    due_at: datetime | None = None
    settle: bool = False
    wake: bool = True
    pace: Settle = BRISK

    def first_due(self, now: datetime) -> datetime:
        """When it is due where nothing is known of the key."""
        if self.due_at is not None or not self.settle or self.pace.quiet is not None:
            return self.due_at or now
        return now + timedelta(seconds=self.pace.rest)


@dataclass(frozen=True)
class Claim:
    """Work in hand: valid while the lease token is the row's own. ``troubled``: the last try ended in an error."""

    id: int
    shop_id: int
    connection_id: int
    kind: str
    key: str
    version: int
    token: str
    attempts: int
    first_marked_at: datetime
    troubled: bool = False
    notes: dict[str, str] = field(default_factory=dict, compare=False)


def mark(session: Session, shop_id: int, marks: Iterable[Mark], now: datetime) -> None:
    """Say that there is something to do; saying it again before it is done is the same as saying it once."""
    mark_on(line(session), shop_id, marks, now)


def mark_on(connection: sqlalchemy.Connection, shop_id: int, marks: Iterable[Mark], now: datetime) -> None:
    """The same, without a session."""
    unique = {(item.connection_id, item.kind, item.key): item for item in marks}
    items = sorted(unique.values(), key=lambda item: (item.kind, item.key))
    for settle, wake in ((False, True), (True, True), (False, False)):
        chosen = [item for item in items if item.settle is settle and item.wake is wake]
        if chosen:
            rows = [row_of(shop_id, item, now) | item.pace.times(now) for item in chosen]
            core_execute_many(connection, _upsert(connection.dialect.name, settle=settle, wake=wake), rows)


def row_of(shop_id: int, item: Mark, now: datetime) -> dict[str, Any]:
    """The row of a mark that is the first of its key. Raises ValueError for a priority that is none."""
    if item.priority not in PRIORITIES:
        raise ValueError(f"{item.kind} has the priority {item.priority}; there are {PRIORITIES[0]} to {PRIORITIES[-1]}")
    return {
        "shop_id": shop_id,
        "connection_id": item.connection_id,
        "lane": item.lane,
        "kind": item.kind,
        "key": item.key,
        "priority": item.priority,
        "dirty_version": 1,
        "done_version": 0,
        "due_at": item.first_due(now),
        "first_marked_at": now,
        "attempts": 0,
        "parked": False,
    }


@lru_cache(maxsize=6)
def _upsert(dialect: str, *, settle: bool, wake: bool) -> Executable:
    """Made once, because making it costs more than running it: what changes from call to call is a parameter."""
    table = cast(Table, Work.__table__)
    insert = sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
    return cast(Executable, or_again(insert.inline(), settle=settle, wake=wake))


def or_again(insert: Any, *, settle: bool, wake: bool) -> Any:
    """``insert`` into work, and what marking a key means that is there already. Parameters: ``Settle.times``."""
    row = cast(Table, Work.__table__).c
    pending = row.dirty_version > row.done_version
    new = insert.excluded
    earlier = case((row.due_at < new.due_at, row.due_at), else_=new.due_at)
    due = case((pending, earlier), else_=new.due_at)
    if settle:
        due = _settled_due(row, pending)
    elif not wake:
        due = case((pending, row.due_at), else_=new.due_at)
    return insert.on_conflict_do_update(
        index_elements=["shop_id", "connection_id", "kind", "key"],
        set_={
            "dirty_version": row.dirty_version + 1,
            "priority": case((and_(pending, row.priority < new.priority), row.priority), else_=new.priority),
            "due_at": due,
            "first_marked_at": case((pending, row.first_marked_at), else_=new.first_marked_at),
            "attempts": 0 if wake else case((pending, row.attempts), else_=0),
            "parked": False if wake else case((pending, row.parked), else_=False),
        },
    )


TIMES = ("now_", "rest_", "first_", "quiet_", "latest_", "served_", "pause_")


def _settled_due(row: Any, pending: Any) -> Any:
    """As :class:`Settle` says. What is due already stays due."""
    now, rest, first, quiet, latest, served, pause = (bindparam(name, type_=UtcTime()) for name in TIMES)
    # latest: marked so long ago that coming to rest again would be later than ``most`` after it
    waiting = case(
        (row.first_marked_at <= latest, _sooner(row.due_at, rest)),
        (row.due_at > rest, _sooner(row.due_at, pause)),
        else_=rest,
    )
    was_quiet = or_(row.last_done_at.is_(None), row.last_done_at < quiet)
    return case(
        (and_(pending, row.attempts == 0, row.leased_until.is_(None), row.due_at <= now), row.due_at),
        (pending, waiting),
        (was_quiet, first),
        (row.last_done_at > served, pause),
        else_=rest,
    )


def _sooner(one: Any, other: Any) -> Any:
    return case((one < other, one), else_=other)


# Statements of the hot path are made once, with their values as parameters: making one costs more than running it.
_NOW = bindparam("now", type_=UtcTime())
_FREE = or_(Work.leased_until.is_(None), Work.leased_until < _NOW)
_DUE = and_(Work.dirty_version > Work.done_version, Work.due_at <= _NOW, _FREE, Work.parked.is_(False))
_ALLOWED = ~work_rests(Work.connection_id, Work.lane, Work.kind)
# Of each connection that may be worked on it is asked whether anything is due: how much more there is costs nothing.
_OPEN = (
    select(Connection.shop_id, Connection.id, bindparam("lane", type_=String()).label("lane"))
    .join(Shop, Shop.id == Connection.shop_id)
    .where(Connection.state == "active", Shop.paused.is_(False))
)
_ITS = and_(
    Work.connection_id == Connection.id,
    Work.lane == bindparam("lane"),
    Work.dirty_version > Work.done_version,
    Work.parked.is_(False),
)
_SCOPES = _OPEN.where(
    select(Work.id).where(_ITS, Work.priority.in_(PRIORITIES), _DUE, _ALLOWED).correlate(Connection).exists()
)


def _soonest(priority: int) -> Any:
    """The first of an index, where a minimum over several priorities would have to look at everything that is due."""
    mine = select(func.min(Work.due_at)).where(_ITS, Work.priority == priority, Work.leased_until.is_(None), _ALLOWED)
    until = bindparam("until", type_=UtcTime())
    return mine.where(Work.due_at <= until).correlate(Connection).scalar_subquery()


_NEXT_DUE = _OPEN.with_only_columns(*(_soonest(priority) for priority in PRIORITIES))
_CLAIMABLE = (
    select(
        Work.id,
        Work.shop_id,
        Work.connection_id,
        Work.kind,
        Work.key,
        Work.dirty_version,
        Work.attempts,
        Work.first_marked_at,
        Work.error.is_not(None).label("troubled"),
    )
    .where(Work.lane == bindparam("lane"), Work.connection_id == bindparam("connection_id"), _DUE, _ALLOWED)
    .order_by(Work.priority, Work.due_at)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_TAKE = (
    update(Work)
    .where(Work.id.in_(bindparam("ids", expanding=True)))
    .values(leased_until=bindparam("until", type_=UtcTime()), lease_token=bindparam("token"))
    .execution_options(synchronize_session=False)
)
_RENEW = (
    update(Work)
    .where(Work.id.in_(bindparam("ids", expanding=True)), Work.lease_token == bindparam("mine"))
    .values(leased_until=bindparam("until", type_=UtcTime()))
    .execution_options(synchronize_session=False)
)
_AS_OF = bindparam("as_of", type_=Integer())
# Marked anew meanwhile, it is due from now on: with its old time it would come before whatever waits, again and again.
_DUE_ANEW = case((and_(Work.dirty_version > _AS_OF, Work.due_at < _NOW), _NOW), else_=Work.due_at)
_DONE = (
    update(Work)
    .where(Work.id.in_(bindparam("ids", expanding=True)), Work.lease_token == bindparam("mine"))
    .values(
        leased_until=None,
        lease_token=None,
        done_version=_AS_OF,
        due_at=_DUE_ANEW,
        attempts=0,
        error=None,
        last_done_at=case((Work.priority < LOOKED_FOR, _NOW), else_=Work.last_done_at),
        first_marked_at=_NOW,
    )
    .execution_options(synchronize_session=False)
)
_CONNECTIONS = select(*(getattr(Connection, column.key) for column in cast(Table, Connection.__table__).c)).where(
    Connection.id.in_(bindparam("ids", expanding=True))
)
_TOKENS = select(Work.id, Work.lease_token).where(Work.id.in_(bindparam("ids", expanding=True)))


def connections(session: Asks, ids: Collection[int]) -> dict[int, Connection]:
    """Whose work it is, as they are now: to read from, they are no part of the session."""
    return {row.id: Connection(**row._asdict()) for row in core_execute(session, _CONNECTIONS, {"ids": list(ids)})}


def connection(session: Asks, connection_id: int) -> Connection | None:
    """The connection that work is claimed of, as it is now: to read from, it is no part of the session."""
    return connections(session, [connection_id]).get(connection_id)


def pending_scopes(session: Asks, lane: str | None, now: datetime) -> list[tuple[int, int, str]]:
    """(shop, connection, lane) with work that is due, unclaimed and allowed; None: of every lane."""
    found: list[tuple[int, int, str]] = []
    for name in LANES if lane is None else (lane,):
        found += [(row[0], row[1], row[2]) for row in core_execute(session, _SCOPES, {"now": now, "lane": name})]
    return found


def next_due(session: Asks, lane: str, until: datetime) -> datetime | None:
    """The earliest time before ``until`` at which more work of the lane falls due."""
    rows = core_execute(session, _NEXT_DUE, {"lane": lane, "until": until}).all()
    return min((moment for row in rows for moment in row if moment is not None), default=None)


def claim(
    session: Asks, lane: str, connection_id: int, now: datetime, limit: int | Callable[[str], int]
) -> list[Claim]:
    """Take the due items of one kind, that of the most urgent item. ``limit``: so many, or so many of that kind."""
    given = {"lane": lane, "connection_id": connection_id, "now": now, "most": CLAIM}
    found = core_execute(session, _CLAIMABLE, given).all()
    if not found:
        return []
    most = limit if isinstance(limit, int) else limit(found[0].kind)
    rows = [row for row in found if row.kind == found[0].kind][:most]
    token = secrets.token_hex(12)
    core_execute(session, _TAKE, {"ids": [row.id for row in rows], "until": now + LEASE, "token": token})
    return [
        Claim(
            row.id,
            row.shop_id,
            row.connection_id,
            row.kind,
            row.key,
            row.dirty_version,
            token,
            row.attempts,
            row.first_marked_at,
            row.troubled,
        )
        for row in rows
    ]


def still_mine(session: Asks, claims: Sequence[Claim]) -> set[int]:
    """Ids of the claims whose lease is still held: asked right before any outside write."""
    tokens = {item.id: item.token for item in claims}
    rows = core_execute(session, _TOKENS, {"ids": list(tokens)})
    return {row[0] for row in rows if tokens[row[0]] == row[1]}


def renew(session: Asks, claims: Sequence[Claim], now: datetime) -> None:
    for token in {item.token for item in claims}:
        ids = [item.id for item in claims if item.token == token]
        core_execute(session, _RENEW, {"ids": ids, "mine": token, "until": now + LEASE})


def done(session: Session, claims: Sequence[Claim], now: datetime) -> None:
    """Finished as of the version each claim took. What was marked since stays pending."""
    for version, token in {(item.version, item.token) for item in claims}:
        ids = [item.id for item in claims if item.version == version and item.token == token]
        core_execute(session, _DONE, {"ids": ids, "mine": token, "as_of": version, "now": now})


def put_back(session: Session, claims: Sequence[Claim], due_at: datetime, error: str | None = None) -> None:
    """Not done, nobody's fault: again at ``due_at``."""
    for item in claims:
        values: dict[str, object] = {"due_at": due_at}
        if error is not None:
            values["error"] = error
        _release(session, [item.id], item.token, **values)


def failed(session: Session, item: Claim, now: datetime, error: str, after: timedelta | None = None) -> bool:
    """Not done: again later with growing distance; parked after PARK_AFTER tries. True when it was parked."""
    attempts = item.attempts + 1
    park = attempts >= PARK_AFTER
    wait = after if after is not None else backoff(attempts)
    _release(session, [item.id], item.token, attempts=attempts, error=error, due_at=now + wait, parked=park)
    return park


def backoff(attempts: int) -> timedelta:
    """2, 4, 8 ... seconds, at most five minutes, with a spread of a quarter."""
    spread = 0.75 + secrets.randbelow(500) / 1000
    return timedelta(seconds=min(300.0, 2.0**attempts) * spread)


def unpark(session: Session, now: datetime, connection_id: int | None = None, key: str | None = None) -> int:
    """Give parked work another chance; returns how many rows."""
    statement = update(Work).where(Work.parked.is_(True))
    if connection_id is not None:
        statement = statement.where(Work.connection_id == connection_id)
    if key is not None:
        statement = statement.where(Work.key == key)
    statement = statement.values(parked=False, attempts=0, due_at=now).execution_options(synchronize_session=False)
    return int(session.execute(statement).rowcount)  # type: ignore[attr-defined]


def _release(session: Session, ids: Sequence[int], token: str, **values: object) -> None:
    session.execute(
        update(Work)
        .where(Work.id.in_(ids), Work.lease_token == token)
        .values(leased_until=None, lease_token=None, **values)
        .execution_options(synchronize_session=False)
    )
