"""The rules of the model: a store and two marketplaces on which people buy, ship, cancel and send back, while hints
are lost or doubled, calls fail, processes die and workers wake up after others have taken over.

``Machine`` keeps no expectations of its own about the engine's insides. After each step it holds what may never be
wrong; ``come_to_rest`` lets time pass and holds what must be right in the end.
"""

from __future__ import annotations

import itertools
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import select

from bridge.db.tables import (
    Connection,
    FacetRow,
    Listing,
    Order,
    Problem,
    Reservation,
    ReturnRow,
    Submission,
    Variant,
    Work,
)
from bridge.domain.money import total
from bridge.domain.order import StoreOrderStatus
from bridge.domain.returns import RefundLine, ReturnDecision
from bridge.flows import documents, offers, plan, polls, push, returns, table
from bridge.flows.table import Scope
from bridge.ports.errors import BridgeError, RetryLater, SlowDown
from tests.support.world import MemoryMarket, World, time_out

SKUS = ("A", "B")
FIRST_STOCK = {"A": 5, "B": 2}
SET = "SET"  # a bundle, whose parts the store takes off and puts back with it
MADE_OF = {"A": 2, "B": 1}
STORE_CALLS = ("find_orders", "create_order", "fetch_products", "fetch_orders", "cancel_order", "refund_lines")
MARKET_CALLS = (
    "update_stock", "create_offers", "fetch_order", "list_orders", "confirm_shipment", "cancel_line", "decide_return", "follow",
)  # fmt: skip
WRITES = ("create_order", "cancel_order", "refund_lines", "update_stock", "create_offers", "confirm_shipment", "cancel_line", "decide_return")  # fmt: skip
POINTS = ("waiting", "before", "after")
DEAD = (StoreOrderStatus.CANCELLED,)


class Died(BaseException):
    """The process was killed here."""


@dataclass
class Asleep:
    """A worker that took work and was then forgotten by everyone: the machine was suspended."""

    wake: Callable[[], None]


