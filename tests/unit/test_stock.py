"""What is published of the stock: whole units, never below nothing, never above a limit, and explained."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bridge.domain.buffers import AdaptiveBuffer, Buffer, Demand, FixedBuffer, Pace, PercentBuffer
from bridge.domain.bundles import Bundle
from bridge.domain.catalogue import StockReading
from bridge.domain.stock import MAX_UNITS, StockPolicy, Untracked, publishable, urgency
from bridge.flows import stock_preset

BUFFERS = st.one_of(
    st.builds(FixedBuffer, units=st.integers(0, 50)),
    st.builds(PercentBuffer, percent=st.integers(0, 100)),
    st.builds(AdaptiveBuffer, risk=st.floats(0.0001, 0.5), most=st.integers(0, 50)),
)
PACES = st.none() | st.builds(
    Pace,
    demand=st.builds(lambda n: Demand(orders=n, units=2 * n, hours=100), st.integers(0, 500)),
    latency_seconds=st.none() | st.floats(0, 900),
)


def reading(on_hand: int | None, **more: Any) -> StockReading:
    return StockReading(pool="p", managed=on_hand is not None, on_hand=on_hand, **more)


@given(
    st.integers(-(2**40), 2**40),
    st.integers(0, 1000),
    BUFFERS,
    st.none() | st.integers(0, 2**33),
    st.none() | st.integers(0, 999),
    PACES,
)
def test_never_below_nothing_nor_above_a_limit_nor_more_than_there_is(
    on_hand: int, reserved: int, keep: Buffer, cap: int | None, channel_max: int | None, pace: Pace | None
) -> None:
    policy = StockPolicy(keep=keep, cap=cap)
    answer = publishable(reading(on_hand), reserved, policy, channel_max, pace)
    assert (
        0
        <= answer.quantity
        <= min(MAX_UNITS, MAX_UNITS if cap is None else cap, MAX_UNITS if channel_max is None else channel_max)
    )
    assert isinstance(answer.quantity, int)
    assert answer.quantity <= max(0, on_hand - reserved)
    assert answer.quantity == min(
        max(0, on_hand - reserved - answer.buffer), MAX_UNITS if answer.cap is None else answer.cap
    )
    less = publishable(reading(on_hand - 1), reserved, policy, channel_max, pace)
    more_sold = publishable(reading(on_hand), reserved + 1, policy, channel_max, pace)
    assert less.quantity == more_sold.quantity <= answer.quantity


@pytest.mark.parametrize(
    ("on_hand", "reserved", "policy", "quantity", "reason"),
    [
        (8, 2, {"buffer": 5}, 1, "on hand less reserved less buffer"),
        (8, 2, {"buffer": 5, "keep": {"kind": "fixed", "units": 1}}, 5, "on hand less reserved less buffer"),
        (11, 0, {"keep": {"kind": "percent", "percent": 10}}, 9, "on hand less reserved less buffer"),
        (3, 2, {"buffer": 5}, 0, "less on hand than reserved and buffer"),
        (-3, 0, {}, 0, "less than nothing on hand in the store"),
        (2**31, 0, {}, 2**31 - 1, "capped at 2147483647"),
        (50, 0, {"cap": 10}, 10, "capped at 10"),
        (50, 0, {"cap": 0}, 0, "capped at 0"),
        (None, 0, {}, 0, "stock is not counted in the store; nothing is published until a quantity is set"),
        (
            None,
            0,
            {"untracked": "fixed", "untracked_quantity": 7},
            7,
            "stock is not counted in the store; fixed quantity by setting",
        ),
    ],
)
def test_the_number_says_what_it_is_made_of(
    on_hand: int | None, reserved: int, policy: dict[str, Any], quantity: int, reason: str
) -> None:
    answer = publishable(reading(on_hand), reserved, StockPolicy.model_validate(policy), None)
    assert (answer.quantity, answer.reason) == (quantity, reason)


def test_sold_when_out_of_stock_and_uncounted_stock_follow_the_setting() -> None:
    backorder = reading(0, backorders=True)
    assert publishable(backorder, 0, StockPolicy(), None).quantity == 0
    assert publishable(backorder, 0, StockPolicy(backorders=True, untracked_quantity=4), None).quantity == 4
    assert publishable(reading(0, backorders=True, in_stock=False), 0, StockPolicy(backorders=True), None).quantity == 0
    assert publishable(reading(None, in_stock=False), 0, StockPolicy(untracked=Untracked.FIXED), None).quantity == 0


def test_only_the_chosen_locations_count() -> None:
    stocked = reading(12, locations={"berlin": 5, "paris": 4, "shop": 3})
    assert publishable(stocked, 0, StockPolicy(), None).quantity == 12
    chosen = publishable(stocked, 1, StockPolicy(locations=("berlin", "shop", "closed")), None)
    assert (chosen.quantity, chosen.on_hand) == (7, 8)
    untold = publishable(reading(12), 0, StockPolicy(locations=("berlin",)), None)
    assert (untold.quantity, untold.reason) == (0, "the store does not tell the stock of the chosen locations")
    oversold = publishable(
        reading(2, locations={"berlin": 4, "paris": -2}), 0, StockPolicy(locations=("berlin", "paris")), None
    )
    assert oversold.quantity == 2


def test_a_rule_sets_buffer_and_cap_in_place_of_the_connections() -> None:
    policy = StockPolicy(buffer=1, cap=100)
    assert publishable(reading(20), 0, policy, None).quantity == 19
    assert publishable(reading(20), 0, policy, None, ruled=(FixedBuffer(units=5), 10)).quantity == 10
    assert publishable(reading(20), 0, policy, None, ruled=(FixedBuffer(units=0), None)).quantity == 20


def test_what_goes_first() -> None:
    assert [urgency(0, 5), urgency(4, 5), urgency(4, None), urgency(6, 5), urgency(5, 5)] == [0, 1, 1, 2, 2]


def test_bundles() -> None:
    for components in (
        [],
        [{"sku": "SET", "quantity": 1}],
        [{"sku": "A", "quantity": 1}, {"sku": "A", "quantity": 2}],
        [{"sku": "A", "quantity": 0}],
    ):
        with pytest.raises(ValidationError):
            Bundle.model_validate({"sku": "SET", "components": components})


def test_the_last_few_are_not_shown_where_the_merchant_wants_it() -> None:
    policy = StockPolicy(buffer=1, cap=100, least=3)
    assert [publishable(reading(units), 0, policy, None).quantity for units in (2, 3, 4, 5)] == [0, 0, 3, 4]
    few = publishable(reading(3), 0, policy, None)
    assert (few.quantity, few.reason) == (0, "fewer than 3 are left to show")
    assert publishable(reading(9), 0, policy.model_copy(update={"cap": 2}), None).quantity == 2, "a cap is no shortage"
    fixed = StockPolicy(least=3, untracked=Untracked.FIXED, untracked_quantity=1)
    assert publishable(reading(None), 0, fixed, None).quantity == 1, "nothing is counted there"


@pytest.mark.parametrize(
    ("said", "policy"),
    [
        ({"buffer": "3"}, {"buffer": 3}),
        ({"buffer": "20", "buffer_kind": "percent"}, {"buffer": 0, "keep": {"kind": "percent", "percent": 20}}),
        ({"buffer": "4", "buffer_kind": "adaptive"}, {"buffer": 0, "keep": {"kind": "adaptive", "otherwise": 4}}),
    ],
)
def test_a_buffer_is_one_number_and_how_it_is_meant(said: dict[str, str], policy: dict[str, Any]) -> None:
    made = StockPolicy.model_validate(stock_preset.meant(said, {}))
    assert made == StockPolicy.model_validate(policy)
    again = stock_preset.drawn(policy)
    assert (again["buffer"], again.get("buffer_kind", "units")) == (
        int(said["buffer"]),
        said.get("buffer_kind", "units"),
    )


def test_what_a_form_does_not_show_of_a_buffer_stays() -> None:
    known = {"keep": {"kind": "adaptive", "risk": 0.05, "otherwise": 2}}
    assert stock_preset.meant({"buffer": "4", "buffer_kind": "adaptive"}, known)["keep"] == {
        "kind": "adaptive", "risk": 0.05, "otherwise": 4,
    }  # fmt: skip
    assert "keep" not in stock_preset.meant({"buffer": "4"}, known)
    with pytest.raises(ValidationError):
        StockPolicy.model_validate(stock_preset.meant({"buffer": "140", "buffer_kind": "percent"}, {}))
