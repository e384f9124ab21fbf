"""Orders in the independent Shopify that we cancel and refund, whole and in parts; and stock that we write."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from bridge.domain.money import Money
from bridge.domain.order import StoreOrder, StoreOrderStatus
from bridge.domain.returns import RefundLine
from bridge.ports.errors import AskMerchant, NotFound, RejectItem, RetryLater, UnknownOutcome
from tests.support.independent_shopify import Json, Reply
from tests.support.independent_shopify_sold import draft, euro, key, line, made
from tests.support.independent_shopify_store import Shopify
from tests.support.played import Clock, patiently

Connect = Callable[..., Any]


@pytest.fixture
def order(market: Shopify, store: Any, product: Json) -> Json:
    one, two = product["variants"]
    store.create_order(
        draft("O-1", line("L-1", one, 5, "50.00", "8.68"), line("L-2", two, 2, "20.00", "3.47"), shipping="3.99")
    )
    return made(market)


# -- cancelled and refunded by us -----------------------------------------------------------------------------


@pytest.mark.parametrize("polls", [0, 2])
def test_an_order_is_cancelled(market: Shopify, store: Any, order: Json, product: Json, polls: int) -> None:
    market.job_polls = polls
    found = patiently(lambda: store.cancel_order(order["legacyResourceId"], "cancelled on bol"))
    assert found.status is StoreOrderStatus.CANCELLED
    levels = [level["states"] for row in product["variants"] for level in row["inventoryItem"]["levels"]]
    assert [(state["available"], state["committed"]) for state in levels] == [(10, 0), (10, 0)]
    again = store.cancel_order(order["legacyResourceId"], "cancelled on bol")
    assert again.status is StoreOrderStatus.CANCELLED
    assert len(market.known("Refund")) <= 1
    assert market.given_back(order) <= market.paid(order)


def test_what_has_left_is_not_cancelled(market: Shopify, store: Any, order: Json) -> None:
    market.sent(order, {order["lines"][0]["id"]: 2}, number="3S1")
    with pytest.raises((AskMerchant, RejectItem)):
        store.cancel_order(order["legacyResourceId"], "cancelled on bol")
    assert order["cancelledAt"] is None
    with pytest.raises(NotFound):
        store.cancel_order("999999", "cancelled on bol")


@pytest.mark.parametrize("lost", [None, Reply(502, after=True)])
def test_units_are_refunded_once(market: Shopify, store: Any, order: Json, product: Json, lost: Reply | None) -> None:
    one, two = order["lines"]
    market.sent(order, {one["id"]: 5}, number="3S1")
    market.trouble["refundCreate"] = [lost]
    lines = [
        RefundLine(store_line_id=key(one), quantity=2),
        RefundLine(store_line_id=key(two), quantity=1, restock=False),
    ]

    def refund() -> StoreOrder:
        found = store.refund_lines(order["legacyResourceId"], lines, "sent back", "ref-1")
        assert isinstance(found, StoreOrder)
        return found

    with suppress(UnknownOutcome, RetryLater):
        refund()
    found = refund()
    refund()
    assert {item.external_id: item.refunded for item in found.lines} == {key(one): 2, key(two): 1}
    assert market.refunded(one) == 2
    assert market.refunded(two) == 1
    assert market.given_back(order) == Decimal("30.00"), "units only: shipping is not given back with them"
    states = [level["states"]["available"] for row in product["variants"] for level in row["inventoryItem"]["levels"]]
    assert states == [7, 8], "five and two were sold; two of the first came back to the shelf"
    store.refund_lines(order["legacyResourceId"], [RefundLine(store_line_id=key(one), quantity=1)], "again", "ref-2")
    assert market.refunded(one) == 3


def test_a_part_of_a_piece_is_refunded_as_an_amount(market: Shopify, store: Any, order: Json) -> None:
    part = RefundLine(store_line_id=key(order["lines"][0]), quantity=0, restock=False, amount=euro("1.50"))
    for _ in range(2):
        found = store.refund_lines(order["legacyResourceId"], [part], "scratched", "ref-1")
    assert market.given_back(order) == Decimal("1.50")
    assert [item.refunded for item in found.lines] == [0, 0]


def test_only_what_is_left_is_refunded(market: Shopify, store: Any, order: Json) -> None:
    one = order["lines"][0]
    market.refund(order, {one["id"]: 4}, amount="40.00", restock="CANCEL")
    store.refund_lines(order["legacyResourceId"], [RefundLine(store_line_id=key(one), quantity=2)], "back", "ref-1")
    assert market.refunded(one) == 5
    assert market.given_back(order) == Decimal("50.00")


def test_a_refund_in_the_buyers_currency(market: Shopify, store: Any, product: Json) -> None:
    store.create_order(draft("O-1", line("L-1", product["variants"][0], 2, "99.98", currency="PLN"), shipping="9.99"))
    order = made(market)
    market.sent(order, {order["lines"][0]["id"]: 2}, number="3S1")
    lines = [RefundLine(store_line_id=key(order["lines"][0]), quantity=1)]
    found = store.refund_lines(order["legacyResourceId"], lines, "back", "ref-1")
    assert found.refunded == Money.of("49.99", "PLN")
    assert market.given_back(order) == Decimal("49.99")


def test_a_note_stands_once(market: Shopify, store: Any, order: Json) -> None:
    for _ in range(2):
        store.add_note(order["legacyResourceId"], "Return 7 announced")
    told = str(order["note"]) + str(order["customAttributes"])
    assert told.count("Return 7 announced") == 1


# -- stock written --------------------------------------------------------------------------------------------


def test_stock_is_set(market: Shopify, connect: Connect, product: Json) -> None:
    store = connect(stock_writes=True)
    row = product["variants"][0]
    level = row["inventoryItem"]["levels"][0]
    market.moved(level, committed=3)
    store.set_stock(key(product), key(row), 7)
    assert level["states"]["available"] == 7
    stale = {"errors": [], "data": {"inventorySetQuantities": {"inventoryAdjustmentGroup": None, "userErrors": [
        {"code": "CHANGE_FROM_QUANTITY_STALE", "field": ["input"], "message": "stale"}]}}}  # fmt: skip
    market.trouble["inventorySetQuantities"] = [Reply(200, {"data": stale["data"]})]
    store.set_stock(key(product), key(row), 4)
    assert level["states"]["available"] == 4


# -- a part that is not to be sent any more -------------------------------------------------------------------


def to_send(market: Shopify, order: Json) -> list[int]:
    return [market.of_LineItem_unfulfilledQuantity(item) for item in order["lines"]]


def test_a_part_that_is_cancelled_is_not_sent_any_more(market: Shopify, store: Any, order: Json) -> None:
    """Two of five have left: a refund of the rest as if it came back would leave it to be packed."""
    one, two = order["lines"]
    market.sent(order, {one["id"]: 2}, number="3S1")
    lines = [
        RefundLine(store_line_id=key(one), quantity=3, cancelled=True),
        RefundLine(store_line_id=key(two), quantity=1, cancelled=True),
    ]
    found = store.refund_lines(order["legacyResourceId"], lines, "cancelled on bol", "ref-1")
    assert [item.refunded for item in found.lines] == [3, 1]
    assert to_send(market, order) == [0, 1]
    [first] = one["variant"]["inventoryItem"]["levels"]
    assert (first["states"]["available"], first["states"]["committed"]) == (8, 0)


def test_a_line_of_no_product_is_cancelled(market: Shopify, store: Any, product: Json) -> None:
    store.create_order(draft("O-1", line("L-1", product["variants"][0], 1, "20.00"), line("L-2", None, 2, "5.00")))
    order = made(market)
    lines = [RefundLine(store_line_id=key(order["lines"][1]), quantity=2, restock=False, cancelled=True)]
    found = store.refund_lines(order["legacyResourceId"], lines, "cancelled on bol", "ref-1")
    assert [item.refunded for item in found.lines] == [0, 2]
    assert to_send(market, order) == [1, 0]


def test_what_has_left_meanwhile_is_not_put_on_the_shelf(market: Shopify, store: Any, order: Json) -> None:
    one = order["lines"][0]
    market.sent(order, {one["id"]: 4}, number="3S1")
    lines = [RefundLine(store_line_id=key(one), quantity=3, cancelled=True)]
    found = store.refund_lines(order["legacyResourceId"], lines, "cancelled on bol", "ref-1")
    assert found.lines[0].refunded == 3
    assert to_send(market, order) == [0, 2]
    [level] = one["variant"]["inventoryItem"]["levels"]
    assert level["states"]["available"] == 6, "five were sold, one of them is still here"


def test_units_are_available_again_where_they_were_taken_from(market: Shopify, store: Any, clock: Clock) -> None:
    market.places.append(market.place("Second"))
    clock.ahead += timedelta(hours=1)
    product = market.product(variants=[{"sku": "C", "stock": {0: 1, 1: 9}}])
    store.create_order(
        draft("O-7", line("L-1", product["variants"][0], 4, "40.00"), line("L-2", product["variants"][0], 1, "9.00"))
    )
    order = next(row for row in market.known("Order") if row["sourceIdentifier"] == "bol-1:O-7")
    first, second = product["variants"][0]["inventoryItem"]["levels"]
    assert (first["states"]["available"], second["states"]["available"]) == (0, 5)
    lines = [RefundLine(store_line_id=key(order["lines"][0]), quantity=3, cancelled=True)]
    store.refund_lines(order["legacyResourceId"], lines, "cancelled on bol", "ref-1")
    assert (first["states"]["available"], second["states"]["available"]) == (0, 8)
    assert (first["states"]["committed"], second["states"]["committed"]) == (1, 1)


def test_a_refund_is_tried_anew_when_the_store_changed(market: Shopify, store: Any, order: Json) -> None:
    """The first try failed there; meanwhile the merchant has refunded some of it: another body, so another key."""
    one = order["lines"][0]
    asked = [RefundLine(store_line_id=key(one), quantity=3, cancelled=True)]
    spent = "A previous request with this idempotency key failed. Retry with a new idempotency key."
    told = {"field": None, "message": spent}
    failed = {"data": {"refundCreate": {"refund": None, "order": None, "userErrors": [told]}}}
    market.trouble["refundCreate"] = [Reply(500), Reply(500), Reply(500), Reply(500), Reply(200, failed)]
    with suppress(UnknownOutcome, RetryLater):
        store.refund_lines(order["legacyResourceId"], asked, "cancelled on bol", "ref-1")
    market.trouble["refundCreate"] = [Reply(200, failed)]
    market.refund(order, {one["id"]: 3}, amount="30.00", restock="CANCEL")
    found = patiently(lambda: store.refund_lines(order["legacyResourceId"], asked, "cancelled on bol", "ref-1"))
    assert found.lines[0].refunded == 5
    assert market.given_back(order) == Decimal("50.00")
