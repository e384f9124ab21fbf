"""Units of components that were sold as a bundle, until the store's own stock has them off.

A store that takes them off by itself is waited for like any sale. Else a store order for a bundle lowers the bundle's
own number only: the components stay reserved, on every marketplace, until somebody has taken them off: a person, who
says so on the order's page, or we by writing (docs/decisions/0032-bundles.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db import records, work
from bridge.db.tables import Order, OrderLine, Reservation, Variant
from bridge.db.work import Mark
from bridge.domain.bundles import TakenBy
from bridge.flows import catalogue
from bridge.flows.draft import store_connection
from bridge.flows.engine import Engine
from bridge.flows.order_view import find_order
from bridge.ports.errors import AskMerchant

TAKE_OFF, PUT_BACK = "bundle_parts", "bundle_parts_back"


def hand_over(session: Session, order: Order, rows: Sequence[Reservation], now: datetime) -> None:
    """The store order exists: these components are in the store's number until somebody takes them off."""
    for row in rows:
        row.state, row.released_at = ("waiting", None) if row.quantity else ("released", now)
    session.flush()
    _queue(session, order, now)
    tell(session, order, now)


def _queue(session: Session, order: Order, now: datetime) -> None:
    query = select(Reservation.id).where(Reservation.order_id == order.id, Reservation.taken_by == TakenBy.BRIDGE.value)
    if session.scalar(query.limit(1)) is not None:
        mark = Mark(order.connection_id, "shipments", "parts.take", str(order.id), priority=1)
        work.mark(session, order.shop_id, [mark], now)


def tell(session: Session, order: Order, now: datetime, why: str = "") -> None:
    """What a person has still to take off for this order; closes by itself. ``why`` we could not."""
    waiting = _waiting(session, order.id)
    if not waiting:
        records.close_problem(session, now, TAKE_OFF, order.ref)
        return
    records.open_problem(
        session,
        now,
        TAKE_OFF,
        order.ref,
        f"Order {order.external_id} has sold {_names(waiting)} in a bundle; the store still counts them."
        + (f" {why}" if why else ""),
        "Take them off the stock in the store, then press Parts are taken off on the order's page. Until then they are "
        "kept back on every marketplace. Who does it by itself is said with the bundle (Settings, Cancellations and "
        "returns).",
        connection_id=order.connection_id,
        severity="warning",
    )


def _waiting(session: Session, order_id: int) -> list[tuple[int, str]]:
    """Units by SKU."""
    query = (
        select(Reservation.quantity, Variant.sku)
        .join(Variant, Variant.id == Reservation.variant_id)
        .where(Reservation.order_id == order_id, Reservation.state == "waiting", Reservation.quantity > 0)
        .where(Reservation.taken_by == TakenBy.PERSON.value)
        .order_by(Reservation.id)
    )
    return [(units, sku or "") for units, sku in session.execute(query)]


def _names(units: Sequence[tuple[int, str]]) -> str:
    return ", ".join(f"{count} x {sku}" for count, sku in units)


def taken_off(engine: Engine, shop_id: int, reference: str) -> str:
    """The merchant says that the parts of this order are off the store's stock. The next reading releases them.

    Raises AskMerchant where none wait for that.
    """

    def act(session: Session) -> str:
        order, now = find_order(session, reference), engine.clock()
        query = select(Reservation, Variant).join(Variant, Variant.id == Reservation.variant_id)
        query = query.where(Reservation.order_id == order.id, Reservation.state == "waiting")
        found = [(row, variant) for row, variant in session.execute(query.order_by(Reservation.id).with_for_update())]
        mine = [(row, variant) for row, variant in found if row.taken_by == TakenBy.PERSON.value]
        if not mine:
            text = f"No parts of order {order.external_id} wait to be taken off the stock."
            raise AskMerchant(text, field="reference")
        for row, _ in mine:
            row.state, row.placed_at, row.taken = "placed", now, row.quantity
        text = f"the merchant has taken {_names([(row.quantity, variant.sku or '') for row, variant in mine])} off"
        records.note(session, now, "order", text, order=order.ref, connection_id=order.connection_id)
        session.flush()
        tell(session, order, now)
        read_again(session, [variant for _, variant in mine], now)
        return f"Order {order.external_id}: the stock of its parts is read again."

    text = engine.db.transact(shop_id, act)
    engine.ring({"stock"})
    return text


def read_again(session: Session, variants: Sequence[Variant], now: datetime) -> None:
    platform = store_connection(session)
    if platform is not None:
        products = sorted({variant.data["product_id"] for variant in variants})
        catalogue.mark_products(session, platform.id, products, now)


def shrink(row: Reservation, line: OrderLine, now: datetime) -> bool:
    """To what is not cancelled of the line; whether that is less."""
    left = max(0, line.quantity - line.cancelled) * row.per_unit
    if row.quantity <= left:
        return False
    row.quantity = left
    if not left and row.state == "waiting":
        row.state, row.released_at = "released", now
    return True


def too_many(row: Reservation, line: OrderLine) -> int:
    """Units that were taken off and are not sold any more."""
    return max(0, row.taken - max(0, line.quantity - line.cancelled) * row.per_unit)


def follow(session: Session, order: Order, lines: Sequence[OrderLine], now: datetime, why: str = "") -> None:
    """Units of the order may be cancelled: what was taken off of their parts has to come back on the shelf, once."""
    _queue(session, order, now)
    query = select(Reservation, Variant).join(Variant, Variant.id == Reservation.variant_id)
    query = query.where(Reservation.order_id == order.id, Reservation.taken_by == TakenBy.PERSON.value)
    known = {line.id: line for line in lines}
    back: list[tuple[int, str]] = []
    for row, variant in session.execute(query.where(Reservation.taken > 0).order_by(Reservation.id)):
        units = too_many(row, known[row.order_line_id])
        row.taken -= units
        back += [(units, variant.sku or "")] if units else []
    session.flush()
    tell(session, order, now, why)
    if back:
        records.open_problem(
            session,
            now,
            PUT_BACK,
            f"{order.ref}/cancelled/{sum(line.cancelled for line in lines)}",
            f"Order {order.external_id} is cancelled: {_names(back)} of its bundle had been taken off the stock.",
            "Add them to the stock in the store, then mark this as dealt with.",
            connection_id=order.connection_id,
            severity="warning",
        )
