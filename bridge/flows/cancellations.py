"""Cancellations, both ways: noticed, decided, confirmed on the marketplace, followed in the store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db import records, work
from bridge.db.tables import Cancellation, Connection, Order, OrderLine, ParcelRow, ReturnRow
from bridge.db.work import Claim, Mark
from bridge.domain.order import CancelReason, StoreOrder, StoreOrderStatus
from bridge.domain.returns import ReturnDecision
from bridge.flows import cancel_reasons, catalogue, part_units, refund_reasons, refunds, returns
from bridge.flows.engine import Engine
from bridge.flows.orders import keep_current
from bridge.flows.outcome import fence
from bridge.flows.steps import step
from bridge.flows.store_side import gone_units, in_store, reread, returned_units
from bridge.flows.submit import MAX_ROUNDS, submit
from bridge.ports.channel import ItemResult, Outcome
from bridge.ports.errors import RetryLater, UnknownOutcome
from bridge.ports.http import about, before_write, lane
from bridge.ports.manifest import Capability

DEAD = (StoreOrderStatus.CANCELLED, StoreOrderStatus.FAILED, StoreOrderStatus.TRASHED)
UNDER_WAY = ("wanted", "sending", "submitted", "unknown")
REFUSING = ("refusing", "refusal_sent")
QUESTIONS = ("cancellation_asked", "stock_gone")
ON_ITS_WAY = ("sending", "unknown", "submitted")  # parcels whose confirmation is not decided
A_PARCEL_FIRST = timedelta(seconds=5)


def follow_store(
    engine: Engine,
    session: Session,
    order: Order,
    lines: Sequence[OrderLine],
    store_order: StoreOrder,
    now: datetime,
) -> set[str]:
    """What the merchant cancelled or refunded in the store, carried to the marketplace."""
    if store_order.status in DEAD:
        return _store_cancelled(engine, session, order, lines, store_order.cancel_reason, now)
    lanes: set[str] = set()
    for line in lines:
        gone = gone_units(line, store_order)
        # What is explained by the marketplace's cancellations and by returns is our own doing, recorded or not.
        news = gone - max(line.restocked, line.cancelled + returned_units(session, line))
        if news > 0:
            part = in_store(line, store_order)
            lanes |= _store_refunded(engine, session, order, line, gone, news, part.refund_reason if part else "", now)
        line.restocked = max(line.restocked, gone)
    return lanes


def _store_cancelled(
    engine: Engine, session: Session, order: Order, lines: Sequence[OrderLine], word: str, now: datetime
) -> set[str]:
    """The store has put the units back; the marketplace is told for every unit that is still open there."""
    lanes: set[str] = set()
    why = cancel_reasons.of_store(engine, session, order, word)
    for line in lines:
        line.restocked = line.quantity
        left = line.quantity - line.cancelled - line.shipped
        if left > 0:
            lanes |= _want(session, order, line, why, line.cancelled + left, now)
    if pools := catalogue.release_order(session, order.id, now):
        lanes |= catalogue.project_pools(engine, session, pools, now, now)
        part_units.tell(session, order, now)
    reread(session, order, now)
    return lanes | {"stock"}


def _store_refunded(
    engine: Engine, session: Session, order: Order, line: OrderLine, gone: int, units: int, text: str, now: datetime
) -> set[str]:
    """A refund in the store, for the reason ``text``: an open return is thereby accepted; units not shipped yet are
    thereby cancelled; units that are shipped are paid back on the marketplace, where that is the seller's to do."""
    query = select(ReturnRow).where(ReturnRow.order_line_id == line.id, ReturnRow.state == "open")
    back = session.scalars(query).first()
    if back is not None:
        back.store_state = "done"
        return returns.decide(session, back, ReturnDecision.ACCEPTED, min(units, back.quantity), back.restock, now)
    left = line.quantity - line.cancelled - line.shipped
    if left >= units > 0 and not _parcelled(session, order, line):
        why = cancel_reasons.of_store(engine, session, order, text)
        return _want(session, order, line, why, gone - returned_units(session, line), now)
    # The units gone in all name this refund: the same reading again is the same refund.
    reason = refund_reasons.of_store(session, order, text)
    return refunds.owe(engine, session, order, line, units, f"store-{line.id}-{gone}", reason, now)


