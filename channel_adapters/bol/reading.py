"""Reading what may be missing, null or of another type than the specification says."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from bridge.domain import reading
from bridge.domain.money import Money
from bridge.domain.reading import text

# The API names no currency anywhere: bol sells in euro.
CURRENCY = "EUR"
AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def money(value: Any) -> Money | None:
    try:
        return None if value is None or isinstance(value, bool) else Money.of(value, CURRENCY)
    except ValueError:
        return None


def moment(value: Any) -> datetime | None:
    return reading.moment(value, AMSTERDAM)


def midnight(value: Any) -> datetime | None:
    """The beginning of a day in Amsterdam. bol's dates are days: a parcel promised for a day has to leave before it
    begins, and an order that expires on a day may do so from its first minute."""
    try:
        day = datetime.fromisoformat(text(value)).date()
    except ValueError:
        return None
    return datetime.combine(day, time(0), AMSTERDAM).astimezone(UTC)
