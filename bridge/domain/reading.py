"""Reading what may be missing, null or of another type than the other side's description says."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any

Json = dict[str, Any]
SENSIBLE = Decimal(10) ** 15  # nobody sells for so much in any currency
LONGEST_LIFE = 10 * 366 * 86400
OVERLAP = 25
_CURRENCY = re.compile("[A-Z]{3}")
# What no database keeps and no other system takes: NUL, and halves of pairs of UTF-16.
_ODD = re.compile("[\x00\ud800-\udfff]")
INSTEAD = "\ufffd"


def storable(value: Any) -> Any:
    """JSON content with U+FFFD for every character that cannot be kept."""
    if isinstance(value, str):
        return _ODD.sub(INSTEAD, value)
    if isinstance(value, list):
        return [storable(item) for item in value]
    if isinstance(value, dict):
        return {storable(name): storable(item) for name, item in value.items()}
    return value


def text(value: Any) -> str:
    return "" if value is None or isinstance(value, (dict, list)) else str(value).strip()


def table(raw: Any, *way: str) -> Json:
    """The object at the end of ``way``; empty where there is none."""
    for name in way:
        raw = raw.get(name) if isinstance(raw, dict) else None
    return raw if isinstance(raw, dict) else {}


def tables(raw: Any, *way: str) -> list[Json]:
    """The objects of the list at the end of ``way``."""
    *before, last = way
    value = table(raw, *before).get(last)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def texts(raw: Any, name: str) -> list[str]:
    """The texts of a list, empty ones left out."""
    value = table(raw).get(name)
    return [found for item in value if (found := text(item))] if isinstance(value, list) else []


def whole(value: Any) -> int | None:
    """A whole number however it is written: JSON tells 200.0 and 200 not apart."""
    if isinstance(value, float | Decimal):
        number = amount(value)
        return int(number) if number is not None and number == number.to_integral_value() else None
    try:
        return None if value is None or isinstance(value, bool) else int(str(value))
    except ValueError:
        return None


def following(start: int, found: int) -> int:
    """Where the page after ``found`` entries from ``start`` on begins, in a list that is read by offset. What leaves
    the list meanwhile (orders that are sent, offers that end) moves the rest of it up, past where a reader would go on:
    a quarter of each page, 25 entries at most, is read again."""
    return start + found - min(OVERLAP, found // 4)


def numbered(start: int, most: int) -> tuple[int, int]:
    """Number and size of the page with entry ``start`` that leads furthest, where pages have numbers (from 0 on) and a
    size that may be chosen, up to ``most``. Page N of L entries begins at entry N x L."""
    if start == 0:
        return 0, most
    size = max(range(min(start, most), 0, -1), key=lambda size: following(start // size * size, size))
    return start // size, size


def to_and_fro(page: int, *, is_last: bool) -> int | None:
    """The page after ``page`` where pages have numbers (from 1 on) and a size that is given, so that they cannot
    overlap: to the end of the list, and back to its first page. What leaves the list moves the rest of it up: past a
    reader who goes on, towards one who goes back. Pages of the way back are negative. A list of one page is read once,
    one of n pages in 2n - 1 calls."""
    if page > 0 and not is_last:
        return page + 1
    return 1 - abs(page) or None


def lifetime(value: Any, usual: int) -> timedelta:
    """Seconds that something is good for, as ``expires_in`` of a token says; ``usual`` where that makes no sense."""
    told = amount(value)
    return timedelta(seconds=float(told) if told is not None and 0 < told <= LONGEST_LIFE else usual)


def amount(value: Any) -> Decimal | None:
    """A number that an amount can be, whether it came as one or as text; a float by its shortest decimal form."""
    if isinstance(value, bool):
        return None
    try:
        found = Decimal(text(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() and abs(found) < SENSIBLE else None


def moment(value: Any, zone: tzinfo = UTC) -> datetime | None:
    """A time in ISO 8601, in UTC; ``zone`` where it names none."""
    try:
        read = datetime.fromisoformat(text(value))
        return (read if read.tzinfo else read.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):  # the first and the last hours there are have no UTC
        return None


def currency_code(value: Any) -> str:
    """A code of three capital letters (ISO 4217); empty where it is none."""
    code = text(value)
    return code if _CURRENCY.fullmatch(code) else ""


def pairs(given: Any) -> dict[str, str]:
    """A list setting of ``name=value``; what has no ``=`` is left out."""
    items = given if isinstance(given, (list, tuple)) else ()
    split = [str(item).partition("=") for item in items]
    return {name.strip(): value.strip() for name, sign, value in split if sign and name.strip()}
