"""Accepted is not done: submissions are followed until they are, or until the thing itself is read again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bridge.db import records, work
from bridge.db.queue import Ack, acknowledge, count_stock
from bridge.db.tables import (
    Cancellation,
    Connection,
    FacetRow,
    Listing,
    Order,
    ParcelRow,
    RefundRow,
    ReturnRow,
    Submission,
)
from bridge.db.work import Claim, Mark
from bridge.domain.listing import Facet
from bridge.flows import acceptance, cancellations, offered, refunds, refusing, returns, ship
from bridge.flows.advice import CORRECT_TO_SEND
from bridge.flows.engine import Engine
from bridge.flows.outcome import alive
from bridge.flows.push import refused_again, shown
from bridge.flows.sites import place, subject
from bridge.flows.steps import step
from bridge.ports.channel import SubmissionState, SubmissionStatus
from bridge.ports.http import lane

BATCH = 500
GIVE_UP = timedelta(days=2)
UNKNOWN = "the marketplace no longer knows this submission"
# New products are looked at by people at some marketplaces.
PATIENCE = {"offer": timedelta(days=30)}


def follow(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    """Work kind ``follow``: ask where this connection's submissions stand, as many as are due in one question."""
    now = engine.clock()
    with engine.db.read(row.shop_id) as session:
        due = _due(session, row, now)
    if due:
        with lane("shipments"):
            answers = {item.submission: item for item in engine.channel(row).follow([item.external_id for item in due])}
        step("follow.asked")
        engine.db.transact(row.shop_id, _record, row, due, answers, engine.clock())
        step("follow.recorded")
        engine.ring({"orders", "shipments", "content", "stock"})
    engine.db.transact(row.shop_id, _next, row, claims, engine.clock())


def _due(session: Session, row: Connection, now: datetime) -> list[Submission]:
    query = (
        select(Submission)
        .where(Submission.connection_id == row.id, Submission.state == "pending", Submission.next_check_at <= now)
        .order_by(Submission.next_check_at)
        .limit(BATCH)
    )
    return list(session.scalars(query))


def _record(
    session: Session, row: Connection, due: list[Submission], answers: dict[str, SubmissionStatus], now: datetime
) -> None:
    done: list[int] = []
    for known in due:
        item = session.get_one(Submission, known.id)
        answer = answers.get(item.external_id)
        if item.state != "pending":
            continue
        if answer is None or answer.state is SubmissionState.GONE or _too_old(item, now):
            _finish(session, item, "gone", answer.message if answer else "", now)
        elif answer.state is SubmissionState.PENDING:
            item.checks += 1
            item.next_check_at = now + _distance(item.checks)
        else:
            _finish(session, item, answer.state.value, answer.message, now, answer.entity_id)
            done += [item.subject_id] if (item.kind, item.state) == ("facet", SubmissionState.DONE.value) else []
    session.flush()
    count_stock(session, row.id, _stock_among(session, done, now), now)


def _stock_among(session: Session, ids: list[int], now: datetime) -> int:
    """How many of these are stock that was acknowledged at this very moment."""
    this = (FacetRow.id.in_(ids), FacetRow.facet == Facet.STOCK.value, FacetRow.acked_at == now)
    return session.scalar(select(func.count()).select_from(FacetRow).where(*this)) or 0 if ids else 0


def _too_old(item: Submission, now: datetime) -> bool:
    return now - item.submitted_at > PATIENCE.get(item.kind, GIVE_UP)


def _distance(checks: int) -> timedelta:
    """2, 3, 4.5 ... seconds, at most five minutes."""
    return timedelta(seconds=min(300.0, 2.0 * 1.5 ** min(checks, 20)))


def _finish(
    session: Session, item: Submission, state: str, message: str, now: datetime, entity: str | None = None
) -> None:
    item.state, item.message = state, message
    if item.kind == "offer":
        channel = session.get_one(Connection, item.connection_id)
        offered.ended(session, channel, item, state == "done", entity, message or UNKNOWN, now)
        return
    _ENDINGS[item.kind](session, item, state == "done", message or UNKNOWN, now)


