"""Returns of marketplaces in the independent Shopify, and returns that merchants and buyers make there by themselves."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from bridge.domain.order import StoreOrder
from bridge.domain.returns import RefundLine, ReturnCause, ReturnNotice
from bridge.ports.errors import RetryLater, UnknownOutcome
from tests.support.independent_shopify import Json, Reply
from tests.support.independent_shopify_sold import draft, euro, fetch, key, line, made
from tests.support.independent_shopify_store import Shopify

Connect = Callable[..., Any]
REF = "bol-1:O-1/return/77"


@pytest.fixture
def order(market: Shopify, store: Any) -> Json:
    """Five of one and two of another, in three parcels."""
    product = market.product("Boot", variants=[{"sku": "A", "stock": 10}, {"sku": "B", "stock": 10}])
    one, two = product["variants"]
    store.create_order(
        draft("O-1", line("L-1", one, 5, "50.00", "8.68"), line("L-2", two, 2, "20.00", "3.47"), shipping="3.99")
    )
    order = made(market)
    one, two = order["lines"]
    for units in ({one["id"]: 2}, {one["id"]: 3}, {two["id"]: 2}):
        market.sent(order, units, number="3S1")
    return order


def notice(order: Json, units: int, ref: str = REF, **also: Any) -> ReturnNotice:
    given: Any = {"words": "too small, says the buyer", "cause": ReturnCause.TOO_SMALL} | also
    return ReturnNotice(
        ref=ref, store_line_id=key(order["lines"][0]), quantity=units, requested_at=datetime.now(UTC), **given
    )  # fmt: skip


def back(order: Json, units: int, *, restock: bool = True) -> RefundLine:
    return RefundLine(store_line_id=key(order["lines"][0]), quantity=units, restock=restock)


def shelf(order: Json) -> int:
    [level] = order["lines"][0]["variant"]["inventoryItem"]["levels"]
    return int(level["states"]["available"])


def refunded(order: StoreOrder) -> list[int]:
    return [item.refunded for item in order.lines]


def test_a_return_from_its_announcement_to_its_refund(market: Shopify, store: Any, order: Json) -> None:
    told = store.announce_return(order["legacyResourceId"], notice(order, 4))
    [row] = order["returns"]
    assert told.external_id == key(row)
    assert told.name == row["name"]
    assert row["status"] == "OPEN"
    assert sum(item["quantity"] for item in row["lines"]) == 4
    assert {item["returnReason"] for item in row["lines"]} == {"SIZE_TOO_SMALL"}
    assert all("too small, says the buyer" in item["returnReasonNote"] for item in row["lines"])
    again = store.announce_return(order["legacyResourceId"], notice(order, 4))
    assert (again.external_id, len(order["returns"])) == (told.external_id, 1)
    assert refunded(fetch(store, order)) == [0, 0], "nothing has come back yet"

    found = store.accept_return(order["legacyResourceId"], told.external_id, back(order, 4), "accepted", REF)
    assert refunded(found) == [4, 0]
    assert market.given_back(order) == Decimal("40.00")
    assert shelf(order) == 9
    assert row["status"] == "CLOSED"
    once = store.accept_return(order["legacyResourceId"], told.external_id, back(order, 4), "accepted", REF)
    assert refunded(once) == [4, 0]
    assert (market.given_back(order), shelf(order)) == (Decimal("40.00"), 9)


@pytest.mark.parametrize("name", ["returnCreate", "returnProcess"])
@pytest.mark.parametrize("lost", [Reply(502, after=True), Reply(500), Reply(200, "<html></html>", after=True)])
def test_an_answer_that_is_lost(market: Shopify, store: Any, order: Json, name: str, lost: Reply) -> None:
    market.trouble[name] = [lost]

    def both() -> StoreOrder:
        told = store.announce_return(order["legacyResourceId"], notice(order, 3))
        found = store.accept_return(order["legacyResourceId"], told.external_id, back(order, 3), "accepted", REF)
        assert isinstance(found, StoreOrder)
        return found

    with suppress(UnknownOutcome, RetryLater):
        both()
    found = both()
    assert refunded(found) == [3, 0]
    assert len(order["returns"]) == 1
    assert (market.given_back(order), shelf(order)) == (Decimal("30.00"), 8)


@pytest.mark.parametrize("restock", [True, False])
def test_fewer_come_back_than_were_announced(market: Shopify, store: Any, order: Json, *, restock: bool) -> None:
    told = store.announce_return(order["legacyResourceId"], notice(order, 4))
    found = store.accept_return(
        order["legacyResourceId"], told.external_id, back(order, 1, restock=restock), "accepted", REF
    )
    assert refunded(found) == [1, 0]
    assert (market.given_back(order), shelf(order)) == (Decimal("10.00"), 6 if restock else 5)
    assert order["returns"][0]["status"] == "CLOSED"


def test_a_return_that_is_dropped(market: Shopify, store: Any, order: Json) -> None:
    store.announce_return(order["legacyResourceId"], notice(order, 2))
    for _ in range(2):
        store.drop_return(order["legacyResourceId"], REF)
    assert [row["status"] for row in order["returns"]] == ["CANCELED"]
    assert refunded(fetch(store, order)) == [0, 0]


def test_a_return_without_announcement_is_a_refund(market: Shopify, store: Any, order: Json) -> None:
    for _ in range(2):
        found = store.accept_return(order["legacyResourceId"], "", back(order, 2), "accepted", REF)
    assert refunded(found) == [2, 0]
    assert market.given_back(order) == Decimal("20.00")


def test_the_buyers_own_request_is_taken_for_it(market: Shopify, store: Any, order: Json) -> None:
    sent = order["fulfillments"][1]["fulfillmentLineItems"][0]
    rows = [{"fulfillmentLineItemId": sent["id"], "quantity": 2, "returnReason": "UNWANTED"}]
    market.returned(order, rows, "REQUESTED")
    told = store.announce_return(order["legacyResourceId"], notice(order, 2))
    assert told.was_there
    assert len(order["returns"]) == 1
    found = store.accept_return(order["legacyResourceId"], told.external_id, back(order, 2), "accepted", REF)
    assert refunded(found) == [2, 0]
    assert (market.given_back(order), order["returns"][0]["status"]) == (Decimal("20.00"), "CLOSED")


@pytest.mark.parametrize("may_read", [True, False])
@pytest.mark.parametrize("money", [True, False])
def test_a_return_that_the_merchant_processes(
    market: Shopify, connect: Connect, order: Json, *, may_read: bool, money: bool
) -> None:
    """With its refund it shows in the order's refunds, whoever may read returns; without one, in the return alone."""
    sent = order["fulfillments"][1]["fulfillmentLineItems"][0]
    row = market.returned(order, [{"fulfillmentLineItemId": sent["id"], "quantity": 2, "returnReason": "UNWANTED"}])
    if not may_read:
        market.scopes -= {"read_returns", "write_returns"}
    store = connect()
    assert refunded(fetch(store, order)) == [0, 0]
    market.processed(row, {row["lines"][0]["id"]: 2}, "20.00" if money else 0, money=money)
    found = fetch(store, order)
    assert refunded(found) == ([2, 0] if money else [0, 0])
    assert (found.refunded or euro("0")) == euro("20.00" if money else "0")


