"""Marketplace orders are created in the store exactly once: lookup, create, record; never another on a guess."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db import work
from bridge.db.resting import at_rest
from bridge.db.tables import Connection, Order, OrderLine
from bridge.db.work import Claim
from bridge.domain.order import FulfilledBy, OrderPhase, StoreOrder
from bridge.flows import catalogue, shipping_methods
from bridge.flows.draft import draft_of
from bridge.flows.engine import Engine
from bridge.flows.holding import held
from bridge.flows.orders import placed
from bridge.flows.outcome import alive, fence, settle
from bridge.flows.steps import step
from bridge.ports.errors import BridgeError, SlowDown, Superseded, UnknownOutcome
from bridge.ports.http import about, before_write, lane
from bridge.ports.platform import Platform

A = TypeVar("A")
Made = list[tuple[Claim, StoreOrder]]
PREPARED = 2  # orders that are got ready while as many as the store takes are being created
RESTING = timedelta(seconds=30)  # then a marketplace whose orders rest is looked at again
CREATABLE = ("ready", "creating", "unknown", "failed")


def create_orders(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    """Work kind ``orders.create``, key our order id."""
    maker = _Creator(engine, row)
    with held(engine, row.shop_id, claims):
        claims = maker.still_to_do(claims)
        if not claims:
            return
        found = maker.lookup(claims)
        step("orders.create.looked_up")
        maker.record(found, "found in the store")
        known = {claim.id for claim, _ in found}
        maker.make([claim for claim in claims if claim.id not in known])
    engine.ring({"stock"})
    if maker.fault is not None:
        raise maker.fault


class _Creator:
    """``fault``: what kept the database from taking something; those orders are looked up again."""

    def __init__(self, engine: Engine, row: Connection) -> None:
        self.engine = engine
        self.row = row
        self.platform: Platform = engine.platform(row)
        self.refs: dict[int, str] = {}
        self.since: datetime | None = None
        self.fault: Exception | None = None
        self._width = engine.manifest(row).concurrency
        self._at_once = threading.Semaphore(self._width)

    def still_to_do(self, claims: list[Claim]) -> list[Claim]:
        """Claims whose order waits for creation; the others are done already."""
        with self.engine.db.read(self.row.shop_id) as session:
            resting = at_rest(Order.connection_id, "orders")
            query = select(Order.id, Order.ref, Order.store_state, Order.placed_at, Order.phase, resting)
            rows = session.execute(query.where(Order.id.in_([int(claim.key) for claim in claims]))).all()
        states = {row[0]: (row[1], row[2] if row[4] == OrderPhase.READY else "") for row in rows}
        self.refs = {key: ref for key, (ref, _) in states.items()}
        self.since = min((row[3] for row in rows), default=None)
        todo = [claim for claim in claims if states.get(int(claim.key), ("", ""))[1] in CREATABLE]
        over = [claim for claim in claims if claim not in todo]
        if over:
            self._transact(lambda session, now: work.done(session, over, now))
        held = {row[0] for row in rows if row[5]}
        later = [claim for claim in todo if int(claim.key) in held]
        if later:
            self._transact(lambda session, now: work.put_back(session, later, now + RESTING))
        return [claim for claim in todo if claim not in later]

    def lookup(self, claims: Sequence[Claim]) -> Made:
        by_ref = {self.refs[int(claim.key)]: claim for claim in claims}
        with lane("orders"):
            found = self.platform.find_orders(list(by_ref), self.since)
        return [(by_ref[ref], order) for ref, order in found.items() if ref in by_ref]

    def make(self, claims: Sequence[Claim]) -> None:
        """As many at once as the store takes. The next are announced and what came of the last is written down in one
        transaction, while the store is at work: it never waits for our database."""
        waiting, made = deque(claims), list[tuple[Claim, StoreOrder]]()
        under_way: dict[Future[StoreOrder], Claim] = {}
        with ThreadPoolExecutor(self._width + PREPARED, thread_name_prefix=f"create-{self.row.adapter}") as pool:
            while waiting or under_way or made:
                room = min(len(waiting), 2 * self._width + PREPARED - len(under_way))
                following = [waiting.popleft() for _ in range(room)]
                for claim in self._turn(made, following):
                    under_way[pool.submit(self.create, claim)] = claim
                made = self._collect(under_way)

    def _turn(self, made: Made, following: Sequence[Claim]) -> list[Claim]:
        """Returns those of ``following`` that may be created."""

        def act(session: Session, now: datetime) -> list[Claim]:
            self._write(session, made, "created in the store", now)
            return self._claim_creation(session, following, now) if following else []

        try:
            ready = self._transact(act)
        except Exception as error:  # noqa: BLE001  # one of them, which must not stop the others
            if not made:
                self.fault = self.fault or error
                return []
            self.record(made, "created in the store")
            return self._turn([], following)
        self._passed(made, following)
        return ready

    def _passed(self, made: Made, following: Sequence[Claim]) -> None:
        if made:
            step("orders.create.recorded")
        if following:
            step("orders.create.announced")

    def _collect(self, under_way: dict[Future[StoreOrder], Claim]) -> Made:
        """Waits for the first answer; returns all that are there."""
        made: Made = []
        for future in wait(under_way, return_when=FIRST_COMPLETED).done if under_way else ():
            claim = under_way.pop(future)
            error = future.exception()
            if error is None:
                made.append((claim, future.result()))
            elif isinstance(error, Exception):
                self.not_created(claim, error)
            else:
                raise error
        return made

    def _claim_creation(self, session: Session, claims: Sequence[Claim], now: datetime) -> list[Claim]:
        """An order that may be under way in the store right now (an answer never came) is waited for first."""
        ready: list[Claim] = []
        mine = work.still_mine(session, claims)
        query = select(Order).where(Order.id.in_([int(claim.key) for claim in claims])).order_by(Order.id)
        known = {order.id: order for order in session.scalars(query.with_for_update())}
        left = _anything_left(session, known)
        for claim in claims:
            order = known.get(int(claim.key))
            if order is None or claim.id not in mine:
                continue
            if order.store_state not in CREATABLE or order.phase != OrderPhase.READY:
                # seen in the store, or cancelled, since we looked
                work.done(session, [claim], now)
                continue
            until = order.tried_at + self.engine.create_patience if order.tried_at else now
            is_ours = order.tried_at == now  # this very call, whose commit nobody heard of
            if order.store_state in ("creating", "unknown") and now < until and not is_ours:
                work.put_back(session, [claim], min(until, now + timedelta(seconds=5)), "waiting for a create in doubt")
                continue
            if order.id not in left:
                order.store_state = "cancelled"
                pools = catalogue.release_order(session, order.id, now)
                catalogue.project_pools(self.engine, session, pools, now, now)
                work.done(session, [claim], now)
                continue
            order.store_state, order.tried_at = "creating", now
            order.store_method = shipping_methods.choice(session, order)
            ready.append(claim)
        session.flush()
        return ready

    def create(self, claim: Claim) -> StoreOrder:
        with self.engine.db.read(self.row.shop_id) as session:
            draft = draft_of(session, int(claim.key))
        checked = before_write(lambda: self._fence(claim))
        with self._at_once, lane("orders"), about(order=draft.ref), checked:
            created = self.platform.create_order(draft)
            step("orders.create.sent")
            return created

    def _fence(self, claim: Claim) -> None:
        if self.engine.stopping.is_set():
            raise SlowDown("Storebridge is being stopped; this goes on when it is back.")
        fence(self.engine, self.row, claim)

    def record(self, made: Made, how: str) -> None:
        """One by one: one that cannot be written down keeps no other from it."""
        for pair in made:
            try:
                self._transact(self._write_one, pair, how)
            except Exception as error:  # noqa: BLE001  # told when all others are done
                self.fault = self.fault or error
            else:
                step("orders.create.recorded")

    def _write_one(self, session: Session, now: datetime, pair: tuple[Claim, StoreOrder], how: str) -> None:
        self._write(session, [pair], how, now)

    def _write(self, session: Session, made: Made, how: str, now: datetime) -> None:
        for claim, store_order in made:
            order = session.get(Order, int(claim.key))
            if order is not None:
                placed(self.engine, session, self.row.id, order, store_order, how, now)
            work.done(session, [claim], now)
        if made:
            alive(session, self.row, now)

    def not_created(self, claim: Claim, error: Exception) -> None:
        subject = self.refs[int(claim.key)]
        if isinstance(error, Superseded):  # whoever has the work now says what becomes of the order
            settle(self.engine, [claim], error, subject)
            return
        state = "unknown" if isinstance(error, UnknownOutcome) else "ready"
        text = error.merchant if isinstance(error, BridgeError) else "This order could not be created."
        self._transact(lambda session, _now: _set_state(session, int(claim.key), state, text))
        if isinstance(error, UnknownOutcome):
            error = SlowDown(error.merchant, developer=error.developer, after=timedelta(seconds=3))
        settle(self.engine, [claim], error, subject)

    def _transact(self, act: Callable[..., A], *given: object) -> A:
        now = self.engine.clock()
        return self.engine.db.transact(self.row.shop_id, act, now, *given)


def _anything_left(session: Session, order_ids: Collection[int]) -> set[int]:
    """Which of these orders have units that are not cancelled."""
    query = select(OrderLine.order_id).where(
        OrderLine.order_id.in_(order_ids), OrderLine.quantity > OrderLine.cancelled
    )
    return set(session.scalars(query.where(OrderLine.fulfilled_by == FulfilledBy.MERCHANT.value)))


def _set_state(session: Session, order_id: int, state: str, error: str) -> None:
    order = session.get(Order, order_id)
    if order is not None and order.store_state == "creating":
        order.store_state, order.error = state, error
        if state == "ready":
            order.tried_at = None
