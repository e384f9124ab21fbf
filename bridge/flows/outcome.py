"""What an error means for the work in hand: the one place where error types become decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Integer, bindparam, func, or_, select, update
from sqlalchemy.orm import Session

from bridge.db import records, work
from bridge.db.session import core_execute
from bridge.db.tables import Connection, Problem, UtcTime, Work
from bridge.db.work import Claim
from bridge.domain.again import first
from bridge.flows import asked_again
from bridge.flows.engine import Engine
from bridge.flows.steps import step
from bridge.ports.errors import AskMerchant, BridgeError, Reauthorise, RejectItem, RetryLater, SlowDown, Superseded

FRESH = timedelta(seconds=5)  # one hot row per connection is written at most this often
_ALIVE = (
    update(Connection)
    .where(Connection.id == bindparam("connection", type_=Integer()))
    .where(or_(Connection.last_ok_at.is_(None), Connection.last_ok_at < bindparam("stale", type_=UtcTime())))
    .values(last_ok_at=bindparam("now", type_=UtcTime()))
    .execution_options(synchronize_session=False)
)
# Reading, and what is looked up before it is done: trying it again does no harm, and nothing else brings it back.
GOES_ON = ("product.read", "pool.read", "store_order.read", "orders.import", "orders.create")
# What a person has to mend first is no matter of the product that was to be read.
READS = ("product.read", "pool.read")
NOW_AND_THEN = timedelta(minutes=15)
PARKED_FIX = "Mend the cause, then press “Try again” (or run: storebridge replay)."


def settle(engine: Engine, claims: Sequence[Claim], error: Exception, subject: str | None = None) -> None:
    """Record that these claims were not done because of ``error``, and what happens next."""
    if not claims:
        return
    now = engine.clock()
    engine.db.transact(claims[0].shop_id, lambda session: _settle(session, claims, error, now, subject))


def _settle(session: Session, claims: Sequence[Claim], error: Exception, now: datetime, subject: str | None) -> None:
    if isinstance(error, Superseded):
        work.put_back(session, claims, now)
    elif isinstance(error, (AskMerchant, RejectItem)):
        _ask_about(session, claims, error, now, subject)
    elif isinstance(error, SlowDown):
        work.put_back(session, claims, now + (error.after or timedelta(seconds=5)), str(error))
    elif isinstance(error, Reauthorise):
        park_connection(session, claims[0].connection_id, error, now)
        work.put_back(session, claims, now, error.merchant)
    elif isinstance(error, RetryLater):
        _again(session, claims, error, now)
    else:
        for claim in claims:
            _unexpected(session, claim, error, now, subject)


def _ask_about(
    session: Session, claims: Sequence[Claim], error: AskMerchant | RejectItem, now: datetime, subject: str | None
) -> None:
    kind = claims[0].kind
    if isinstance(error, AskMerchant) and kind in READS:
        _ask_for_all(session, claims, error, now)
        return
    for claim in claims:
        if kind in GOES_ON:
            _ask(session, claim, error, now, subject)
        else:
            _park(session, claim, error.merchant, error.developer, now, subject)


def _again(session: Session, claims: Sequence[Claim], error: RetryLater, now: datetime) -> None:
    """A passing fault is never parked: the marketplace may be away for hours and must then be caught up with."""
    for claim in claims:
        tried = min(claim.attempts, work.PARK_AFTER - 2)
        work.failed(session, _with_attempts(claim, tried), now, str(error), error.after)


def _with_attempts(claim: Claim, attempts: int) -> Claim:
    return replace(claim, attempts=attempts)


def _ask(session: Session, claim: Claim, error: BridgeError, now: datetime, subject: str | None) -> None:
    """Told, and tried again now and then: when it is mended, on whichever side, nothing has to be found and pressed."""
    last_but_one = _with_attempts(claim, min(claim.attempts, work.PARK_AFTER - 2))
    work.failed(session, last_but_one, now, error.merchant, NOW_AND_THEN)
    _parked_problem(session, claim, error.merchant, error.developer, now, subject)


def _ask_for_all(session: Session, claims: Sequence[Claim], error: AskMerchant, now: datetime) -> None:
    """One problem, however many are read."""
    for claim in claims:
        last_but_one = _with_attempts(claim, min(claim.attempts, work.PARK_AFTER - 2))
        work.failed(session, last_but_one, now, error.merchant, NOW_AND_THEN)
    row, kind = session.get_one(Connection, claims[0].connection_id), claims[0].kind
    count = _waiting(session, row.id, kind)
    text = f"{row.title}: {count} products cannot be read, for a reason that is none of their own: {error.merchant}"
    if count == 1:
        text = f"{row.title}: 1 product cannot be read, for a reason that is none of its own: {error.merchant}"
    fix = "Mend the cause; they are read by themselves then, within a quarter of an hour."
    records.open_problem(
        session, now, f"parked.{kind}", of_all(row.id), text, fix, connection_id=row.id, detail=error.developer
    )


def of_all(connection_id: int) -> str:
    """What a problem is about that is none of a single product's."""
    return f"connection {connection_id}"


