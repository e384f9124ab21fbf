"""However shaping is done: what comes of a product, and what is said of how it came about, stays the same."""

from __future__ import annotations

import json
import lzma
from typing import Any

import pytest

from bridge.domain.listing import DesiredOffer
from bridge.domain.stock import StockAnswer
from bridge.flows.shape import Made
from tests.support import shapes


@pytest.fixture(scope="module")
def golden() -> list[list[dict[str, Any]]]:
    found: list[list[dict[str, Any]]] = json.loads(lzma.decompress(shapes.GOLDEN.read_bytes()))
    return found


@pytest.mark.parametrize("tens", range(shapes.CASES // 10))
def test_as_it_was(tens, golden):
    for number in range(10 * tens, 10 * tens + 10):
        found = json.loads(json.dumps(list(shapes.outcomes(number))))
        for place, (now, then) in enumerate(zip(found, golden[number], strict=True)):
            assert now == then, f"case {number}, listing {place}"


def test_cases_reach_every_kind_of_finding(golden):
    """A golden result that never had a finding would prove nothing about it."""
    rules = {item["rule"] for case in golden for listing in case for item in listing["findings"]}
    assert rules >= {
        "attribute_missing", "attribute_not_allowed", "category_unmapped", "currency", "excluded", "forbidden_content",
        "gtin", "gtin_double", "held", "image_small", "image_unreachable", "images_few", "price_fine", "price_high",
        "price_low", "price_missing", "price_parity", "price_rule", "responsible_missing", "rule_unknown", "sku_double",
        "sku_missing", "title_long", "title_missing", "title_short", "unit", "unpublished", "value_unmapped",
        "weight_missing",
    }  # fmt: skip
    steps = {step["field"] for case in golden for listing in case for part in listing["explained"].values() for step in part.get("steps", [])}  # fmt: skip
    assert steps >= {"price", "title", "buffer", "cap", "category", "excluded", "held", "handling_days", "one"}


def test_a_stored_sum_that_is_another_now_is_told_anew_whatever_settings_changed():
    def made(reserved: int, state: int, bundle: dict[str, Any] | None = None) -> Made:
        answer = StockAnswer(5, 5 + reserved, reserved, 0, None, "on hand less reserved less buffer", "0 units", bundle)
        return Made(DesiredOffer("S", None, 5, None, "Lamp"), answer, ["1001 x1"] * reserved, state=state)

    known = made(1, 7).explanation("stock")
    assert "bundle" not in known
    assert made(1, 7).explains("stock", known)
    assert made(1, 8).explains("stock", known)
    assert not made(0, 7).explains("stock", known)
    assert not made(0, 8).explains("stock", known)
    of_bundle = made(1, 7, {"units": 5}).explanation("stock")
    assert of_bundle["bundle"] == {"units": 5}
    assert not made(1, 7).explains("stock", of_bundle)
    assert not made(1, 8, {"units": 4}).explains("stock", of_bundle)
    assert made(1, 8).explains("price", made(1, 7).explanation("price"))
