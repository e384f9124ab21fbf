"""A2, A15, A16, P7: one marketplace of several is stormed, a marketplace is away for hours, we are away for days."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from bridge.db.tables import Order, Problem, Work
from bridge.flows import draft
from bridge.flows.watching import Watching
from bridge.ports.errors import RetryLater, SlowDown
from tests.support.world import Faults, MemoryMarket, World

pytestmark = pytest.mark.timeout(120)


class Away(Faults):
    """Nobody answers while ``error`` is set; ``calls`` counts who tried."""

    def __init__(self) -> None:
        super().__init__()
        self.error: RetryLater | None = None
        self.calls: Counter[str] = Counter()

    def write(self, operation: str) -> None:
        super().write(operation)
        self._try(operation)

    def check_before(self, operation: str) -> None:
        if operation not in self.calls or self.error is not None:
            self._try(operation)
        super().check_before(operation)

    def _try(self, operation: str) -> None:
        self.calls[operation] += 1
        if self.error is not None:
            raise self.error


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    world = World(database_url, markets=3)
    for number in range(12):
        world.store.add(f"S{number}", 50)
    world.settle(60, step=60)
    yield world
    world.close()


@pytest.fixture
def small(database_url: str) -> Iterator[World]:
    world = World(database_url, markets=1)
    for number in range(4):
        world.store.add(f"S{number}", 50)
    world.settle(60, step=60)
    yield world
    world.close()


def away(market: MemoryMarket) -> Away:
    market.faults = Away()
    return market.faults


def conclude(world: World) -> None:
    refs = Counter(order.marketplace_ref for order in world.store.orders.values())
    sold = [f"mem{n}:{key}" for n, market in enumerate(world.markets) for key in market.orders]
    assert sorted(refs) == sorted(sold)
    assert set(refs.values()) <= {1}
    assert world.store.creates == len(sold)
    shelf = {v.sku: v.stock.on_hand for p in world.store.products.values() for v in p.variants}
    for market in world.markets:
        assert {offer.sku: offer.stock for offer in market.offers.values()} == shelf
    with world.db.read(1) as session:
        assert session.scalar(select(func.count()).select_from(Work).where(Work.parked)) == 0


def test_a2_a_storm_of_429_on_one_marketplace_keeps_no_other(world: World) -> None:
    stormed = away(world.markets[0])
    stormed.error = SlowDown("fewer calls", after=timedelta(minutes=10))
    for number in range(12):
        world.hint(world.store.set(f"S{number}", 7))
    world.drain()
    for market in world.markets[1:]:
        assert {offer.stock for offer in market.offers.values()} == {7}, "told without any time passing"
    assert {offer.stock for offer in world.markets[0].offers.values()} == {50}
    calls = stormed.calls.total()
    assert calls <= 12
    world.settle(300, step=30)
    assert stormed.calls["update_stock"] <= calls, "who asks for ten minutes has them"
    stormed.error = None
    world.settle(900, step=60)
    conclude(world)


@pytest.mark.both_databases
def test_a15_a_marketplace_that_was_away_for_six_hours_is_caught_up_with(small: World) -> None:
    """Parcels and stock wait, calls become rare, and nobody comes back all at once."""
    world, market = small, small.markets[0]
    keys = [market.buy((f"S{number}", 2)) for number in range(3)]
    world.settle(400, step=100)
    gone = away(market)
    gone.error = RetryLater("nobody answers")
    made = {str(order.marketplace_ref).partition(":")[2]: number for number, order in world.store.orders.items()}
    for key in keys:
        world.store.ship(made[key], f"3S{key}")
        world.hint_order(made[key])
    for number in range(4):
        world.hint(world.store.set(f"S{number}", 30 + number))
    world.settle(6 * 3600, step=600)
    rounds = 6 * 12
    assert gone.calls["confirm_shipment"] <= len(keys) * (rounds + 12)
    assert gone.calls["update_stock"] <= 4 * (rounds + 12)
    with world.db.read(1) as session:
        due = list(session.scalars(select(Work.due_at).where(Work.lane == "shipments", Work.error.is_not(None))))
        assert len(due) >= len(keys)
        assert len(set(due)) == len(due), "each at a moment of its own"
        assert session.scalar(select(func.count()).select_from(Work).where(Work.parked)) == 0, "hours are no reason"
    Watching(world.engine).look()
    with world.db.read(1) as session:
        told = set(session.scalars(select(Problem.kind).where(Problem.closed_at.is_(None))))
    assert told >= {"stale", "stock_stuck"}
    market.buy(("S0", 1))
    gone.error = None
    world.settle(900, step=100)
    assert all(len(market.parcels[key]) == 1 for key in keys)
    conclude(world)
    Watching(world.engine).look()
    with world.db.read(1) as session:
        assert not list(session.scalars(select(Problem.kind).where(Problem.closed_at.is_(None))))


@pytest.mark.both_databases
def test_p7_after_three_days_off_everything_is_caught_up_with_once(world: World) -> None:
    """Sold, changed and cancelled by everybody for three days while nothing of ours ran, and no webhook was kept."""
    early = world.markets[1].buy(("S0", 1))
    world.settle(400, step=50)
    bought = [market.buy((f"S{n % 12}", 1 + n % 3)) for market in world.markets for n in range(30)]
    gone = bought[0]
    world.markets[0].alter(gone, f"{gone}-0", cancelled=world.markets[0].orders[gone].lines[0].quantity)
    for number in range(12):
        world.store.set(f"S{number}", 200 + number)
    [made] = world.store.orders
    world.store.ship(made, "3SLATE")
    world.store.add("NEW", 4)
    world.clock.advance(3 * 86400)
    world.engine = world.new_engine()
    world.settle(900, step=60)
    del world.markets[0].orders[gone]  # it never came to the store, and need not
    conclude(world)
    assert len(world.markets[1].parcels[early]) == 1
    assert {market.stock("NEW") for market in world.markets} == {4}
    with world.db.read(1) as session:
        assert session.scalar(select(func.count()).select_from(Order)) == len(bought) + 1
        query = select(Order.store_state).where(Order.external_id == gone, Order.connection_id == 2)
        assert session.scalars(query).one() == "cancelled"


def test_p7_one_marketplaces_mountain_keeps_no_other_order_waiting(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many orders of one marketplace wait for the store when one comes on another: it is made before most of them."""
    monkeypatch.setattr(draft, "MOUNTAIN", 5)
    world = World(database_url, markets=2)
    world.store.add("S0", 50)
    world.settle(60, step=60)
    for _ in range(16):
        world.markets[0].buy(("S0", 1))
    away = world.store.faults.before.setdefault("find_orders", [])
    away += [RetryLater("nobody answers")] * 40
    world.settle(331, step=331)
    late = world.markets[1].buy(("S0", 1))
    world.settle(331, step=331)
    assert world.store.creates == 0
    away.clear()
    world.settle(662, step=331)
    made = [str(order.marketplace_ref) for order in world.store.orders.values()]
    world.close()
    assert len(made) == 17
    assert made.index(f"mem1:{late}") < 12, made
