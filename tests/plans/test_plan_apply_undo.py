"""A change of settings, from the plan to the marketplace and back, over real HTTP with a real database."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from bridge.db.tables import Change, Document, FacetRow, Hold, Listing, Problem, Variant
from bridge.flows import documents, held, plan, resting
from bridge.flows.documents import Wish, of_connection
from bridge.flows.forms import FieldErrors
from bridge.ports.errors import AskMerchant, NotFound
from tests.faults.test_business_faults import hint, number_of
from tests.faults.test_marketplace_faults import listed, sets
from tests.support.stack import Stack

pytestmark = pytest.mark.timeout(120)


def planned(stack: Stack, kind: str, content: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    wish = Wish(subject=of_connection(stack.channel_id), kind=kind, content=content)
    return plan.make(stack.engine, stack.shop.id, [wish], "Anna", **more)


def applied(stack: Stack, made: dict[str, Any], **more: Any) -> dict[str, Any]:
    change = plan.apply(stack.engine, stack.shop.id, made["id"], "Anna", **more)
    stack.drain()
    return change


def price_in_store(stack: Stack, sku: str, price: str) -> None:
    stack.store.put(f"products/{number_of(stack, sku)}", {"regular_price": price})


def test_a_buffer_is_planned_applied_published_and_undone(stack: Stack) -> None:
    listed(stack, A=9, B=2)
    made = planned(stack, "stock", {"buffer": 5}, note="Weekend")
    assert made["status"] == "open"
    assert made["total"] == {"created": 0, "changed": 2, "ended": 0, "blocked": 0, "unblocked": 0}
    [channel] = made["channels"]
    changes = {item["sku"]: item["changes"] for item in channel["examples"]}
    assert changes == {
        "A": [{"field": "stock", "old": 9, "new": 4}],
        "B": [{"field": "stock", "old": 2, "new": 0}],
    }
    assert channel["fields"] == {"stock": 2}
    assert stack.shown("A") == 9, "nothing has happened yet"
    change = applied(stack, made)
    assert (change["number"], change["author"], change["note"]) == (1, "Anna", "Weekend")
    assert (stack.shown("A"), stack.shown("B")) == (4, 0)
    with pytest.raises(AskMerchant, match="applied already"):
        plan.apply(stack.engine, stack.shop.id, made["id"], "Anna")
    undone = plan.undo(stack.engine, stack.shop.id, "Ben")
    stack.drain()
    assert (undone["number"], undone["undoes"], undone["author"]) == (2, 1, "Ben")
    assert (stack.shown("A"), stack.shown("B")) == (9, 2)
    assert stack.rows(Document, Document.until.is_(None)) == []
    assert stack.rows(Change, Change.number == 1)[0].undone_by == 2
    with pytest.raises(AskMerchant, match="no change to undo"):
        plan.undo(stack.engine, stack.shop.id, "Ben")


def test_a_plan_made_against_an_older_state_is_refused(stack: Stack) -> None:
    listed(stack, A=9)
    first, second = planned(stack, "stock", {"buffer": 1}), planned(stack, "stock", {"buffer": 2})
    applied(stack, first)
    with pytest.raises(AskMerchant, match="made against version 0 of the settings; they are at version 1"):
        plan.apply(stack.engine, stack.shop.id, second["id"], "Anna")
    assert stack.shown("A") == 8
    with stack.engine.db.read(stack.shop.id) as session:
        assert plan.read(session, second["id"])["status"] == "out of date"
        assert [
            item["buffer"] for item in [documents.read(session, of_connection(stack.channel_id), "stock").content]
        ] == [1]  # type: ignore[union-attr]
    third = planned(stack, "stock", {"buffer": 3})
    applied(stack, third)
    with pytest.raises(AskMerchant, match="changed again since"):
        plan.undo(stack.engine, stack.shop.id, "Anna", number=1)
    plan.undo(stack.engine, stack.shop.id, "Anna")
    stack.drain()
    assert stack.shown("A") == 8, "the version before holds again"


def test_what_cannot_work_is_refused_at_saving_with_its_field(stack: Stack) -> None:
    for content, field in (
        ({"buffer": -1}, "stock.buffer"),
        ({"bufer": 1}, "stock.bufer"),
        ({"cap": "x"}, "stock.cap"),
    ):
        with pytest.raises(FieldErrors) as caught:
            planned(stack, "stock", content)
        assert list(caught.value.errors) == [field]
    with pytest.raises(FieldErrors, match="no shared rule set 'outlet'"):
        planned(stack, "sharing", {"uses": ["outlet"]})
    with pytest.raises(AskMerchant, match="changes nothing"):
        planned(stack, "stock", None)
    for subject in (of_connection(stack.store_id), of_connection(999), "connection:1 or 1"):
        with pytest.raises(NotFound):
            plan.make(stack.engine, stack.shop.id, [Wish(subject=subject, kind="stock", content={})], "Anna")


def test_a_price_that_moves_too_far_waits_and_the_rest_goes_on(stack: Stack) -> None:
    listed(stack, A=9, B=3)
    before = {sku: stack.offer(sku)["price"] for sku in "AB"}  # type: ignore[index]
    for sku, price in (("A", "2.00"), ("B", "11.00")):
        price_in_store(stack, sku, price)
        hint(stack, number_of(stack, sku))
    sets(stack, "A", 4)
    stack.settle(40)
    assert stack.shown("A") == 4, "stock is never held"
    assert stack.offer("A")["price"] == before["A"]  # type: ignore[index]
    assert stack.offer("B")["price"] == 11.0  # type: ignore[index]
    [problem] = stack.rows(Problem, Problem.kind == held.KIND)
    assert ": 1 price change." in problem.text
    assert "A: 10.00 EUR -> 2.00 EUR (-80.0 %)" in problem.detail
    assert held.confirm(stack.engine, stack.shop.id, stack.channel_id, "Anna") == 1
    stack.drain()
    assert stack.offer("A")["price"] == 2.0  # type: ignore[index]
    assert stack.problems() == {}
    price_in_store(stack, "A", "9.00")
    hint(stack, number_of(stack, "A"))
    stack.settle(40)
    assert list(stack.problems()) == [held.KIND], "what was confirmed was that price and no other"
    price_in_store(stack, "A", "2.20")
    hint(stack, number_of(stack, "A"))
    stack.settle(40)
    assert stack.offer("A")["price"] == 2.2  # type: ignore[index]
    assert stack.problems() == {}, "the cause is gone"


def test_a_mass_deletion_in_the_store_ends_nothing_until_it_is_confirmed(stack: Stack) -> None:
    applied(stack, planned(stack, "reach", {"ends_few": 1}))
    listed(stack, **{f"P{number}": 3 for number in range(6)})
    ids = {sku: number_of(stack, sku) for sku in (f"P{number}" for number in range(6))}
    stack.store.delete(f"products/{ids['P0']}?force=true")
    hint(stack, ids["P0"])
    stack.settle(40)
    assert stack.offer("P0") is None, "a single one is no mass"
    for sku in ("P1", "P2", "P3"):
        stack.store.delete(f"products/{ids[sku]}?force=true")
        hint(stack, ids[sku])
    stack.settle(40)
    assert [stack.shown(sku) for sku in ("P1", "P2", "P3", "P4")] == [0, 0, 0, 3], "still there, and nothing to sell"
    [problem] = stack.rows(Problem, Problem.kind == held.KIND, Problem.closed_at.is_(None))
    assert "the end of 3 listings" in problem.text
    assert problem.detail.count("would end") == 3
    held.confirm(stack.engine, stack.shop.id, stack.channel_id, "Anna")
    stack.settle(40)
    assert [stack.offer(sku) for sku in ("P1", "P2", "P3")] == [None] * 3
    assert {row.sku: row.state for row in stack.rows(Listing)}["P1"] == "ended"
    assert stack.problems() == {}


def test_what_rests_goes_out_when_it_is_resumed(stack: Stack) -> None:
    listed(stack, A=9)
    shop, channel = stack.shop.id, stack.channel_id
    assert {item["flow"] for item in resting.hold(stack.engine, shop, channel, ["stock", "offers"], "Anna")} == {
        "stock",
        "offers",
    }
    sets(stack, "A", 4)
    hint(stack, number_of(stack, "A"))
    stack.product("NEW", 1)
    price_in_store(stack, "A", "11.00")
    stack.settle(150)
    assert (stack.shown("A"), stack.offer("A")["price"], stack.offer("NEW")) == (9, 11.0, None)  # type: ignore[index]
    assert resting.resume(stack.engine, shop, channel, [], "Anna") == []
    stack.settle(40)
    assert stack.shown("A") == 4
    assert stack.offer("NEW") is not None
    resting.hold(stack.engine, shop, channel, ["orders"], "Anna", "Stocktaking")
    order = stack.sells("A")
    stack.settle(40)
    assert stack.orders_of(order) == []
    assert stack.shown("A") == 3, "its unit is reserved all the same"
    resting.resume(stack.engine, shop, channel, ["orders"], "Anna")
    stack.settle(40)
    assert len(stack.orders_of(order)) == 1
    assert stack.rows(Hold) == []


@pytest.mark.both_databases
def test_in_test_mode_a_shipment_reaches_no_marketplace(stack: Stack) -> None:
    listed(stack, A=9)
    order = stack.sells("A")
    stack.settle(40)
    [made] = stack.orders_of(order)
    resting.begin_test(stack.engine, stack.shop.id, "Anna")
    stack.ships(made, "3STEST1")
    stack.settle(60)
    assert stack.requests("create-shipment") == []
    resting.end_test(stack.engine, stack.shop.id, "Anna")
    stack.drain()
    assert len(stack.requests("create-shipment")) == 1


@pytest.mark.both_databases
def test_cancellations_rest_by_themselves(stack: Stack) -> None:
    listed(stack, A=9)
    order = stack.sells("A")
    stack.settle(40)
    [made] = stack.orders_of(order)
    resting.hold(stack.engine, stack.shop.id, stack.channel_id, ["cancellation"], "Anna")
    stack.store.put(f"orders/{made['id']}", {"status": "cancelled"})
    stack.settle(60)
    assert stack.requests("cancel-order-item") == []
    resting.resume(stack.engine, stack.shop.id, stack.channel_id, ["cancellation"], "Anna")
    stack.drain()
    assert len(stack.requests("cancel-order-item")) == 1


def test_nobody_rests_by_a_name_that_there_is_not(stack: Stack) -> None:
    shop = stack.shop.id
    with pytest.raises(AskMerchant, match="no flow 'prices'"):
        resting.hold(stack.engine, shop, stack.channel_id, ["prices"], "Anna")
    with pytest.raises(NotFound):
        resting.hold(stack.engine, shop, 999, ["price"], "Anna")


def test_one_products_bad_data_blocks_that_product_alone(stack: Stack) -> None:
    listed(stack, A=9, B=3)
    with stack.engine.db.write(stack.shop.id) as session:
        row = session.query(Variant).filter(Variant.sku == "A").one()
        broken = {**row.data, "price": {"amount": "ten", "currency": "EUR"}}
        session.execute(update(Variant).where(Variant.id == row.id).values(data=broken))
    applied(stack, planned(stack, "stock", {"buffer": 1}))
    assert (stack.shown("A"), stack.shown("B")) == (0, 2)
    found = {row.sku: [item["rule"] for item in row.findings] for row in stack.rows(Listing)}
    assert found == {"A": ["bad_data"], "B": []}
    [price] = stack.rows(
        FacetRow, FacetRow.facet == "price", FacetRow.listing_id == stack.rows(Listing, Listing.sku == "A")[0].id
    )
    assert price.desired["amount"] == "10.00", "its last good price stays"
