"""What is sold, and how: a rule, a text and the categories are changed on the page, planned, applied, seen at the marketplace,
taken back, and seen taken back there. In WordPress' frame without a script, in Shopify's with its own elements.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from bridge.db.tables import DraftRow, FacetRow, Listing
from tests.support.house import House
from tests.support.seats import Seat

pytestmark = pytest.mark.timeout(400)
Rules = Callable[..., list[str]]
Sit = Callable[..., Seat]
# In one order everywhere, so that the tests of a frame come one after another and share its house.
EVERY = ("shopify", "alone", "wordpress", "magento")


def in_frames(*frames: str) -> Any:
    return pytest.mark.parametrize("house", frames, indirect=True)


def apply(seat: Seat, broken_rules: Rules) -> None:
    """The draft of this page is planned, looked at and applied."""
    seat.do("plan")
    seat.look("plan", broken_rules)
    seat.do("apply")
    assert seat.place.get_by_role("status").count()
    seat.house.settle(40)


def take_back(seat: Seat, broken_rules: Rules) -> None:
    """The newest version."""
    seat.go("plans")
    seat.look("plans", broken_rules)
    seat.do("undo")
    assert seat.place.get_by_role("status").count()
    seat.house.settle(40)


@in_frames(*EVERY)
def test_a_rule_shows_its_effect_is_planned_applied_and_taken_back(house: House, sit: Sit, broken_rules: Rules) -> None:
    seat = sit()
    seat.open("rules")
    seat.look("rules", broken_rules)
    seat.follow(re.compile("^An empty rule"))
    seat.fill({"name": "Two of A kept back", "when.new": "sku"})
    seat.do("condition:when")
    seat.fill({"then.new": "buffer"})
    seat.do("action")
    seat.fill({"then.0.buffer.units": "2"})
    seat.do("effect")
    wrong = seat.place.locator('[name="when.0.value"]')
    assert wrong.get_attribute("error") if seat.is_embedded else wrong.get_attribute("aria-invalid")
    seat.look("rule", broken_rules)
    seat.fill({"when.0.value": "A"})
    seat.do("effect")
    assert re.search(r"1 of 3 fit.* A .*stock 5 → 3", seat.text)
    assert house.rows(DraftRow) == [], "looking keeps nothing"
    seat.do("save")
    assert house.shown("A") == 5, "a draft changes nothing"
    apply(seat, broken_rules)
    assert (house.shown("A"), house.shown("B")) == (3, 9)
    seat.go("sku", sku="A")
    seat.look("sku", broken_rules)
    take_back(seat, broken_rules)
    assert (house.shown("A"), house.shown("B")) == (5, 9)
    seat.at_peace()


@in_frames(*EVERY)
def test_a_text_is_mapped_sent_and_taken_back(house: House, sit: Sit, broken_rules: Rules) -> None:
    seat = sit()
    before = str((house.offer("B") or {})["title"])
    seat.open("mapping", of=str(house.channel_id))
    seat.look("mapping", broken_rules)
    seat.go("mapping/attribute", of=str(house.channel_id), name="@title")
    seat.fill({"source.kind": "template"})
    seat.do("choose")
    seat.fill({"source.text": "{brand"})
    seat.do("effect")
    wrong = seat.place.locator('[name="source.text"]')
    assert wrong.get_attribute("error") if seat.is_embedded else wrong.get_attribute("aria-invalid")
    seat.fill({"source.text": "{title}, new"})
    seat.do("effect")
    assert "Product B, new" in seat.text
    seat.look("attribute", broken_rules)
    seat.do("save")
    apply(seat, broken_rules)
    assert (house.offer("B") or {})["title"] == "Product B, new"
    take_back(seat, broken_rules)
    assert (house.offer("B") or {})["title"] == before
    seat.at_peace()


@in_frames(*EVERY)
def test_categories_are_suggested_accepted_and_taken_back(house: House, sit: Sit, broken_rules: Rules) -> None:
    """One by one, in bulk above a confidence, and for a single product; what lies below a category follows it."""
    for sku, path in (("A", ("Keuken",)), ("B", ("Keuken", "Mokken")), ("C", ("Motor",))):
        house.sort(sku, *path)
    house.later(1900)  # a store's categories are asked for twice an hour
    house.settle(40)
    seat = sit()
    seat.open("categories", of=str(house.channel_id))
    seat.do("suggest")
    seat.look("categories", broken_rules)
    assert "98 % Wonen > Keuken > Mokken “Mokken” says the same as “Mokken”" in seat.text, seat.text
    assert "75 % Auto & Motor" in seat.text
    seat.press(re.compile(r"^Accept Keuken: "))
    assert re.search(r"Keuken > Mokken \d+ Wonen > Keuken > Mokken In the draft follows Keuken\b", seat.text)
    seat.fill({"above": "90"})
    seat.do("above")
    assert "None of the suggestions on this page is meant by that." in seat.place.content()
    assert seat.place.locator('[name="above"]').evaluate("field => field.value") == "90", "as it was typed"
    seat.fill({"above": "70"})
    seat.do("above")
    assert "3 / 3 categories mapped, 3 / 3 products" in seat.text
    seat.fill({"product": "B"})
    seat.do("product")
    seat.fill({"search": "verlichting"})
    seat.press("Find")
    seat.look("category", broken_rules)
    seat.press("Choose Wonen > Verlichting")
    seat.look("categories in a draft", broken_rules)
    assert categories(house) == {"A": None, "B": None, "C": None}, "a draft changes nothing"
    apply(seat, broken_rules)
    assert categories(house) == {"A": "10507", "B": "10508", "C": "43647"}
    take_back(seat, broken_rules)
    assert categories(house) == {"A": None, "B": None, "C": None}
    seat.go("categories", of=str(house.channel_id))
    assert "0 / 3 categories mapped" in seat.text
    seat.at_peace()


def categories(house: House) -> dict[str, str | None]:
    """Of the marketplace, by SKU, as each listing should have it. (bol itself has no field for it.)"""
    skus = {row.id: row.sku for row in house.rows(Listing)}
    content = house.rows(FacetRow, FacetRow.facet == "content")
    return {skus[row.listing_id]: row.desired.get("category") for row in content}
