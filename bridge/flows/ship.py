"""Store fulfilment with tracking -> carrier mapped -> confirmed on the marketplace, and watched until it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db import records, work
from bridge.db.tables import Connection, Order, OrderLine, ParcelRow
from bridge.db.work import Claim, Mark
from bridge.domain.order import MarketplaceOrder, Parcel, ParcelLine, StoreOrder, StoreOrderStatus, Tracking
from bridge.flows import cancellations, carriers, ledger, store_returns
from bridge.flows.apart import together
from bridge.flows.engine import Engine
from bridge.flows.orders import absorbed, keep_current, placed
from bridge.flows.outcome import alive, fence
from bridge.flows.steps import step
from bridge.flows.submit import MAX_ROUNDS, submit
from bridge.ports.channel import ItemResult, Outcome
from bridge.ports.errors import BridgeError, RetryLater, Superseded, UnknownOutcome
from bridge.ports.http import about, before_write, lane

WITHOUT_TRACKING = "completed"
AT_WORK = timedelta(minutes=1)
Rows = dict[str, ParcelRow]  # by their references
PARCELS, WHOLE = "parcels", "whole"  # the setting: the marketplace is told once the whole order has left


def read_store_orders(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    """Work kind ``store_order.read``: what the merchant did with an order in the store. One that cannot be read stops
    none of the others."""
    together(engine, claims, lambda some: _read_together(engine, row, some))


def _read_together(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    with lane("orders"):
        found = {order.external_id: order for order in engine.platform(row).fetch_orders([c.key for c in claims])}
    step("store_order.read.fetched")
    lanes = engine.db.transact(row.shop_id, lambda session: _read(engine, session, row, claims, found))
    step("store_order.read.recorded")
    if lanes:
        engine.ring(lanes)


def _read(
    engine: Engine, session: Session, row: Connection, claims: list[Claim], found: dict[str, StoreOrder]
) -> set[str]:
    now = engine.clock()
    lanes: set[str] = set()
    for claim in claims:
        store_order = found.get(claim.key)
        if store_order is not None:
            lanes |= _one(engine, session, row, store_order, now)
    alive(session, row, now)
    work.done(session, claims, now)
    return lanes


def _one(engine: Engine, session: Session, row: Connection, store_order: StoreOrder, now: datetime) -> set[str]:
    order = _order_of(session, store_order)
    if order is None:
        return set()
    if order.store_state != "created":
        placed(engine, session, row.id, order, store_order, "seen in the store", now)
    elif order.store_order_id != store_order.external_id:
        _second(session, order, store_order, now)
        return set()
    else:
        absorbed(session, row.id, order, store_order, now)
    order.store_status = store_order.raw_status
    lines = list(session.scalars(select(OrderLine).where(OrderLine.order_id == order.id).order_by(OrderLine.id)))
    lanes = {"stock"} | cancellations.follow_store(engine, session, order, lines, store_order, now)
    session.flush()
    ledger.compare(engine, session, order, lines, store_order, now)
    if store_order.status not in (StoreOrderStatus.CANCELLED, StoreOrderStatus.FAILED, StoreOrderStatus.TRASHED):
        rows = {item.ref: item for item in session.scalars(select(ParcelRow).where(ParcelRow.order_id == order.id))}
        before = len(rows)
        lanes |= _parcels(session, order, lines, rows, store_order, now)
        left = lines if len(rows) > before else store_returns.left_untracked(lines, store_order)
        lanes |= store_returns.sent(engine, session, row, left, now)
    return lanes


def _order_of(session: Session, store_order: StoreOrder) -> Order | None:
    if store_order.marketplace_ref:
        found = session.scalars(select(Order).where(Order.ref == store_order.marketplace_ref)).first()
        if found is not None:
            return found
    return session.scalars(select(Order).where(Order.store_order_id == store_order.external_id)).first()


def _second(session: Session, order: Order, store_order: StoreOrder, now: datetime) -> None:
    text = f"The store has two orders for {order.external_id}: {order.store_number} and {store_order.number}."
    records.open_problem(
        session,
        now,
        "order_twice",
        order.ref,
        text,
        "Cancel the one that is not shipped.",
        connection_id=order.connection_id,
    )


def _parcels(
    session: Session, order: Order, lines: Sequence[OrderLine], rows: Rows, store_order: StoreOrder, now: datetime
) -> set[str]:
    complete = store_order.status is StoreOrderStatus.COMPLETED
    # Those that name no lines hold what is left when all the others are known.
    parcels = sorted(store_order.parcels, key=lambda parcel: not parcel.lines)
    tracked = [parcel for parcel in parcels if parcel.lines or complete]
    marks = [mark for parcel in tracked if (mark := _parcel(session, order, lines, rows, parcel, now))]
    if complete and not any(parcel.number for parcel in tracked):
        _untracked(session, order, lines, rows, now)
    elif rows.get(WITHOUT_TRACKING) is not None and rows[WITHOUT_TRACKING].state == "waiting":
        rows[WITHOUT_TRACKING].state = "dropped"
        records.close_problem(session, now, "tracking_missing", order.ref)
    if marks and _waits_for_the_rest(session, order, lines, rows):
        return set()
    work.mark(session, order.shop_id, marks, now)
    return {"shipments"} if marks else set()


def _waits_for_the_rest(session: Session, order: Order, lines: Sequence[OrderLine], rows: Rows) -> bool:
    """By the merchant's setting, while units of the order are in no parcel. The order is read again when they are."""
    if session.get_one(Connection, order.connection_id).settings.get(PARCELS) != WHOLE:
        return False
    return bool(_content(lines, Tracking(ref=""), _spoken_for(rows.values())))


