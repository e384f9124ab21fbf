"""Reading what may be missing, null or of another type than the specification says."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from bridge.domain.money import Money

Json = dict[str, Any]


def text(value: Any) -> str:
    return "" if value is None or isinstance(value, (dict, list)) else str(value).strip()


def table(raw: Json, name: str) -> Json:
    value = raw.get(name)
    return value if isinstance(value, dict) else {}


def tables(raw: Json, name: str) -> list[Json]:
    value = raw.get(name)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def texts(raw: Json, name: str) -> list[str]:
    value = raw.get(name)
    return [text(item) for item in value if text(item)] if isinstance(value, list) else []


def whole(value: Any) -> int | None:
    try:
        return None if value is None or isinstance(value, bool) else int(str(value))
    except ValueError:
        return None


def money(cents: Any, currency: str) -> Money | None:
    """All amounts are whole hundredths of the storefront's currency."""
    known = whole(cents)
    return None if known is None else Money(amount=Decimal(known).scaleb(-2), currency=currency)


def cents(amount: Money) -> int:
    return int(amount.quantised().amount.scaleb(2))


def moment(value: Any) -> datetime | None:
    """Times are UTC: the specification writes them with a Z, older examples without anything."""
    try:
        read = datetime.fromisoformat(text(value))
    except ValueError:
        return None
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
