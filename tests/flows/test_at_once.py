"""New stock of few products is claimed for sending by the transaction that works it out: one hop less, no rule less."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import nullcontext

import pytest
from sqlalchemy import select

from bridge.db.tables import Connection, FacetRow, Shop, Variant
from bridge.flows import at_once, catalogue, resend, resting, table
from bridge.ports.errors import RejectItem
from tests.support.world import World

pytestmark = pytest.mark.both_databases


class Beside:
    """Where the engine puts what is to run beside: kept, or left to whoever asked."""

    def __init__(self, *, keeps: bool = False) -> None:
        self.keeps = keeps
        self.kept: list[Callable[[], None]] = []

    def __call__(self, lane: str, act: Callable[[], None]) -> bool:
        assert lane == "stock"
        if self.keeps:
            self.kept.append(act)
        return self.keeps


class Threads:
    """As in a worker: each in a thread of its own."""

    def __init__(self) -> None:
        self.begun: list[threading.Thread] = []

    def __call__(self, lane: str, act: Callable[[], None]) -> bool:
        self.begun.append(threading.Thread(target=act, daemon=True))
        self.begun[-1].start()
        return True

    def wait(self, seconds: float) -> bool:
        """True, once all have ended."""
        for thread in self.begun:
            thread.join(seconds)
        return not any(thread.is_alive() for thread in self.begun)


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    world = World(database_url)
    for name in "ABCDEF":
        world.store.add(name, 20)
    world.settle(120)
    world.engine.beside = Beside()
    yield world
    world.close()


def read(world: World, *skus: str) -> None:
    """What the store tells of is read, and nothing else is done that is due."""
    for sku in skus:
        world.hint(world.store.by_sku(sku).product_id)
    world.clock.advance(6)
    scopes = [scope for scope in table.scopes(world.engine, "stock") if scope.topic == "work"]
    for scope in scopes:
        table.run(world.engine, scope, deadline=float("inf"))


def change(world: World, sku: str, stock: int) -> None:
    world.store.set(sku, stock)
    read(world, sku)


def shown(world: World, sku: str) -> list[int | None]:
    return [market.stock(sku) for market in world.markets]


def test_what_was_read_is_sent_without_another_claim(world: World) -> None:
    change(world, "A", 7)
    assert shown(world, "A") == [7, 7]
    with world.db.read(1) as session:
        rows = session.scalars(select(FacetRow).where(FacetRow.facet == "stock")).all()
    assert all(row.acked_version == row.desired_version and row.lease_token is None for row in rows)


def test_where_other_changes_wait_the_most_urgent_goes_first(world: World) -> None:
    beside, world.engine.beside = world.engine.beside, None
    change(world, "B", 0)
    world.engine.beside = beside
    change(world, "A", 7)
    assert (shown(world, "A"), shown(world, "B")) == ([20, 20], [20, 20])
    world.drain()
    assert (shown(world, "A"), shown(world, "B")) == ([7, 7], [0, 0])


def test_many_products_go_the_usual_way(world: World) -> None:
    names = "ABCDEF"
    assert len(names) > catalogue.AT_ONCE
    for name in names:
        world.store.set(name, 9)
    read(world, *names)
    assert {value for name in names for value in shown(world, name)} == {20}
    world.drain()
    assert {value for name in names for value in shown(world, name)} == {9}


def test_what_rests_rests(world: World) -> None:
    resting.hold(world.engine, 1, 2, ["stock"], "Anna")
    with world.db.write(1) as session:
        session.get_one(Connection, 3).state = "paused"
    change(world, "A", 7)
    assert shown(world, "A") == [20, 20]


def test_a_shop_that_is_paused_sends_nothing(world: World) -> None:
    with world.db.write(None) as session:
        session.scalars(select(Shop)).one().paused = True
    assert list(table.scopes(world.engine, "stock")) == []
    claims = [("A", 7)]
    world.store.set(*claims[0])
    with world.db.read(1) as session:
        row = session.get_one(Connection, 1)
    world.hint(world.store.by_sku("A").product_id)
    found = world.db.transact(1, table.work.claim, "stock", 1, world.clock(), 10)
    catalogue.read_products(world.engine, row, found)
    assert shown(world, "A") == [20, 20]


def test_a_value_that_was_overtaken_on_the_way_is_not_sent(world: World) -> None:
    late = world.engine.beside = Beside(keeps=True)
    change(world, "A", 7)
    change(world, "A", 3)
    assert len(late.kept) == len(world.markets), "what is on its way is not claimed again"
    for act in late.kept:
        act()
    assert shown(world, "A") == [3, 3]


@pytest.mark.parametrize("answer", [None, RejectItem("not this number")])
def test_what_becomes_the_wish_while_an_older_value_is_answered_is_sent_at_once(
    world: World, answer: RejectItem | None
) -> None:
    """Accepted, it is followed for days; refused, it is told again in a while: the older value, not the newer."""

    def newer() -> None:
        change(world, "A", 3)
        if answer is not None:
            raise answer

    world.markets[0].stock_later = answer is None
    world.markets[0].faults.before["update_stock"] = [newer]
    change(world, "A", 7)
    world.settle(15, step=5)
    assert shown(world, "A") == [3, 3]


def test_what_sells_while_its_number_is_answered_is_told_anew(world: World) -> None:
    """Sold and cancelled before the answer is written down: the wish is the same, and the marketplace shows less."""
    market = world.markets[0]

    def sold() -> None:
        [key] = [key for key, offer in market.offers.items() if offer.sku == "A"]
        market.offers[key] = market.offers[key].model_copy(update={"stock": 6})
        with world.db.read(1) as session:
            [variant] = session.scalars(select(Variant.id).where(Variant.sku == "A"))
            [first, _] = session.scalars(
                select(Connection.id).where(Connection.role == "channel").order_by(Connection.id)
            )
        world.db.transact(1, resend.stock_again, first, [variant], world.clock())

    market.faults.after["update_stock"] = [sold]
    change(world, "A", 7)
    world.settle(15, step=5)
    assert shown(world, "A") == [7, 7]


def test_a_process_that_dies_on_the_way_is_made_good(world: World) -> None:
    world.engine.beside = Beside(keeps=True)
    change(world, "A", 7)
    world.drain()
    assert shown(world, "A") == [20, 20]
    world.clock.advance(46)
    world.engine = world.new_engine()
    world.drain()
    assert shown(world, "A") == [7, 7]


def test_who_comes_too_late_sends_nothing(world: World) -> None:
    late = world.engine.beside = Beside(keeps=True)
    change(world, "A", 7)
    world.clock.advance(46)
    world.engine.beside = None
    change(world, "A", 4)
    world.drain()
    assert shown(world, "A") == [4, 4]
    sent = [len(market.writes) for market in world.markets]
    for act in late.kept:
        act()
    assert shown(world, "A") == [4, 4]
    assert sent == [len(market.writes) for market in world.markets]


@pytest.mark.parametrize("committed", [True, False])
def test_it_is_got_ready_before_the_commit_and_goes_out_after_it_or_never(world: World, committed: bool) -> None:
    world.engine.beside = None
    change(world, "A", 7)
    threads = world.engine.beside = Threads()

    def claim(ahead: at_once.Ahead) -> None:
        with world.db.write(1) as session:
            [variant] = session.scalars(select(Variant.id).where(Variant.sku == "A"))
            parcels = at_once.claim(session, [variant], world.clock())
            assert len(parcels) == len(world.markets)
            ahead.begin(parcels)
            assert len(threads.begun) == len(world.markets)
            assert not threads.wait(0.2), "they wait for the end of the transaction"
            assert shown(world, "A") == [20, 20]
            if not committed:
                raise LookupError("rolled back")

    with nullcontext() if committed else pytest.raises(LookupError), at_once.Ahead(world.engine) as ahead:
        claim(ahead)
    assert threads.wait(30)
    assert shown(world, "A") == ([7, 7] if committed else [20, 20])
    world.engine.beside = None
    world.drain()
    assert shown(world, "A") == [7, 7]
