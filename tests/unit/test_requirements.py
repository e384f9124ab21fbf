"""Attributes against what a marketplace asks, and what a change of its demands breaks."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from bridge.domain.checks.asked import missing
from bridge.domain.checks.drift import Turn, broken_by, changed
from bridge.domain.requirement import (
    AllowedValue,
    AttributeKind,
    AttributeRequirement,
    CategoryRequirements,
    Given,
    Need,
)


def rule(**given: Any) -> AttributeRequirement:
    return AttributeRequirement(**{"id": "A", "name": "Colour", **given})


def asked(*rules: AttributeRequirement) -> CategoryRequirements:
    return CategoryRequirements(category="7", version="1", attributes=rules)


CHOICES = (AllowedValue(value="BLUE", label="Blauw"), AllowedValue(value="RED"))
REQUIRED = {"need": Need.REQUIRED}
BATTERY = Given(attribute="Battery", values=("yes",))


@pytest.mark.parametrize(("given", "attributes", "rules"), [
    (REQUIRED, {}, [("attribute_missing", True)]),
    (REQUIRED, {"A": " "}, [("attribute_missing", True)]),
    (REQUIRED, {"A": ("", "x")}, []),
    ({"need": Need.RECOMMENDED}, {}, [("attribute_recommended", False)]),
    ({}, {}, []),
    ({"required_if": (BATTERY,)}, {"Battery": "no"}, []),
    ({"required_if": (BATTERY,)}, {"Battery": ("no", "yes")}, [("attribute_missing", True)]),
    ({"required_if": (Given(attribute="Battery"),)}, {"Battery": "anything"}, [("attribute_missing", True)]),
    ({**REQUIRED, "countries": ("DE",)}, {}, []),
    ({**REQUIRED, "countries": ("NL", "DE")}, {}, [("attribute_missing", True)]),
    ({"allowed": CHOICES}, {"A": "BLUE"}, []),
    ({"allowed": CHOICES}, {"A": "blauw"}, [("attribute_not_allowed", True)]),
    ({"allowed": CHOICES, "open_list": True}, {"A": "green"}, []),
    ({"allowed": CHOICES, "max_values": 2}, {"A": ("BLUE", "RED")}, []),
    ({}, {"A": ("a", "b")}, [("attribute_too_many", True)]),
    ({"max_length": 3}, {"A": "long"}, [("attribute_too_long", True)]),
    ({"pattern": "^[A-Z]+$"}, {"A": "abc"}, [("attribute_form", True)]),
    ({"pattern": "(?<bad"}, {"A": "abc"}, []),
    ({"kind": AttributeKind.NUMBER}, {"A": "1,5"}, [("attribute_type", True)]),
    ({"kind": AttributeKind.NUMBER, "minimum": Decimal(2)}, {"A": "1.5"}, [("attribute_bounds", True)]),
    ({"kind": AttributeKind.INTEGER, "maximum": Decimal(9)}, {"A": "10.5"}, [("attribute_type", True), ("attribute_bounds", True)]),
    ({"kind": AttributeKind.INTEGER}, {"A": "10"}, []),
    ({"kind": AttributeKind.MEASURE, "units": ("kilogram", "g")}, {"A": "2.5 kg"}, []),
    ({"kind": AttributeKind.MEASURE, "units": ("g",)}, {"A": "2.5 kg"}, [("attribute_unit", True)]),
    ({"kind": AttributeKind.MEASURE, "units": ("furlong",)}, {"A": "2 furlong"}, []),
    ({"kind": AttributeKind.MEASURE}, {"A": "heavy"}, [("attribute_type", True)]),
    ({"kind": AttributeKind.FLAG}, {"A": "maybe"}, [("attribute_type", True)]),
    ({"kind": AttributeKind.DATE}, {"A": "31-12-2026"}, [("attribute_type", True)]),
    ({"kind": AttributeKind.DATE}, {"A": "2026-12-31T10:00:00Z"}, []),
    ({"kind": AttributeKind.IMAGE}, {"A": "c:/x.jpg"}, [("attribute_type", True)]),
])  # fmt: skip
def test_one_attribute(given, attributes, rules):
    found = missing(asked(rule(**given)), attributes, "NL")
    assert [(item.rule, item.blocking) for item in found] == rules
    assert all(item.field == "A" and item.text and item.fix for item in found)


def test_the_words_help():
    near = missing(asked(rule(allowed=CHOICES)), {"A": "blauw"})[0]
    assert "'BLUE'" in near.fix
    names = asked(rule(required_if=(BATTERY,)), rule(id="Battery", name="Contains a battery"))
    assert (
        missing(names, {"Battery": "yes"})[0].text
        == "Colour is missing; it is needed because Contains a battery is 'yes'."
    )


def test_without_a_country_the_rules_of_all_count():
    assert len(missing(asked(rule(**REQUIRED, countries=("DE",))), {}, None)) == 1


@pytest.mark.parametrize(("old", "new", "turns"), [
    ({}, {}, []),
    ({}, {"help": "other words"}, []),
    ({}, REQUIRED, [Turn.TIGHTENED]),
    (REQUIRED, {}, [Turn.LOOSENED]),
    ({}, {"required_if": (BATTERY,)}, [Turn.TIGHTENED]),
    ({"required_if": (BATTERY,)}, {}, [Turn.LOOSENED]),
    ({"allowed": CHOICES}, {"allowed": CHOICES[:1]}, [Turn.TIGHTENED]),
    ({"allowed": CHOICES[:1]}, {"allowed": CHOICES}, [Turn.LOOSENED]),
    ({}, {"allowed": CHOICES}, [Turn.TIGHTENED]),
    ({"allowed": CHOICES}, {"allowed": CHOICES, "open_list": True}, [Turn.LOOSENED]),
    ({"units": ("kg", "g")}, {"units": ("kg",)}, [Turn.TIGHTENED]),
    ({"kind": AttributeKind.TEXT}, {"kind": AttributeKind.NUMBER}, [Turn.TIGHTENED]),
    ({"minimum": Decimal(1)}, {"minimum": Decimal(2)}, [Turn.TIGHTENED]),
    ({"maximum": Decimal(1)}, {"maximum": Decimal(2)}, [Turn.LOOSENED]),
    ({}, {"max_length": 9}, [Turn.TIGHTENED]),
    ({"max_length": 9}, {}, [Turn.LOOSENED]),
    ({"max_values": 3}, {"max_values": 2}, [Turn.TIGHTENED]),
    ({"pattern": "a"}, {"pattern": "b"}, [Turn.TIGHTENED]),
    ({"countries": ("DE",)}, {"countries": ()}, [Turn.TIGHTENED]),
    ({"countries": ("DE",)}, {"countries": ("FR",)}, [Turn.TIGHTENED, Turn.LOOSENED]),
])  # fmt: skip
def test_what_changed(old, new, turns):
    found = changed(asked(rule(**old)), asked(rule(**new)))
    assert [item.turn for item in found.differences] == turns
    assert all(item.text.startswith("Colour ") for item in found.differences)


def test_attributes_that_come_and_go():
    found = changed(
        asked(rule(id="Old", name="Old")),
        asked(rule(id="New", name="New", need=Need.REQUIRED), rule(id="Nice", name="Nice")),
    )
    assert {(item.attribute, item.turn) for item in found.differences} == {
        ("Old", Turn.REMOVED), ("New", Turn.ADDED), ("Nice", Turn.ADDED),
    }  # fmt: skip
    assert [item.attribute for item in found.stricter] == ["New"]


def test_only_listings_that_were_right_before_are_broken_by_a_change():
    change = changed(
        asked(rule(allowed=CHOICES)), asked(rule(allowed=CHOICES[:1]), rule(id="B", name="Size", need=Need.REQUIRED))
    )
    listings = {
        "ok": {"A": "BLUE", "B": "M"},
        "red": {"A": "RED", "B": "M"},
        "never": {"A": "GREEN", "B": "M"},
        "no size": {"A": "BLUE"},
    }
    found = dict(broken_by(change, listings.items()))
    assert {key: [item.field for item in items] for key, items in found.items()} == {"red": ["A"], "no size": ["B"]}
