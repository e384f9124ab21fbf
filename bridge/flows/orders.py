"""Marketplace orders: pulled by cursor with overlap, stored and reserved once; what follows when the store has one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from bridge.db import records, work
from bridge.db.bulk import update_rows
from bridge.db.tables import Connection, Order, OrderLine, Poll, Reservation, Variant
from bridge.db.work import Claim, Mark
from bridge.domain.bundles import TakenBy
from bridge.domain.money import Money, total
from bridge.domain.order import FulfilledBy, MarketplaceOrder, StoreOrder
from bridge.flows import acknowledging, catalogue, intake_order, part_units, returns, unkept, unmatched
from bridge.flows.draft import share
from bridge.flows.engine import Engine
from bridge.flows.outcome import alive, settle
from bridge.flows.paging import pages
from bridge.flows.steps import step
from bridge.flows.withdrawn import taken_over, withdrawn
from bridge.ports.channel import OrderRef
from bridge.ports.errors import AskMerchant, NotFound
from bridge.ports.http import about, lane

A = TypeVar("A")
B = TypeVar("B")
FIRST_LOOK = timedelta(hours=1)
TOGETHER = 10


def pull(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    """Work kind ``orders.pull``, key ``changes`` or ``open``: find orders that are new or changed."""
    claim = claims[0]
    started = engine.clock()
    channel, flow = engine.channel(row), f"orders.{claim.key}"
    since = _since(engine, row, flow)
    found = 0
    with lane("orders"):
        read = channel.list_open_orders if claim.key == "open" else lambda cursor: channel.list_orders(since, cursor)
        for page in pages(read):
            found += engine.db.transact(row.shop_id, _mark_new, row, page, claim.key == "open", engine.clock())
            step("orders.pull.marked")
            engine.db.transact(row.shop_id, work.renew, claims, engine.clock())
    engine.db.transact(row.shop_id, lambda session: _pulled(engine, session, row, flow, started, found, claims))
    if found:
        engine.ring({"orders"})


def _since(engine: Engine, row: Connection, flow: str) -> datetime:
    """Where the last complete answer began, less the overlap; the first time, the connection's own beginning."""
    polling = engine.manifest(row).polling.get("orders")
    overlap = timedelta(seconds=polling.overlap if polling else 600)
    with engine.db.read(row.shop_id) as session:
        poll = session.scalars(select(Poll).where(Poll.connection_id == row.id, Poll.flow == flow)).first()
    since = poll.cursor.get("since") if poll is not None else None
    return (datetime.fromisoformat(since) if since else row.created_at - FIRST_LOOK) - overlap


def _mark_new(session: Session, row: Connection, refs: Sequence[OrderRef], are_open: bool, now: datetime) -> int:
    ids = [ref.external_id for ref in refs]
    query = select(Order.external_id, Order.fingerprint, Order.id).where(
        Order.connection_id == row.id, Order.external_id.in_(ids)
    )
    known = {item[0]: (item[1], item[2]) for item in session.execute(query)}
    changed = [ref for ref in refs if known.get(ref.external_id, ("", 0))[0] != ref.mark]
    seen = [{"id": known[ref.external_id][1], "fingerprint": ref.mark} for ref in changed if ref.external_id in known]
    update_rows(session, Order, seen)  # from here on the mark below is what remembers the change
    wanted = {ref.external_id for ref in changed} | set(unkept.suspects(session, row, ids, now) if are_open else ())
    marks = [Mark(row.id, "orders", "orders.import", ref, priority=2, wake=False) for ref in sorted(wanted)]
    work.mark(session, row.shop_id, marks, now)
    return len(wanted)


def _pulled(
    engine: Engine, session: Session, row: Connection, flow: str, started: datetime, found: int, claims: list[Claim]
) -> None:
    now = engine.clock()
    poll = session.scalars(select(Poll).where(Poll.connection_id == row.id, Poll.flow == flow)).first()
    if poll is not None:
        # The watermark is the time before the first page was asked for: what changed while paging is seen again.
        poll.cursor = {"since": started.isoformat()}
        poll.last_ok_at, poll.last_count, poll.error = now, found, None
    alive(session, row, now)
    work.done(session, claims, now)