def _parcel(
    session: Session,
    order: Order,
    lines: Sequence[OrderLine],
    rows: Rows,
    parcel: Tracking,
    now: datetime,
) -> Mark | None:
    """A parcel of the store: new, completed by a late tracking number, or known already."""
    if not parcel.number:
        return None
    row = rows.get(parcel.ref)
    if row is None:
        content = _content(lines, parcel, _spoken_for(rows.values()))
        if not content:
            return None
        row = ParcelRow(
            order_id=order.id,
            connection_id=order.connection_id,
            ref=parcel.ref,
            lines=content,
            state="ready",
            rounds=0,
            carrier=parcel.carrier,
            number=parcel.number,
            shipped_at=parcel.shipped_at or now,
        )
        session.add(row)
        rows[parcel.ref] = row
        session.flush()
        order.shipped_at = order.shipped_at or now
        text = f"parcel {parcel.carrier} {parcel.number} of order {order.external_id} left the store"
        records.note(session, now, "parcel", text, order=order.ref)
    elif row.state == "failed" and (row.number, row.carrier) != (parcel.number, parcel.carrier):
        row.number, row.carrier, row.state, row.rounds = parcel.number, parcel.carrier, "ready", 0
    elif row.state not in ("ready", "unknown"):
        return None
    return Mark(order.connection_id, "shipments", "parcel.confirm", str(row.id), priority=1)


def _spoken_for(rows: Iterable[ParcelRow]) -> dict[str, int]:
    """Units of each marketplace line that are in a parcel already."""
    units: dict[str, int] = {}
    for row in rows:
        if row.state in ("dropped", "waiting", "failed"):
            continue
        for line, quantity in row.lines.items():
            units[line] = units.get(line, 0) + quantity
    return units


def _content(lines: Sequence[OrderLine], parcel: Tracking, taken: dict[str, int]) -> dict[str, int]:
    """Marketplace line -> units in this parcel; a parcel that names no lines holds everything that is left."""
    content: dict[str, int] = {}
    for line in lines:
        left = line.quantity - line.cancelled - taken.get(line.external_id, 0)
        named = parcel.lines.get(line.store_line_id or "-", 0) if parcel.lines else left
        units = min(left, named)
        if units > 0 and line.fulfilled_by == "merchant":
            content[line.external_id] = units
    return content


