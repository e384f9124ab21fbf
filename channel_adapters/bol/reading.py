"""Reading what may be missing, null or of another type than the specification says."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from bridge.domain.money import Money

Json = dict[str, Any]

# The API names no currency anywhere: bol sells in euro.
CURRENCY = "EUR"
AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def text(value: Any) -> str:
    return "" if value is None or isinstance(value, (dict, list)) else str(value).strip()


def table(raw: Json, name: str) -> Json:
    value = raw.get(name)
    return value if isinstance(value, dict) else {}


def tables(raw: Json, name: str) -> list[Json]:
    value = raw.get(name)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def whole(value: Any) -> int | None:
    try:
        return None if value is None or isinstance(value, bool) else int(str(value))
    except ValueError:
        return None


def money(value: Any) -> Money | None:
    try:
        return None if value is None or isinstance(value, bool) else Money.of(value, CURRENCY)
    except ValueError:
        return None


def moment(value: Any) -> datetime | None:
    try:
        read = datetime.fromisoformat(text(value))
    except ValueError:
        return None
    return (read if read.tzinfo else read.replace(tzinfo=AMSTERDAM)).astimezone(UTC)


def midnight(value: Any) -> datetime | None:
    """The beginning of a day in Amsterdam. bol's dates are days: a parcel promised for a day has to leave before it
    begins, and an order that expires on a day may do so from its first minute."""
    try:
        day = datetime.fromisoformat(text(value)).date()
    except ValueError:
        return None
    return datetime.combine(day, time(0), AMSTERDAM).astimezone(UTC)