def import_orders(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    """Work kind ``orders.import``: read orders whole, store them once, reserve, lower every other listing."""
    channel = engine.channel(row)

    def fetch(claim: Claim) -> MarketplaceOrder | Exception:
        with lane("orders"), about(order=f"{row.account}:{claim.key}"):
            order = channel.fetch_order(claim.key)
        names = {line.external_id for line in order.lines} - {""}
        if not names or len(names) < len(order.lines):  # taken as it is, something of it would never be sent
            text = f"{row.title} tells order {claim.key} without its lines, or several under one name."
            raise AskMerchant(f"{text} It is asked for again.")
        return order

    answers = _together(fetch, claims, engine.manifest(row).concurrency)
    step("orders.import.fetched")
    good = [(claim, order) for claim, order in answers if isinstance(order, MarketplaceOrder)]
    lanes = _store_each(engine, row, good)
    step("orders.import.stored")
    for claim, answer in answers:
        if isinstance(answer, NotFound):
            lanes |= engine.db.transact(row.shop_id, _not_there, engine, row, claim, engine.clock())
        elif isinstance(answer, Exception):
            settle(engine, [claim], answer, f"{row.account}:{claim.key}")
    if lanes:
        engine.ring(lanes)


def _not_there(session: Session, engine: Engine, row: Connection, claim: Claim, now: datetime) -> set[str]:
    work.done(session, [claim], now)
    return withdrawn(engine, session, row, claim.key, now)


def _store_each(engine: Engine, row: Connection, good: Sequence[tuple[Claim, MarketplaceOrder]]) -> set[str]:
    """Few in one transaction, so that nobody who wants to write waits long; when one order is poison, one by one, so
    that it is set aside alone."""
    if len(good) > TOGETHER:
        lanes = _store_each(engine, row, good[:TOGETHER])
        return lanes | _store_each(engine, row, good[TOGETHER:])
    if not good:
        return set()
    try:
        return engine.db.transact(row.shop_id, lambda session: _store(engine, session, row, good))
    except Exception as error:  # noqa: BLE001  # one order's poison must not stop the others
        if len(good) == 1:
            settle(engine, [good[0][0]], error, f"{row.account}:{good[0][0].key}")
            return set()
    return set().union(*(_store_each(engine, row, [pair]) for pair in good))


def _store(
    engine: Engine, session: Session, row: Connection, good: Sequence[tuple[Claim, MarketplaceOrder]]
) -> set[str]:
    now = engine.clock()
    mine = work.still_mine(session, [claim for claim, _ in good])
    kept = [(claim, order) for claim, order in good if claim.id in mine]
    lanes, pools = intake_order.store(engine, session, row, [order for _, order in kept], now)
    lanes |= taken_over(engine, session, row, [order for _, order in kept], now)
    event_at = min((claim.first_marked_at for claim, _ in kept), default=now)
    lanes |= catalogue.project_pools(engine, session, sorted(pools), now, event_at)
    work.done(session, [claim for claim, _ in kept], now)
    alive(session, row, now)
    return lanes


def keep_current(engine: Engine, row: Connection, current: MarketplaceOrder) -> None:
    """An order that was read on the way to something else: stored like any other, with all that follows."""

    def act(session: Session) -> set[str]:
        now = engine.clock()
        lanes, pools = intake_order.store(engine, session, row, [current], now)
        return lanes | catalogue.project_pools(engine, session, sorted(pools), now, now)

    lanes = engine.db.transact(row.shop_id, act)
    if lanes:
        engine.ring(lanes)


def _together(act: Callable[[A], B], items: Sequence[A], width: int) -> list[tuple[A, B | Exception]]:
    """``act`` on each item, up to ``width`` at once; an exception is that item's result."""

    def safe(item: A) -> B | Exception:
        try:
            return act(item)
        except Exception as error:  # noqa: BLE001  # it is that item's result
            return error

    if len(items) < 2:
        return [(item, safe(item)) for item in items]
    with ThreadPoolExecutor(min(width, len(items))) as pool:
        return list(zip(items, pool.map(safe, items), strict=True))


def placed(
    engine: Engine,
    session: Session,
    platform_id: int,
    order: Order,
    store_order: StoreOrder,
    how: str,
    now: datetime,
) -> None:
    """The store order exists: link it, hand its units over to the store's own stock, flag a differing total; and the
    marketplace is told where it wants to know."""
    order.store_order_id, order.store_number = store_order.external_id, store_order.number
    order.store_link, order.store_status = store_order.link, store_order.raw_status
    order.store_total, order.store_state, order.error = str(store_order.total.amount), "created", None
    order.created_at = order.created_at or now
    lines = _link_lines(session, order, store_order)
    absorbed(session, platform_id, order, store_order, now)
    mended = ["parked.orders.create", "order_held"]
    if _total_is_right(session, order, lines, store_order, now):
        mended.append("order_total")
    if any(line.cancelled > line.restocked for line in lines):  # cancelled while the store was making the order
        work.mark(session, order.shop_id, [Mark(order.connection_id, "orders", "cancel.store", str(order.id))], now)
    unmatched.tell(session, order, lines, store_order.number, now)
    acknowledging.queue(engine, session, order, now)
    returns.rematch(session, order, lines, now)
    text = f"order {order.external_id} {how} as {store_order.number}"
    records.note(session, now, "order", text, order=order.ref, connection_id=platform_id)
    records.close_of(session, now, order.ref, mended)


def _link_lines(session: Session, order: Order, store_order: StoreOrder) -> list[OrderLine]:
    lines = list(session.scalars(select(OrderLine).where(OrderLine.order_id == order.id).order_by(OrderLine.id)))
    by_ref = {line.ref: line for line in store_order.lines if line.ref}
    for line in lines:
        match = by_ref.get(line.external_id)
        if match is not None:
            line.store_line_id = match.external_id
            line.restocked = max(line.restocked, line.quantity - match.quantity)
        elif by_ref:
            line.restocked = max(line.restocked, line.cancelled)  # cancelled before the store order was made
    session.flush()
    return lines


def absorbed(session: Session, platform_id: int, order: Order, store_order: StoreOrder, now: datetime) -> None:
    """Reservations wait for the next reading of each product, or end at once where the store counts nothing. What a
    store does not take off by itself of a bundle's components stays reserved (bridge/flows/part_units.py)."""
    reduced = {line.ref: line.reduced for line in store_order.lines if line.ref}
    sold = aliased(Variant)
    query = (
        select(Reservation, OrderLine, Variant, sold)
        .join(OrderLine, OrderLine.id == Reservation.order_line_id)
        .join(Variant, Variant.id == Reservation.variant_id)
        .join(sold, sold.id == func.coalesce(OrderLine.variant_id, Reservation.variant_id))
        .where(Reservation.order_id == order.id, Reservation.state == "open")
        .order_by(Reservation.id)
    )
    products: set[str] = set()
    left: list[Reservation] = []
    for held, line, variant, own in session.execute(query).all():
        if _counts(variant):
            if held.taken_by != TakenBy.STORE.value:
                if part_units.shrink(held, line, now):  # cancelled while the store was making the order
                    products.add(variant.data["product_id"])
                left.append(held)
                continue
            if _counts(own) and not reduced.get(line.external_id):
                continue  # the store has not taken it off (yet): keep it reserved
        held.state, held.placed_at = "placed", now
        products.add(variant.data["product_id"])
    session.flush()
    catalogue.mark_products(session, platform_id, sorted(products), now)
    if left:
        part_units.hand_over(session, order, left, now)


def _counts(variant: Variant) -> bool:
    """Whether the store counts its stock."""
    return bool(variant.data.get("stock", {}).get("managed"))


def _total_is_right(
    session: Session, order: Order, lines: Sequence[OrderLine], store_order: StoreOrder, now: datetime
) -> bool:
    """Against the money of the units that the store order was made with."""
    made = {part.ref: part.quantity for part in store_order.lines if part.ref}
    ours = [line for line in lines if line.fulfilled_by == FulfilledBy.MERCHANT.value]
    parts = [
        share(Money.of(line.total, order.currency), made.get(line.external_id, line.quantity), line.quantity)
        for line in ours
        if line.external_id in made or not made
    ]
    shipping = [Money.of(order.shipping, order.currency)] if order.shipping else []
    expected = total([*parts, *shipping], order.currency).quantised()
    if store_order.total.quantised() == expected:
        return True
    text = (
        f"The store made {store_order.total.text()} of order {order.external_id}; "
        f"the marketplace says {expected.text()}."
    )
    fix = "Check the tax settings of the store: marketplace prices include VAT and are authoritative."
    records.open_problem(
        session, now, "order_total", order.ref, text, fix, severity="warning", connection_id=order.connection_id
    )
    return False
