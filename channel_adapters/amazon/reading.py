"""Reading what may be missing, null or of another type than the models say."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from bridge.domain.money import Money
from bridge.domain.reading import text


def money(raw: Any) -> Money | None:
    """``{amount, currencyCode}``: amounts are strings."""
    try:
        return Money.of(text(raw.get("amount")), text(raw.get("currencyCode"))) if isinstance(raw, dict) else None
    except ValueError:
        return None


def stamp(at: datetime) -> str:
    """A moment as Amazon wants it: UTC with milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
