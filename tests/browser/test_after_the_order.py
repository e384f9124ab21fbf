"""Orders and what comes after them: one that has to be put right by a person, one whose store was away, a parcel, a return; all
of it is looked at on both sides. In WordPress' frame without a script and in Shopify's with its own elements.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.house import House
from tests.support.procs import wait_until
from tests.support.seats import Seat

pytestmark = pytest.mark.timeout(400)
TWO, ALL = ("wordpress", "shopify"), ("wordpress", "shopify", "magento")
Rules = Callable[..., list[str]]
Sit = Callable[..., Seat]
STEPS = 7


def in_frames(*frames: str) -> Any:
    return pytest.mark.parametrize("house", frames, indirect=True)


def steps(seat: Seat) -> list[str]:
    """How far the order is: done, now, later, trouble or never, for each of the seven."""
    found = [str(one.get_attribute("class")) for one in seat.place.locator(".sb-step").all()]
    return [classes.split("sb-step-")[1].split()[0] for classes in found]


def wrong(seat: Seat, name: str) -> Any:
    field = seat.place.locator(f'[name="{name}"]').first
    return field.get_attribute("error") if seat.is_embedded else field.get_attribute("aria-invalid")


@in_frames(*ALL)
def test_an_order_for_an_unknown_product_is_held_and_put_right(house: House, sit: Sit, broken_rules: Rules) -> None:
    house.bol.control("POST", "offers", {"sku": "OLD-1", "ean": "4006381333931", "stock": 5, "price": 12.5})
    bought = house.sells("OLD-1", 1)
    house.settle(40)
    assert house.orders_of(bought) == []
    seat = sit()
    seat.open()
    seat.look("overview with trouble", broken_rules)
    assert seat.place.get_by_role("link", name="Open the order").count() == 1
    seat.go("problems")
    seat.look("problems", broken_rules)
    seat.go("orders")
    seat.look("orders", broken_rules)
    seat.follow(bought)
    seat.look("order held", broken_rules)
    assert len(steps(seat)) == STEPS
    assert steps(seat)[:2] == ["done", "done"]
    assert "trouble" in steps(seat)
    seat.fill({"sku": "NOPE"})
    seat.do("match")
    assert wrong(seat, "sku"), "said beside the field"
    seat.look("order with a wrong match")
    seat.fill({"sku": "C"})
    seat.do("match")
    house.settle(40)
    assert len(house.orders_of(bought)) == 1
    assert house.hands.stock_of("C") == 2
    seat.go(f"orders/{house.order(bought).id}")
    assert "trouble" not in steps(seat)
    seat.do("replay")
    house.settle(40)
    assert len(house.orders_of(bought)) == 1, "going through it again makes no second one"
    house.hands.ship(str(house.order(bought).store_order_id), "PostNL", "3SBOL0001")
    house.settle(60)
    seat.go(f"orders/{house.order(bought).id}")
    seat.look("order shipped", broken_rules)
    assert steps(seat)[4:6] == ["done", "done"]
    [parcel] = house.bol_order(bought)["shipments"]
    assert parcel["tracking"] == "3SBOL0001"
    buyer_is_told_and_erased(seat, bought, broken_rules)
    seat.at_peace()


def buyer_is_told_and_erased(seat: Seat, bought: str, broken_rules: Rules) -> None:
    """On the order's page; the end is asked twice."""
    order = seat.house.order(bought)
    seat.unfold("Hand on or erase what is held")
    seat.look("order with its buyer's data", broken_rules)
    [told] = [item for item in json.loads(seat.download("tell_buyer"))["orders"] if item["order"] == order.ref]
    assert told["buyer"]["ship_to"] == order.buyer["ship_to"]
    seat.do("erase_buyer")
    assert "Tick the box if you are sure." in seat.place.content()
    assert seat.house.order(bought).buyer == order.buyer
    seat.look("order whose end was not confirmed", broken_rules)
    box = seat.place.locator('[name="sure"]')
    (box.locator("input") if seat.is_embedded else box).check()
    seat.do("erase_buyer")
    assert "Erased for good." in seat.status()
    assert seat.house.order(bought).buyer == {}


@in_frames(*TWO)
def test_an_order_waits_for_a_store_that_is_away(house: House, sit: Sit, broken_rules: Rules) -> None:
    house.store_away()
    bought = house.sells("A", 1)
    house.settle(60)
    seat = sit()
    seat.open(f"orders/{house.order(bought).id}")
    seat.look("order without a store", broken_rules)
    assert steps(seat)[3] != "done"
    assert house.shown("A") == 4, "what is sold is kept back at once"
    seat.go()
    seat.look("overview without a store", broken_rules)
    house.store_back()
    # How long the store is left alone is counted in real seconds.
    wait_until(lambda: house.settle(60, 30) or house.orders_of(bought), 120, "the order in the store", 1)
    assert len(house.orders_of(bought)) == 1
    seat.go(f"orders/{house.order(bought).id}")
    assert steps(seat)[:4] == ["done"] * 4
    seat.at_peace()


@in_frames(*TWO)
def test_a_return_is_decided_in_part_and_paid_back_on_both_sides(house: House, sit: Sit, broken_rules: Rules) -> None:
    bought = house.sells("B", 2)
    house.settle(40)
    house.hands.ship(str(house.order(bought).store_order_id), "PostNL", "3SBOL0002")
    house.settle(60)
    lines = [{"sku": "B", "quantity": 2}]
    house.bol.control("POST", "returns", {"order_id": bought, "lines": lines})
    house.settle(60)
    seat = sit()
    seat.open()
    seat.follow(re.compile("to decide"))
    seat.look("returns", broken_rules)
    card = seat.place.locator(".sb-card, s-section").filter(has_text=bought).last
    assert "Decide before" in card.inner_text()
    seat.fill({"result": "accepted", "quantity": "1", "condition": "as_new"})
    shelf = house.hands.stock_of("B")
    seat.do("decide")
    assert seat.place.get_by_role("status").count()
    house.settle(60)
    row = house.rows(type(house.returned("")))[-1]
    assert (row.decision, row.decided_quantity, row.store_state) == ("accepted", 1, "done")
    assert house.hands.stock_of("B") == shelf + 1
    seat.go("returns", show="all")
    seat.look("all returns", broken_rules)
    assert "1 of 2" in seat.text
    seat.go(f"orders/{house.order(bought).id}")
    seat.look("order returned", broken_rules)
    seat.at_peace()