def _untracked(session: Session, order: Order, lines: Sequence[OrderLine], rows: Rows, now: datetime) -> None:
    """Shipped in the store and no tracking number anywhere: said before the deadline, never sent silently."""
    content = _content(lines, Tracking(ref=WITHOUT_TRACKING), _spoken_for(rows.values()))
    if not content:
        return
    if WITHOUT_TRACKING not in rows:
        rows[WITHOUT_TRACKING] = ParcelRow(
            order_id=order.id,
            connection_id=order.connection_id,
            ref=WITHOUT_TRACKING,
            lines=content,
            state="waiting",
            shipped_at=now,
            rounds=0,
        )
        session.add(rows[WITHOUT_TRACKING])
    order.shipped_at = order.shipped_at or now
    until = f" before {order.ship_by:%d %b %Y %H:%M} UTC" if order.ship_by else ""
    records.open_problem(
        session,
        now,
        "tracking_missing",
        order.ref,
        f"Order {order.external_id} is completed in the store without a tracking number; the marketplace waits.",
        f"Enter the tracking number in the store order{until}; the shipment is then confirmed by itself.",
        connection_id=order.connection_id,
    )


@dataclass(frozen=True)
class _Sent:
    """What is needed to confirm one parcel."""

    row: ParcelRow
    order: Order
    sent: MarketplaceOrder


