"""Reading what may be missing, null or of another type than expected. PHP writes an empty object as a list."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from bridge.domain import reading
from bridge.domain.money import Money


def whole(value: Any, default: int) -> int:
    found = reading.whole(value)
    return default if found is None else found


def money(cents: Any, currency: str) -> Money | None:
    """Amounts are whole hundredths: "int(price) / 100" in every client that is public."""
    known = whole(cents, -1)
    return None if known < 0 else Money(amount=Decimal(known).scaleb(-2), currency=currency)


def words(raw: Any) -> Iterator[str]:
    """Every text inside, at any depth."""
    if isinstance(raw, dict):
        for part in raw.values():
            yield from words(part)
    elif isinstance(raw, list):
        for part in raw:
            yield from words(part)
    elif isinstance(raw, str):
        yield raw
