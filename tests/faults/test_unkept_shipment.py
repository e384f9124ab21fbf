"""A6, A7 for shipments: a marketplace that accepts one and does not keep it is told once more, then a person is."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.db.sales import ParcelRow
from tests.support.bol import shipment
from tests.support.stack import Stack


def shipped(stack: Stack, times: int | None) -> str:
    """An order whose shipment bol accepts, and forgets so many times."""
    stack.product("A", 9)
    stack.settle(60)
    order = stack.sells("A", 2)
    stack.settle(60)
    stack.bol.fault("not_applied", "create-shipment", times=times)
    stack.ships(stack.orders_of(order)[0], "3SKEPT")
    stack.settle(120, 40)
    return order


def parcel(stack: Stack) -> Any:
    [row] = stack.rows(ParcelRow)
    return row


def an_hour(stack: Stack) -> None:
    stack.later(3700)
    stack.due_now()
    stack.settle(120, 40)


@pytest.mark.both_databases
def test_what_was_accepted_and_not_kept_is_told_once_more(stack: Stack) -> None:
    order = shipped(stack, 1)
    assert parcel(stack).state == "confirmed"
    assert stack.bol_order(order)["shipments"] == []
    stack.settle(120, 40)
    assert len(stack.requests("create-shipment")) == 1, "a marketplace may need some time to show it"
    an_hour(stack)
    assert [item["tracking"] for item in stack.bol_order(order)["shipments"]] == ["3SKEPT"]
    assert parcel(stack).state == "confirmed"
    an_hour(stack)
    assert len(stack.requests("create-shipment")) == 2
    assert stack.problems() == {}
    stack.check_invariants()


@pytest.mark.timeout(240)
def test_what_is_never_kept_becomes_a_problem_and_no_loop(stack: Stack) -> None:
    order = shipped(stack, None)
    for _ in range(4):
        an_hour(stack)
    assert len(stack.requests("create-shipment")) == 2
    assert "goes on showing it as not shipped" in stack.problems()["shipment_refused"]

    stack.bol.http.delete("/_sandbox/faults")
    line = stack.bol_order(order)["lines"][0]["line_id"]
    stack.bol.call("POST", "/retailer/shipments", shipment(line))  # the merchant does it in the portal
    an_hour(stack)
    assert stack.bol_order(order)["status"] == "SHIPPED"
    assert stack.problems() == {}


def test_an_order_that_is_kept_is_not_told_again(stack: Stack) -> None:
    stack.product("B", 9)
    stack.settle(60)
    order = stack.sells("B", 1)
    stack.settle(60)
    stack.ships(stack.orders_of(order)[0], "3SONCE")
    stack.settle(120, 40)
    an_hour(stack)
    an_hour(stack)
    assert len(stack.requests("create-shipment")) == 1
    assert stack.problems() == {}
