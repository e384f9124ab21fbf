"""Orders that the seller has to accept first: what stock covers is accepted, the rest is asked about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db import records, work
from bridge.db.tables import FacetRow, Listing, Order, OrderLine, Reservation, Variant
from bridge.db.work import Mark
from bridge.domain import stock
from bridge.domain.catalogue import StoreVariant
from bridge.domain.listing import Facet
from bridge.domain.order import FulfilledBy, OrderPhase
from bridge.domain.stock import StockPolicy
from bridge.flows.engine import Engine
from bridge.flows.submit import MAX_ROUNDS
from bridge.flows.views import channel_views
from bridge.ports.errors import AskMerchant

OPEN = ("wanted", "asked", "sending", "unknown")
PROBLEMS = ("acceptance_asked", "acceptance_refused", "parked.orders.accept")


def follow_phase(session: Session, order: Order, left: Sequence[OrderLine], now: datetime) -> set[str]:
    """The order was read: the question is open, or it is answered."""
    awaits = order.phase == OrderPhase.AWAITING_ACCEPTANCE and bool(left) and order.store_state != "skipped"
    if not awaits:
        if order.accept_state not in ("", "done"):
            order.accept_state = "done"
            close_problems(session, order, now)
        return set()
    if order.accept_state:
        return set()
    order.accept_state = "wanted"
    return queue(session, order, now)


def close_problems(session: Session, order: Order, now: datetime) -> None:
    for kind in PROBLEMS:
        records.close_problem(session, now, kind, order.ref)


def queue(session: Session, order: Order, now: datetime, wait: timedelta = timedelta(0)) -> set[str]:
    mark = Mark(order.connection_id, "orders", "orders.accept", str(order.id), priority=1, due_at=now + wait)
    work.mark(session, order.shop_id, [mark], now)
    return {"orders"}


def decide(session: Session, order: Order, refused: Sequence[str], now: datetime) -> set[str]:
    """The merchant's word: everything is accepted but the lines ``refused``. Raises AskMerchant."""
    if order.phase != OrderPhase.AWAITING_ACCEPTANCE or order.accept_state in ("", "done", "submitted"):
        raise AskMerchant(f"Order {order.external_id} does not wait to be accepted.", field="reference")
    known = set(session.scalars(select(OrderLine.external_id).where(OrderLine.order_id == order.id)))
    if strange := [line for line in refused if line not in known]:
        raise AskMerchant(f"Order {order.external_id} has no line {strange[0]!r}.", field="line")
    order.accept_state, order.accept_refused, order.accept_rounds = "wanted", list(refused), 0
    close_problems(session, order, now)
    text = "the merchant declines the order" if known <= set(refused) else "the merchant accepts the order"
    records.note(session, now, "order", text, order=order.ref, connection_id=order.connection_id)
    return queue(session, order, now)


def _policy(engine: Engine, session: Session, order: Order) -> StockPolicy:
    """The stock settings of the order's channel (and site)."""
    views = channel_views(engine, session, order.connection_id)
    found = [view for view in views if view.site == order.site] or views
    return found[0].shape.policy if found else StockPolicy()


def uncovered(engine: Engine, session: Session, order: Order) -> list[OrderLine]:
    """Lines that no single product stands for, or whose units are not there beside what others have reserved."""
    query = (
        select(OrderLine, Variant)
        .outerjoin(Variant, Variant.id == OrderLine.variant_id)
        .where(OrderLine.order_id == order.id, OrderLine.fulfilled_by == FulfilledBy.MERCHANT.value)
        .order_by(OrderLine.id)
    )
    rows: list[tuple[OrderLine, Variant | None]] = [(line, variant) for line, variant in session.execute(query)]
    lines = [(line, variant) for line, variant in rows if line.quantity > line.cancelled]
    policy = _policy(engine, session, order)
    needs = _needs(session, order.id)
    taken = [row for found in needs.values() for row, _ in found]
    pools = {variant.pool for _, variant in lines if variant is not None} | {row.pool for row in taken}
    others = _reserved_by_others(session, order.id, pools)
    missing = []
    for line, variant in lines:
        wanted = line.quantity - line.cancelled
        parts = [(row, units * wanted) for row, units in needs.get(line.id, ())]
        goods = [(variant, wanted), *parts] if variant is not None else []
        if not goods or len(parts) < len(line.bundle.get("parts", ())) or not _covered(goods, others, policy):
            missing.append(line)
            continue
        for row, units in goods:
            others[row.pool] += units
    return missing


