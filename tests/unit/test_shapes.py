"""However shaping is done: what comes of a product, and what is said of how it came about, stays the same."""

from __future__ import annotations

import json
import lzma
from typing import Any

import pytest

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