def _parcel(session: Session, item: Submission, good: bool, message: str, now: datetime) -> None:
    parcel = session.get(ParcelRow, item.subject_id)
    if parcel is None or parcel.state == "confirmed":
        return
    if good:
        ship.confirmed(session, parcel, now)
    else:
        ship.try_again(session, parcel, message, now)


def _cancellation(session: Session, item: Submission, good: bool, message: str, now: datetime) -> None:
    row = session.get(Cancellation, item.subject_id)
    if row is not None:
        cancellations.cancellation_answered(session, row, good, message, now)


def _refusal(session: Session, item: Submission, good: bool, message: str, now: datetime) -> None:
    row = session.get(Cancellation, item.subject_id)
    if row is not None:
        refusing.refusal_answered(session, row, good, message, now)


def _acceptance(session: Session, item: Submission, good: bool, message: str, now: datetime) -> None:
    row = session.get(Order, item.subject_id)
    if row is not None:
        acceptance.answered(session, row, good, message, now)


def _refund(session: Session, item: Submission, good: bool, message: str, now: datetime) -> None:
    row = session.get(RefundRow, item.subject_id)
    if row is not None:
        refunds.answered(session, row, good, message, now, lost=item.state == "gone")


def _return(session: Session, item: Submission, good: bool, message: str, now: datetime) -> None:
    row = session.get(ReturnRow, item.subject_id)
    if row is not None:
        returns.decision_answered(session, row, good, message, now)


def _facet(session: Session, item: Submission, good: bool, message: str, now: datetime) -> None:
    """An answer counts only while the value it is about is still the wish; a newer one has a submission of its own."""
    row = session.get(FacetRow, item.subject_id)
    if row is None or row.desired_version != item.version:
        return
    if good:
        _acknowledged(session, row, item.version, now)
    elif item.state == SubmissionState.FAILED.value:
        _refused(session, row, item, message, now)
    else:
        row.due_at, row.error, row.attempts = now + work.backoff(row.attempts + 1), message, row.attempts + 1


def _acknowledged(session: Session, row: FacetRow, version: int, now: datetime) -> None:
    acknowledge(session, [Ack(row.id, None, version, row.desired)], now)
    listing, channel = session.get_one(Listing, row.listing_id), session.get_one(Connection, row.connection_id)
    facet, where = Facet(row.facet), place(channel, listing.site)
    text = f"{facet.value} {shown(facet, row.desired)} acknowledged by {where}"
    sent = {"desired": row.desired, "version": version} if row.facet != Facet.CONTENT else {}
    detail = {"facet": row.facet, **sent}
    records.note(session, now, "acknowledged", text, connection_id=channel.id, sku=listing.sku, detail=detail)


def _refused(session: Session, row: FacetRow, item: Submission, message: str, now: datetime) -> None:
    """Sending it again unchanged would be refused again; the next change of the product is sent. Stock is tried again
    (bridge/flows/push.py)."""
    row.in_flight, row.error = False, message
    after = refused_again(row.facet, row.attempts)
    if after is None:
        row.acked_version = item.version
    else:
        row.due_at, row.attempts = now + after, row.attempts + 1
    listing = session.get_one(Listing, row.listing_id)
    channel = session.get_one(Connection, row.connection_id)
    records.open_problem(
        session,
        now,
        f"rejected.{row.facet}",
        subject(listing.sku, channel, listing.site),
        f"{place(channel, listing.site)} refused the {row.facet} of {listing.sku}: {message}",
        CORRECT_TO_SEND,
        connection_id=row.connection_id,
    )


_ENDINGS: dict[str, Callable[[Session, Submission, bool, str, datetime], None]] = {
    "parcel": _parcel,
    "cancellation": _cancellation,
    "refusal": _refusal,
    "acceptance": _acceptance,
    "return": _return,
    "refund": _refund,
    "facet": _facet,
}


def _next(session: Session, row: Connection, claims: list[Claim], now: datetime) -> None:
    query = select(func.min(Submission.next_check_at)).where(
        Submission.connection_id == row.id, Submission.state == "pending"
    )
    soonest = session.scalar(query)
    work.done(session, claims, now)
    if soonest is not None:
        work.mark(session, row.shop_id, [Mark(row.id, "shipments", "follow", "all", priority=2, due_at=soonest)], now)
    alive(session, row, now)
