"""The whole behaviour of the engine on one screen: which kind of work is done by whom, in which lane.

Jobs know only this module: what is pending (``scopes``), do it (``run``), when is more due (``next_due``).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, select
from sqlalchemy.exc import SQLAlchemyError

from bridge.db import work
from bridge.db.session import Asks, core_execute
from bridge.db.tables import Connection
from bridge.db.work import Claim
from bridge.flows import (
    accepting,
    account,
    acknowledging,
    by_hand,
    cancellations,
    cancelled,
    catalogue,
    creating,
    feeds,
    follow,
    forgetting,
    gone,
    image_rounds,
    matching,
    needs,
    offers,
    orders,
    proof,
    push,
    pushed,
    rates,
    reconcile,
    refunds,
    refusing,
    resend,
    returns,
    safety,
    shelf,
    ship,
    standing,
    store_returns,
    taking,
)
from bridge.flows.engine import LANES, Engine
from bridge.flows.outcome import settle, went_well
from bridge.flows.steps import step
from bridge.log import Repeated

log = logging.getLogger("storebridge.flows")
_away = logging.getLogger("storebridge.flows.database")
_away.addFilter(Repeated())  # a full disk refuses every attempt: a line for each would fill what is left of it
_ADAPTER = select(Connection.role, Connection.adapter).where(Connection.id == bindparam("connection"))
Act = Callable[[Engine, Connection, list[Claim]], None]


@dataclass(frozen=True)
class Handler:
    """``act`` does up to ``batch`` claims of one kind; what it does not finish or settle it raises about."""

    act: Act
    batch: int = 1


HANDLERS: Mapping[str, Handler] = {
    "product.read": Handler(catalogue.read_products, 100),
    "pool.read": Handler(catalogue.read_pools, 100),
    "project.connection": Handler(catalogue.project_connection),
    "listings.resend": Handler(resend.everything),
    "orders.pull": Handler(orders.pull),
    "orders.import": Handler(orders.import_orders, 25),
    "orders.accept": Handler(accepting.accept),
    "orders.create": Handler(creating.create_orders, work.CLAIM),
    "stock.gone": Handler(gone.look_again),
    "orders.acknowledge": Handler(acknowledging.acknowledge),
    "store_order.read": Handler(ship.read_store_orders, 50),
    "parcel.confirm": Handler(by_hand.confirm_parcel),
    "follow": Handler(follow.follow),
    "cancel.send": Handler(cancellations.send_cancellation),
    "cancel.refuse": Handler(refusing.send_refusal),
    "cancel.store": Handler(cancelled.cancel_in_store),
    "returns.pull": Handler(returns.pull_returns),
    "return.note": Handler(store_returns.tell_store),
    "return.end": Handler(store_returns.end_in_store),
    "return.decide": Handler(returns.send_decision),
    "return.store": Handler(store_returns.refund_in_store),
    "return.shelf": Handler(shelf.put_back),
    "parts.take": Handler(taking.follow),
    "return.refund": Handler(refunds.of_return),
    "refund.send": Handler(refunds.send),
    "poll.products": Handler(reconcile.poll_products),
    "poll.variants": Handler(reconcile.sweep_variants),
    "poll.catalogue": Handler(reconcile.sweep_catalogue),
    "poll.store_orders": Handler(reconcile.poll_store_orders),
    "poll.webhooks": Handler(reconcile.audit_webhooks),
    "poll.offers": Handler(reconcile.read_back),
    "poll.status": Handler(reconcile.read_status),
    "poll.retention": Handler(reconcile.retire),
    forgetting.KIND: Handler(forgetting.named, work.CLAIM),
    "poll.push": Handler(pushed.ensure),
    matching.KIND: Handler(matching.compare),
    "poll.rates": Handler(rates.refresh),
    "poll.images": Handler(image_rounds.refresh),
    "poll.requirements": Handler(needs.refresh),
    "poll.categories": Handler(needs.refresh_tree),
    "safe.project": Handler(safety.follow_listings),
    "poll.standing": Handler(standing.keep_standing),
    "poll.check": Handler(account.check),
    "poll.score": Handler(account.keep_score),
    "poll.proof": Handler(proof.run),
    "poll.feed": Handler(feeds.watch),
    "feed.write": Handler(feeds.write),
}


@dataclass(frozen=True)
class Scope:
    """What one thread works on: the work rows, one facet, or the offers of one connection."""

    shop_id: int
    connection_id: int
    lane: str
    topic: str


def scopes(engine: Engine, lane: str) -> Iterator[Scope]:
    """Everything of a lane that is due and unclaimed, most urgent kind first. What is found can be begun before the
    rest is looked for."""
    now = engine.clock()
    with engine.db.glance(None) as session:
        for scope in _scopes(session, lane, now):
            if _can_be_done(engine, session, scope.connection_id):
                yield scope


def _can_be_done(engine: Engine, session: Asks, connection_id: int) -> bool:
    """What waits for an adapter that is not installed keeps waiting, and holds up nothing else."""
    if connection_id in engine.installed:
        return True
    row = core_execute(session, _ADAPTER, {"connection": connection_id}).first()
    if row is None or not engine.is_installed(row):
        return False
    engine.installed.add(connection_id)
    return True


def _scopes(session: Asks, lane: str, now: datetime) -> Iterator[Scope]:
    for shop, connection, _ in work.pending_scopes(session, lane, now):
        yield Scope(shop, connection, lane, "work")
    if lane in ("stock", "content"):
        for source in (push, offers):
            for shop, connection, topic in source.pending_scopes(session, lane, now):
                yield Scope(shop, connection, lane, topic)


def lanes_with_work(engine: Engine) -> set[str]:
    """For the sweeper: lanes whose bell should be ringing."""
    now = engine.clock()
    with engine.db.glance(None) as session:
        found = {lane for _, _, lane in work.pending_scopes(session, None, now)}
        for lane in ("stock", "content"):
            if push.pending_scopes(session, lane, now) or offers.pending_scopes(session, lane, now):
                found.add(lane)
    return found & set(LANES)


def next_due(engine: Engine, lane: str) -> datetime | None:
    """When the next item of a lane falls due, if within three seconds."""
    with engine.db.glance(None) as session:
        return work.next_due(session, lane, engine.clock() + timedelta(seconds=3))


def run(engine: Engine, scope: Scope, deadline: float) -> None:
    """Do what is due in a scope until nothing is left or ``deadline`` (time.monotonic) has passed. Never raises."""
    try:
        if scope.topic == "work":
            _run_work(engine, scope, deadline)
        elif scope.topic in ("end", "create"):
            offers.run(engine, scope.shop_id, scope.connection_id, scope.topic, deadline)
        elif not feeds.run(engine, scope.shop_id, scope.connection_id, scope.topic):
            push.run(engine, scope.shop_id, scope.connection_id, scope.topic, deadline)
    except SQLAlchemyError as error:
        _away.warning("the database does not take what is done; it is done again: %s", getattr(error, "orig", error))
    except Exception:
        log.exception("scope %s broke off; its leases run out and it is done again", scope)


def _run_work(engine: Engine, scope: Scope, deadline: float) -> None:
    while not engine.stopping.is_set() and time.monotonic() < deadline:
        row, claims = _claim(engine, scope)
        if row is None or not claims:
            return
        step("work.claimed")
        handle(engine, row, claims)
        if len(claims) < _batch(claims[0].kind):  # whoever looks next finds what is left, of other kinds too
            return


def _claim(engine: Engine, scope: Scope) -> tuple[Connection | None, list[Claim]]:
    """What is to be done next, and of which connection."""
    return engine.db.take(scope.shop_id, _take, scope, engine.clock())


def _take(session: Asks, scope: Scope, now: datetime) -> tuple[Connection | None, list[Claim]]:
    row = work.connection(session, scope.connection_id)
    if row is None or row.state != "active":  # set aside since the scope was found: not one call more
        return None, []
    return row, work.claim(session, scope.lane, row.id, now, _batch)


def _batch(kind: str) -> int:
    """How many claims of a kind are done at once."""
    return HANDLERS[kind].batch if kind in HANDLERS else 1


def handle(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    """Run the handler of these claims (all of one kind); an error becomes what happens next."""
    handler = HANDLERS.get(claims[0].kind)
    try:
        if handler is None:
            raise LookupError(f"no handler for work of kind {claims[0].kind!r}")
        handler.act(engine, row, claims)
        step("work.done")
        went_well(engine, row, claims)
    except Exception as error:  # noqa: BLE001  # settle decides what each kind means
        log.warning("%s of connection %s: %s", claims[0].kind, row.id, error)
        settle(engine, claims, error)
