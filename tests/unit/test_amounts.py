"""Whatever another side calls an amount: either it can be worked with to the last coin, or it is refused as none."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from bridge.domain.money import LIMIT, Money
from bridge.domain.reading import SENSIBLE, amount, lifetime

CURRENCIES = st.sampled_from(("EUR", "HUF", "KWD"))
NUMBERS = st.one_of(
    st.decimals(allow_nan=True, allow_infinity=True),
    st.decimals(allow_nan=False, min_value=-(10**40), max_value=10**40),
    st.integers(min_value=-(10**60), max_value=10**60),
    st.floats(),
    st.text(alphabet="0123456789.,-+eE ", max_size=60),
)


@given(NUMBERS, CURRENCIES)
@example("9" * 27, "EUR")
@example("1E+999999", "KWD")
@example("0." + "1" * 80, "EUR")
def test_what_is_read_as_an_amount_can_be_rounded_shown_and_added(given_: Any, currency: str) -> None:
    read = amount(given_)
    if read is not None:
        money = Money.of(read, currency)
        assert abs(read) < SENSIBLE
        assert abs(money.quantised().amount - read) <= 1
        assert (money + money).quantised().text().endswith(currency)
        assert money.times(100_000).quantised().text()


@given(NUMBERS, CURRENCIES)
@example("9" * 27, "EUR")
def test_money_is_made_of_nothing_that_cannot_be_rounded(given_: Any, currency: str) -> None:
    try:
        money = Money.of(given_, currency)
    except ValueError as error:
        assert "not an amount of money" in str(error)  # noqa: PT017 most of what is given is an amount
        return
    assert abs(money.quantised().amount) <= LIMIT


def test_one_too_large_is_told_as_such() -> None:
    assert amount("999999999999999.99") == Decimal("999999999999999.99")
    assert amount("1000000000000000") is None
    with pytest.raises(ValueError, match="not an amount of money"):
        Money.of("1" * 27, "EUR")
    with pytest.raises(ValidationError):
        Money(amount=Decimal("1" * 27), currency="EUR")


@pytest.mark.parametrize(
    ("told", "seconds"),
    [(600, 600), ("600", 600), ("soon", 299), (None, 299), (0, 299), (-5, 299), ("NaN", 299), (10**12, 299), ([], 299), (True, 299)],
)  # fmt: skip
def test_what_a_token_is_good_for_is_never_nonsense(told: object, seconds: int) -> None:
    assert lifetime(told, 299).total_seconds() == seconds
