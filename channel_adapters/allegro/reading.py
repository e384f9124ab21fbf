"""Reading what may be missing, null or of another type than the specification says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from bridge.domain.money import Money
from bridge.domain.reading import Json, text
from bridge.ports.errors import NotFound


def some(ask: Callable[[], list[Json]]) -> list[Json]:
    """What is asked for, nothing where there is no such thing: what only adds to an answer must not spoil it."""
    try:
        return ask()
    except NotFound:
        return []


def one(ask: Callable[[], Json]) -> Json:
    """As :func:`some`."""
    try:
        return ask()
    except NotFound:
        return {}


def whole(value: Any) -> int | None:
    """Quantities are ``number`` in places: 2 and 2.0 are both two."""
    try:
        number = float(str(value)) if value is not None and not isinstance(value, bool) else None
        return int(number) if number is not None and number == int(number) else None
    except (ValueError, OverflowError):
        return None


def money(raw: Any) -> Money | None:
    """``{amount, currency}``: amounts are strings."""
    try:
        return Money.of(text(raw.get("amount")), text(raw.get("currency"))) if isinstance(raw, dict) else None
    except ValueError:
        return None


def price(amount: Money) -> Json:
    """As Allegro wants it: a string at the currency's precision."""
    exact = amount.quantised()
    return {"amount": str(exact.amount), "currency": exact.currency}


def stamp(at: datetime) -> str:
    """A moment as Allegro wants it: UTC with milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
