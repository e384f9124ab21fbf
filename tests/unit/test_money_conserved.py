"""Cents in are cents out: in however many parts a line is cancelled, refunded and sent back, they come to its total."""

from __future__ import annotations

from decimal import Decimal
from itertools import accumulate, pairwise

from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.money import Money, total
from bridge.flows.draft import share

CENTS = st.integers(min_value=0, max_value=10_000_000)
PARTS = st.lists(st.integers(min_value=1, max_value=40), min_size=1, max_size=12)


def _money(cents: int) -> Money:
    return Money(amount=Decimal(cents) / 100, currency="EUR")


@given(CENTS, PARTS)
def test_the_parts_of_a_line_come_to_its_total(cents: int, parts: list[int]) -> None:
    whole, units = _money(cents), sum(parts)
    steps = [share(whole, done, units) for done in accumulate(parts, initial=0)]
    paid = [after - before for before, after in pairwise(steps)]
    assert total(paid, "EUR") == whole
    assert all(Decimal(0) <= part.amount <= whole.amount for part in paid)
    assert all(part.amount == part.quantised().amount for part in paid)


@given(CENTS, st.integers(min_value=1, max_value=40), st.data())
def test_what_is_kept_and_what_is_given_back_come_to_the_total(cents: int, units: int, data: st.DataObject) -> None:
    whole = _money(cents)
    cancelled = data.draw(st.integers(min_value=0, max_value=units))
    returned = data.draw(st.integers(min_value=0, max_value=units - cancelled))
    back = share(whole, cancelled + returned, units)
    kept = whole - back
    assert kept.amount >= 0
    assert (kept + back) == whole
    if cancelled + returned == units:
        assert kept.amount == 0
