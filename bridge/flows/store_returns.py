"""Returns in the store. One that is announced on a marketplace is told there before anything is decided: as a return
where the store keeps them, else as a note in the order. Once it is accepted the units are taken back there, with their
refund; when nothing comes of it the store's return is ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db import records, work
from bridge.db.tables import Connection, Order, OrderLine, RefundRow, ReturnRow
from bridge.db.work import Claim, Mark
from bridge.domain.money import Money
from bridge.domain.order import StoreOrder
from bridge.domain.returns import RefundLine, ReturnCause, ReturnNotice, StoreReturn
from bridge.flows import refunds, return_notes
from bridge.flows.draft import store_connection
from bridge.flows.engine import Engine
from bridge.flows.outcome import fence
from bridge.flows.steps import step
from bridge.flows.store_side import read_store_order, remember_refunds, reread
from bridge.ports.errors import UnknownOutcome
from bridge.ports.http import about, before_write, lane
from bridge.ports.manifest import Capability

IN_DOUBT = timedelta(seconds=30)


def queue(session: Session, item: ReturnRow, now: datetime) -> None:
    """Once it is known which order it is of."""
    if item.order_line_id is not None:
        _mark(session, item, "return.note", now)


def sent(engine: Engine, session: Session, store: Connection, lines: Sequence[OrderLine], now: datetime) -> set[str]:
    """Units of these lines have left the store: what came back before it knew that can be a return there now."""
    if not lines or Capability.RETURNS not in engine.manifest(store).capabilities:
        return set()
    query = select(ReturnRow).where(
        ReturnRow.order_line_id.in_([line.id for line in lines]),
        ReturnRow.state == "open",
        ReturnRow.store_return_id == "",
    )
    waiting = session.scalars(query).all()
    for item in waiting:
        queue(session, item, now)
    return {"shipments"} if waiting else set()


def left_untracked(lines: Sequence[OrderLine], store_order: StoreOrder) -> list[OrderLine]:
    """Of these units are in a parcel that carries no number: the marketplace is not told of it, and yet they left."""
    named = {line for parcel in store_order.parcels if not parcel.number for line in parcel.lines}
    return [line for line in lines if line.store_line_id in named]


def end(session: Session, item: ReturnRow, now: datetime) -> None:
    """Nothing comes back, or no more is to be done about it."""
    if item.order_line_id is not None:
        _mark(session, item, "return.end", now)


def _mark(session: Session, item: ReturnRow, kind: str, now: datetime) -> None:
    work.mark(session, item.shop_id, [Mark(item.connection_id, "shipments", kind, str(item.id))], now)


def ref_of(order: Order, item: ReturnRow) -> str:
    """Our reference of a return, and of its refund, in the store."""
    return f"{order.ref}/return/{item.id}"


@dataclass(frozen=True)
class _Known:
    """A return whose order is in the store. ``taken``: the store's ids of the order's other returns."""

    item: ReturnRow
    line: OrderLine
    order: Order
    store: Connection
    taken: tuple[str, ...]


def _known(session: Session, claim: Claim) -> _Known | None:
    item = session.get(ReturnRow, int(claim.key))
    line = session.get(OrderLine, item.order_line_id) if item and item.order_line_id else None
    order = session.get(Order, line.order_id) if line else None
    store = store_connection(session)
    if item is None or line is None or order is None or not order.store_order_id or store is None:
        return None
    query = select(ReturnRow.store_return_id).join(OrderLine, OrderLine.id == ReturnRow.order_line_id)
    query = query.where(OrderLine.order_id == order.id, ReturnRow.id != item.id, ReturnRow.store_return_id != "")
    return _Known(item, line, order, store, tuple(session.scalars(query)))


def tell_store(engine: Engine, row: Connection, claims: Sequence[Claim]) -> None:
    """Work kind ``return.note``, key our return id. The store keeps the same return, and adds the same note, once."""
    claim = claims[0]
    with engine.db.read(row.shop_id) as session:
        known = _known(session, claim)
    made = StoreReturn()
    if known is not None and known.item.state == "open":
        try:
            with lane("shipments"), about(order=known.order.ref), before_write(lambda: fence(engine, row, claim)):
                made = _tell(engine, known, row.title)
        except UnknownOutcome as error:
            engine.db.transact(row.shop_id, work.put_back, [claim], engine.clock() + IN_DOUBT, str(error))
            return
    step("return.note.sent")
    engine.db.transact(row.shop_id, _told, claim, made, engine.clock())
    step("return.note.recorded")
    engine.ring({"shipments"})


def _tell(engine: Engine, known: _Known, channel: str) -> StoreReturn:
    platform, number = engine.platform(known.store), str(known.order.store_order_id)
    made = StoreReturn()
    if Capability.RETURNS in engine.manifest(known.store).capabilities and known.line.store_line_id:
        made = platform.announce_return(number, _notice(known, channel))
    if not made.external_id:
        platform.add_note(number, f"{return_notes.words(known.item, channel)} {made.why}".strip())
    return made


def _notice(known: _Known, channel: str) -> ReturnNotice:
    item = known.item
    return ReturnNotice(
        ref=ref_of(known.order, item), store_line_id=str(known.line.store_line_id), quantity=item.quantity,
        cause=ReturnCause(item.cause), words=return_notes.words(item, channel), requested_at=item.registered_at,
        known=item.store_return_id, taken=known.taken,
    )  # fmt: skip


def _told(session: Session, claim: Claim, made: StoreReturn, now: datetime) -> None:
    item = session.get(ReturnRow, int(claim.key))
    if item is not None and made.external_id and item.store_return_id != made.external_id:
        item.store_return_id, item.store_return_name = made.external_id, made.name
        kept = f"return {item.external_id} is kept in the store as {made.name}"
        there = f"return {item.external_id} was in the store already, as {made.name}"
        records.note(session, now, "return", there if made.was_there else kept, sku=item.sku)
    if item is not None and made.external_id and item.state == "closed":
        end(session, item, now)  # decided while it was being told
    work.done(session, [claim], now)


def end_in_store(engine: Engine, row: Connection, claims: Sequence[Claim]) -> None:
    """Work kind ``return.end``, key our return id."""
    claim = claims[0]
    with engine.db.read(row.shop_id) as session:
        known = _known(session, claim)
    if known is not None and Capability.RETURNS in engine.manifest(known.store).capabilities:
        with lane("shipments"), about(order=known.order.ref), before_write(lambda: fence(engine, row, claim)):
            ref = ref_of(known.order, known.item)
            engine.platform(known.store).drop_return(str(known.order.store_order_id), ref)
    step("return.end.sent")
    engine.db.transact(row.shop_id, work.done, claims, engine.clock())


def refund_in_store(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    """Work kind ``return.store``, key our return id: the refund in the store's books, units back by rule."""
    claim = claims[0]
    with engine.db.read(row.shop_id) as session:
        item = session.get(ReturnRow, int(claim.key))
        line = session.get(OrderLine, item.order_line_id) if item and item.order_line_id else None
        order = session.get(Order, line.order_id) if line else None
        platform_row = store_connection(session)
        given = _given_back(session, order, line, item) if order and line and item else None
    good = item is not None and item.store_state == "wanted"
    after: StoreOrder | None = None
    if good and item and given and order and platform_row and order.store_order_id:
        try:
            with lane("shipments"), about(order=order.ref), before_write(lambda: fence(engine, row, claim)):
                after = _take_back(engine, platform_row, order, item, given)
        except UnknownOutcome as error:
            until = engine.clock() + IN_DOUBT
            engine.db.transact(row.shop_id, work.put_back, [claim], until, str(error))
            return
    step("return.store.sent")
    engine.db.transact(row.shop_id, _refunded, claim, line, order, after, engine.clock())
    step("return.store.recorded")
    engine.ring({"stock"})