@dataclass
class Machine:
    """One world and what was done to it."""

    taken_by: str = "store"
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(dir=_memory())))
    journal: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        random.seed(0)
        self.world = World(f"sqlite:///{self.folder / 'model.db'}")
        self.store, self.markets = self.world.store, self.world.markets
        self.numbers = itertools.count(1)
        self.moved: Counter[str] = Counter(FIRST_STOCK)  # what people did to the shelf, orders of ours aside
        self.asleep: list[Asleep] = []
        self.hints: list[tuple[str, str]] = []
        self.contested: set[str] = set()
        self.refunded_there: Counter[str] = Counter()
        for sku, units in FIRST_STOCK.items():
            self.store.add(sku, units)
        self.store.add(SET, 0, managed=False)
        self.store.made_of = {SET: MADE_OF} if self.taken_by == "store" else {}
        for number, market in enumerate(self.markets):
            market.delay = 5.0
            market.stock_later = number == 1
            market.on_publish = partial(self._published, number)
        with self.world.db.write(1) as session:  # what proves gone: the one asks, the other cancels
            session.get_one(Connection, len(self.markets) + 1).settings = {"no_stock": "cancel"}
        self._settle()
        self._make_bundle()
        self._settle()
        offered = [sorted(o.sku or "" for o in market.offers.values()) for market in self.markets]
        assert offered == [["A", "B", SET]] * 2

    def _make_bundle(self) -> None:
        parts = [{"sku": sku, "quantity": units} for sku, units in MADE_OF.items()]
        content = {"bundles": [{"sku": SET, "components": parts, "taken_by": self.taken_by}]}
        wish = documents.Wish(subject=documents.SHOP, kind="bundles", content=content)
        made = plan.make(self.world.engine, 1, [wish], "model")
        plan.apply(self.world.engine, 1, made["id"], "model")

    def close(self) -> None:
        self.world.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    # what people do
    def store_sets(self, sku: str, units: int) -> None:
        self.moved[sku] += units - self.store.stock(sku)
        self._tell("product", self.store.set(sku, units))

    def shop_sale(self, sku: str, units: int) -> None:
        self.store_sets(sku, max(0, self.store.stock(sku) - units))

    def sell(self, market: int, *lines: tuple[str, int], price: str = "9.99") -> str:
        return self.markets[market].buy(*lines, price=price)

    def merchant_ships(self, order: str, units: int | None = None) -> None:
        """The rest of an order, or ``units`` of its first line that is not in a parcel yet."""
        known = self.store.orders[order]
        if known.status in (*DEAD, StoreOrderStatus.COMPLETED):
            return
        packed: Counter[str] = Counter()
        for parcel in known.parcels:
            packed.update(parcel.lines)
        left = {line.external_id: line.quantity - line.refunded - packed[line.external_id] for line in known.lines}
        left = {line: rest for line, rest in left.items() if rest > 0}
        if not left:
            return
        if units is not None:
            line, rest = next(iter(left.items()))
            left_after = rest - min(units, rest) + sum(list(left.values())[1:])
            left = {line: min(units, rest)}
        else:
            left_after = 0
        self._both_sides(known.marketplace_ref or "", "ship")
        self.store.ship(order, f"3S{next(self.numbers)}", left, complete=left_after == 0)
        self._tell("order", order)

    def merchant_cancels(self, order: str) -> None:
        known = self.store.orders[order]
        if known.status in DEAD or known.parcels:
            return
        self._both_sides(known.marketplace_ref or "", "cancel")
        self.store.cancel_order(order, "by hand")
        self._tell("order", order)
        for line in known.lines:
            self._tell("product", line.variant_id)

    def merchant_refunds(self, order: str, units: int) -> None:
        """Units that are not in a parcel: a partial cancellation, done in the store."""
        known = self.store.orders[order]
        if known.status in DEAD or known.parcels:
            return
        line = known.lines[0]
        units = min(units, line.quantity - line.refunded)
        if units <= 0:
            return
        self._both_sides(known.marketplace_ref or "", "cancel")
        part = RefundLine(store_line_id=line.external_id, quantity=units)
        self.store.refund_lines(order, [part], "by hand", f"hand-{next(self.numbers)}")
        self._tell("order", order)
        self._tell("product", line.variant_id)

    def buyer_asks_to_cancel(self, market: int, order: str) -> None:
        line = self.markets[market].orders[order].lines[0]
        if line.open:
            self._both_sides(f"mem{market}:{order}", "ask")
            self.markets[market].alter(order, line.external_id, cancellation_requested=True)

    def market_cancels(self, market: int, order: str, units: int) -> None:
        line = self.markets[market].orders[order].lines[0]
        ref = f"mem{market}:{order}"
        if line.open and not any(o.parcels for o in self.store.orders.values() if o.marketplace_ref == ref):
            self._both_sides(ref, "market")
            units = min(units, line.open)
            self.markets[market].alter(order, line.external_id, cancelled=line.cancelled + units)

    def comes_back(self, market: int, order: str, units: int) -> None:
        line = self.markets[market].orders[order].lines[0]
        gone = line.shipped - sum(back.lines[0].quantity for back in self._returns(market, order))
        if gone > 0:
            self.markets[market].announce_return(order, min(units, gone))

    def decides(self, restock: bool) -> None:
        with self.world.db.write(1) as session:
            row = session.scalars(select(ReturnRow).where(ReturnRow.state == "open").order_by(ReturnRow.id)).first()
            if row is not None:
                returns.decide(session, row, ReturnDecision.ACCEPTED, row.quantity, restock, self.world.clock())

    def _returns(self, market: int, order: str) -> list[Any]:
        return [back for back in self.markets[market].backs.values() if back.lines[0].order_id == order]

    def _both_sides(self, ref: str, what: str) -> None:
        """Two sides that decide differently about one order cannot both be right; the engine then tells a person."""
        seen = {entry.split()[1] for entry in self.journal if entry.startswith(f"{ref} ")}
        self.journal.append(f"{ref} {what}")
        if len(seen | {what}) > 1:
            self.contested.add(ref)

    # what the network does
    def _tell(self, kind: str, key: str) -> None:
        self.hints.append((kind, key))

    def deliver(self, position: int, times: int) -> None:
        """A webhook that is on its way arrives: out of order, several times, or (0) never."""
        if self.hints:
            kind, key = self.hints.pop(position % len(self.hints))
            for _ in range(times):
                (self.world.hint if kind == "product" else self.world.hint_order)(key)

    def fails(self, side: int, call: str, point: str, error: BridgeError) -> None:
        self._at(side, point).setdefault(call, []).append(error)

    def meanwhile(self, side: int, call: str, point: str, act: Callable[[], None]) -> None:
        self._at(side, point).setdefault(call, []).append(act)

    def _at(self, side: int, point: str) -> dict[str, Any]:
        faults = self.store.faults if side == 0 else self.markets[side - 1].faults
        where: dict[str, Any] = getattr(faults, point)
        return where

    # what the processes do
    def run(self, position: int) -> None:
        """One worker takes one scope and does what is due in it."""
        due = self.world.due()
        if due:
            self._guarded(partial(table.run, self.world.engine, due[position % len(due)], float("inf")))

    def _guarded(self, act: Callable[[], object]) -> None:
        try:
            act()
        except Died:
            self.world.engine = self.world.new_engine()

    def sleep(self, position: int) -> None:
        """A worker claims and is suspended; whoever looks later finds an expired lease."""
        due = self.world.due()
        if due:
            scope = due[position % len(due)]
            self.asleep.append(Asleep(self._claimed(scope)))

    def _claimed(self, scope: Scope) -> Callable[[], None]:
        engine = self.world.engine
        with self.world.db.read(scope.shop_id) as session:
            row = session.get_one(table.Connection, scope.connection_id)
        if scope.topic == "work":
            _, claims = table._claim(engine, scope)
            return partial(table.handle, engine, row, claims) if claims else _nothing
        if scope.topic in ("end", "create"):
            maker = offers._Maker(engine, row, engine.channel(row))
            listings = maker.claim(scope.topic)
            return partial(maker.end if scope.topic == "end" else maker.create, listings)
        sender = push._Sender(engine, row, engine.channel(row), push.Facet(scope.topic))
        items = sender.claim(10)
        if not items:
            return _nothing

        def send() -> None:
            with ThreadPoolExecutor(1) as pool:
                sender._finish([(items, pool.submit(sender._send, items))])

        return send

    def wakes(self) -> None:
        if self.asleep:
            self._guarded(self.asleep.pop(0).wake)

    def forget(self) -> None:
        """Every process is killed."""
        self.asleep.clear()
        self.world.engine = self.world.new_engine()

    def time_passes(self, seconds: float) -> None:
        self.world.clock.advance(seconds)

    def reconcile(self) -> None:
        polls.tick(self.world.engine)

    # what must hold
    def _published(self, market: int, sku: str, units: int) -> None:
        """Right behind the fence of a write: no more than what the database knows at this moment."""
        assert 0 <= units <= self.known(sku), f"{units} of {sku} published on {market}, {self.known(sku)} known"

    def known(self, sku: str) -> int:
        if sku == SET:
            return min(self.known(part) // units for part, units in MADE_OF.items())
        with self.world.db.read(1) as session:
            variant = session.scalars(select(Variant).where(Variant.sku == sku)).one()
            held = session.scalars(
                select(Reservation.quantity).where(Reservation.pool == variant.pool, Reservation.state != "released")
            )
            return max(0, (variant.on_hand or 0) - sum(held))

    def check(self) -> None:
        self.i1_never_twice()
        self.i3_projection_is_current()
        self.i5_money()

    def i1_never_twice(self) -> None:
        refs = Counter(order.marketplace_ref for order in self.store.orders.values())
        assert max(refs.values(), default=0) <= 1, f"twice in the store: {refs}"
        for number, market in enumerate(self.markets):
            for key, parcels in market.parcels.items():
                numbers = Counter(parcel.tracking for parcel in parcels)
                assert max(numbers.values()) == 1, f"parcel confirmed twice for {number}:{key}: {numbers}"

    def i3_projection_is_current(self) -> None:
        """What is to be sent is always what the database knows: no change of stock without its consequence."""
        known = {sku: self.known(sku) for sku in (*SKUS, SET)}
        with self.world.db.read(1) as session:
            query = select(FacetRow.desired, Listing.sku).join(Listing).where(FacetRow.facet == "stock")
            for desired, sku in session.execute(query):
                assert desired["quantity"] == known[sku], f"{sku}: {desired} is wanted, {known[sku]} is known"

    def i5_money(self) -> None:
        for ref, draft in self.store.drafts.items():
            market, _, key = ref.partition(":")
            sold = self.markets[int(market[-1])].orders[key]
            lines = total([line.total for line in draft.lines], draft.currency)
            assert draft.total == (lines + draft.shipping if draft.shipping else lines)
            for line in draft.lines:
                whole = next(part for part in sold.lines if part.external_id == line.ref)
                assert line.total == whole.unit_price.times(line.quantity)

    def come_to_rest(self) -> None:
        """No more faults, every process back, every poll asked often enough."""
        for faults in (self.store.faults, *(market.faults for market in self.markets)):
            faults.clear()
        while self.asleep:
            self.wakes()
        self._settle()
        self.everything_is_dealt_with()
        self.check()
        self.at_rest()

    def everything_is_dealt_with(self) -> None:
        """What people still have to do."""

    def _settle(self) -> None:
        """Polls and jobs until a round of polls leaves nothing to wait for."""
        quiet = 0
        for _ in range(30):
            polls.tick(self.world.engine)
            self.world.drain()
            waits = self._waits_for()
            quiet = 0 if waits else quiet + 1
            if quiet == 2:
                return
            self.world.clock.advance(60 if waits else 1000)
        raise AssertionError(f"never comes to rest: {waits}")

    def _settle_once(self) -> None:
        """One round of polls and jobs, in which a process may die."""
        self.reconcile()
        for _ in range(12):
            self.run(0)

    def _waits_for(self) -> list[str]:
        with self.world.db.read(1) as session:
            pending = session.scalars(
                select(Work).where(Work.dirty_version > Work.done_version, Work.parked.is_(False))
            )
            sent = session.scalars(select(Submission).where(Submission.state == "pending"))
            unsent = session.scalars(select(FacetRow).where(FacetRow.desired_version > FacetRow.acked_version))
            unmade = session.scalars(select(Listing).where(Listing.pending))
            return [f"{row.kind} {row.key}: {row.error}" for row in pending] + [
                f"{type(row).__name__} {row.id}" for rows in (sent, unsent, unmade) for row in rows
            ]

    def at_rest(self) -> None:
        told = self._problems()
        self._nothing_is_left_over(told)
        for number, market in enumerate(self.markets):
            for key in market.orders:
                self._order_is_whole(number, market, key, told)
        self._units_are_conserved()
        there = {sku: self.store.stock(sku) for sku in SKUS}
        there[SET] = min(there[part] // units for part, units in MADE_OF.items())
        for sku, units in there.items():
            shown = [market.stock(sku) for market in self.markets]
            assert shown == [max(0, units)] * len(shown), f"{sku}: {shown}, {units}"

    def _problems(self) -> dict[str, str]:
        with self.world.db.read(1) as session:
            rows = session.scalars(select(Problem).where(Problem.closed_at.is_(None)))
            return {f"{row.kind} {row.subject}": f"{row.text} {row.detail}" for row in rows}

    def _nothing_is_left_over(self, told: dict[str, str]) -> None:
        unexpected = {
            name: text
            for name, text in told.items()
            if not name.startswith(("return_open", "return_due", "return_late"))
            and name.partition(" ")[2] not in self.contested
            and not (name.startswith("stock_gone") and any(self.store.stock(sku) < 0 for sku in SKUS))
        }
        assert not unexpected, f"problems left: {unexpected}"
        with self.world.db.read(1) as session:
            held = list(session.scalars(select(Reservation).where(Reservation.state != "released")))
            assert not [(row.pool, row.quantity, row.state) for row in held if row.quantity], "reservations left"
            pending = session.scalars(select(Work).where(Work.dirty_version > Work.done_version)).all()
            soon = self.world.clock() + timedelta(seconds=400)
            stuck = [(row.kind, row.key, row.error, row.attempts) for row in pending if row.due_at > soon or row.parked]
            assert not stuck, f"work left: {stuck}"

    def _order_is_whole(self, number: int, market: MemoryMarket, key: str, told: dict[str, str]) -> None:
        sold, ref = market.orders[key], f"mem{number}:{key}"
        mine = [order for order in self.store.orders.values() if order.marketplace_ref == ref]
        with self.world.db.read(1) as session:
            row = session.scalars(select(Order).where(Order.ref == ref)).first()
        assert row is not None, f"order {ref} was never imported"
        alive = [line for line in sold.lines if line.quantity > line.cancelled]
        assert mine or not alive, f"order {ref} is missing in the store ({row.store_state}: {row.error})"
        if ref in self.contested or not mine:
            return
        store_lines = {line.ref: line for line in mine[0].lines}
        dead = mine[0].status in DEAD
        for line in sold.lines:
            there = store_lines.get(line.external_id)
            kept = there.quantity - there.refunded if there and not dead else 0
            back = sum(units for _, units in self._decided(market, key)) if line is sold.lines[0] else 0
            assert kept == line.quantity - line.cancelled - back, f"{ref}: {kept} in the store, {line}"
        packed: Counter[str] = Counter()
        for parcel in mine[0].parcels:
            packed.update(parcel.lines)
        sent: Counter[str] = Counter()
        for confirmed in market.parcels.get(key, []):
            sent.update({part.external_id: part.quantity for part in confirmed.lines})
        for ref_, there in store_lines.items():
            assert sent[ref_ or ""] == packed[there.external_id], f"{ref}: {packed} packed, {sent} confirmed {told}"

    def _decided(self, market: MemoryMarket, key: str) -> list[tuple[ReturnDecision, int]]:
        return [market.decisions[rma] for rma, back in market.backs.items()
                if back.lines[0].order_id == key and rma in market.decisions]  # fmt: skip

    def _units_are_conserved(self) -> None:
        """The shelf holds what people put there less what left by orders: nothing was taken or given back twice."""
        expected = Counter(self.moved)
        with self.world.db.read(1) as session:
            restock = {row.external_id: row.restock for row in session.scalars(select(ReturnRow))}
        for order in self.store.orders.values():
            for line in order.lines:
                if order.status not in DEAD:
                    self._gone(expected, line.sku or "", line.quantity - line.refunded)
        for market in self.markets:
            for rma, (_, units) in market.decisions.items():
                if not restock[rma]:
                    self._gone(expected, market.backs[rma].lines[0].sku or "", units)
        for sku in SKUS:
            assert self.store.stock(sku) == expected[sku], (
                f"{sku}: {self.store.stock(sku)} on the shelf, {expected[sku]}"
            )

    @staticmethod
    def _gone(shelf: Counter[str], sku: str, units: int) -> None:
        for part, each in MADE_OF.items() if sku == SET else [(sku, 1)]:
            shelf[part] -= units * each


ERRORS: dict[str, Callable[[], BridgeError | Died]] = {
    "away": lambda: RetryLater("away"),
    "slow": lambda: SlowDown("slow down", after=timedelta(seconds=20)),
    "silent": time_out,
    "died": Died,
}


def _memory() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def _nothing() -> None:
    pass
