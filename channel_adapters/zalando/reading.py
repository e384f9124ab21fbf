"""Reading what may be missing, null or of another type than the specification says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from bridge.domain.money import Money

Json = dict[str, Any]


def text(value: Any) -> str:
    return "" if value is None or isinstance(value, (dict, list)) else str(value).strip()


def table(raw: Any, *names: str) -> Json:
    """The object under this path; empty where there is none."""
    for name in names:
        raw = raw.get(name) if isinstance(raw, dict) else None
    return raw if isinstance(raw, dict) else {}


def tables(raw: Any, *names: str) -> list[Json]:
    """The objects of the list under this path."""
    *path, last = names
    value = table(raw, *path).get(last)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def texts(raw: Any, name: str) -> list[str]:
    value = raw.get(name) if isinstance(raw, dict) else None
    return [text(item) for item in value if text(item)] if isinstance(value, list) else []


def whole(value: Any) -> int | None:
    try:
        return None if value is None or isinstance(value, bool) else int(str(value))
    except ValueError:
        return None


def money(raw: Any, currency: str = "") -> Money | None:
    """``{amount, currency}``: major units; ``currency`` where it names none."""
    given = raw if isinstance(raw, dict) else {}
    try:
        return Money.of(given["amount"], text(given.get("currency")) or currency)
    except (KeyError, TypeError, ValueError):
        return None


def moment(value: Any) -> datetime | None:
    try:
        read = datetime.fromisoformat(text(value))
    except ValueError:
        return None
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)


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


def pairs(given: Any) -> dict[str, str]:
    """A list setting of ``name=value``; what has no ``=`` is left out."""
    items = given if isinstance(given, (list, tuple)) else ()
    split = [str(item).partition("=") for item in items]
    return {name.strip(): value.strip() for name, sign, value in split if sign and name.strip()}
