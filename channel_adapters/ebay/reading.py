"""Reading what may be missing, null or of another type than the descriptions say."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from bridge.domain.money import Money

Json = dict[str, Any]


def text(value: Any) -> str:
    return "" if value is None or isinstance(value, (dict, list)) else str(value).strip()


def table(raw: Any, *way: str) -> Json:
    """The object at the end of ``way``; empty where there is none."""
    for name in way:
        raw = raw.get(name) if isinstance(raw, dict) else None
    return raw if isinstance(raw, dict) else {}


def tables(raw: Any, name: str) -> list[Json]:
    value = raw.get(name) if isinstance(raw, dict) else None
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def texts(raw: Any, name: str) -> list[str]:
    value = raw.get(name) if isinstance(raw, dict) else None
    return [text(item) for item in value if text(item)] if isinstance(value, list) else []


def whole(value: Any) -> int | None:
    try:
        return None if value is None or isinstance(value, bool) else int(str(value))
    except ValueError:
        return None


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
    try:
        read = datetime.fromisoformat(text(value))
    except ValueError:
        return None
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)


def stamp(at: datetime) -> str:
    """A moment as eBay writes it: UTC with milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