def _parcelled(session: Session, order: Order, line: OrderLine) -> bool:
    return in_parcels(session, order, line) > 0


def in_parcels(session: Session, order: Order, line: OrderLine) -> int:
    """Units of a line that have left the store."""
    rows = session.scalars(select(ParcelRow).where(ParcelRow.order_id == order.id, ParcelRow.state != "dropped"))
    return sum(int(row.lines.get(line.external_id, 0)) for row in rows)


def units_left(session: Session, order: Order, line: OrderLine) -> int:
    """Units of a line that can still be cancelled."""
    return max(0, line.quantity - line.cancelled - max(line.shipped, in_parcels(session, order, line)))


def _want(session: Session, order: Order, line: OrderLine, why: CancelReason, units: int, now: datetime) -> set[str]:
    """The store has it so: have ``units`` of the line cancelled in all, those that are already included: an absolute
    number, so that doing it twice is the same as doing it once."""
    query = select(Cancellation).where(Cancellation.order_line_id == line.id)
    rows = list(session.scalars(query))
    if any(known.quantity >= units and known.state in UNDER_WAY for known in rows):
        return set()
    for known in rows:
        if known.state == "asked":  # by the buyer, or by us: the merchant's own cancellation answers it
            known.state, known.quantity = "wanted", units
            close_questions(session, order, now)
            return queue_sending(session, known, now)
    again = next((known for known in rows if known.origin == "store"), None)
    if again is not None:
        if again.quantity >= units and again.state in ("done", "overtaken", "failed"):
            return set()
        again.quantity, again.state, again.rounds = max(units, again.quantity), "wanted", 0
        return queue_sending(session, again, now)
    row = Cancellation(
        order_id=order.id,
        order_line_id=line.id,
        connection_id=order.connection_id,
        origin="store",
        quantity=units,
        reason=why.value,
        state="wanted",
        created_at=now,
        rounds=0,
    )
    session.add(row)
    session.flush()
    text = f"{units} of {line.title or line.sku} cancelled in the store; the marketplace is told"
    records.note(session, now, "cancellation", text, order=order.ref, sku=line.sku)
    return queue_sending(session, row, now)


def by_us(
    session: Session, order: Order, line: OrderLine, units: int, reason: CancelReason, state: str, now: datetime
) -> Cancellation:
    """Our own cancellation of a line, new or as it is known, of ``units`` in all."""
    query = select(Cancellation).where(Cancellation.order_line_id == line.id, Cancellation.origin == "bridge")
    row = session.scalars(query).first()
    if row is None:
        row = Cancellation(order_id=order.id, order_line_id=line.id, connection_id=order.connection_id, origin="bridge")
        session.add(row)
    row.quantity, row.reason, row.state, row.rounds, row.created_at = units, reason.value, state, 0, now
    row.error, row.done_at = None, None
    session.flush()
    return row


def close_questions(session: Session, order: Order, now: datetime) -> None:
    """Nothing of this order is asked any more."""
    session.flush()
    query = select(Cancellation.id).where(Cancellation.order_id == order.id, Cancellation.state == "asked")
    if session.scalars(query).first() is None:
        for kind in QUESTIONS:
            records.close_problem(session, now, kind, order.ref)


def queue_sending(session: Session, row: Cancellation, now: datetime, wait: timedelta = timedelta(0)) -> set[str]:
    mark = Mark(row.connection_id, "orders", "cancel.send", str(row.id), priority=1, due_at=now + wait)
    work.mark(session, row.shop_id, [mark], now)
    return {"orders"}


