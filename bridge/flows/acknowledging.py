"""Telling a marketplace that its order is in the store, where it wants to know."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from bridge.db import records, work
from bridge.db.tables import Connection, Order
from bridge.db.work import Claim, Mark
from bridge.flows.engine import Engine
from bridge.flows.outcome import fence
from bridge.flows.steps import step
from bridge.ports.channel import ItemResult, Outcome
from bridge.ports.errors import RetryLater, UnknownOutcome
from bridge.ports.http import about, before_write, lane

AGAIN = timedelta(seconds=20)
REFUSED = "acknowledgement_refused"


def is_wanted(engine: Engine, session: Session, order: Order) -> bool:
    """Whether there is a store order to tell of, and somebody who wants to be told."""
    channel = session.get_one(Connection, order.connection_id)
    return bool(order.store_number) and engine.manifest(channel).acknowledge


def mark(order: Order) -> Mark:
    return Mark(order.connection_id, "orders", "orders.acknowledge", str(order.id), priority=2)


def queue(engine: Engine, session: Session, order: Order, now: datetime) -> None:
    if is_wanted(engine, session, order):
        work.mark(session, order.shop_id, [mark(order)], now)


def acknowledge(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    """Work kind ``orders.acknowledge``, key our order id. The order is read again first: it may be known there."""
    claim = claims[0]
    with engine.db.read(row.shop_id) as session:
        order = session.get(Order, int(claim.key))
    if order is None or not order.store_number:
        engine.db.transact(row.shop_id, work.done, claims, engine.clock())
        return
    channel = engine.channel(row)
    with lane("orders"), about(order=order.ref):
        current = channel.fetch_order(order.external_id)
        try:
            with before_write(lambda: fence(engine, row, claim)):
                result = channel.acknowledge_order(current, order.store_number)
        except UnknownOutcome as error:
            engine.db.transact(row.shop_id, work.put_back, claims, engine.clock() + AGAIN, str(error))
            return
    step("orders.acknowledge.sent")
    engine.db.transact(row.shop_id, _answered, claim, order, result, engine.clock())
    step("orders.acknowledge.recorded")


def _answered(session: Session, claim: Claim, order: Order, result: ItemResult | None, now: datetime) -> None:
    if result is not None and result.outcome is Outcome.RETRY:
        raise RetryLater(result.message, after=result.after)
    if result is not None and result.outcome in (Outcome.REJECTED, Outcome.MISSING):
        records.open_problem(
            session,
            now,
            REFUSED,
            order.ref,
            f"The marketplace could not be told that order {order.external_id} is in the store: {result.message}",
            "Press Retry; if it is refused again, take the order over in the marketplace's own portal.",
            connection_id=order.connection_id,
        )
    else:
        if result is not None:
            text = f"order {order.external_id} is known to the marketplace as {order.store_number}"
            records.note(session, now, "order", text, order=order.ref, connection_id=order.connection_id)
        records.close_problem(session, now, REFUSED, order.ref)
    work.done(session, [claim], now)
