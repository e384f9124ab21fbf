"""What a merchant can hold back, and lets go on again: everything, one marketplace, one of its flows, and the listings of
a store under maintenance. What is sent meanwhile, and once afterwards, is looked at in the marketplace.
In WordPress' frame, without a script.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.support.house import House
from tests.support.seats import Seat

pytestmark = [pytest.mark.timeout(400), pytest.mark.parametrize("house", ["wordpress"], indirect=True)]
Rules = Callable[..., list[str]]
Sit = Callable[..., Seat]


def changes_of(house: House, sku: str, since: int) -> int:
    """How often its offer was changed, of all that the marketplace was sent since then."""
    offer = (house.offer(sku) or {})["offer_id"]
    return sum(line.endswith(f"/offers/{offer}") for line in house.sent()[since:])


def restock(house: House, sku: str, *units: int) -> None:
    """One after the other, each of them heard."""
    for count in units:
        house.hands.set_stock(sku, count)
        house.settle(20)


def test_one_switch_pauses_everything(house: House, sit: Sit, broken_rules: Rules) -> None:
    seat = sit()
    seat.open()
    since = len(house.sent())
    seat.do("pause")
    seat.look("overview paused", broken_rules)
    assert "This shop is paused." in seat.text
    restock(house, "A", 4, 3, 2)
    bought = house.sells("B", 1)
    house.settle(40)
    assert (house.sent()[since:], house.orders_of(bought)) == ([], [])
    seat.go("listings")
    assert "This shop is paused." in seat.text, "whichever page one is on"
    seat.do("resume")
    assert "This shop is paused." not in seat.text
    house.settle(60)
    assert (house.shown("A"), house.shown("B")) == (2, 8)
    assert changes_of(house, "A", since) == 1, "the last value, once"
    assert len(house.orders_of(bought)) == 1
    seat.at_peace()


def test_a_marketplace_is_paused_by_itself_and_so_is_a_flow(house: House, sit: Sit, broken_rules: Rules) -> None:
    seat = sit()
    seat.open()
    since = len(house.sent())
    seat.press(re.compile("^Pause bol"))
    assert house.connection("channel").state == "paused"
    restock(house, "A", 6, 7)
    assert house.sent()[since:] == []
    seat.press(re.compile("^Resume bol"))
    house.settle(40)
    assert (house.shown("A"), changes_of(house, "A", since)) == (7, 1)

    seat.place.get_by_text(re.compile("^What is sent")).first.click()
    seat.press(re.compile("^Let it rest Stock"))
    assert re.search(r"What is sent: ?Stock at rest", seat.text)
    seat.look("overview with a flow at rest", broken_rules)
    since = len(house.sent())
    house.hands.change_title("A", "Product A, renamed")
    restock(house, "A", 5, 4)
    house.settle(40)
    assert (house.shown("A"), changes_of(house, "A", since)) == (7, 0)
    assert (house.offer("A") or {})["title"] == "Product A, renamed", "only stock is at rest"
    seat.place.get_by_text(re.compile("^What is sent")).first.click()
    seat.press(re.compile("^Go on Stock"))
    house.settle(40)
    assert (house.shown("A"), changes_of(house, "A", since)) == (4, 1)
    seat.at_peace()


def test_listings_of_a_store_under_maintenance_do_as_they_are_told(house: House, sit: Sit, broken_rules: Rules) -> None:
    restock(house, "C", 6)
    seat = sit()
    seat.open("settings/stock", connection=str(house.channel_id))
    away(seat, store_away="zero", store_away_after="0")
    seat.go("settings")
    seat.fill({"minutes": "600"})
    seat.do("maintain")
    seat.look("settings under maintenance", broken_rules)
    house.watch(1)
    assert [house.shown(sku) for sku in "ABC"] == [0, 0, 0]
    seat.go()
    seat.look("overview under maintenance", broken_rules)
    assert "by your setting listings show 0 meanwhile" in seat.text
    seat.go("sku", sku="C")
    assert "the store is under maintenance" in seat.text
    seat.go("settings")
    seat.do("maintained")
    house.watch(2)
    assert house.shown("C") == 6

    away(seat, store_away="freeze")
    seat.go("settings")
    seat.do("maintain")
    house.watch(1)
    restock(house, "C", 9)
    assert house.shown("C") == 6, "it does not rise"
    restock(house, "C", 2)
    assert house.shown("C") == 2, "and falls"
    seat.go()
    assert "by your setting listings are frozen meanwhile" in seat.text
    away(seat, store_away="keep")
    restock(house, "C", 5)
    house.watch(1)
    assert house.shown("C") == 5, "as if the store was there"
    seat.go("settings")
    seat.do("maintained")
    seat.at_peace()


def away(seat: Seat, **policy: str) -> None:
    """What listings do while the store is away, by the page of the settings."""
    seat.go("settings/stock", connection=str(seat.house.channel_id))
    seat.fill(policy)
    seat.do("save_safety")
    assert seat.place.get_by_role("status").count()
