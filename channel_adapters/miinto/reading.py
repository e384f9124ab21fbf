"""Reading what may be missing, null or of another type than expected. PHP writes an empty object as a list."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from bridge.domain.money import Money

Json = dict[str, Any]


def text(value: Any) -> str:
    return "" if value is None or isinstance(value, (dict, list)) else str(value).strip()


def table(raw: Any, name: str) -> Json:
    value = raw.get(name) if isinstance(raw, dict) else None
    return value if isinstance(value, dict) else {}


def tables(raw: Any, name: str) -> list[Json]:
    value = raw.get(name) if isinstance(raw, dict) else None
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def whole(value: Any, default: int) -> int:
    try:
        return default if value is None or isinstance(value, bool) else int(str(value))
    except ValueError:
        return default


def money(cents: Any, currency: str) -> Money | None:
    """Amounts are whole hundredths: "int(price) / 100" in every client that is public."""
    known = whole(cents, -1)
    return None if known < 0 else Money(amount=Decimal(known).scaleb(-2), currency=currency)


def moment(value: Any) -> datetime | None:
    try:
        read = datetime.fromisoformat(text(value))
    except ValueError:
        return None
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)


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
