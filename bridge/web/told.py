"""Times and amounts inside a sentence of the engine, as the page writes its own: the engine keeps them in English, the
times in UTC or with their zone, so that they mean the same to whoever reads them elsewhere."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel.dates import format_datetime, format_skeleton
from babel.numbers import format_currency, get_decimal_symbol

ENGLISH = "en"
# ``27 Nov 2026 06:11 UTC``, ``27 Nov 2026 07:11 (Europe/Berlin)``, ``27 Nov 2026``
_MOMENT = re.compile(
    r"\b(\d\d (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4})"
    r"(?: (\d\d:\d\d)(?: UTC| \((UTC|[A-Za-z_]+(?:/[A-Za-z_+-]+)+)\)))?"
)
# ``19.90 EUR``: of the currencies that marketplaces here sell in.
_MONEY = re.compile(
    r"(?<![\w.,-])(?:(-?\d{1,12}\.\d{2}) (EUR|GBP|PLN|SEK|CZK|DKK|NOK|RON|BGN|CHF|USD|TRY)|(-?\d{1,12}) (HUF|JPY))\b"
)
_SHARE = re.compile(r"(\d+)\.(\d+)( %)")


def local(text: str, code: str, zone: tzinfo | None) -> str:
    """``zone`` None: times keep their own."""
    if not any(sign.isdigit() for sign in text):
        return text
    timed = _MOMENT.sub(lambda found: _moment(found, code, zone), text)
    return _MONEY.sub(lambda found: _money(found, code), timed)


def share(value: str, code: str) -> str:
    """A value of a sentence that is a percentage; anything else stays."""
    found = _SHARE.fullmatch(value)
    return f"{found[1]}{get_decimal_symbol(code)}{found[2]}{found[3]}" if found else value


def day(moment: datetime, code: str) -> str:
    """English has the day first here; every other language has it as it writes it."""
    if code == ENGLISH:
        return format_datetime(moment, "d MMM y", locale=code)
    return format_skeleton("yMMMd", moment, locale=code)


def _money(found: re.Match[str], code: str) -> str:
    amount, currency = found[1] or found[3], found[2] or found[4]
    return str(format_currency(Decimal(amount), currency, locale=code))


def _moment(found: re.Match[str], code: str, zone: tzinfo | None) -> str:
    """What only looks like one stays."""
    try:
        own = ZoneInfo(found[3]) if found[3] else UTC
        moment = datetime.strptime(f"{found[1]} {found[2] or '00:00'}", "%d %b %Y %H:%M").replace(tzinfo=own)
    except (ValueError, KeyError):
        return found[0]
    if not found[2]:
        return day(moment, code)
    here = moment.astimezone(zone) if zone is not None else None
    return f"{day(here, code)}, {here:%H:%M}" if here is not None else found[0]
