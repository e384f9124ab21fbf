"""Cents in are cents out: in however many parts a line is cancelled, refunded and sent back, they come to its total."""

from __future__ import annotations

from decimal import Decimal
from itertools import accumulate, pairwise

from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.bundles import SoldBundle, SoldPart
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


@st.composite
def bundles(draw: st.DrawFn) -> SoldBundle:
    parts = draw(st.lists(st.tuples(st.integers(1, 6), st.integers(0, 500_000)), min_size=1, max_size=5))
    made = [SoldPart(sku=f"P{n}", each=each, worth=Decimal(cents) / 100) for n, (each, cents) in enumerate(parts)]
    return SoldBundle(bundles=draw(st.integers(min_value=1, max_value=6)), parts=tuple(made))


@given(CENTS, bundles(), st.data())
def test_in_whatever_order_the_parts_of_a_bundle_come_back_they_cost_what_it_cost(
    cents: int, sold: SoldBundle, data: st.DataObject
) -> None:
    whole, back = _money(cents), dict.fromkeys(sold.units(), 0)
    units = [sku for sku, count in sold.units().items() for _ in range(count)]
    paid, before = [], Money.zero("EUR")
    for sku in data.draw(st.permutations(units)):
        back[sku] += 1
        after = sold.cost(whole, back)
        paid.append(after - before)
        before = after
    assert total(paid, "EUR") == whole
    assert all(part.amount >= 0 and part == part.quantised() for part in paid)
    assert back == sold.units()


@given(CENTS, bundles())
def test_a_part_costs_its_share_to_the_cent(cents: int, sold: SoldBundle) -> None:
    whole, there_are = _money(cents), sold.units()
    priced = sum(part.worth for part in sold.parts)
    for part in sold.parts:
        weight = part.worth / priced if priced else Decimal(part.each) / sum(each.each for each in sold.parts)
        cost = sold.cost(whole, {part.sku: there_are[part.sku]}).amount
        assert abs(cost - whole.amount * weight) <= Decimal("0.01")
        assert sold.cost(whole, {part.sku: there_are[part.sku] + 1}).amount == cost
