"""Parts of a bundle in a return: inspected part by part, paid back in proportion, each part on its own shelf once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from bridge.cli import cli
from bridge.db.tables import OrderLine, RefundRow
from bridge.domain.money import Money
from bridge.domain.returns import Condition
from bridge.flows import attend, bundle_text, documents
from bridge.flows.documents import SHOP, Wish
from bridge.flows.forms import FieldErrors
from bridge.flows.parts import KIND, Back
from bridge.ports.errors import AskMerchant
from bridge.ports.manifest import Capability
from tests.flows.test_paying_back import come_back, sold_and_shipped
from tests.flows.test_returns_inspected import given_back, row_of
from tests.support.demo import Demo
from tests.support.world import time_out

PARTS = [{"sku": "CUP", "quantity": 2}, {"sku": "POT", "quantity": 1}]
TEA = {"sku": "SET", "components": PARTS, "taken_by": "store"}


def bundle_of(world: Demo, *bundles: dict[str, object]) -> None:
    wish = Wish(subject=SHOP, kind=KIND, content={"bundles": list(bundles)})

    def act(session: object) -> None:
        known = documents.active(session)
        documents.write(session, documents.checked(session, [wish], known), world.clock(), "tests")

    world.db.transact(1, act)


def takes(world: Demo, partial: str) -> None:
    """What the marketplace can pay back for a part."""
    policies = world.market.manifest.policies
    terms = policies.returns.model_copy(update={"partial": partial})
    world.market.manifest = world.market.manifest.model_copy(
        update={"policies": policies.model_copy(update={"returns": terms})}
    )
    world.engine = world.new_engine()


@pytest.fixture
def world(database_url: str) -> Iterator[Demo]:
    world = Demo(database_url)
    world.market.asynchronous = False
    for sku, stock, price in (("SET", 9, "25.00"), ("CUP", 20, "5.00"), ("POT", 5, "20.00")):
        world.store.add(sku, stock, price)
    world.settle(60, step=60)
    bundle_of(world, TEA)
    takes(world, "any amount")
    yield world
    world.close()


def sold(world: Demo, units: int, price: str = "24.99") -> tuple[str, str]:
    return sold_and_shipped(world, units, price, "SET")


def decide(world: Demo, key: str, units: int, *back: Back, whole: bool = False) -> str:
    name = come_back(world, key, units)
    attend.decide_return(world.engine, 1, name, "accepted", back=back, whole=whole)
    world.settle(90, step=45)
    return name


def shelf(world: Demo) -> tuple[int, int, int]:
    return world.store.stock("SET"), world.store.stock("CUP"), world.store.stock("POT")


def paid(world: Demo) -> list[str]:
    return [str(part.amount.amount) for part in world.market.refunds.values()]


@pytest.mark.both_databases
def test_one_part_comes_back_and_only_that_is_paid_and_shelved(world: Demo) -> None:
    key, store_id = sold(world, 1)
    before = shelf(world)
    name = decide(world, key, 1, Back(sku="CUP", units=1, condition=Condition.AS_NEW))
    # Cups are 10 of the 30 that the parts cost on their own: 8.33 of 24.99, one of the two 4.17.
    assert paid(world) == ["4.17"]
    assert [part.quantity for part in world.market.refunds.values()] == [0]
    assert [amount.text() for amount in world.store.amounts] == ["4.17 EUR"]
    assert sum(line.refunded for line in world.store.orders[store_id].lines) == 0
    assert shelf(world) == (before[0], before[1] + 1, before[2])
    given_back(world, store_id, "4.17")
    row = row_of(world, name)
    assert (row.state, row.store_state, row.decided_quantity) == ("closed", "done", 0)
    assert [part["shelf"] for part in row.parts] == ["done"]
    assert world.problems() == {}
    decide(world, key, 1, Back(sku="CUP", units=1), Back(sku="POT", units=1, condition=Condition.DAMAGED))
    assert paid(world) == ["4.17", "20.82"]
    assert sum(map(Decimal, paid(world))) == Decimal("24.99")
    assert shelf(world) == (before[0], before[1] + 2, before[2])  # the broken pot is not for sale
    given_back(world, store_id, "24.99")
    assert world.problems() == {}


def test_no_more_of_a_part_than_was_sold(world: Demo) -> None:
    key, _ = sold(world, 2)
    decide(world, key, 1, Back(sku="CUP", units=2))
    name = come_back(world, key, 2)
    for back, why in (
        ((Back(sku="CUP", units=3),), "at most 2"),
        ((Back(sku="LID", units=1),), "no part of this bundle"),
        ((Back(sku="CUP", units=0),), "at least one part"),
        ((Back(sku="POT", units=1), Back(sku="POT", units=1)), "once"),
    ):
        with pytest.raises(AskMerchant, match=why):
            attend.decide_return(world.engine, 1, name, "accepted", back=back)
    with pytest.raises(AskMerchant, match="accepted return"):
        attend.decide_return(world.engine, 1, name, "refused", back=[Back(sku="CUP", units=1)])
    assert row_of(world, name).state == "open"


def test_a_marketplace_without_parts_asks_the_merchant(world: Demo) -> None:
    key, store_id = sold(world, 1)
    for partial, lacking in (("whole pieces", False), ("any amount", True)):
        takes(world, partial)
        if lacking:
            fewer = tuple(item for item in world.market.manifest.capabilities if item != Capability.REFUNDS)
            world.market.manifest = world.market.manifest.model_copy(update={"capabilities": fewer})
            world.engine = world.new_engine()
        name = come_back(world, key, 1)
        with pytest.raises(AskMerchant, match="whole pieces only") as asked:
            attend.decide_return(world.engine, 1, name, "accepted", back=[Back(sku="CUP", units=1)])
        assert asked.value.field == "whole"
        assert (row_of(world, name).state, row_of(world, name).parts) == ("open", [])
    before = shelf(world)
    attend.decide_return(world.engine, 1, name, "accepted", back=[Back(sku="CUP", units=1)], whole=True)
    world.settle(90, step=45)
    assert sum(line.refunded for line in world.store.orders[store_id].lines) == 1
    assert shelf(world) == (before[0], before[1] + 1, before[2])


def test_a_lost_answer_puts_nothing_on_the_shelf_twice(world: Demo) -> None:
    key, _ = sold(world, 1)
    before = shelf(world)
    world.store.faults.after["set_stock"] = [time_out()]
    decide(world, key, 1, Back(sku="CUP", units=2))
    world.settle(300, step=30)
    assert shelf(world) == (before[0], before[1] + 2, before[2])
    assert world.store.stock_writes == 1


def test_a_shelf_that_moved_while_the_answer_was_lost_is_asked_about(world: Demo) -> None:
    key, _ = sold(world, 1)
    world.store.faults.after["set_stock"] = [time_out()]
    name = come_back(world, key, 1)
    attend.decide_return(world.engine, 1, name, "accepted", back=[Back(sku="CUP", units=2)])
    world.drain()
    world.store.set("CUP", 3)
    world.settle(300, step=30)
    assert "not on the shelf" in world.problems()["return_shelf"]
    assert [part["shelf"] for part in row_of(world, name).parts] == ["asked"]
    assert world.store.stock("CUP") == 3


def test_what_the_line_was_made_of_stays_what_it_was(world: Demo) -> None:
    key, _ = sold(world, 1)
    decide(world, key, 1, Back(sku="CUP", units=1))
    bundle_of(world, {"sku": "SET", "components": [{"sku": "POT", "quantity": 4}], "taken_by": "store"})
    decide(world, key, 1, Back(sku="CUP", units=1), Back(sku="POT", units=1))
    assert sum(map(Decimal, paid(world))) == Decimal("24.99")


@pytest.mark.parametrize("price", ["0.01", "33.333"])
def test_units_and_cents_in_are_units_and_cents_out(world: Demo, price: str) -> None:
    """Two bundles, their parts back in any portions: every unit is on its shelf once, every cent is paid once."""
    key, _ = sold(world, 2, price)
    before = shelf(world)
    for part in ({"CUP": 1}, {"CUP": 2, "POT": 1}, {"CUP": 1, "POT": 1}):
        decide(world, key, 2, *(Back(sku=sku, units=units) for sku, units in part.items()))
    with world.db.read(1) as session:
        whole = Money.of(session.scalars(select(OrderLine.total)).one(), "EUR").quantised().amount
        rows = [Decimal(amount) for amount in session.scalars(select(RefundRow.amount))]
    assert sum(rows) == sum(map(Decimal, paid(world))) == whole
    assert shelf(world) == (before[0], before[1] + 4, before[2] + 2)
    assert world.problems() == {}


def test_bundles_are_written_one_a_line() -> None:
    found = bundle_text.read("SET = 2 x CUP, POT\n\nBOX=10x A-1")
    assert bundle_text.written(found) == "SET = 2 x CUP, 1 x POT\nBOX = 10 x A-1"
    assert bundle_text.read(bundle_text.written(found)) == found
    for text, why in (
        ("SET", "Line 1: write it like"),
        ("A = 1 x B\nSET = ", "Line 2: write it like"),
        ("SET = SET", "contains itself"),
        ("SET = CUP, 2 x CUP", "names a component twice"),
        ("SET = CUP\nSET = POT", "given twice"),
        ("SET = CUP\nBIG = SET, POT", "component of another bundle"),
    ):
        with pytest.raises(FieldErrors, match=why):
            bundle_text.read(text)


def test_on_the_page_a_bundle_is_made_and_inspected_part_by_part(world: Demo) -> None:
    browser = world.browser()
    page = browser.get("settings/returns").text
    assert "SET = 2 x CUP, 1 x POT; store" in page
    version = re.search(r'name="version" value="(\d+)"', page)
    assert version is not None
    text = "SET = 3 x CUP, 1 x POT; store"
    assert "write it like" in browser.post("settings/returns", "save_bundles", bundles="SET", version=version[1]).text
    saved = browser.post("settings/returns", "save_bundles", bundles=text, version=version[1])
    assert browser.post(saved.headers["Location"].removeprefix("/"), "apply").status_code == 303
    world.drain()
    stale = browser.post("settings/returns", "save_bundles", bundles="SET = POT", version=version[1])
    assert "changed by somebody else" in stale.text
    key, _ = sold(world, 1)
    before, name = shelf(world), come_back(world, key, 1)
    page = browser.get("returns").text
    assert "CUP, at most 3" in page
    assert "POT, at most 1" in page
    sent = {"return": row_of(world, name).id, "result": "accepted", "quantity": 1, "part-0": "CUP", "part-1": "POT"}
    wrong = browser.post("returns", "decide", **sent, **{"back-0": 4, "back-1": 0})
    assert "at most 3" in wrong.text
    good = {"back-0": 3, "condition-0": "opened", "back-1": 1, "condition-1": "as_new"}
    assert browser.post("returns", "decide", **sent, **good).status_code == 303
    world.settle(90, step=45)
    assert paid(world) == ["24.99"]
    assert shelf(world) == (before[0], before[1], before[2] + 1)  # opened cups are not for sale
    assert "On the shelf" in browser.get("returns?show=all").text


def test_on_the_command_line(world: Demo) -> None:
    for text, why in (("CUP", "is not like"), ("CUP=x", "is not like"), ("CUP=1:worn", "is not like")):
        done = CliRunner().invoke(cli, ["returns", "decide", "1", "--result", "accepted", "--part", text])
        assert (done.exit_code, why in done.output) == (2, True)
