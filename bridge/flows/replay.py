"""Doing it again by hand: a stored delivery's subject is read anew, an order's journey is picked up where it is.

Safe at any time: marks carry a key, never a payload, and every step looks before it acts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from bridge.db import work
from bridge.db.records import note
from bridge.db.tables import Cancellation, Connection, Delivery, Order, ParcelRow, RefundRow, ReturnRow
from bridge.db.work import Mark
from bridge.flows import acceptance, acknowledging, trying
from bridge.flows.engine import LANES, Engine
from bridge.flows.wish import DISCONNECTED
from bridge.ports.errors import AskMerchant

CREATABLE = ("ready", "creating", "unknown", "failed", "held")
UNDER_WAY = ("sending", "unknown")
Step = tuple[Mark, str]


@dataclass(frozen=True)
class Replayed:
    """``what`` was found, and what is done again: one sentence each."""

    what: str
    done: tuple[str, ...]


def replay(engine: Engine, shop_id: int, reference: str, channel: str | None = None) -> Replayed:
    """``reference``: a delivery's number, an order by its number here, on the marketplace or in the store.

    ``delivery:12`` and ``order:12`` say which is meant. An order that was never seen is imported when
    ``channel`` names the marketplace account. Raises AskMerchant when nothing or more than one thing is meant.
    """
    kind, _, name = reference.strip().partition(":")
    kind, name = (kind, name) if kind in ("delivery", "order") else ("", reference.strip())
    if not name:
        raise AskMerchant("Name a delivery or an order.", field="reference")
    replayed = engine.db.transact(shop_id, lambda session: _replay(engine, session, kind, name, channel))
    engine.ring(LANES)
    return replayed


def _replay(engine: Engine, session: Session, kind: str, name: str, channel: str | None) -> Replayed:
    delivery = _delivery(session, name) if kind != "order" else None
    orders = _orders(session, name, channel) if kind != "delivery" else []
    if len(orders) > 1 or (orders and delivery is not None):
        names = sorted(f"order:{order.ref}" for order in orders)
        names += [f"delivery:{name}"] if delivery is not None else []
        raise AskMerchant(f"{name} may mean {' or '.join(names)}: write it like this.", field="reference")
    if delivery is not None:
        return _again_delivery(engine, session, delivery)
    if orders:
        return _again_order(engine, session, orders[0])
    if kind != "delivery" and channel is not None:
        return _fetch_order(engine, session, name, channel)
    raise AskMerchant(
        f"There is no delivery and no order {name!r} here. To import an order that was never seen, name its "
        "marketplace with --channel.",
        field="reference",
    )


def _delivery(session: Session, name: str) -> Delivery | None:
    if not name.isdecimal() or len(name) > 15:
        return None
    return session.scalars(select(Delivery).where(Delivery.id == int(name))).first()


def _orders(session: Session, name: str, channel: str | None) -> list[Order]:
    query = select(Order).join(Connection, Connection.id == Order.connection_id)
    query = query.where(or_(Order.external_id == name, Order.ref == name, Order.store_number == name))
    if channel is not None:
        query = query.where(or_(Connection.account == channel, Connection.adapter == channel))
    return list(session.scalars(query.order_by(Order.id)))


def _again_delivery(engine: Engine, session: Session, delivery: Delivery) -> Replayed:
    now = engine.clock()
    if delivery.topic == trying.TOPIC:
        raise AskMerchant("This was a test event; nothing follows from it.", field="delivery")
    if delivery.topic.startswith("inventory"):
        mark = Mark(delivery.connection_id, "stock", "pool.read", delivery.external_id, priority=3)
        done = f"the products whose stock is kept under {delivery.external_id} are read from the store again"
    elif any(word in delivery.topic for word in ("order", "fulfillment", "refund")):
        mark = Mark(delivery.connection_id, "orders", "store_order.read", delivery.external_id)
        done = f"order {delivery.external_id} is read from the store again"
    else:
        mark = Mark(delivery.connection_id, "stock", "product.read", delivery.external_id, priority=3)
        done = f"product {delivery.external_id} is read from the store again, and every listing brought in line"
    work.mark(session, delivery.shop_id, [mark], now)
    note(session, now, "replay", done, connection_id=delivery.connection_id, delivery=delivery.id)
    when = f"{delivery.received_at:%Y-%m-%d %H:%M:%S} UTC"
    return Replayed(f"delivery {delivery.id}, {delivery.topic}, received {when}", (done,))


def _again_order(engine: Engine, session: Session, order: Order) -> Replayed:
    now = engine.clock()
    platform = _platform(session)
    steps = [
        (
            Mark(order.connection_id, "orders", "orders.import", order.external_id, priority=2),
            "read from the marketplace again",
        )
    ]
    if platform is not None:
        steps += _store_steps(order, platform.id)
    steps += [*_acceptance(order), *_acknowledgement(engine, session, order), *_refunds(session, order)]
    steps += [*_parcels(session, order), *_cancellations(session, order), *_returns(session, order)]
    session.flush()
    work.mark(session, order.shop_id, [mark for mark, _ in steps], now)
    done = tuple(text for _, text in steps)
    note(session, now, "replay", f"by hand: {'; '.join(done)}", order=order.ref, connection_id=order.connection_id)
    return Replayed(f"order {order.ref}, {order.store_state} in the store", done)


def _store_steps(order: Order, platform_id: int) -> list[Step]:
    steps = []
    if order.store_state in CREATABLE:
        mark = Mark(platform_id, "orders", "orders.create", str(order.id), priority=1)
        steps.append((mark, "looked up in the store, and created when it is not there"))
    if order.store_order_id:
        mark = Mark(platform_id, "orders", "store_order.read", order.store_order_id)
        steps.append((mark, f"store order {order.store_number} read again, with its parcels"))
    return steps


def _acceptance(order: Order) -> Iterator[Step]:
    if acceptance.again(order):
        mark = Mark(order.connection_id, "orders", "orders.accept", str(order.id), priority=1)
        yield mark, "answered on the marketplace, where it waits to be accepted"


def _acknowledgement(engine: Engine, session: Session, order: Order) -> Iterator[Step]:
    if acknowledging.is_wanted(engine, session, order):
        yield acknowledging.mark(order), "said to be in the store"


def _refunds(session: Session, order: Order) -> Iterator[Step]:
    query = select(RefundRow).where(
        RefundRow.order_id == order.id, RefundRow.state.in_((*UNDER_WAY, "wanted", "failed"))
    )
    for row in session.scalars(query.order_by(RefundRow.id)):
        if row.state == "failed":
            row.state, row.rounds = "wanted", 0
        text = f"{row.amount} {order.currency} paid back on the marketplace"
        yield Mark(row.connection_id, "shipments", "refund.send", str(row.id), priority=2), text


def _parcels(session: Session, order: Order) -> Iterator[Step]:
    """Parcels on their way to the marketplace; one that was refused gets a new chance."""
    query = select(ParcelRow).where(
        ParcelRow.order_id == order.id, ParcelRow.state.in_((*UNDER_WAY, "ready", "failed"))
    )
    for row in session.scalars(query.order_by(ParcelRow.id)):
        if row.state == "failed":
            row.state, row.rounds = "ready", 0
        text = f"parcel {row.number or row.ref} confirmed on the marketplace"
        yield Mark(row.connection_id, "shipments", "parcel.confirm", str(row.id), priority=1), text


def _cancellations(session: Session, order: Order) -> Iterator[Step]:
    states = (*UNDER_WAY, "wanted", "failed")
    query = select(Cancellation).where(Cancellation.order_id == order.id, Cancellation.state.in_(states))
    for row in session.scalars(query.order_by(Cancellation.id)):
        if row.state == "failed":
            row.state, row.rounds = "wanted", 0
        text = f"cancellation of {row.quantity} sent to the marketplace"
        yield Mark(row.connection_id, "orders", "cancel.send", str(row.id), priority=1), text


def _returns(session: Session, order: Order) -> Iterator[Step]:
    query = select(ReturnRow).where(
        ReturnRow.connection_id == order.connection_id, ReturnRow.order_external_id == order.external_id
    )
    for row in session.scalars(query.order_by(ReturnRow.id)):
        if row.state == "failed" and row.decision is not None:
            row.state, row.rounds = "decided", 0
        if row.state in (*UNDER_WAY, "decided"):
            text = f"decision on return {row.external_id} sent to the marketplace"
            yield Mark(row.connection_id, "shipments", "return.decide", str(row.id), priority=1), text
        elif row.store_state == "wanted":
            text = f"return {row.external_id} entered in the store's books"
            kind = "return.refund" if row.decided_quantity == 0 else "return.store"  # the refund brings the store along
            yield Mark(row.connection_id, "shipments", kind, str(row.id)), text


def _platform(session: Session) -> Connection | None:
    query = select(Connection).where(Connection.role == "platform", Connection.state != DISCONNECTED)
    return session.scalars(query.order_by(Connection.id)).first()


def _fetch_order(engine: Engine, session: Session, name: str, channel: str) -> Replayed:
    query = select(Connection).where(Connection.role == "channel", Connection.state != DISCONNECTED)
    query = query.where(or_(Connection.account == channel, Connection.adapter == channel))
    rows = session.scalars(query).all()
    if len(rows) != 1:
        accounts = ", ".join(sorted(session.scalars(select(Connection.account).where(Connection.role == "channel"))))
        raise AskMerchant(
            f"{channel!r} names no single marketplace account; there are: {accounts or 'none'}.", field="channel"
        )
    now = engine.clock()
    work.mark(session, rows[0].shop_id, [Mark(rows[0].id, "orders", "orders.import", name, priority=2)], now)
    done = f"order {name} is looked up on {rows[0].title} and imported when it exists there"
    note(session, now, "replay", done, order=f"{rows[0].account}:{name}", connection_id=rows[0].id)
    return Replayed(f"order {name}, never seen before", (done,))
