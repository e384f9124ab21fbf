"""Answering an order that waits to be accepted: decided, sent once, followed by reading the order again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db import records, work
from bridge.db.tables import Connection, Order, OrderLine
from bridge.db.work import Claim, Mark
from bridge.flows import acceptance
from bridge.flows.engine import Engine
from bridge.flows.orders import keep_current
from bridge.flows.outcome import fence
from bridge.flows.steps import step
from bridge.flows.submit import MAX_ROUNDS, submit
from bridge.flows.withdrawn import withdrawn
from bridge.ports.channel import ItemResult, Outcome
from bridge.ports.errors import NotFound, RetryLater, UnknownOutcome
from bridge.ports.http import about, before_write, lane

SETTING = "acceptance"
LEAST = "acceptance_price"
LOOK_AGAIN = timedelta(minutes=5)
REREAD = timedelta(seconds=20)


def accept(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    """Work kind ``orders.accept``, key our order id. The order is read again first: it may be answered already."""
    claim = claims[0]
    with engine.db.read(row.shop_id) as session:
        order = session.get(Order, int(claim.key))
    if order is None or order.accept_state not in acceptance.OPEN:
        engine.db.transact(row.shop_id, work.done, claims, engine.clock())
        return
    channel = engine.channel(row)
    with lane("orders"), about(order=order.ref):
        try:
            current = channel.fetch_order(order.external_id)
        except NotFound:  # it was offered to somebody else meanwhile, or our answer did arrive
            engine.ring(engine.db.transact(row.shop_id, _gone, engine, row, claim, order.external_id, engine.clock()))
            return
        keep_current(engine, row, current)
        refused = engine.db.transact(row.shop_id, _decided, engine, row, claim, engine.clock())
        if refused is None:
            return
        step("orders.accept.announced")
        try:
            with before_write(lambda: fence(engine, row, claim)):
                result = channel.accept_order(current, refused)
        except UnknownOutcome as error:
            engine.db.transact(row.shop_id, _in_doubt, claim, error, engine.clock())
            return
    step("orders.accept.sent")
    engine.db.transact(row.shop_id, _answered, row, claim, result, engine.clock())
    step("orders.accept.recorded")
    engine.ring({"orders", "shipments"})


def _gone(session: Session, engine: Engine, row: Connection, claim: Claim, external_id: str, now: datetime) -> set[str]:
    work.done(session, [claim], now)
    return withdrawn(engine, session, row, external_id, now)


def _decided(session: Session, engine: Engine, row: Connection, claim: Claim, now: datetime) -> list[str] | None:
    """The lines to refuse, and the order is announced as being answered; None: it is not answered now."""
    order = session.scalars(select(Order).where(Order.id == int(claim.key)).with_for_update()).one()
    if order.accept_state not in acceptance.OPEN:
        work.done(session, [claim], now)
        return None
    refused = order.accept_refused
    if refused is None:
        missing = acceptance.uncovered(engine, session, order)
        percent = row.settings.get(LEAST, engine.manifest(row).policies.acceptance_price)
        cheap = acceptance.underpriced(session, order, percent)
        how = row.settings.get(SETTING, "covered")
        if how == "ask" or (how == "covered" and (missing or cheap)):
            _ask(
                session,
                row,
                order,
                missing,
                now,
                f"{_names(cheap)} is sold below {percent} % of your price" * bool(cheap),
            )
            if how == "ask":
                work.done(session, [claim], now)
            else:  # stock may come in before the time is up
                work.put_back(session, [claim], now + LOOK_AGAIN)
            return None
        records.close_problem(session, now, "acceptance_asked", order.ref)
    order.accept_state = "sending"
    return list(refused or [])


def _names(lines: Sequence[OrderLine]) -> str:
    return ", ".join(line.sku or line.gtin or line.title or line.external_id for line in lines)


def _ask(
    session: Session, row: Connection, order: Order, missing: Sequence[OrderLine], now: datetime, cheap: str = ""
) -> None:
    if order.accept_state == "asked":
        return
    order.accept_state = "asked"
    until = f" before {order.accept_by:%d %b %Y %H:%M} UTC" if order.accept_by else ""
    reasons = [f"{_names(missing)} is not in stock or no product of the store"] if missing else []
    why = ": " + "; ".join([*reasons, *([cheap] if cheap else [])]) if reasons or cheap else ""
    records.open_problem(
        session,
        now,
        "acceptance_asked",
        order.ref,
        f"Order {order.external_id} on {row.title} waits to be accepted{until}{why}.",
        "Accept or decline it on the order's page (or run: storebridge accept-order, storebridge decline-order).",
        connection_id=row.id,
    )


def _in_doubt(session: Session, claim: Claim, error: UnknownOutcome, now: datetime) -> None:
    order = session.get_one(Order, int(claim.key))
    order.accept_state, order.error = "unknown", error.merchant
    work.put_back(session, [claim], now + REREAD, str(error))


def _answered(session: Session, row: Connection, claim: Claim, result: ItemResult, now: datetime) -> None:
    order = session.get_one(Order, int(claim.key))
    order.accept_rounds += 1
    if result.outcome is Outcome.RETRY:
        raise RetryLater(result.message, after=result.after)
    if result.outcome is Outcome.SUBMITTED and result.submission:
        order.accept_state = "submitted"
        submit(session, row, "acceptance", order.id, result.submission, now)
    elif result.outcome is Outcome.SUBMITTED:  # nothing to follow: the order itself tells
        order.accept_state = "unknown"
        work.put_back(session, [claim], now + REREAD)
        return
    else:
        good = result.outcome is Outcome.APPLIED
        order.accept_rounds = order.accept_rounds if good else MAX_ROUNDS
        acceptance.answered(session, order, good, result.message, now)
        if result.becomes:
            text = f"order {order.external_id} goes on as {result.becomes}"
            records.note(session, now, "order", text, order=order.ref, connection_id=row.id)
            work.mark(
                session, order.shop_id, [Mark(row.id, "orders", "orders.import", result.becomes, priority=0)], now
            )
    work.done(session, [claim], now)
