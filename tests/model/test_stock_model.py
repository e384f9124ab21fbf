"""Any order of sales, changes, parcels, cancellations, faults and crashes: units, orders and money stay right.

``MODEL_EXAMPLES`` and ``MODEL_STEPS`` make it longer (it is deterministic unless ``MODEL_RANDOM`` is set).
"""

from __future__ import annotations

import os

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.model.machine import ERRORS, MARKET_CALLS, POINTS, SET, SKUS, STORE_CALLS, WRITES, Machine
from tests.model.people import ByHand

pytestmark = pytest.mark.timeout(1800)

UNITS = st.integers(1, 3)
WHICH = st.integers(0, 9)
SIDES = st.integers(0, 1)


class StockModel(RuleBasedStateMachine):
    machine: type[Machine] = Machine

    def __init__(self) -> None:
        super().__init__()
        self.m = self.machine()

    def teardown(self) -> None:
        try:
            self.m.come_to_rest()
        finally:
            self.m.close()

    # people
    @rule(sku=st.sampled_from(SKUS), units=st.integers(0, 8))
    def store_sets(self, sku: str, units: int) -> None:
        self.m.store_sets(sku, units)

    @rule(sku=st.sampled_from(SKUS), units=UNITS)
    def shop_sale(self, sku: str, units: int) -> None:
        self.m.shop_sale(sku, units)

    @rule(side=SIDES, sku=st.sampled_from(SKUS), units=UNITS)
    def sell(self, side: int, sku: str, units: int) -> None:
        self.m.sell(side, (sku, units))

    @rule(side=SIDES, units=UNITS)
    def sell_both(self, side: int, units: int) -> None:
        self.m.sell(side, ("A", units), ("B", 1))

    @rule(side=SIDES, units=st.integers(1, 2))
    def sell_bundle(self, side: int, units: int) -> None:
        self.m.sell(side, (SET, units))

    def _store_order(self, which: int) -> str:
        keys = list(self.m.store.orders)
        return keys[which % len(keys)]

    def _market_order(self, which: int) -> tuple[int, str]:
        keys = [(number, key) for number, market in enumerate(self.m.markets) for key in market.orders]
        return keys[which % len(keys)]

    def has_store_order(self) -> bool:
        return bool(self.m.store.orders)

    def has_order(self) -> bool:
        return any(market.orders for market in self.m.markets)

    @precondition(has_store_order)
    @rule(which=WHICH, units=st.none() | st.integers(1, 2))
    def merchant_ships(self, which: int, units: int | None) -> None:
        self.m.merchant_ships(self._store_order(which), units)

    @precondition(has_store_order)
    @rule(which=WHICH)
    def merchant_cancels(self, which: int) -> None:
        self.m.merchant_cancels(self._store_order(which))

    @precondition(has_store_order)
    @rule(which=WHICH, units=st.integers(1, 2))
    def merchant_refunds(self, which: int, units: int) -> None:
        self.m.merchant_refunds(self._store_order(which), units)

    @precondition(has_order)
    @rule(which=WHICH)
    def buyer_asks_to_cancel(self, which: int) -> None:
        self.m.buyer_asks_to_cancel(*self._market_order(which))

    @precondition(has_order)
    @rule(which=WHICH, units=st.integers(1, 2))
    def market_cancels(self, which: int, units: int) -> None:
        self.m.market_cancels(*self._market_order(which), units)

    @precondition(has_order)
    @rule(which=WHICH, units=st.integers(1, 2))
    def comes_back(self, which: int, units: int) -> None:
        self.m.comes_back(*self._market_order(which), units)

    @precondition(has_order)
    @rule(restock=st.booleans())
    def decides(self, restock: bool) -> None:
        self.m.decides(restock)

    # the network
    @rule(position=WHICH, times=st.integers(0, 3))
    def deliver(self, position: int, times: int) -> None:
        self.m.deliver(position, times)

    @rule(data=st.data(), side=st.integers(0, 2), point=st.sampled_from(POINTS), how=st.sampled_from(sorted(ERRORS)))
    def call_fails(self, data: st.DataObject, side: int, point: str, how: str) -> None:
        call = data.draw(st.sampled_from(STORE_CALLS if side == 0 else MARKET_CALLS))
        if how == "silent" and (call not in WRITES or point == "waiting"):
            how = "away"
        if how in ("away", "slow") and point == "after":
            how = "silent" if call in WRITES else "away"
        self.m.fails(side, call, point, ERRORS[how]())  # type: ignore[arg-type]

    @rule(data=st.data(), side=st.integers(0, 2), point=st.sampled_from(POINTS), which=WHICH)
    def meanwhile(self, data: st.DataObject, side: int, point: str, which: int) -> None:
        """While a call is on its way, something else happens."""
        call = data.draw(st.sampled_from(STORE_CALLS if side == 0 else MARKET_CALLS))
        name = data.draw(
            st.sampled_from(["run", "run twice", "sell", "stock", "hint", "market cancels", "store cancels", "refund"])
        )
        self.m.meanwhile(side, call, point, lambda: self._meanwhile(name, which))

    def _meanwhile(self, name: str, which: int) -> None:
        m = self.m
        if name == "run":
            m.run(which)
        elif name == "run twice":
            m.run(which)
            m.run(which + 1)
        elif name == "sell":
            key = m.sell(which % 2, ("A", 1))
            m.world.mark("orders", "orders.import", key, connection=2 + which % 2)
            m.run(0)
        elif name == "stock":
            m.store_sets("A", which % 4)
            m.deliver(len(m.hints) - 1, 1)
            m.run(0)
        elif name == "hint":
            for position in range(len(m.hints)):
                m.deliver(position, 1)
            m.run(which)
        elif name == "market cancels" and self.has_order():
            number, key = self._market_order(which)
            m.market_cancels(number, key, 1)
            m.world.mark("orders", "orders.import", key, connection=2 + number)
            m.run(which)
        elif name in ("store cancels", "refund") and self.has_store_order():
            order = self._store_order(which)
            m.merchant_cancels(order) if name == "store cancels" else m.merchant_refunds(order, 1)
            m.world.hint_order(order)
            m.run(which)

    # the processes
    @rule(positions=st.lists(WHICH, min_size=1, max_size=6))
    def run_some_jobs(self, positions: list[int]) -> None:
        for position in positions:
            self.m.run(position)

    @rule(position=WHICH)
    def sleep(self, position: int) -> None:
        self.m.sleep(position)

    @rule()
    def wakes(self) -> None:
        self.m.wakes()

    @rule()
    def crash(self) -> None:
        self.m.forget()

    @rule(seconds=st.sampled_from([1, 7, 50, 330]))
    def time_passes(self, seconds: int) -> None:
        self.m.time_passes(seconds)

    @rule()
    def reconcile(self) -> None:
        self.m.reconcile()

    @rule()
    def an_hour_of_peace(self) -> None:
        """Polls and jobs run undisturbed for a while (whatever faults were set are met on the way)."""
        self.m.reconcile()
        for _ in range(12):
            self.m.run(0)

    @invariant()
    def holds(self) -> None:
        self.m.check()


class ByHandModel(StockModel):
    machine = ByHand

    @precondition(StockModel.has_store_order)
    @rule(which=WHICH)
    def takes_parts_off(self, which: int) -> None:
        assert isinstance(self.m, ByHand)
        self.m.takes_off(which)

    @rule()
    def puts_parts_back(self) -> None:
        assert isinstance(self.m, ByHand)
        self.m.puts_back()


EXAMPLES = int(os.environ.get("MODEL_EXAMPLES", "12"))
LENGTH = settings(
    max_examples=EXAMPLES,
    stateful_step_count=int(os.environ.get("MODEL_STEPS", "30")),
    deadline=None,
    derandomize="MODEL_RANDOM" not in os.environ,
    database=None,
    print_blob=False,
    phases=(Phase.generate, Phase.shrink) if "MODEL_SHRINK" in os.environ else (Phase.generate,),
    suppress_health_check=list(HealthCheck),
)
TestStockModel = StockModel.TestCase
TestStockModel.settings = LENGTH
TestByHandModel = ByHandModel.TestCase
TestByHandModel.settings = settings(LENGTH, max_examples=max(1, EXAMPLES // 3))
