"""What the merchant decides about what waits for a person: orders to accept, returns, buyers' cancellations, unmatched
lines, retries.

Each takes a door's plain values, checks them, and raises AskMerchant in the merchant's words.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bridge.db import records, work
from bridge.db.tables import Cancellation, Connection, Order, OrderLine, Problem, ReturnRow, Work
from bridge.db.work import Mark
from bridge.domain.order import CancelReason
from bridge.domain.returns import Condition, ReturnDecision, Shelf
from bridge.flows import (
    acceptance,
    by_hand,
    cancellations,
    held,
    linking,
    part_units,
    parts,
    refunds,
    returns,
    shelf,
    unmatched,
)
from bridge.flows.engine import LANES, Engine
from bridge.flows.order_view import find_order
from bridge.flows.outcome import of_all
from bridge.flows.parts import Back
from bridge.flows.replay import replay
from bridge.ports.errors import AskMerchant, NotFound
from bridge.ports.manifest import Capability

PARKED = "parked."
NOTE = 500  # characters of the reason of a refusal
ABOUT_ORDERS = ("order_held", "shipment_refused", "cancellation_refused", "order_total", "shipped_cancelled",
                "acceptance_refused", "acknowledgement_refused", "refund_refused")  # fmt: skip
# Nothing but a person can see that these are over.
BY_HAND = ("cancellation_overtaken", "cancellation_refused", "drift", "order_total", "order_twice", "refund_refused",
           "refund_differs", "return_refused", "return_unmatched", "shipped_cancelled", "privacy_request", shelf.KIND,
           by_hand.KIND, part_units.PUT_BACK, unmatched.KIND)  # fmt: skip


def can_retry(kind: str) -> bool:
    return kind.startswith(PARKED) or kind in ABOUT_ORDERS


def can_confirm(kind: str) -> bool:
    return kind == held.KIND


def can_close(kind: str) -> bool:
    return kind in BY_HAND


def order_ref(engine: Engine, shop_id: int, order_id: int) -> str:
    """Raises NotFound when this shop has no such order."""
    with engine.db.read(shop_id) as session:
        ref = session.scalar(select(Order.ref).where(Order.id == order_id))
    if ref is None:
        raise NotFound("There is no such order.")
    return ref


def decide_return(
    engine: Engine,
    shop_id: int,
    name: str,
    result: str,
    quantity: int | None = None,
    *,
    restock: bool | None = None,
    condition: str = "",
    note: str = "",
    back: Sequence[Back] = (),
    whole: bool = False,
) -> str:
    """``name``: the return's number on the marketplace, or ``id:<our number>``. ``restock`` None: by the merchant's
    rule for this ``condition``; ``note``: why it is refused. ``back``: what of a bundle has come back, paid back in
    proportion, or as a ``whole``. Returns what was decided."""
    if result not in [item.value for item in ReturnDecision]:
        known = ", ".join(item.value for item in ReturnDecision)
        raise AskMerchant(f"Decide one of: {known}.", field="result")

    if condition and condition not in [item.value for item in Condition]:
        raise AskMerchant(f"The condition is one of: {', '.join(Condition)}.", field="condition")

    def act(session: Session) -> str:
        row = _return(session, name)
        if row.state not in ("open", "failed"):
            raise AskMerchant(
                f"Return {row.external_id} is decided already ({row.decision or row.state}).", field="return"
            )
        units = row.quantity if quantity is None else quantity
        if not 1 <= units <= row.quantity:
            raise AskMerchant(f"Give a quantity from 1 to {row.quantity}.", field="quantity")
        row.condition, row.note, row.parts = condition, note.strip()[:NOTE], []
        shelf = restock if restock is not None else _rule(session, row).takes(_condition(row))
        told = f"{units} of {row.quantity} {result.replace('_', ' ')}."
        if back:
            units, shelf = _parts(engine, session, row, result, back, whole), False
            told = (
                "accepted and paid back as a whole."
                if units
                else "accepted; what came back is paid back in proportion."
            )
        returns.decide(session, row, ReturnDecision(result), units, shelf, engine.clock())
        records.close_problem(session, engine.clock(), "return_refused", f"return {row.external_id}")
        return f"Return {row.external_id}: {told}"

    text = engine.db.transact(shop_id, act)
    engine.ring({"shipments"})
    return text


def _rule(session: Session, row: ReturnRow) -> Shelf:
    return Shelf(session.get_one(Connection, row.connection_id).settings.get("return_shelf", Shelf.AS_NEW))


def _condition(row: ReturnRow) -> Condition | None:
    return Condition(row.condition) if row.condition else None


def _parts(engine: Engine, session: Session, row: ReturnRow, result: str, back: Sequence[Back], whole: bool) -> int:
    """Keeps what came back of a bundle. The units to pay back whole; 0: in proportion."""
    line = session.get(OrderLine, row.order_line_id) if row.order_line_id is not None else None
    sold = parts.sold_as(session, line)
    if line is None or sold is None:
        raise AskMerchant("This is no bundle that is known here (Settings, Bundles).", field="parts")
    if result != ReturnDecision.ACCEPTED.value:
        raise AskMerchant("Parts come back with an accepted return; any other result is for the whole.", field="parts")
    line.bundle = sold.as_json()
    row.parts = parts.inspected(session, row, line, sold, back, _rule(session, row))
    if whole or parts.is_whole(row.parts, row, sold):
        return row.quantity
    channel = session.get_one(Connection, row.connection_id)
    if not parts.takes_parts(engine.manifest(channel)):
        text = (
            f"{channel.title} pays back whole pieces only, not the part that came back. Say that the whole piece is "
            "paid back, or refuse the return."
        )
        raise AskMerchant(text, field="whole")
    return 0


def _return(session: Session, name: str) -> ReturnRow:
    query = select(ReturnRow).with_for_update()
    number = name.removeprefix("id:")
    if name.startswith("id:") and number.isdecimal() and len(number) < 16:
        row = session.scalars(query.where(ReturnRow.id == int(number))).first()
        if row is None:
            raise NotFound("There is no such return.")
        return row
    rows = list(session.scalars(query.where(ReturnRow.external_id == name).limit(2)))
    if len(rows) != 1:
        raise AskMerchant(
            f"There is no return {name!r}; `storebridge returns` lists those that are open.", field="return"
        )
    return rows[0]


def _asked(session: Session, order: Order) -> list[Cancellation]:
    query = select(Cancellation).where(Cancellation.order_id == order.id, Cancellation.state == "asked")
    asked = list(session.scalars(query.order_by(Cancellation.id)))
    if not asked:
        raise AskMerchant(f"No buyer asks to cancel anything of order {order.external_id}.", field="reference")
    return asked


def can_refuse(engine: Engine, session: Session, connection_id: int) -> bool:
    """Whether this marketplace takes a no to a buyer who asks to cancel."""
    row = session.get_one(Connection, connection_id)
    adapter = engine.channels.get(row.adapter)
    return adapter is not None and Capability.ANSWER_CANCELLATION in adapter.manifest.capabilities


def refuse_cancellation(engine: Engine, shop_id: int, reference: str) -> str:
    """The merchant says no: to what the buyer of this order asks, and to our own question about what is out of stock,
    which is a backorder then. Returns what happens now."""

    def act(session: Session) -> str:
        order = find_order(session, reference)
        asked = _asked(session, order)
        buyers = [row for row in asked if row.origin != "bridge"]
        if buyers and not can_refuse(engine, session, order.connection_id):
            text = "This marketplace takes no answer but a cancellation: ship the order, the parcel answers it."
            raise AskMerchant(text, field="reference")
        for row in asked:
            cancellations.refuse_request(session, row.id, engine.clock())
        text = "the merchant does not agree to the cancellation"
        records.note(session, engine.clock(), "cancellation", text, order=order.ref, connection_id=order.connection_id)
        told = "the marketplace is told that it is not cancelled." if buyers else "it is kept as a backorder."
        return f"Order {order.external_id}: {told}"

    text = engine.db.transact(shop_id, act)
    engine.ring({"orders"})
    return text


def cancel_order(
    engine: Engine, shop_id: int, reference: str, reason: str, line: str | None = None, quantity: int | None = None
) -> str:
    """The merchant cancels an order from here, or ``quantity`` of one ``line`` of it (its number on the marketplace,
    or its SKU)."""
    if reason not in [item.value for item in CancelReason]:
        raise AskMerchant(f"The reason is one of: {', '.join(CancelReason)}.", field="reason")

    def act(session: Session) -> str:
        order = find_order(session, reference)
        found = _lines_to_cancel(session, order, line)
        if quantity is not None and len(found) != 1:
            raise AskMerchant("Say which line these units are of.", field="line")
        for item, left in found:
            if quantity is not None and not 1 <= quantity <= left:
                raise AskMerchant(f"Give a quantity from 1 to {left}.", field="quantity")
            total = item.cancelled + (left if quantity is None else quantity)
            row = cancellations.by_us(session, order, item, total, CancelReason(reason), "wanted", engine.clock())
            cancellations.queue_sending(session, row, engine.clock())
        cancellations.close_questions(session, order, engine.clock())
        units = quantity if quantity is not None else sum(left for _, left in found)
        text = f"the merchant cancels {units} units: {reason.replace('_', ' ')}"
        records.note(session, engine.clock(), "cancellation", text, order=order.ref, connection_id=order.connection_id)
        return f"Order {order.external_id}: {units} units are cancelled on the marketplace, and in the store then."

    text = engine.db.transact(shop_id, act)
    engine.ring({"orders"})
    return text


def _lines_to_cancel(session: Session, order: Order, name: str | None) -> list[tuple[OrderLine, int]]:
    """Each with the units that have not left yet. Raises AskMerchant when there are none."""
    query = select(OrderLine).where(OrderLine.order_id == order.id).order_by(OrderLine.id)
    lines = [row for row in session.scalars(query) if name in (None, row.external_id, row.sku)]
    if not lines:
        raise AskMerchant(f"Order {order.external_id} has no line {name!r}.", field="line")
    found = [(row, left) for row in lines if (left := cancellations.units_left(session, order, row)) > 0]
    if not found:
        raise AskMerchant(f"Nothing of order {order.external_id} can be cancelled any more.", field="reference")
    return found


def accept_order(
    engine: Engine, shop_id: int, reference: str, refused: Sequence[str] = (), *, only_covered: bool = False
) -> str:
    """The merchant accepts an order that waits for it, but for the lines ``refused`` (their numbers on the
    marketplace); ``only_covered`` refuses those that stock does not cover."""

    def act(session: Session) -> str:
        order = find_order(session, reference)
        without = list(refused)
        if only_covered:
            without += [line.external_id for line in acceptance.uncovered(engine, session, order)]
        acceptance.decide(session, order, list(dict.fromkeys(without)), engine.clock())
        rest = f", but for {len(set(without))} of its lines" if without else ""
        return f"Order {order.external_id}: the marketplace is told that it is accepted{rest}."

    text = engine.db.transact(shop_id, act)
    engine.ring({"orders"})
    return text


def decline_order(engine: Engine, shop_id: int, reference: str) -> str:
    """The merchant does not take an order that waits to be accepted."""

    def act(session: Session) -> str:
        order = find_order(session, reference)
        lines = session.scalars(select(OrderLine.external_id).where(OrderLine.order_id == order.id))
        acceptance.decide(session, order, list(lines), engine.clock())
        return f"Order {order.external_id}: the marketplace is told that it is declined."

    text = engine.db.transact(shop_id, act)
    engine.ring({"orders"})
    return text


def accept_cancellation(engine: Engine, shop_id: int, reference: str) -> str:
    """The merchant agrees to what the buyer of this order asks. Returns what happens now."""

    def act(session: Session) -> str:
        order = find_order(session, reference)
        for row in _asked(session, order):
            cancellations.accept_request(session, row.id, engine.clock())
        text = "the merchant agrees to the cancellation"
        records.note(session, engine.clock(), "cancellation", text, order=order.ref, connection_id=order.connection_id)
        return f"Order {order.external_id}: the marketplace is told that the cancellation is accepted."

    text = engine.db.transact(shop_id, act)
    engine.ring({"orders"})
    return text


def judge_refund(engine: Engine, shop_id: int, reference: str, *, paid: bool, number: int | None = None) -> str:
    """The merchant says whether refunds in doubt of this order were paid; if not, they are paid again."""

    def act(session: Session) -> str:
        order = find_order(session, reference)
        count = refunds.judged(session, order, paid, number, engine.clock())
        what = f"{count} refund{'s' * (count != 1)}"
        return f"Order {order.external_id}: {what} {'noted as paid' if paid else 'paid back again'}."

    text = engine.db.transact(shop_id, act)
    engine.ring({"shipments"})
    return text


def match_line(engine: Engine, shop_id: int, order_id: int, line_id: int, sku: str) -> str:
    """This line of an order is that product. The order is then read again and goes on by itself."""

    def act(session: Session) -> str:
        query = select(Order, OrderLine).join(OrderLine, OrderLine.order_id == Order.id)
        found = session.execute(query.where(Order.id == order_id, OrderLine.id == line_id).with_for_update()).first()
        if found is None:
            raise NotFound("There is no such order line.")
        order, line = found
        if line.variant_id is not None:
            raise AskMerchant("This line is matched already.", field="sku")
        line.variant_id = linking.one_variant(session, sku.strip()).id
        unmatched.settle(order, [line], create=False)
        now = engine.clock()
        text = f"line {line.title or line.sku or line.external_id} matched by hand to {sku.strip()}"
        records.note(session, now, "order", text, order=order.ref, sku=sku.strip(), connection_id=order.connection_id)
        session.flush()
        mark = Mark(order.connection_id, "orders", "orders.import", order.external_id, priority=1)
        work.mark(session, order.shop_id, [mark], now)
        return f"The line is matched to {sku.strip()}; the order goes on."

    text = engine.db.transact(shop_id, act)
    engine.ring({"orders"})
    return text


def retry(engine: Engine, shop_id: int, problem_id: int) -> str:
    """Try again what a problem is about: an order goes on, or work that was set aside is taken up again."""
    with engine.db.read(shop_id) as session:
        problem = _problem(session, problem_id)
        order = session.scalars(select(Order.ref).where(Order.ref == problem.subject)).first()
    if not can_retry(problem.kind):
        raise AskMerchant("There is nothing to try again here; follow the fix.", field="problem")
    if order is not None:
        replay(engine, shop_id, f"order:{order}")
    else:
        engine.db.transact(shop_id, _take_up, problem, engine.clock())
        engine.ring(LANES)
    return "It is tried again. The problem closes by itself when that works."


def _take_up(session: Session, problem: Problem, now: datetime) -> None:
    kind = problem.kind.removeprefix(PARKED)
    key = problem.subject.removeprefix(f"{kind} ")
    account = session.scalar(select(Connection.account).where(Connection.id == problem.connection_id))
    key = key.removeprefix(f"{account}:")
    which = [Work.connection_id == problem.connection_id, Work.kind == kind]
    one = problem.subject != of_all(problem.connection_id or 0)
    which.append(Work.key == key if one else Work.dirty_version > Work.done_version)
    session.execute(
        update(Work)
        .where(*which)
        .values(parked=False, attempts=0, due_at=now)
        .execution_options(synchronize_session=False)
    )
    records.note(session, now, "replay", f"by hand: {kind} {key}", connection_id=problem.connection_id)


def close(engine: Engine, shop_id: int, problem_id: int) -> str:
    """The merchant says that it is dealt with."""

    def act(session: Session) -> str:
        problem = _problem(session, problem_id)
        if not can_close(problem.kind):
            raise AskMerchant("This closes by itself as soon as it is mended.", field="problem")
        if problem.kind == by_hand.KIND and problem.closed_at is None:
            by_hand.entered(session, problem.subject, engine.clock())
        records.close_by_id(session, engine.clock(), problem.id)
        return "Marked as dealt with."

    return engine.db.transact(shop_id, act)


def _problem(session: Session, problem_id: int) -> Problem:
    row = session.scalars(select(Problem).where(Problem.id == problem_id)).first()
    if row is None:
        raise NotFound("There is no such problem.")
    return row
