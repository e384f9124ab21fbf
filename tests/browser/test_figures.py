"""What was sold today and in the last days, each number with the list it counts; and by what products are matched, chosen
by the merchant. In WordPress' frame at a telephone, without a script."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from bridge.db.tables import Connection
from tests.browser.test_selling import EVERY, in_frames
from tests.support.house import House
from tests.support.seats import Seat

pytestmark = pytest.mark.timeout(400)
Rules = Callable[..., list[str]]
Sit = Callable[..., Seat]


def figure(seat: Seat, name: str) -> Any:
    """The links of one figure: today's, and that of seven days."""
    called = seat.place.locator("dt", has_text=re.compile(f"^{name}$"))
    return seat.place.locator(".sb-figures-days .sb-figure").filter(has=called).locator("a")


@in_frames(*EVERY)
def test_each_figure_leads_to_its_list(house: House, sit: Sit, broken_rules: Rules) -> None:
    seat = sit()
    seat.open()
    assert "No orders in the last 7 days" in seat.place.content()
    seat.look("overview without a sale", broken_rules)
    house.sells("A", 2)
    house.sells("B", 1)
    house.settle(60)
    seat.open()
    seat.look("overview with figures", broken_rules)
    for name, count in (("Orders", "2"), ("Units sold", "3"), ("Orders shipped late", "0")):
        assert [text.split()[0] for text in figure(seat, name).all_inner_texts()] == [count, count], name
    with seat.turning():
        figure(seat, "Orders").first.click()
    assert seat.place.locator("tbody tr, s-table-row").count() == 2
    seat.look("orders of today", broken_rules)
    seat.follow("Shipped late")
    assert "No order here" in seat.place.content()
    assert seat.place.locator('[aria-label="Placed"] [aria-current]').inner_text().strip() == "Today", (
        "it stays narrowed"
    )
    seat.follow("Show all orders")
    assert seat.place.locator("tbody tr, s-table-row").count() == 2
    seat.open()
    with seat.turning():
        figure(seat, "Problems solved").last.click()
    seat.look("problems that were solved", broken_rules)
    seat.at_peace()


@in_frames(*EVERY)
def test_a_merchant_chooses_by_what_products_are_matched(house: House, sit: Sit, broken_rules: Rules) -> None:
    seat = sit()
    seat.open(f"accounts/{house.channel_id}")
    seat.fill({"match_by": "ean", "match_sku": "loose"})
    seat.do("save_matching")
    assert "Offers are compared anew" in seat.status()
    seat.look("an account matched by EAN", broken_rules)
    [row] = house.rows(Connection, Connection.id == house.channel_id)
    assert (row.settings["match_by"], row.settings["match_sku"]) == ("ean", "loose")
    house.settle(60)
    seat.open("setup", step="match", connection=str(house.channel_id))
    assert "Products are matched by EAN alone." in seat.text
    assert "0 by SKU, 3 by EAN" in seat.text
    seat.unfold("Show these")
    seat.look("match by EAN", broken_rules)
    seat.fill({"match_by": "both"})
    seat.do("save_matching")
    assert "Products are matched by SKU, and by EAN where the SKU says nothing." in seat.text
    seat.at_peace()
