"""Paying back through the marketplace, where that is the seller's to do: owed once, sent until it is answered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bridge.db import records, work
from bridge.db.tables import Connection, Order, OrderLine, RefundRow, ReturnRow
from bridge.db.work import Claim, Mark
from bridge.domain.bundles import SoldBundle
from bridge.domain.money import Money, total
from bridge.domain.returns import ChannelRefund, RefundReason
from bridge.flows import parts, refund_reasons
from bridge.flows.draft import share
from bridge.flows.engine import Engine
from bridge.flows.outcome import fence
from bridge.flows.steps import step
from bridge.flows.store_side import read_store_order
from bridge.flows.submit import MAX_ROUNDS, submit
from bridge.ports.channel import ItemResult, Outcome
from bridge.ports.errors import AskMerchant, BridgeError, RetryLater, UnknownOutcome
from bridge.ports.http import about, before_write, lane
from bridge.ports.manifest import Capability

OPEN = ("wanted", "sending", "unknown")
IN_FLIGHT = ("sending", "unknown")
DOUBTFUL, DOUBT = "doubtful", "refund_doubtful"
IN_DOUBT = timedelta(seconds=30)


def owe(
    engine: Engine,
    session: Session,
    order: Order,
    line: OrderLine,
    units: int,
    name: str,
    reason: RefundReason,
    now: datetime,
    back: Mapping[str, int] | None = None,
) -> set[str]:
    """Have ``units`` of a line paid back, once under this ``name`` (unique for the order); of a bundle ``back``, units
    by component, where it is not whole. Nothing where the marketplace refunds by itself, or where everything is paid
    back already."""
    channel = session.get_one(Connection, order.connection_id)
    if Capability.REFUNDS not in engine.manifest(channel).capabilities:
        return set()
    ref = f"{order.ref}/{name}"
    session.flush()
    if session.scalar(select(RefundRow.id).where(RefundRow.connection_id == channel.id, RefundRow.ref == ref)):
        return set()
    sold = parts.sold_as(session, line) if back is not None or line.bundle else None
    if sold is not None:
        units, back, amount = _of_parts(session, order, line, sold, units, back)
    else:
        units, amount = _of_units(session, order, line, units)
    if not units and not back:
        return set()
    row = RefundRow(
        connection_id=channel.id,
        order_id=order.id,
        order_line_id=line.id,
        ref=ref,
        quantity=units,
        parts=back or {},
        amount=str(amount.amount),
        reason=reason.value,
        state="wanted" if amount.amount else "done",
        created_at=now,
        rounds=0,
    )
    session.add(row)
    session.flush()
    if not amount.amount:
        return set()
    what = f"{units} of" if units else "parts of"
    text = f"{amount.text()} for {what} {line.title or line.sku} is paid back through {channel.title}"
    records.note(session, now, "refund", text, order=order.ref, sku=line.sku, connection_id=channel.id)
    return _queue(session, row, now)


def _of_units(session: Session, order: Order, line: OrderLine, units: int) -> tuple[int, Money]:
    """The refunds of all units of a line come to its total, to the cent, in however many parts they are paid."""
    query = select(func.sum(RefundRow.quantity)).where(RefundRow.order_line_id == line.id)
    before = int(session.scalar(query) or 0)
    units = max(0, min(units, line.quantity - line.cancelled - before))
    whole = Money.of(line.total, order.currency).quantised()
    return units, share(whole, before + units, line.quantity) - share(whole, before, line.quantity)


def _of_parts(
    session: Session, order: Order, line: OrderLine, sold: SoldBundle, units: int, back: Mapping[str, int] | None
) -> tuple[int, dict[str, int], Money]:
    """The same for the components of a bundle. Units, by component, and what they come to on top of what was paid."""
    rows = list(session.scalars(select(RefundRow).where(RefundRow.order_line_id == line.id)))
    before, most = parts.paid_for(rows, sold), sold.units(line.quantity - line.cancelled)
    wanted = back if back is not None else sold.units(units)
    now_back = {sku: max(0, min(wanted.get(sku, 0), most[sku] - before[sku])) for sku in most}
    whole = Money.of(line.total, order.currency).quantised()
    after = sold.cost(whole, {sku: before[sku] + now_back[sku] for sku in most})
    paid = total([Money.of(row.amount, order.currency) for row in rows], order.currency)
    amount = max(after - paid, Money.zero(order.currency), key=lambda money: money.amount)
    complete = back is None and now_back == sold.units(units)
    return (units if complete else 0), {sku: count for sku, count in now_back.items() if count}, amount


def _queue(session: Session, row: RefundRow, now: datetime, wait: timedelta = timedelta(0)) -> set[str]:
    mark = Mark(row.connection_id, "shipments", "refund.send", str(row.id), priority=2, due_at=now + wait)
    work.mark(session, row.shop_id, [mark], now)
    return {"shipments"}


def of_return(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    """Work kind ``return.refund``, key our return id: a return that was accepted is paid back."""
    lanes = engine.db.transact(row.shop_id, _of_return, engine, claims[0], engine.clock())
    engine.ring(lanes)


def _of_return(session: Session, engine: Engine, claim: Claim, now: datetime) -> set[str]:
    item = session.get(ReturnRow, int(claim.key))
    line = session.get(OrderLine, item.order_line_id) if item is not None and item.order_line_id else None
    lanes: set[str] = set()
    if item is not None and line is not None:
        order = session.get_one(Order, line.order_id)
        units = item.quantity if item.decided_quantity is None else item.decided_quantity
        back = {part["sku"]: int(part["units"]) for part in item.parts} if not units else None
        lanes = owe(engine, session, order, line, units, name_of(item), RefundReason.RETURNED, now, back)
        if back:
            mark = Mark(item.connection_id, "shipments", "return.store", str(item.id))
            work.mark(session, item.shop_id, [mark], now)
    work.done(session, [claim], now)
    return lanes


def name_of(item: ReturnRow) -> str:
    """Under which a return is paid back."""
    return f"return-{item.id}"


def send(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    """Work kind ``refund.send``, key our refund id. Asked again after an answer that never came: the adapter looks
    for what was paid under the same reference first."""
    claim = claims[0]
    found = engine.db.transact(row.shop_id, _sending, engine, row, claim, engine.clock())
    if found is None:
        return
    order, part, ref = found
    step("refund.send.announced")
    try:
        with lane("shipments"), about(order=order.ref), before_write(lambda: fence(engine, row, claim)):
            result = engine.channel(row).refund(order.external_id, [part], ref)
    except UnknownOutcome as error:
        engine.db.transact(row.shop_id, _in_doubt, claim, error, engine.clock())
        return
    except BridgeError:
        engine.db.transact(row.shop_id, _unsent, claim)
        raise
    step("refund.send.sent")
    if result.outcome is Outcome.RETRY:
        engine.db.transact(row.shop_id, _unsent, claim)
        raise RetryLater(result.message, after=result.after)
    engine.db.transact(row.shop_id, _answered, row, claim, result, engine.clock())
    step("refund.send.recorded")
    engine.ring({"shipments"})


def _sending(
    session: Session, engine: Engine, channel: Connection, claim: Claim, now: datetime
) -> tuple[Order, ChannelRefund, str] | None:
    row = session.get(RefundRow, int(claim.key))
    if row is None or row.state not in OPEN:
        work.done(session, [claim], now)
        return None
    if row.state in IN_FLIGHT and not engine.manifest(channel).refund_lookup:
        _ask(session, channel, row, now)
        work.done(session, [claim], now)
        return None
    row.state = "sending"
    order = session.get_one(Order, row.order_id)
    line = session.get_one(OrderLine, row.order_line_id)
    amount = Money.of(row.amount, order.currency)
    part = ChannelRefund(
        line_id=line.external_id, quantity=row.quantity, amount=amount, reason=RefundReason(row.reason),
        code=refund_reasons.code(channel.settings, RefundReason(row.reason)),
        alike=_alike(session, row), before=_before(session, row, order.currency),
    )  # fmt: skip
    return order, part, row.ref


def _alike(session: Session, row: RefundRow) -> int:
    """Others of this line that a marketplace without references cannot tell from this one."""
    query = select(func.count(RefundRow.id)).where(
        RefundRow.order_line_id == row.order_line_id, RefundRow.id != row.id, RefundRow.quantity == row.quantity,
        RefundRow.amount == row.amount, RefundRow.state.in_(("done", "submitted")),
    )  # fmt: skip
    return int(session.scalar(query) or 0)


def _before(session: Session, row: RefundRow, currency: str) -> Money:
    """What was owed of the line before this refund, but for what was refused."""
    query = select(RefundRow.amount).where(
        RefundRow.order_line_id == row.order_line_id, RefundRow.id < row.id, RefundRow.state != "failed"
    )
    return total([Money.of(amount, currency) for amount in session.scalars(query)], currency)


def _ask(session: Session, channel: Connection, row: RefundRow, now: datetime) -> None:
    """It was being sent when the line or the worker died, and nothing there tells whether it was paid."""
    row.state = DOUBTFUL
    order = session.get_one(Order, row.order_id)
    records.open_problem(
        session,
        now,
        DOUBT,
        order.ref,
        f"It is not known whether {row.amount} {order.currency} of order {order.external_id} was paid back on "
        f"{channel.title}: no answer came.",
        "Look at the order in the marketplace's own portal. Then say on the order's page whether it was paid, or have "
        "it paid again (or run: storebridge refund-paid, storebridge refund-again).",
        connection_id=channel.id,
        detail=row.error or "",
    )


def judged(session: Session, order: Order, paid: bool, number: int | None, now: datetime) -> int:
    """A person has looked: what is in doubt of this order was paid, or is paid again. ``number`` means one refund, by
    our own number. Returns how many. Raises AskMerchant."""
    query = select(RefundRow).where(RefundRow.order_id == order.id, RefundRow.state == DOUBTFUL).with_for_update()
    rows = [row for row in session.scalars(query.order_by(RefundRow.id)) if number in (None, row.id)]
    if not rows:
        raise AskMerchant(f"No refund of order {order.external_id} is in doubt.", field="reference")
    for row in rows:
        how = "was paid back" if paid else "was not paid back and is paid now"
        text = f"by the merchant's word, {row.amount} {order.currency} {how}"
        records.note(session, now, "refund", text, order=order.ref, connection_id=row.connection_id)
        if paid:
            answered(session, row, True, "", now)
        else:
            row.state, row.rounds, row.error = "wanted", 0, None
            _queue(session, row, now)
    session.flush()
    if session.scalar(select(RefundRow.id).where(RefundRow.order_id == order.id, RefundRow.state == DOUBTFUL)) is None:
        records.close_problem(session, now, DOUBT, order.ref)
    return len(rows)


def _unsent(session: Session, claim: Claim) -> None:
    """Nothing has happened. Whoever lost the lease leaves the row to the one who has it."""
    row = session.get(RefundRow, int(claim.key))
    if row is not None and row.state == "sending" and work.still_mine(session, [claim]):
        row.state = "wanted"


def _in_doubt(session: Session, claim: Claim, error: UnknownOutcome, now: datetime) -> None:
    row = session.get_one(RefundRow, int(claim.key))
    row.state, row.error = "unknown", error.merchant
    work.put_back(session, [claim], now + IN_DOUBT, str(error))


def _answered(session: Session, channel: Connection, claim: Claim, result: ItemResult, now: datetime) -> None:
    row = session.get_one(RefundRow, int(claim.key))
    row.rounds += 1
    if result.outcome is Outcome.SUBMITTED and result.submission:
        row.state, row.submission = "submitted", result.submission
        submit(session, channel, "refund", row.id, result.submission, now)
    else:
        good = result.outcome in (Outcome.APPLIED, Outcome.SUBMITTED)
        row.rounds = row.rounds if good else MAX_ROUNDS
        answered(session, row, good, result.message, now)
    work.done(session, [claim], now)


def answered(session: Session, row: RefundRow, good: bool, message: str, now: datetime, *, lost: bool = False) -> None:
    """The marketplace has paid it back, or refused it; ``lost``: nobody knows."""
    if row.state == "done":
        return
    order = session.get_one(Order, row.order_id)
    if good:
        row.state, row.done_at, row.error = "done", now, None
        text = f"{row.amount} {order.currency} paid back on the marketplace"
        records.note(session, now, "refund", text, order=order.ref, connection_id=row.connection_id)
        records.close_problem(session, now, "refund_refused", order.ref)
        read_store_order(session, order, now)
    elif row.rounds < MAX_ROUNDS:
        row.state, row.error = "unknown" if lost else "wanted", message
        _queue(session, row, now, timedelta(seconds=5 * 4**row.rounds))
    else:
        row.state, row.error = "failed", message
        records.open_problem(
            session,
            now,
            "refund_refused",
            order.ref,
            f"{row.amount} {order.currency} of order {order.external_id} could not be paid back: {message}",
            "Press Try again, or refund it in the marketplace's own portal.",
            connection_id=row.connection_id,
        )
