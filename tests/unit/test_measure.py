"""Amounts with a unit: exact, convertible within their kind, read as people write them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.domain.measure import UNITS, Measure, UnitError, convert, plain, read_measure, read_number, unit_of

AMOUNTS = st.decimals(min_value=0, max_value=100_000, places=3, allow_nan=False)
SAME_KIND = [(a, b) for units in UNITS.values() for a in units for b in units]


@pytest.mark.parametrize(("amount", "unit", "wanted", "digits", "found"), [
    ("2.5", "kg", "g", 0, "2500"), ("1", "lb", "kg", 3, "0.454"), ("10", "Inches", "cm", 1, "25.4"),
    ("750", "ml", "Liter", None, "0.75"), ("1", "fl. oz", "ml", 2, "29.57"), ("0.5", "mm", "cm", 1, "0.1"),
])  # fmt: skip
def test_conversion(amount, unit, wanted, digits, found):
    assert convert(Decimal(amount), unit, wanted, digits) == Decimal(found)


@pytest.mark.parametrize(("unit", "wanted"), [("kg", "cm"), ("kg", "parsec"), ("furlong", "m")])
def test_what_cannot_be_converted_is_said(unit, wanted):
    with pytest.raises(UnitError):
        Measure(amount=Decimal(1), unit=unit).to(wanted)


@given(AMOUNTS, st.sampled_from(SAME_KIND))
def test_there_and_back_is_the_same(amount, units):
    there = convert(amount, units[0], units[1])
    assert convert(there, units[1], units[0], 6) == amount.quantize(Decimal("0.000001"))


@given(AMOUNTS)
def test_a_number_is_read_as_it_is_written(amount):
    assert read_number(plain(amount)) == amount
    assert read_number(plain(amount).replace(".", ",")) == amount
    assert read_measure(f"{plain(amount)} kg") == Measure(amount=amount, unit="kg")


@pytest.mark.parametrize(("text", "found"), [
    ("1.234,5", "1234.5"), ("1,234.5", "1234.5"), ("1,5", "1.5"), ("1 000", "1000"), ("1.234.567", "1234567"),
    ("-2", "-2"), ("1.2.3", None), ("abc", None), ("", None), ("NaN", None), ("1e9999999999", None),
])  # fmt: skip
def test_numbers_of_people(text, found):
    assert read_number(text) == (None if found is None else Decimal(found))


@pytest.mark.parametrize(("text", "unit", "found"), [
    ("1,5kg", "", "1.5 kg"), ("12", "cm", "12 cm"), ("12", "", None), ("30 cm x 20", "", None), ("heavy", "kg", None),
    ('15.6"', "", '15.6 "'),
])  # fmt: skip
def test_measures_of_people(text, unit, found):
    measure = read_measure(text, unit)
    assert (measure.text() if measure else None) == found


@example("1" + "0" * 24)
@given(st.text(max_size=40))
def test_no_text_is_too_odd_to_be_read(text):
    measure = read_measure(text, "kg")
    assert measure is None or measure.text()


def test_a_unit_has_one_name():
    assert {unit_of(word) for word in ("Kilogram", "KG", "kgs.", "kilo")} == {"kg"}