def _waiting(session: Session, connection_id: int, kind: str) -> int:
    """How much work of this kind was tried and is not done."""
    query = select(func.count()).select_from(Work).where(Work.connection_id == connection_id, Work.kind == kind)
    return session.scalar(query.where(Work.dirty_version > Work.done_version, Work.attempts > 0)) or 0


def _park(session: Session, claim: Claim, text: str, detail: str, now: datetime, subject: str | None) -> None:
    last_try = _with_attempts(claim, work.PARK_AFTER)
    work.failed(session, last_try, now, text)
    _parked_problem(session, claim, text, detail, now, subject)


def _unexpected(session: Session, claim: Claim, error: Exception, now: datetime, subject: str | None) -> None:
    detail = f"{type(error).__name__}: {error}"[:2000]
    if work.failed(session, claim, now, detail):
        text = "This could not be processed and was set aside so that everything else goes on."
        _parked_problem(session, claim, text, detail, now, subject)


def _parked_problem(session: Session, claim: Claim, text: str, detail: str, now: datetime, subject: str | None) -> None:
    name = subject or f"{claim.kind} {claim.key}"
    records.open_problem(
        session, now, f"parked.{claim.kind}", name, text, PARKED_FIX, connection_id=claim.connection_id, detail=detail
    )


def park_connection(session: Session, connection_id: int, error: BridgeError, now: datetime) -> None:
    """The credentials no longer work: no more than a look now and then (bridge/flows/reviving.py), nothing is lost."""
    row = session.get(Connection, connection_id)
    if row is None or row.state == "needs_reauth":
        return
    row.state, row.state_reason, row.state_since = "needs_reauth", error.merchant, now
    asked_again.keep(row, first(now, asked_again.known(row)))
    records.open_problem(
        session,
        now,
        "reauthorise",
        f"connection {row.id}",
        f"{row.title}: {error.merchant}",
        "Enter new credentials. The old ones are tried again now and then, too; what waited is caught up by itself.",
        connection_id=row.id,
        detail=error.developer,
    )
    records.note(session, now, "connection", f"{row.title} set aside until it is reconnected", connection_id=row.id)


def alive(session: Session, row: Connection, now: datetime) -> None:
    """The other side answered: freshness for the page, and an end to "cannot reach" problems."""
    stale = now - FRESH
    if row.last_ok_at is None or row.last_ok_at < stale:
        core_execute(session, _ALIVE, {"connection": row.id, "now": now, "stale": stale})


def fence(engine: Engine, row: Connection, claim: Claim) -> None:
    """Right before an outside write: raises Superseded when somebody else has taken over."""
    with engine.db.glance(row.shop_id) as session:
        if not work.still_mine(session, [claim]):
            raise Superseded("the lease of this work was lost")
    step(f"{claim.kind}.fenced")


def went_well(engine: Engine, row: Connection, claims: Sequence[Claim]) -> None:
    """Close what was said about these claims when they had been set aside, for those that are done now."""
    if not any(claim.troubled for claim in claims):
        return
    kind = f"parked.{claims[0].kind}"
    with engine.db.read(row.shop_id) as session:
        told = set(session.scalars(select(Problem.subject).where(Problem.kind == kind, Problem.closed_at.is_(None))))
        if not told:
            return
        query = select(Work.key).where(Work.id.in_([c.id for c in claims]), Work.done_version >= Work.dirty_version)
        done = list(session.scalars(query))
        read = of_all(row.id) in told and claims[0].kind in READS and not _waiting(session, row.id, claims[0].kind)
    mended = [of_all(row.id)] * read + [
        name for key in done for name in (f"{claims[0].kind} {key}", f"{row.account}:{key}") if name in told
    ]
    if mended:
        engine.db.transact(row.shop_id, records.close_problems, engine.clock(), kind, mended)
