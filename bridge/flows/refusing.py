"""Saying no to a buyer who asks to cancel, where the marketplace takes an answer."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from bridge.db import records, work
from bridge.db.tables import Cancellation, Connection, Order, OrderLine
from bridge.db.work import Claim
from bridge.domain.order import SoldLine
from bridge.flows.cancellations import queue_refusal
from bridge.flows.engine import Engine
from bridge.flows.orders import keep_current
from bridge.flows.outcome import fence
from bridge.flows.steps import step
from bridge.flows.submit import MAX_ROUNDS, submit
from bridge.ports.channel import ItemResult, Outcome
from bridge.ports.errors import RetryLater, UnknownOutcome
from bridge.ports.http import about, before_write, lane

REREAD = timedelta(seconds=20)


def send_refusal(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    """Work kind ``cancel.refuse``, key our cancellation id. The order is read again first: the buyer may have taken
    it back, the parcel may be on its way, the marketplace may have decided."""
    claim = claims[0]
    with engine.db.read(row.shop_id) as session:
        item = session.get(Cancellation, int(claim.key))
        line = session.get(OrderLine, item.order_line_id) if item else None
        order = session.get(Order, item.order_id) if item else None
    if item is None or line is None or order is None or item.state != "refusing":
        engine.db.transact(row.shop_id, work.done, claims, engine.clock())
        return
    channel = engine.channel(row)
    with lane("orders"), about(order=order.ref):
        current = channel.fetch_order(order.external_id)
        keep_current(engine, row, current)
        sold = next((part for part in current.lines if part.external_id == line.external_id), None)
        if sold is None or not sold.cancellation_requested or sold.open == 0:
            engine.db.transact(row.shop_id, _nothing_asked, claim, sold, engine.clock())
            return
        try:
            with before_write(lambda: fence(engine, row, claim)):
                result = channel.refuse_cancellation(order.external_id, line.external_id)
        except UnknownOutcome as error:
            engine.db.transact(row.shop_id, _in_doubt, claim, error, engine.clock())
            return
    step("cancel.refuse.sent")
    engine.db.transact(row.shop_id, _answered, row, claim, result, engine.clock())
    step("cancel.refuse.recorded")
    engine.ring({"orders", "shipments"})


def _nothing_asked(session: Session, claim: Claim, sold: SoldLine | None, now: datetime) -> None:
    item = session.get_one(Cancellation, int(claim.key))
    cancelled = sold is not None and sold.cancelled >= item.quantity
    item.state, item.done_at = ("done" if cancelled else "refused"), now
    work.done(session, [claim], now)


def _in_doubt(session: Session, claim: Claim, error: UnknownOutcome, now: datetime) -> None:
    session.get_one(Cancellation, int(claim.key)).error = error.merchant
    work.put_back(session, [claim], now + REREAD, str(error))


def _answered(session: Session, row: Connection, claim: Claim, result: ItemResult, now: datetime) -> None:
    item = session.get_one(Cancellation, int(claim.key))
    item.rounds += 1
    if result.outcome is Outcome.RETRY:
        raise RetryLater(result.message, after=result.after)
    if result.outcome is Outcome.SUBMITTED and result.submission:
        item.state, item.submission = "refusal_sent", result.submission
        submit(session, row, "refusal", item.id, result.submission, now)
    elif result.outcome is Outcome.SUBMITTED:  # nothing to follow: the order itself tells
        work.put_back(session, [claim], now + REREAD)
        return
    else:
        good = result.outcome is Outcome.APPLIED
        item.rounds = item.rounds if good else MAX_ROUNDS
        refusal_answered(session, item, good, result.message, now)
    work.done(session, [claim], now)


def refusal_answered(session: Session, item: Cancellation, good: bool, message: str, now: datetime) -> None:
    """The marketplace has told the buyer, or did not take the answer."""
    if item.state not in ("refusing", "refusal_sent"):
        return
    order = session.get_one(Order, item.order_id)
    if good:
        item.state, item.done_at, item.error = "refused", now, None
        text = "the buyer is told that the order is not cancelled"
        records.note(session, now, "cancellation", text, order=order.ref, connection_id=item.connection_id)
    elif item.rounds < MAX_ROUNDS:
        item.state, item.error = "refusing", message
        queue_refusal(session, item, now, timedelta(seconds=5 * 4**item.rounds))
    else:
        item.state, item.error = "asked", message
        records.open_problem(
            session,
            now,
            "cancellation_asked",
            order.ref,
            f"The marketplace did not take our no to the cancellation of order {order.external_id}: {message}",
            "Accept it on the order's page, ship the order, or answer in the marketplace's own portal.",
            connection_id=item.connection_id,
        )