def _needs(session: Session, order_id: int) -> dict[int, list[tuple[Variant, int]]]:
    """What bundles take beside themselves, by line: each component with its units in one."""
    query = (
        select(Reservation.order_line_id, Variant, Reservation.per_unit)
        .join(Variant, Variant.id == Reservation.variant_id)
        .join(OrderLine, OrderLine.id == Reservation.order_line_id)
        .where(Reservation.order_id == order_id, Reservation.variant_id != OrderLine.variant_id)
    )
    found: dict[int, list[tuple[Variant, int]]] = {}
    for line_id, variant, units in session.execute(query):
        found.setdefault(line_id, []).append((variant, units))
    return found


def _covered(goods: Sequence[tuple[Variant, int]], others: Counter[str], policy: StockPolicy) -> bool:
    if any(row.deleted_at is not None for row, _ in goods):
        return False
    before: Counter[str] = Counter()
    for row, units in goods:
        reading = StoreVariant.model_validate(row.data).stock
        if not stock.covers(reading, others[row.pool] + before[row.pool], units, policy):
            return False
        before[row.pool] += units
    return True


def underpriced(session: Session, order: Order, percent: int | None) -> list[OrderLine]:
    """Lines sold for less than ``percent`` of the price that was last told for them, or with none told."""
    if not percent:
        return []
    rows = session.execute(
        select(OrderLine, FacetRow.acked)
        .outerjoin(
            Listing,
            (Listing.variant_id == OrderLine.variant_id)
            & (Listing.connection_id == order.connection_id)
            & (Listing.site == order.site),
        )
        .outerjoin(FacetRow, (FacetRow.listing_id == Listing.id) & (FacetRow.facet == Facet.PRICE.value))
        .where(OrderLine.order_id == order.id, OrderLine.quantity > OrderLine.cancelled)
        .order_by(OrderLine.id)
    )
    return [line for line, known in rows if not _pays(line, order.currency, known, percent)]


def _pays(line: OrderLine, currency: str, known: dict[str, Any] | None, percent: int) -> bool:
    if not known or known["currency"] != currency:
        return False
    return Decimal(line.unit_price) * 100 >= Decimal(known["amount"]) * percent


def _reserved_by_others(session: Session, order_id: int, pools: set[str]) -> Counter[str]:
    query = select(Reservation.pool, Reservation.quantity).where(
        Reservation.pool.in_(pools), Reservation.state != "released", Reservation.order_id != order_id
    )
    units: Counter[str] = Counter()
    for pool, quantity in session.execute(query):
        units[pool] += quantity
    return units


def answered(session: Session, order: Order, good: bool, message: str, now: datetime) -> None:
    """The marketplace has taken the answer, or refused or lost it: then the order is read again and decides."""
    if order.accept_state == "done":
        return
    if good:
        order.accept_state, order.error = "done", None
        close_problems(session, order, now)
        text = f"order {order.external_id} is answered on the marketplace"
        records.note(session, now, "order", text, order=order.ref, connection_id=order.connection_id)
        mark = Mark(order.connection_id, "orders", "orders.import", order.external_id, priority=1)
        work.mark(session, order.shop_id, [mark], now)
    elif order.accept_rounds < MAX_ROUNDS:
        order.accept_state, order.error = "unknown", message
        queue(session, order, now, timedelta(seconds=5 * 4**order.accept_rounds))
    else:
        order.accept_state, order.error = "failed", message
        records.open_problem(
            session,
            now,
            "acceptance_refused",
            order.ref,
            f"The marketplace did not take our answer to order {order.external_id}: {message}",
            "Press Try again, or answer it in the marketplace's own portal.",
            connection_id=order.connection_id,
        )


def again(order: Order) -> bool:
    """By hand: whether there is an answer to send (again)."""
    if order.phase != OrderPhase.AWAITING_ACCEPTANCE or order.accept_state in ("", "done", "submitted"):
        return False
    if order.accept_state == "failed":
        order.accept_state, order.accept_rounds = "wanted", 0
    return True