def accept_request(session: Session, cancellation_id: int, now: datetime) -> set[str]:
    """The merchant agrees: to a buyer's request, or that what is gone is cancelled."""
    row = session.get_one(Cancellation, cancellation_id)
    if row.state != "asked":
        return set()
    row.state = "wanted"
    close_questions(session, session.get_one(Order, row.order_id), now)
    return queue_sending(session, row, now)


def refuse_request(session: Session, cancellation_id: int, now: datetime) -> set[str]:
    """The merchant says no: to a buyer's request, which the marketplace is told, or to our own question; then it is
    a backorder."""
    row = session.get_one(Cancellation, cancellation_id)
    if row.state != "asked":
        return set()
    row.state, row.rounds = ("kept" if row.origin == "bridge" else "refusing"), 0
    close_questions(session, session.get_one(Order, row.order_id), now)
    return set() if row.origin == "bridge" else queue_refusal(session, row, now)


def queue_refusal(session: Session, row: Cancellation, now: datetime, wait: timedelta = timedelta(0)) -> set[str]:
    mark = Mark(row.connection_id, "orders", "cancel.refuse", str(row.id), priority=1, due_at=now + wait)
    work.mark(session, row.shop_id, [mark], now)
    return {"orders"}


def send_cancellation(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    """Work kind ``cancel.send``, key our cancellation id. The order is read again first: a parcel may be faster."""
    claim = claims[0]
    with engine.db.read(row.shop_id) as session:
        item = session.get(Cancellation, int(claim.key))
        line = session.get(OrderLine, item.order_line_id) if item else None
        order = session.get(Order, item.order_id) if item else None
    if item is None or line is None or order is None or item.state not in ("wanted", "sending", "unknown"):
        engine.db.transact(row.shop_id, work.done, claims, engine.clock())
        return
    if engine.db.transact(row.shop_id, _waits_for_a_parcel, order, line, claim, engine.clock()):
        return
    channel = engine.channel(row)
    with lane("orders"), about(order=order.ref):
        current = channel.fetch_order(order.external_id)
        keep_current(engine, row, current)
        sold = next((part for part in current.lines if part.external_id == line.external_id), None)
        if sold is None or sold.open == 0 or sold.cancelled >= item.quantity:
            cancelled = sold is not None and sold.cancelled > 0
            engine.db.transact(row.shop_id, _overtaken, claim, cancelled, engine.clock())
            engine.ring({"orders"})
            return
        reason = CancelReason(item.reason)
        try:
            with before_write(lambda: fence(engine, row, claim)):
                units = min(item.quantity - sold.cancelled, sold.open)
                if Capability.CANCEL in engine.manifest(row).capabilities:
                    code = cancel_reasons.chosen(row.settings).get(reason, "")
                    result = channel.cancel_line(order.external_id, line.external_id, units, reason, code)
                else:
                    text = "it takes cancellations from no program."
                    result = ItemResult(key=line.external_id, outcome=Outcome.REJECTED, message=text)
        except UnknownOutcome as error:
            engine.db.transact(row.shop_id, _cancel_in_doubt, claim, error, engine.clock())
            return
    step("cancel.send.sent")
    engine.db.transact(row.shop_id, _cancel_sent, row, claim, result, engine.clock())
    step("cancel.send.recorded")
    engine.ring({"shipments", "orders"})


def _waits_for_a_parcel(session: Session, order: Order, line: OrderLine, claim: Claim, now: datetime) -> bool:
    """Where the line's parcel is being confirmed right now the parcel goes first, and its outcome decides."""
    query = select(ParcelRow).where(ParcelRow.order_id == order.id, ParcelRow.state.in_(ON_ITS_WAY))
    waits = any(line.external_id in parcel.lines for parcel in session.scalars(query))
    if waits:
        work.put_back(session, [claim], now + A_PARCEL_FIRST, "waiting for the parcel of this line")
    return waits


def overtaken_by_parcel(session: Session, order: Order, lines: Sequence[OrderLine], now: datetime) -> None:
    """A parcel is confirmed: what was asked or wanted of lines that are gone with it is answered by that."""
    over = {line.id for line in lines if line.quantity <= line.shipped + line.cancelled}
    query = select(Cancellation).where(
        Cancellation.order_line_id.in_(over), Cancellation.state.in_(("asked", "wanted"))
    )
    for item in session.scalars(query):
        if item.origin == "bridge" and item.state == "asked":
            item.state = "kept"  # it was there after all
        else:
            _too_late(session, item, now)
    close_questions(session, order, now)


def _overtaken(session: Session, claim: Claim, cancelled: bool, now: datetime) -> None:
    item = session.get_one(Cancellation, int(claim.key))
    if cancelled:
        item.state, item.done_at = "done", now
        _mark_store(session, item, now)
    else:
        _too_late(session, item, now)
    work.done(session, [claim], now)


def _too_late(session: Session, item: Cancellation, now: datetime) -> None:
    item.state = "overtaken"
    order = session.get_one(Order, item.order_id)
    who = "the buyer asked to cancel it" if item.origin == "buyer" else "it was to be cancelled"
    records.open_problem(
        session,
        now,
        "cancellation_overtaken",
        order.ref,
        f"Order {order.external_id} was already shipped when {who}.",
        "Stop the parcel if you can, or wait for the return.",
        connection_id=item.connection_id,
        severity="warning",
    )


def _cancel_in_doubt(session: Session, claim: Claim, error: UnknownOutcome, now: datetime) -> None:
    item = session.get_one(Cancellation, int(claim.key))
    item.state, item.error = "unknown", error.merchant
    work.put_back(session, [claim], now + timedelta(seconds=20), str(error))


def _cancel_sent(session: Session, row: Connection, claim: Claim, result: ItemResult, now: datetime) -> None:
    item = session.get_one(Cancellation, int(claim.key))
    item.rounds += 1
    if result.outcome is Outcome.SUBMITTED and result.submission:
        item.state, item.submission = "submitted", result.submission
        submit(session, row, "cancellation", item.id, result.submission, now)
    elif result.outcome is Outcome.RETRY:
        raise RetryLater(result.message, after=result.after)
    else:
        good = result.outcome is Outcome.APPLIED
        item.rounds = item.rounds if good else MAX_ROUNDS
        cancellation_answered(session, item, good, result.message, now)
    work.done(session, [claim], now)


def cancellation_answered(session: Session, item: Cancellation, good: bool, message: str, now: datetime) -> None:
    """The marketplace has decided, or lost it: then the order is read again and decides."""
    if item.state == "done":
        return
    if good:
        _cancelled_there(session, item, now)
    elif item.rounds < MAX_ROUNDS:
        item.state, item.error = "unknown", message
        queue_sending(session, item, now, timedelta(seconds=5 * 4**item.rounds))
    else:
        item.state, item.error = "failed", message
        order = session.get_one(Order, item.order_id)
        records.open_problem(
            session,
            now,
            "cancellation_refused",
            order.ref,
            f"The marketplace refused to cancel order {order.external_id}: {message}",
            "Cancel it in the marketplace's own portal, or ship it.",
            connection_id=item.connection_id,
        )


def _cancelled_there(session: Session, item: Cancellation, now: datetime) -> None:
    item.state, item.done_at, item.error = "done", now, None
    line = session.get_one(OrderLine, item.order_line_id)
    line.cancelled = min(line.quantity, max(line.cancelled, item.quantity))
    order = session.get_one(Order, item.order_id)
    records.note(
        session,
        now,
        "cancellation",
        f"cancellation of {item.quantity} confirmed by the marketplace",
        order=order.ref,
        sku=line.sku,
    )
    _mark_store(session, item, now)
    again = Mark(item.connection_id, "orders", "orders.import", order.external_id)
    counted = Mark(item.connection_id, "sweep", "poll.standing", "all")
    work.mark(session, item.shop_id, [again, counted], now)


def _mark_store(session: Session, item: Cancellation, now: datetime) -> None:
    mark = Mark(item.connection_id, "orders", "cancel.store", str(item.order_id), priority=1)
    work.mark(session, item.shop_id, [mark], now)
