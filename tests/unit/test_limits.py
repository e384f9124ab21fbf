"""The part ``checks`` of a manifest: permissive by default, strict about its own words."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import ValidationError

from bridge.domain.checks import Limits
from bridge.domain.checks.limits import PATTERNS
from bridge.domain.requirement import Need
from bridge.ports.manifest import Manifest


def manifest(**more: Any) -> Manifest:
    return Manifest.model_validate({"name": "shop", "title": "Shop", "kind": "channel", "capabilities": [], **more})


def test_nothing_but_a_title_is_demanded_by_default():
    limits = manifest().checks
    assert limits == Limits()
    assert limits.title.need is Need.REQUIRED
    assert {limits.brand, limits.weight, limits.category, limits.description.need} == {Need.OPTIONAL}


@pytest.mark.parametrize("part", [{"title_max": 80}, {"checks": {"title": {"maximum": 80}}}])
def test_the_longest_title_is_said_once(part):
    found = manifest(**part)
    assert (found.title_max, found.checks.title.maximum, found.checks.title.need) == (80, 80, Need.REQUIRED)


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ({"title_max": 80, "checks": {"title": {"maximum": 90}}}, "title_max is 80"),
        ({"checks": {"title": {"forbidden": ["shouting"]}}}, "unknown patterns: shouting"),
        ({"checks": {"patterns": {"x": {"regex": "(", "name": "a bracket"}}}}, "not a regular expression"),
        ({"checks": {"tittle": {}}}, "checks.tittle"),
        ({"checks": {"gtin": {"lengths": [5]}}}, "checks.gtin.lengths"),
    ],
)
def test_a_part_that_makes_no_sense_is_refused_with_its_name(part, words):
    with pytest.raises(ValidationError, match=words):
        manifest(**part)


@pytest.mark.parametrize(
    ("name", "found", "passed"),
    [
        (
            "url",
            ["see https://shop.example/x", "www.shop.example", "visit myshop.nl now"],
            ["2.0 mm", "size M/L.", "e.g. de luxe"],
        ),
        ("email", ["write to a.b@shop.example"], ["50 mm @ 3 bar", "@home"]),
        (
            "phone",
            ["call +31 6 12345678", "0031612345678", "tel: 020 123 4567"],
            ["8712345678906", "10 x 20 x 30", "WH-1000XM5", "1.234.567", "002-1234"],
        ),
        (
            "price",
            ["now 10 EUR", "\u20ac 5 cheaper", "Gratis verzending", "20% korting"],
            ["100% cotton", "20 eurobox", "5 EURopallets of"],
        ),
    ],
)
def test_the_common_patterns_find_what_they_name(name, found, passed):
    pattern = re.compile(PATTERNS[name].regex, re.IGNORECASE)
    assert [text for text in found if not pattern.search(text)] == []
    assert [text for text in passed if pattern.search(text)] == []
