"""Returns as they are inspected: condition and shelf, reasons, orders that come later, the buyer's window; and what both
sides have given back, to the cent."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from sqlalchemy import select

from bridge.db.tables import Connection, Order, ReturnRow
from bridge.domain.money import Money
from bridge.domain.returns import Condition, RefundLine, Shelf
from bridge.flows import attend
from bridge.ports.errors import AskMerchant
from bridge.ports.manifest import Capability
from tests.flows.test_paying_back import come_back, sold_and_shipped
from tests.support.demo import DEMO, Demo


@pytest.fixture
def world(database_url: str) -> Iterator[Demo]:
    world = Demo(database_url)
    world.market.asynchronous = False
    world.store.add("A", 9)
    world.settle(60, step=60)
    yield world
    world.close()


def row_of(world: Demo, name: str) -> ReturnRow:
    with world.db.read(1) as session:
        return session.scalars(select(ReturnRow).where(ReturnRow.external_id == name)).one()


def given_back(world: Demo, store_id: str, amount: str) -> None:
    """The store tells how much it has refunded in all."""
    world.store.update(store_id, refunded=Money(amount=Decimal(amount), currency="EUR"))
    world.hint_order(store_id)
    world.settle(60)


@pytest.mark.parametrize(
    ("rule", "takes"),
    [(Shelf.AS_NEW, [True, True, False, False]), (Shelf.OPENED, [True, True, True, False]),
     (Shelf.ALL, [True] * 4), (Shelf.NONE, [False] * 4)],
)  # fmt: skip
def test_what_goes_back_on_the_shelf_is_a_rule(rule: Shelf, takes: list[bool]) -> None:
    conditions = (None, Condition.AS_NEW, Condition.OPENED, Condition.DAMAGED)
    assert [rule.takes(condition) for condition in conditions] == takes


@pytest.mark.both_databases
def test_the_condition_decides_about_the_shelf_and_the_reason_is_kept(world: Demo) -> None:
    key, store_id = sold_and_shipped(world, 3)
    damaged, good, refused = (come_back(world, key, 1) for _ in range(3))
    attend.decide_return(world.engine, 1, damaged, "accepted", condition="damaged")
    attend.decide_return(world.engine, 1, good, "accepted", condition="as_new")
    browser = world.browser()
    assert "Reason, when refused" in browser.get("returns").text
    number = row_of(world, refused).id
    sent = {"return": number, "result": "refused", "quantity": 1, "condition": "opened", "note": " worn "}
    assert browser.post("returns", "decide", **sent).status_code == 303
    world.settle(90)
    assert world.store.stock("A") == 9 - 3 + 1
    assert sum(line.refunded for line in world.store.orders[store_id].lines) == 2
    assert (row_of(world, refused).note, row_of(world, refused).state) == ("worn", "closed")
    assert "worn" in browser.get("returns?show=all").text
    with pytest.raises(AskMerchant, match="The condition is one of"):
        attend.decide_return(world.engine, 1, come_back(world, key, 1), "accepted", condition="so so")


@pytest.mark.both_databases
def test_a_return_without_its_order_is_kept_and_matched_when_the_order_comes(world: Demo) -> None:
    key = world.market.buy(("A", 1))
    back = come_back(world, key, 1)  # told before the order was ever read
    assert row_of(world, back).order_line_id is None
    attend.decide_return(world.engine, 1, back, "accepted")
    world.drain()
    world.settle(60)
    assert "return_unmatched" in world.problems() or row_of(world, back).store_state == "done"
    world.clock.advance(330)
    world.settle(120)
    found = row_of(world, back)
    assert (found.order_line_id is not None, found.store_state) == (True, "done")
    assert "return_unmatched" not in world.problems()
    assert [sum(line.refunded for line in order.lines) for order in world.store.orders.values()] == [1]


@pytest.mark.both_databases
def test_a_return_after_the_window_says_so(world: Demo) -> None:
    policies = world.market.manifest.policies
    terms = policies.returns.model_copy(update={"window_days": 30})
    world.market.manifest = world.market.manifest.model_copy(
        update={"policies": policies.model_copy(update={"returns": terms})}
    )
    world.engine = world.new_engine()
    key, _ = sold_and_shipped(world, 1)
    world.clock.advance(41 * 86400)
    back = come_back(world, key, 1)
    assert row_of(world, back).days_late == 11
    assert "11 days after the buyer's time was over" in world.problems()["return_open"]


def test_a_store_that_keeps_no_returns_says_why_on_its_page(world: Demo) -> None:
    assert "does not have" not in world.browser().get("accounts/1").text
    lacks = {Capability.RETURNS: "It knows no returns: one is a note, and once it is accepted a refund."}
    world.store.manifest = world.store.manifest.model_copy(update={"lacks": lacks})
    world.engine = world.new_engine()
    page = world.browser().get("accounts/1").text
    assert "does not have" in page
    assert lacks[Capability.RETURNS] in page


def test_other_amounts_on_both_sides_are_told_to_the_cent_and_close_by_themselves(world: Demo) -> None:
    key, store_id = sold_and_shipped(world, 3, price="3.3333")
    line = world.store.orders[store_id].lines[0].external_id
    world.store.refund_lines(store_id, [RefundLine(store_line_id=line, quantity=1, restock=False)], "goodwill", "r1")
    given_back(world, store_id, "3.33")
    assert [str(part.amount.amount) for part in world.market.refunds.values()] == ["3.33"]
    assert "refund_differs" not in world.problems()
    given_back(world, store_id, "5.00")
    text = world.problems()["refund_differs"]
    assert "the store has given back 5.00 EUR" in text
    assert "1.67 EUR more in the store than on" in text
    given_back(world, store_id, "3.33")
    assert "refund_differs" not in world.problems()
    assert key


@pytest.mark.both_databases
def test_where_the_marketplace_takes_no_refunds_a_goodwill_refund_is_told(world: Demo) -> None:
    fewer = tuple(item for item in world.market.manifest.capabilities if item != "refunds")
    world.market.manifest = world.market.manifest.model_copy(update={"capabilities": fewer})
    world.engine = world.new_engine()
    key, store_id = sold_and_shipped(world, 2)
    attend.decide_return(world.engine, 1, come_back(world, key, 1), "accepted")
    world.settle(60)
    given_back(world, store_id, "10.00")  # the marketplace pays the accepted return by itself
    assert world.problems() == {}
    line = world.store.orders[store_id].lines[0].external_id
    world.store.refund_lines(store_id, [RefundLine(store_line_id=line, quantity=1, restock=False)], "goodwill", "r1")
    given_back(world, store_id, "20.00")
    assert "10.00 EUR more in the store" in world.problems()["refund_differs"]
    with world.db.read(1) as session:
        assert session.scalars(select(Order.connection_id)).one() == DEMO
        assert session.get_one(Connection, DEMO).state == "active"
