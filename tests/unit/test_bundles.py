"""How many bundles there are: as many as can be put together from what is on the shelf, and no more."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bridge.domain.bundles import BundleIndex, Bundles
from bridge.domain.catalogue import StockReading
from bridge.domain.stock import Part, StockPolicy, Untracked, publishable, together

UNCOUNTED = StockReading(pool="own", managed=False)
PLAIN = StockPolicy()


def reading(pool: str, on_hand: int | None, **more: Any) -> StockReading:
    return StockReading(pool=pool, managed=on_hand is not None, on_hand=on_hand, **more)


@st.composite
def shelves(draw: st.DrawFn) -> tuple[dict[str, tuple[int, int]], list[tuple[str, int]]]:
    """On hand and reserved by pool, and parts as (pool, units in one): several may share a pool."""
    pools = draw(st.lists(st.sampled_from("abcd"), min_size=1, unique=True))
    stock = {pool: (draw(st.integers(-3, 30)), draw(st.integers(0, 12))) for pool in pools}
    return stock, draw(st.lists(st.tuples(st.sampled_from(pools), st.integers(1, 5)), min_size=1, max_size=5))


def parts_of(stock: dict[str, tuple[int, int]], recipe: list[tuple[str, int]]) -> list[Part]:
    return [Part(f"{pool}{place}", each, reading(pool, stock[pool][0]), stock[pool][1])
            for place, (pool, each) in enumerate(recipe)]  # fmt: skip


def put_together(stock: dict[str, tuple[int, int]], recipe: list[tuple[str, int]]) -> int:
    """By hand, one after the other, until something is missing."""
    left = {pool: on_hand - reserved for pool, (on_hand, reserved) in stock.items()}
    made = 0
    while True:
        for pool, each in recipe:
            left[pool] -= each
            if left[pool] < 0:
                return made
        made += 1


@given(shelves(), st.integers(0, 5))
def test_as_many_as_can_be_put_together_less_the_buffer(
    shelf: tuple[dict[str, tuple[int, int]], list[tuple[str, int]]], buffer: int
) -> None:
    stock, recipe = shelf
    parts, made = parts_of(stock, recipe), put_together(stock, recipe)
    whole = together(UNCOUNTED, 0, parts, PLAIN)
    assert whole.units == made == min(part.enough_for for part in whole.parts)
    assert next(part for part in whole.parts if part.sku == whole.scarcest).enough_for == made
    answer = publishable(UNCOUNTED, 0, StockPolicy(buffer=buffer), None, parts=parts)
    assert answer.quantity == max(0, made - buffer)
    assert answer.bundle == whole.as_json()
    own = publishable(reading("own", 4), 1, StockPolicy(buffer=buffer), None, parts=parts)
    assert own.quantity == max(0, min(3, made) - buffer)


@given(shelves(), st.data())
def test_a_sale_never_raises_a_number_and_reserves_what_it_takes(
    shelf: tuple[dict[str, tuple[int, int]], list[tuple[str, int]]], data: st.DataObject
) -> None:
    stock, recipe = shelf
    before = together(UNCOUNTED, 0, parts_of(stock, recipe), PLAIN).units
    units = data.draw(st.integers(0, max(before, 1)))
    for pool, each in recipe:
        on_hand, reserved = stock[pool]
        stock[pool] = (on_hand, reserved + units * each)
    after = together(UNCOUNTED, 0, parts_of(stock, recipe), PLAIN).units
    assert after == max(0, before - units)


def test_parts_are_counted_by_the_settings_of_the_marketplace() -> None:
    cup = Part("CUP", 2, reading("c", 10, locations={"Berlin": 4, "Paris": 6}), 1)
    assert together(UNCOUNTED, 0, [cup], StockPolicy(locations=("Berlin",))).units == 1
    wrap = Part("WRAP", 1, reading("w", None))
    nothing = together(UNCOUNTED, 0, [cup, wrap], PLAIN)
    assert (nothing.units, nothing.scarcest) == (0, "WRAP")
    assert "not counted" in nothing.reason
    fixed = StockPolicy(untracked=Untracked.FIXED, untracked_quantity=3)
    assert together(UNCOUNTED, 0, [cup, wrap], fixed).units == 3
    late = Part("POT", 1, reading("p", 0, backorders=True))
    assert together(UNCOUNTED, 0, [cup, late], PLAIN).units == 0
    assert together(UNCOUNTED, 0, [cup, late], StockPolicy(backorders=True, untracked_quantity=2)).units == 2


def test_what_is_missing_or_out_of_stock_is_nothing() -> None:
    cup = Part("CUP", 2, reading("c", 10))
    gone = publishable(UNCOUNTED, 0, PLAIN, None, parts=[cup, Part("POT", 1, None)])
    assert (gone.quantity, gone.reason) == (0, "POT allows no more: the store has no single product")
    out = publishable(reading("own", None, in_stock=False), 0, PLAIN, None, parts=[cup])
    assert (out.quantity, out.reason) == (0, "the store says out of stock")


def test_every_bundle_is_found_by_what_it_holds() -> None:
    tea = {"sku": "TEA", "components": [{"sku": "CUP", "quantity": 2}, {"sku": "POT", "quantity": 1}]}
    duo = {"sku": "DUO", "components": [{"sku": "CUP", "quantity": 2}]}
    index = BundleIndex(Bundles.model_validate({"bundles": [tea, duo]}))
    assert index.holding({"CUP"}) == {"TEA", "DUO"}
    assert index.holding({"POT", "MUG"}) == {"TEA"}
    assert index.parts_of({"TEA", "CUP"}) == {"CUP", "POT"}
    assert (index.of("TEA") is not None, index.of("CUP"), index.of(None)) == (True, None, None)
    assert not BundleIndex(Bundles())


@pytest.mark.parametrize(
    ("bundles", "why"),
    [
        ([("A", ["A"])], "contains itself"),
        ([("A", ["B"]), ("B", ["C"])], "bundle B is a component of another bundle"),
        ([("A", ["B"]), ("B", ["A"])], "is a component of another bundle"),
        ([("A", ["B", "B"])], "names a component twice"),
        ([("A", ["B"]), ("A", ["C"])], "bundle A is given twice"),
    ],
)
def test_what_can_be_no_bundle_is_refused(bundles: list[tuple[str, list[str]]], why: str) -> None:
    rows = [{"sku": sku, "components": [{"sku": part, "quantity": 1} for part in parts]} for sku, parts in bundles]
    with pytest.raises(ValidationError, match=why):
        Bundles.model_validate({"bundles": rows})
