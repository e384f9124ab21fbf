"""Reading what may be missing, null or of another type than the descriptions say."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from bridge.domain import reading
from bridge.domain.money import Money
from bridge.domain.reading import Json, text


def money(raw: Any) -> Money | None:
    """``{value, currency}``: values are strings here and numbers in the Post-Order API."""
    try:
        return Money.of(text(raw.get("value")), text(raw.get("currency"))) if isinstance(raw, dict) else None
    except ValueError:
        return None


def amount(given: Money) -> Json:
    """The other way, at the currency's precision."""
    return {"value": str(given.quantised().amount), "currency": given.currency}


def moment(value: Any) -> datetime | None:
    """A time, also in the Post-Order API's wrapping (``{value, formattedValue}``)."""
    if isinstance(value, dict):
        value = value.get("value")
    return reading.moment(value)


def stamp(at: datetime) -> str:
    """A moment as eBay writes it: UTC with milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