def _take_back(
    engine: Engine, store: Connection, order: Order, item: ReturnRow, given: RefundLine
) -> StoreOrder | None:
    """By the return that the store keeps, where it keeps any. Parts of a bundle are an amount, and no return."""
    platform, number = engine.platform(store), str(order.store_order_id)
    reason, ref = f"Return {item.external_id}: {item.reason}", ref_of(order, item)
    keeps = Capability.RETURNS in engine.manifest(store).capabilities
    if keeps and given.amount is None:
        return platform.accept_return(number, item.store_return_id, given, reason, ref)
    if given.amount is None or given.amount.amount:
        after: StoreOrder | None = platform.refund_lines(number, [given], reason, ref)
    else:  # parts that cost nothing
        after = next(iter(platform.fetch_orders([number])), None)
    if keeps:
        platform.drop_return(number, ref)
    return after


def _given_back(session: Session, order: Order, line: OrderLine, item: ReturnRow) -> RefundLine | None:
    """In the store: the units, or the amount that was paid for parts of them."""
    if line.store_line_id is None:
        return None
    if item.decided_quantity != 0:
        units = item.decided_quantity or item.quantity
        restock = item.restock and not line.without_product
        return RefundLine(store_line_id=line.store_line_id, quantity=units, restock=restock)
    ref = f"{order.ref}/{refunds.name_of(item)}"
    query = select(RefundRow.amount).where(RefundRow.order_id == order.id, RefundRow.ref == ref)
    amount = Money.of(session.scalar(query) or "0", order.currency)
    return RefundLine(store_line_id=line.store_line_id, quantity=0, restock=False, amount=amount)


def _refunded(
    session: Session, claim: Claim, line: OrderLine | None, order: Order | None, after: StoreOrder | None, now: datetime
) -> None:
    item = session.get(ReturnRow, int(claim.key))
    if item is not None and item.store_state == "wanted":
        item.store_state = "done" if after is not None else "unmatched"
        item.state, item.closed_at = "closed", now
        if after is not None and line is not None and order is not None:
            remember_refunds(session, [line.id], after)
            reread(session, order, now)
            read_store_order(session, order, now)
        else:
            records.open_problem(
                session,
                now,
                "return_unmatched",
                f"return {item.external_id}",
                f"Return {item.external_id} belongs to no order that is known here; the store was not changed.",
                "Refund and restock it in the store by hand.",
                connection_id=item.connection_id,
                severity="warning",
            )
    work.done(session, [claim], now)
