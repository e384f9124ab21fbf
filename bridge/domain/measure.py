"""Amounts with a unit: weights, lengths, volumes and the like, exact and convertible within their kind."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache

from bridge.domain.money import LIMIT, Amount
from bridge.domain.values import Value

# What one of each unit is in the first unit of its kind. The inch is 25.4 mm and the pound 453.59237 g by definition
# (international yard and pound, 1959); the fluid ounce and gallon are those of the United States.
UNITS: Mapping[str, Mapping[str, str]] = {
    "mass": {"g": "1", "mg": "0.001", "kg": "1000", "t": "1000000", "lb": "453.59237", "oz": "28.349523125"},
    "length": {
        "mm": "1",
        "cm": "10",
        "dm": "100",
        "m": "1000",
        "km": "1000000",
        "in": "25.4",
        "ft": "304.8",
        "yd": "914.4",
    },
    "volume": {"ml": "1", "cl": "10", "dl": "100", "l": "1000", "fl_oz": "29.5735295625", "gal": "3785.411784"},
    "area": {"cm2": "1", "mm2": "0.01", "m2": "10000", "in2": "6.4516", "ft2": "929.0304"},
    "power": {"w": "1", "kw": "1000", "hp": "745.69987158227022"},
    "time": {"s": "1", "min": "60", "h": "3600", "day": "86400"},
    "count": {"piece": "1", "pair": "2", "dozen": "12"},
}
# What people and marketplaces write for them, in lower case without dots and spaces.
_WORDS: Mapping[str, str] = {
    "mg": "milligram milligrams",
    "g": "gram grams gramm gr",
    "kg": "kilogram kilograms kilogramm kgs kilo",
    "t": "ton tonne tonnes",
    "lb": "lbs pound pounds",
    "oz": "ounce ounces",
    "mm": "millimeter millimeters millimetre millimetres",
    "cm": "centimeter centimeters centimetre centimetres",
    "m": "meter meters metre metres",
    "in": 'inch inches " \u2033',
    "ft": "foot feet",
    "yd": "yard yards",
    "ml": "milliliter milliliters millilitre millilitres",
    "cl": "centiliter centiliters centilitre",
    "l": "liter liters litre litres ltr",
    "fl_oz": "floz fluidounce fluidounces",
    "gal": "gallon gallons",
    "mm2": "mm\u00b2",
    "cm2": "cm\u00b2",
    "m2": "m\u00b2 sqm",
    "w": "watt watts",
    "kw": "kilowatt kilowatts",
    "s": "second seconds sec",
    "min": "minute minutes",
    "h": "hour hours",
    "day": "days",
    "piece": "pc pcs pieces stk stuks",
    "pair": "pairs",
}
ALIASES = {word: unit for unit, words in _WORDS.items() for word in words.split()}
_FACTORS = {unit: (kind, Decimal(factor)) for kind, units in UNITS.items() for unit, factor in units.items()}
_DIGITS = re.compile(r"[+-]?[\d.,]{1,40}")
_NUMBER = re.compile(r"\s*([+-]?(?:\d[\d.,\s']*)?\d)\s*(\D*)\s*")


class UnitError(ValueError):
    """A unit nobody knows, or one of another kind."""


class Measure(Value):
    """An amount in a unit, as the store wrote the unit. ``text`` is ``2.5 kg``."""

    amount: Amount
    unit: str

    def text(self) -> str:
        return f"{plain(self.amount)} {self.unit}"

    def to(self, unit: str, digits: int | None = None) -> Measure:
        """The same in ``unit``, at most ``digits`` after the point (half up). Raises UnitError."""
        return Measure(amount=convert(self.amount, self.unit, unit, digits), unit=unit)


class Dimensions(Value):
    """Length, width and height of the packed product; what the store does not say is None."""

    length: Amount | None = None
    width: Amount | None = None
    height: Amount | None = None
    unit: str

    @property
    def complete(self) -> bool:
        return None not in (self.length, self.width, self.height)


@lru_cache(maxsize=1024)
def unit_of(written: str) -> str:
    """Our name of a unit as anybody writes it. Raises UnitError."""
    short = re.sub(r"[\s.]", "", written).lower()
    known = ALIASES.get(short, short)
    if known not in _FACTORS:
        raise UnitError(f"{written!r} is no unit that is known")
    return known


@lru_cache(maxsize=1024)
def factor(unit: str, wanted: str) -> Decimal:
    """How many ``wanted`` one ``unit`` is. Raises UnitError for units of different kinds."""
    (kind, have), (other, want) = _FACTORS[unit_of(unit)], _FACTORS[unit_of(wanted)]
    if kind != other:
        raise UnitError(f"{unit} is a {kind} and {wanted} a {other}: one cannot be turned into the other")
    return have / want


def convert(amount: Decimal, unit: str, wanted: str, digits: int | None = None) -> Decimal:
    """``amount`` of ``unit`` in ``wanted``; ``digits`` after the point, half up. Raises UnitError."""
    result = amount * factor(unit, wanted)
    return result if digits is None else result.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)


def plain(amount: Decimal) -> str:
    """Without exponent and needless zeros: ``2.5``, ``100``."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def read_measure(text: str, unit: str = "") -> Measure | None:
    """A number with its unit as people write it (``1,5 kg``, ``2.50``); ``unit`` where none is written. None when it
    is no such thing."""
    found = _NUMBER.fullmatch(text)
    if not found:
        return None
    amount = read_number(found.group(1))
    written = found.group(2).strip() or unit
    return None if amount is None or not written else Measure(amount=amount, unit=written)


def read_number(text: str) -> Decimal | None:
    """A number as people write it; None when it is none. The last of comma and point is the decimal sign, so that
    ``1.234,5`` and ``1,234.5`` are one number and ``1,234`` is a little over one; more than one of a kind divides
    thousands (``1.234.567``)."""
    short = re.sub(r"[\s'\u00a0]", "", text)
    if not _DIGITS.fullmatch(short):
        return None
    point, comma = short.rfind("."), short.rfind(",")
    if point >= 0 and comma >= 0:
        thousands = "," if point > comma else "."
        short = short.replace(thousands, "")
    short = short.replace(",", ".")
    if short.count(".") > 1:
        head, *groups = short.split(".")
        if any(len(group) != 3 for group in groups):
            return None
        short = head + "".join(groups)
    try:
        found = Decimal(short)
    except InvalidOperation:
        return None
    return found if abs(found) < LIMIT else None
