"""Returns of a marketplace in a store that keeps returns: the engine between a marketplace in memory and Shopify's sandbox
over real HTTP. One return and one refund there, whoever dies and whichever answer is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bridge.db.tables import Problem, ReturnRow
from bridge.domain.returns import Condition
from bridge.flows import attend
from bridge.flows.engine import Engine
from bridge.flows.parts import Back
from bridge.ports.adapter import Adapter
from platform_adapters.shopify import ADAPTER
from tests.flows.test_bundles_back import TEA, bundle_of, takes
from tests.support.demo import DemoMarket
from tests.support.shopify import Account, Shop, open_shop
from tests.support.world import Died, World

pytestmark = pytest.mark.timeout(300)


class Watched:
    """The store's platform; ``deaths``: before or after which calls the worker dies."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.deaths: list[tuple[str, str]] = []

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)
        return self._call(name, found) if callable(found) else found

    def _call(self, name: str, act: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            self._die("before", name)
            answer = act(*args, **named)
            self._die("after", name)
            return answer

        return call

    def _die(self, point: str, name: str) -> None:
        if (point, name) in self.deaths:
            self.deaths.remove((point, name))
            raise Died


class StoreWorld(World):
    """The same world, with a Shopify store for a store."""

    def __init__(self, database_url: str, shop: Shop, market: Any = None) -> None:
        self.shop = shop
        self.account = Account(shop)
        self.platform = Watched(self.account.platform)
        self.account.platform.check()
        self.account.hands.create_product("A", "8719102443555", "Thing", "10.00", 9)
        super().__init__(database_url, markets=1, market=market)
        self.settle(60, step=60)

    def new_engine(self) -> Engine:
        engine = super().new_engine()
        store = Adapter(Path(__file__).parent, ADAPTER.manifest, lambda _: self.platform, sandbox=ADAPTER.sandbox)
        engine.platforms["memstore"] = store  # type: ignore[index]
        return engine

    def sell(self, units: int, *, shipped: bool = True, sku: str = "A") -> str:
        key = str(self.markets[0].buy((sku, units)))
        self.settle(400, step=40)
        if shipped:
            number = self.shop.look("orders")[-1]["id"]
            self.shop.control("ship", order=number, tracking="3S1", carrier="PostNL")
            self.hint_order(str(number))
            self.settle(60)
        return key

    def come_back(self, key: str, units: int = 1) -> str:
        back = str(self.markets[0].announce_return(key, units))
        self.mark("shipments", "returns.pull", "all", connection=2)
        self.run()
        return back

    def run(self) -> None:
        """As long as it takes, with another worker for each that dies."""
        for _ in range(4):
            try:
                self.settle(120, step=40)
            except Died:
                self.clock.advance(60)

    def row(self, name: str) -> ReturnRow:
        with self.db.read(1) as session:
            return session.scalars(select(ReturnRow).where(ReturnRow.external_id == name)).one()

    @property
    def problems(self) -> list[str]:
        with self.db.read(1) as session:
            return list(session.scalars(select(Problem.kind).where(Problem.closed_at.is_(None))))

    @property
    def order(self) -> Any:
        return self.shop.look("orders")[-1]

    @property
    def returns(self) -> list[tuple[str, int, int]]:
        return [
            (row["status"], line["quantity"], line["processed"])
            for row in self.order["returns"]
            for line in row["lines"]
        ]

    @property
    def paid(self) -> list[str]:
        return [row["amount"] for row in self.order["transactions"] if row["kind"] == "REFUND"]

    @property
    def shelf(self) -> int:
        found: int = self.shop.look("stock")["A"]
        return found


@pytest.fixture(params=[True, False], ids=["units in the refund", "units in the return alone"])
def world(request: pytest.FixtureRequest, database_url: str) -> Iterator[StoreWorld]:
    """What the refund of a return tells is documented nowhere: it has to be right either way."""
    with open_shop(lists_returned=request.param) as shop:
        world = StoreWorld(database_url, shop)
        yield world
        world.close()


@pytest.fixture
def plain(database_url: str) -> Iterator[StoreWorld]:
    """Where no return is refunded there is nothing that the refund could tell."""
    with open_shop() as shop:
        world = StoreWorld(database_url, shop)
        yield world
        world.close()


@pytest.mark.both_databases
def test_it_is_a_return_from_the_announcement_on_and_processed_by_the_decision(world: StoreWorld) -> None:
    back = world.come_back(world.sell(3), 2)
    assert (world.returns, world.paid, world.shelf, world.order["note"]) == ([("OPEN", 2, 0)], [], 6, None)
    name = world.order["returns"][0]["name"]
    assert world.order["returns"][0]["lines"][0]["reason"] == "too-small"
    assert (world.row(back).store_return_name, world.row(back).state) == (name, "open")
    attend.decide_return(world.engine, 1, back, "accepted", 1)
    world.run()
    assert (world.returns, world.paid, world.shelf) == ([("CLOSED", 1, 1)], ["10.00"], 7)
    found = world.row(back)
    assert (found.state, found.store_state, found.restock) == ("closed", "done", True)
    assert world.problems == []


@pytest.mark.parametrize("operation", ["announce_return", "accept_return"])
@pytest.mark.parametrize("point", ["before", "after", "lost answer"])
def test_one_return_and_one_refund_whoever_dies(world: StoreWorld, operation: str, point: str) -> None:
    key = world.sell(3)
    if point == "lost answer":
        world.shop.fault("reset", "return_create" if operation == "announce_return" else "return_process")
    else:
        world.platform.deaths.append((point, operation))
    back = world.come_back(key, 2)
    attend.decide_return(world.engine, 1, back, "accepted", 2)
    world.run()
    assert not world.platform.deaths
    assert (world.returns, world.paid, world.shelf) == ([("CLOSED", 2, 2)], ["20.00"], 8)
    assert (len(world.order["refunds"]), world.row(back).store_state, world.problems) == (1, "done", [])


@pytest.mark.parametrize("point", ["before", "after"])
def test_decided_while_nobody_knows_whether_it_was_made(world: StoreWorld, point: str) -> None:
    key = world.sell(3)
    world.platform.deaths.append((point, "announce_return"))
    back = str(world.markets[0].announce_return(key, 1))
    world.mark("shipments", "returns.pull", "all", connection=2)
    with pytest.raises(Died):
        world.drain()
    attend.decide_return(world.engine, 1, back, "accepted", 1)
    world.clock.advance(60)
    world.run()
    assert world.returns == ([("CLOSED", 1, 1)] if point == "after" else [])
    assert (world.paid, len(world.order["refunds"]), world.shelf, world.problems) == (["10.00"], 1, 7, [])


@pytest.mark.both_databases
@pytest.mark.parametrize("how", ["refused", "replaced", "handled there"])
def test_when_nothing_comes_of_it_the_stores_return_is_cancelled(plain: StoreWorld, how: str) -> None:
    back = plain.come_back(plain.sell(3))
    if how == "handled there":
        plain.markets[0].handled(back)
        plain.mark("shipments", "returns.pull", "all", connection=2)
    else:
        attend.decide_return(plain.engine, 1, back, how, 1)
    plain.run()
    assert (plain.returns, plain.paid, plain.shelf, plain.row(back).state) == ([("CANCELED", 1, 0)], [], 6, "closed")


@pytest.mark.parametrize("point", ["before", "after", "lost answer"])
def test_it_is_cancelled_whoever_dies(plain: StoreWorld, point: str) -> None:
    key = plain.sell(3)
    back = plain.come_back(key, 2)
    if point == "lost answer":
        plain.shop.fault("reset", "return_cancel")
    else:
        plain.platform.deaths.append((point, "drop_return"))
    attend.decide_return(plain.engine, 1, back, "refused", 2)
    plain.run()
    assert not plain.platform.deaths
    assert (plain.returns, plain.paid, plain.shelf, plain.problems) == ([("CANCELED", 2, 0)], [], 6, [])


@pytest.mark.parametrize("refund", ["10.00", ""])
def test_processed_in_the_admin_it_is_accepted_there_and_never_processed_again(world: StoreWorld, refund: str) -> None:
    back = world.come_back(world.sell(3))
    world.shop.control("process", **{"return": world.order["returns"][0]["id"]}, refund=refund)
    world.hint_order(str(world.order["id"]))
    world.run()
    assert (world.row(back).decision, world.row(back).state) == ("accepted", "closed")
    assert (world.returns, world.paid, world.shelf) == ([("CLOSED", 1, 1)], [refund] if refund else [], 7)


def test_one_that_the_buyer_asked_for_in_the_store_is_the_one(world: StoreWorld) -> None:
    key = world.sell(3)
    there = world.shop.control("return", order=world.order["id"], lines={world.order["lines"][0]["id"]: 1}, asked=True)
    back = world.come_back(key)
    assert (world.row(back).store_return_name, len(world.returns)) == (there["name"], 1)
    attend.decide_return(world.engine, 1, back, "accepted", 1)
    world.run()
    assert (world.returns, world.paid, world.shelf) == ([("CLOSED", 1, 1)], ["10.00"], 7)


def test_what_has_not_left_is_a_note_that_says_so_and_a_refund(plain: StoreWorld) -> None:
    back = plain.come_back(plain.sell(3, shipped=False))
    assert "announced on Market 0: 1 x A (too small)." in plain.order["note"]
    assert "does not show yet that these units have left" in plain.order["note"]
    attend.decide_return(plain.engine, 1, back, "accepted", 1)
    plain.run()
    assert (plain.returns, plain.paid, len(plain.order["refunds"]), plain.shelf) == ([], ["10.00"], 1, 7)


@pytest.mark.both_databases
@pytest.mark.parametrize("parcels", [(3,), (1, 2)], ids=["in one parcel", "in two"])
def test_what_was_announced_before_it_left_is_a_return_once_it_has(world: StoreWorld, parcels: tuple[int, ...]) -> None:
    back = world.come_back(world.sell(3, shipped=False), 2)
    assert (world.returns, world.row(back).store_return_id) == ([], "")
    number, line = world.order["id"], world.order["lines"][0]["id"]
    for place, units in enumerate(parcels):
        assert world.returns == []
        world.shop.control("ship", order=number, lines={line: units}, tracking=f"3S{place}", carrier="PostNL")
        world.hint_order(str(number))
        world.run()
    assert sum(units for _, units, _ in world.returns) == 2
    assert len(world.order["returns"]) == 1
    assert world.row(back).store_return_name == world.order["returns"][0]["name"]
    noted = world.order["note"]
    attend.decide_return(world.engine, 1, back, "accepted", 2)
    world.run()
    assert {status for status, _, _ in world.returns} == {"CLOSED"}
    assert (world.paid, len(world.order["refunds"]), world.order["note"]) == (["20.00"], 1, noted)
    assert (world.shelf, world.problems) == (8, [])


@pytest.mark.both_databases
def test_units_that_left_without_a_number_count_as_soon_as_they_have(world: StoreWorld) -> None:
    """The order is not complete by them, and the marketplace is told nothing of a parcel without a number."""
    back = world.come_back(world.sell(3, shipped=False), 2)
    number, line = world.order["id"], world.order["lines"][0]["id"]
    noted = world.order["note"]
    for units, made in ((1, []), (1, [("OPEN", 1, 0), ("OPEN", 1, 0)])):
        world.shop.control("ship", order=number, lines={line: units})
        world.hint_order(str(number))
        world.run()
        assert (world.returns, world.order["note"]) == (made, noted)
    world.hint_order(str(number))
    world.run()
    assert len(world.order["returns"]) == 1
    attend.decide_return(world.engine, 1, back, "accepted", 2)
    world.run()
    assert ({status for status, _, _ in world.returns}, world.paid, world.shelf) == ({"CLOSED"}, ["20.00"], 8)
    assert world.problems == []


def test_a_part_of_a_bundle_is_an_amount_and_the_stores_return_is_ended(database_url: str) -> None:
    with open_shop() as shop:
        world: Any = StoreWorld(database_url, shop, DemoMarket)
        world.market = world.markets[0]
        world.market.asynchronous = False
        for sku, ean in (("SET", "8719102443562"), ("CUP", "8719102443579"), ("POT", "8719102443586")):
            world.hint(world.account.hands.create_product(sku, ean, sku, "10.00", 9))
        world.settle(60, step=60)
        bundle_of(world, TEA)
        takes(world, "any amount")
        back = world.come_back(world.sell(1, sku="SET"))
        assert world.returns == [("OPEN", 1, 0)]
        cup = Back(sku="CUP", units=1, condition=Condition.DAMAGED)
        attend.decide_return(world.engine, 1, back, "accepted", back=(cup,))
        world.run()
        [amount] = world.paid
        assert [str(part.amount.amount) for part in world.market.refunds.values()] == [amount]
        assert (world.returns, world.row(back).store_state, world.problems) == ([("CANCELED", 1, 0)], "done", [])
        world.close()