def test_our_return_that_the_merchant_processes(market: Shopify, store: Any, order: Json) -> None:
    """With or without money it counts: the marketplace has announced it, so that its decision follows."""
    store.announce_return(order["legacyResourceId"], notice(order, 2))
    [row] = order["returns"]
    market.processed(row, {item["id"]: item["quantity"] for item in row["lines"]}, 0, money=False)
    assert refunded(fetch(store, order)) == [2, 0]
    found = store.accept_return(order["legacyResourceId"], key(row), back(order, 2), "accepted", REF)
    assert refunded(found) == [2, 0]


def test_without_the_right_a_return_is_a_note_and_a_refund(market: Shopify, connect: Connect, order: Json) -> None:
    market.scopes -= {"read_returns", "write_returns"}
    store = connect()
    info = store.check()
    assert info.better, "what it would do too is said"
    told = store.announce_return(order["legacyResourceId"], notice(order, 2))
    assert not told.external_id
    assert told.why
    for _ in range(2):
        found = store.accept_return(order["legacyResourceId"], "", back(order, 2), "accepted", REF)
    assert refunded(found) == [2, 0]
    assert market.given_back(order) == Decimal("20.00")


def test_an_exchange_is_no_refund(market: Shopify, store: Any, order: Json) -> None:
    """The piece that goes out instead is a new line of the order: it was not sold on the marketplace."""
    sent = order["fulfillments"][1]["fulfillmentLineItems"][0]
    row = market.returned(order, [{"fulfillmentLineItemId": sent["id"], "quantity": 1, "returnReason": "STYLE"}])
    new = market._new_line(order, {"variantId": order["lines"][1]["variant"]["id"], "quantity": 1, "title": "Boot"})
    new["at"] = market.places[0]
    row["exchangeLineItems"] = [{"id": "gid://shopify/ExchangeLineItem/1", "quantity": 1, "lineItems": [new]}]
    market.to_fulfil(order, new, market.places[0], 1)
    market.processed(row, {row["lines"][0]["id"]: 1}, 0)
    found = fetch(store, order)
    assert [item.ref for item in found.lines][:2] == ["L-1", "L-2"]
    assert [item.ref for item in found.lines][2:] in ([None], [])


def test_two_returns_of_one_line(market: Shopify, store: Any, order: Json) -> None:
    first = store.announce_return(order["legacyResourceId"], notice(order, 2))
    other = notice(order, 3, "bol-1:O-1/return/78", taken=(first.external_id,))
    second = store.announce_return(order["legacyResourceId"], other)
    assert first.external_id != second.external_id
    store.accept_return(order["legacyResourceId"], second.external_id, back(order, 3), "accepted", other.ref)
    found = store.accept_return(order["legacyResourceId"], first.external_id, back(order, 2), "accepted", REF)
    assert refunded(found) == [5, 0]
    assert market.given_back(order) == Decimal("50.00")


@pytest.mark.parametrize(
    ("cause", "handle"),
    [
        (ReturnCause.CHANGED_MIND, "changed-my-mind"), (ReturnCause.TOO_SMALL, "too-small"), (ReturnCause.TOO_LARGE, "too-big"),
        (ReturnCause.DEFECTIVE, "damaged-or-defective"), (ReturnCause.NOT_AS_DESCRIBED, "item-not-as-described"),
        (ReturnCause.WRONG_ITEM, "received-the-wrong-item"), (ReturnCause.LATE, "arrived-late"),
        (ReturnCause.OTHER, "other-reason"),
    ],
)  # fmt: skip
def test_the_reason_is_one_of_the_stores_library(
    market: Shopify, store: Any, order: Json, cause: ReturnCause, handle: str
) -> None:
    store.announce_return(order["legacyResourceId"], notice(order, 1, cause=cause))
    [item] = order["returns"][0]["lines"]
    assert item["returnReasonDefinition"] is not None, "the older list is deprecated"
    assert item["returnReasonDefinition"]["handle"] == handle
