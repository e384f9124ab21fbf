"""Reading what may be missing, null or of another type than the specification says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from bridge.domain.money import Money
from bridge.domain.reading import text


def money(raw: Any, currency: str = "") -> Money | None:
    """``{amount, currency}``: major units; ``currency`` where it names none."""
    given = raw if isinstance(raw, dict) else {}
    try:
        return Money.of(given["amount"], text(given.get("currency")) or currency)
    except (KeyError, TypeError, ValueError):
        return None


def stamp(at: datetime) -> str:
    """ISO 8601 with a Z, in whole seconds: never later than ``at``."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def cursor_in(link: Any) -> str | None:
    """The cursor in the address of a next page, or the cursor itself where no address is given."""
    given = text(link)
    if not given:
        return None
    found = parse_qs(urlsplit(given).query).get("cursor")
    return found[0] if found else None if "/" in given else given
