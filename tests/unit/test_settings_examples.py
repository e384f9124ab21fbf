"""The documentation of settings: every kind is there, and every example works."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path

import pytest

from bridge.domain.blast import Reach
from bridge.domain.money import Money
from bridge.flows.kinds import KINDS

TEXT = (Path(__file__).parents[2] / "docs" / "settings.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```json (\w+)\n(.*?)```", TEXT, re.DOTALL)


def test_every_kind_is_documented() -> None:
    assert {kind for kind, _ in EXAMPLES} == set(KINDS)


@pytest.mark.parametrize(("kind", "example"), EXAMPLES, ids=[kind for kind, _ in EXAMPLES])
def test_every_example_can_be_saved(kind: str, example: str) -> None:
    assert KINDS[kind].read(json.loads(example))


def test_how_far_is_too_far() -> None:
    reach = Reach()
    assert not reach.ends_too_many(5, 5), "a few are always allowed"
    assert reach.ends_too_many(6, 100)
    assert not reach.ends_too_many(6, 120)
    assert not reach.ends_too_many(50, 10_000)
    assert reach.ends_too_many(51, 10_000)
    ten = Money.of("10.00", "EUR")
    for amount, too_far in (("13.00", False), ("13.01", True), ("7.00", False), ("6.99", True)):
        assert reach.moves_too_far(ten, Money.of(amount, "EUR")) is too_far
    assert reach.moves_too_far(ten, Money.of("10.00", "GBP"))
    assert not reach.moves_too_far(Money.of("0", "EUR"), ten)
    assert not Reach(price_percent=Decimal(100)).moves_too_far(ten, Money.of("20.00", "EUR"))