def confirm_parcel(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    """Work kind ``parcel.confirm``, key our parcel id. The order is read again right before it is confirmed."""
    claim = claims[0]
    with engine.db.read(row.shop_id) as session:
        parcel = session.get(ParcelRow, int(claim.key))
        order = session.get(Order, parcel.order_id) if parcel is not None else None
        units = _confirmed_units(session, parcel)
    if parcel is None or order is None or parcel.state not in ("ready", "sending", "unknown"):
        _finish(engine, row, claim)
        return
    channel = engine.channel(row)
    with lane("shipments"), about(order=order.ref):
        current = _at_least(channel.fetch_order(order.external_id), units)
        keep_current(engine, row, current)
        job = _Sent(parcel, order, current)
        content = _still_open(job)
        if not content:
            engine.db.transact(row.shop_id, _nothing_left, job, claim, engine.clock())
            return
        code = carriers.code_for(row, engine.manifest(row), channel, parcel.carrier, parcel.number)
        late = timedelta(seconds=engine.manifest(row).works_within)
        if not engine.db.transact(row.shop_id, _sending, job, claim, code, late, engine.clock()):
            return
        step("parcel.confirm.announced")
        try:
            with before_write(lambda: fence(engine, row, claim)):
                result = channel.confirm_shipment(current, _wire(parcel, content, code))
        except UnknownOutcome as error:
            engine.db.transact(row.shop_id, _in_doubt, claim, error, engine.clock())
            return
        except Superseded:
            raise
        except BridgeError:
            engine.db.transact(row.shop_id, _heard, parcel.id)
            raise
    step("parcel.confirm.sent")
    if result.outcome is Outcome.RETRY:
        engine.db.transact(row.shop_id, _heard, parcel.id)
        raise RetryLater(result.message, after=result.after)
    engine.db.transact(row.shop_id, _answered, row, claim, job, result, engine.clock())
    step("parcel.confirm.recorded")
    engine.ring({"shipments"})


def _confirmed_units(session: Session, parcel: ParcelRow | None) -> Counter[str]:
    """Units of each marketplace line in the other parcels of this order that the marketplace has confirmed."""
    units: Counter[str] = Counter()
    if parcel is not None:
        query = select(ParcelRow).where(ParcelRow.order_id == parcel.order_id, ParcelRow.state == "confirmed")
        for row in session.scalars(query):
            units.update(row.lines)
    return units


def _at_least(order: MarketplaceOrder, confirmed: Counter[str]) -> MarketplaceOrder:
    """The order with as many units shipped as were confirmed: some marketplaces keep parcels without quantities."""
    lines = (
        line.model_copy(
            update={"shipped": max(line.shipped, min(confirmed[line.external_id], line.quantity - line.cancelled))}
        )
        for line in order.lines
    )
    return order.model_copy(update={"lines": tuple(lines)}) if confirmed else order


def _finish(engine: Engine, row: Connection, claim: Claim) -> None:
    engine.db.transact(row.shop_id, work.done, [claim], engine.clock())


def _wire(parcel: ParcelRow, content: dict[str, int], code: str) -> Parcel:
    lines = tuple(ParcelLine(external_id=line, quantity=units) for line, units in content.items())
    return Parcel(
        reference=f"SB-{parcel.id}", carrier=code, tracking=parcel.number, lines=lines, shipped_at=parcel.shipped_at
    )


def _still_open(job: _Sent) -> dict[str, int]:
    """What of the parcel the marketplace still waits for."""
    open_units = {line.external_id: line.open for line in job.sent.lines}
    found = {line: min(units, open_units.get(line, 0)) for line, units in job.row.lines.items()}
    return {line: units for line, units in found.items() if units > 0}


def _nothing_left(session: Session, job: _Sent, claim: Claim, now: datetime) -> None:
    """Already shipped there (our own send arrived after all, or somebody pressed the button), or cancelled."""
    parcel = session.get_one(ParcelRow, job.row.id)
    shipped = any(line.shipped for line in job.sent.lines if line.external_id in job.row.lines)
    parcel.state = "confirmed" if shipped else "dropped"
    parcel.confirmed_at = now if shipped else None
    if not shipped:
        records.open_problem(
            session,
            now,
            "shipped_cancelled",
            job.order.ref,
            f"Order {job.order.external_id} was cancelled on the marketplace before its shipment could be confirmed.",
            "Stop the parcel, or expect it back.",
            connection_id=job.order.connection_id,
        )
    work.done(session, [claim], now)


def _sending(session: Session, job: _Sent, claim: Claim, code: str, late: timedelta, now: datetime) -> bool:
    """Whether to send it. One parcel of an order in doubt at a time: what the marketplace has more than was
    confirmed is then this one. What leaves units of its lines open could be carried out twice: it is sent again once
    the marketplace is through with what it gave no answer to (``late``)."""
    query = select(ParcelRow).where(ParcelRow.order_id == job.order.id).with_for_update()
    rows = {row.id: row for row in session.scalars(query)}
    parcel = rows.pop(job.row.id)
    in_doubt = parcel.state in ("sending", "unknown")
    waits_for = ("submitted",) if in_doubt else ("sending", "unknown")
    if any(other.state in waits_for and (other.id < parcel.id or not in_doubt) for other in rows.values()):
        wait = AT_WORK if late else timedelta(seconds=5)
        work.put_back(session, [claim], now + wait, "waiting for another parcel of this order")
        return False
    if in_doubt and _is_there(job, [other for other in rows.values() if other.state == "confirmed"]):
        confirmed(session, parcel, now)
        work.done(session, [claim], now)
        return False
    if in_doubt and parcel.sent_at is not None and now < parcel.sent_at + late and _leaves_open(job):
        work.put_back(session, [claim], now + AT_WORK, "the marketplace may still be at work on it")
        return False
    parcel.state, parcel.carrier_code, parcel.sent_at = "sending", code, now
    return True


def _leaves_open(job: _Sent) -> bool:
    return any(line.open > job.row.lines.get(line.external_id, line.open) for line in job.sent.lines)


def _is_there(job: _Sent, others: Sequence[ParcelRow]) -> bool:
    """Whether the marketplace shows the units of this parcel as shipped, beside those of the confirmed ones."""
    shipped = {line.external_id: line.shipped for line in job.sent.lines}
    for row in others:
        for line, units in row.lines.items():
            shipped[line] = shipped.get(line, 0) - units
    return all(shipped.get(line, 0) >= units for line, units in job.row.lines.items())


def _in_doubt(session: Session, claim: Claim, error: UnknownOutcome, now: datetime) -> None:
    parcel = session.get_one(ParcelRow, int(claim.key))
    parcel.state, parcel.error = "unknown", error.merchant
    work.put_back(session, [claim], now + timedelta(seconds=20), str(error))


def _heard(session: Session, parcel_id: int) -> None:
    """There was an answer, and nothing is at work there any more."""
    session.get_one(ParcelRow, parcel_id).sent_at = None


def _answered(session: Session, row: Connection, claim: Claim, job: _Sent, result: ItemResult, now: datetime) -> None:
    parcel = session.get_one(ParcelRow, job.row.id)
    parcel.sent_at, parcel.rounds = now, parcel.rounds + 1
    if result.outcome is Outcome.SUBMITTED and result.submission:
        parcel.state, parcel.submission = "submitted", result.submission
        submit(session, row, "parcel", parcel.id, result.submission, now)
    elif result.outcome is Outcome.APPLIED:
        confirmed(session, parcel, now)
    else:
        failed(session, parcel, result.message, now)
    work.done(session, [claim], now)


def confirmed(session: Session, parcel: ParcelRow, now: datetime) -> None:
    """The marketplace has it. The order is read again, so that its own numbers close it."""
    parcel.state, parcel.confirmed_at, parcel.error = "confirmed", now, None
    order = session.get_one(Order, parcel.order_id)
    session.flush()
    query = select(ParcelRow.lines).where(ParcelRow.order_id == order.id, ParcelRow.state == "confirmed")
    units: Counter[str] = Counter()
    for content in session.scalars(query):
        units.update(content)
    lines = list(session.scalars(select(OrderLine).where(OrderLine.order_id == order.id)))
    for line in lines:  # a sum and no step: the order may have been read since
        line.shipped = min(line.quantity - line.cancelled, max(line.shipped, units[line.external_id]))
    if all(line.quantity <= line.shipped + line.cancelled for line in lines):
        order.confirmed_at = order.confirmed_at or now
    cancellations.overtaken_by_parcel(session, order, lines, now)
    text = f"parcel {parcel.carrier_code} {parcel.number} of order {order.external_id} confirmed on the marketplace"
    records.note(session, now, "parcel", text, order=order.ref)
    for kind in ("tracking_missing", "shipment_refused"):
        records.close_problem(session, now, kind, order.ref)
    work.mark(session, order.shop_id, [Mark(order.connection_id, "orders", "orders.import", order.external_id)], now)


def failed(session: Session, parcel: ParcelRow, message: str, now: datetime) -> None:
    order = session.get_one(Order, parcel.order_id)
    parcel.state, parcel.error = "failed", message
    records.open_problem(
        session,
        now,
        "shipment_refused",
        order.ref,
        f"The marketplace refused the shipment of order {order.external_id}: {message}",
        "Check carrier and tracking number in the store order, then press “Try again”.",
        connection_id=order.connection_id,
    )


def try_again(session: Session, parcel: ParcelRow, message: str, now: datetime) -> None:
    """A submission failed or vanished: the order is read again and decides, a few times, then a person does."""
    if parcel.rounds >= MAX_ROUNDS:
        failed(session, parcel, message, now)
        return
    parcel.state, parcel.error, parcel.sent_at = "unknown", message, None
    wait = timedelta(seconds=min(300, 5 * 4 ** max(0, parcel.rounds - 1)))
    key = str(parcel.id)
    work.mark(
        session,
        parcel.shop_id,
        [Mark(parcel.connection_id, "shipments", "parcel.confirm", key, due_at=now + wait)],
        now,
    )
