"""Rounding a price: to the currency's smallest coin, to an ending such as .99, to a step."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from enum import StrEnum

from bridge.domain.money import MINOR_UNITS


class Direction(StrEnum):
    """``NEAREST``: in the middle between two, the higher one."""

    UP = "up"
    DOWN = "down"
    NEAREST = "nearest"


_MODE = {Direction.UP: ROUND_CEILING, Direction.DOWN: ROUND_FLOOR, Direction.NEAREST: ROUND_HALF_UP}
_CENT = Decimal("0.01")
_COINS = {currency: Decimal(1).scaleb(-places) for currency, places in MINOR_UNITS.items()}
_ONE = Decimal(1)


def smallest(currency: str) -> Decimal:
    """The currency's smallest amount: 0.01 EUR, 1 JPY."""
    return _COINS.get(currency, _CENT)


def to_coin(amount: Decimal, currency: str, direction: Direction = Direction.NEAREST) -> Decimal:
    """``amount`` as a marketplace takes it: 99.036 is 99.04 EUR and 99 JPY."""
    return amount.quantize(_COINS.get(currency, _CENT), rounding=_MODE[direction])


def to_step(amount: Decimal, step: Decimal, direction: Direction = Direction.NEAREST) -> Decimal:
    """A multiple of ``step``, one ``step`` at least."""
    return to_ending(amount, step, Decimal(0), direction)


def to_ending(amount: Decimal, every: Decimal, ending: Decimal, direction: Direction = Direction.NEAREST) -> Decimal:
    """A price that is ``ending`` above a multiple of ``every``: 0.99 every 1 gives 11.99, 9.90 every 10 gives 19.90.

    Less than ``every`` away from ``amount``, save that the result is above 0: the lowest is ``ending``, or ``every``
    when that is 0. A tie between two goes up.
    """
    count = ((amount - ending) / every).quantize(_ONE, rounding=_MODE[direction])
    return max(count * every + ending, ending or every)
