"""Times, money and durations as the merchant reads them. What is exact stands in the tooltip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from babel.numbers import format_currency
from markupsafe import Markup

UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


@dataclass(frozen=True)
class Clock:
    """Tells moments in the store's own time zone."""

    now: datetime
    zone: ZoneInfo

    def when(self, moment: datetime | None, empty: str = "never") -> Markup:
        """Distance in words: ``3 minutes ago``, ``in 2 hours``."""
        if moment is None:
            return Markup("{}").format(empty)
        seconds = (self.now - moment).total_seconds()
        words = duration(abs(seconds))
        text = "just now" if abs(seconds) < 2 else f"{words} ago" if seconds > 0 else f"in {words}"
        return self._time(moment, text)

    def short(self, moment: datetime | None, empty: str = "–") -> Markup:
        """The time today, else the date with it."""
        if moment is None:
            return Markup("{}").format(empty)
        local, today = moment.astimezone(self.zone), self.now.astimezone(self.zone)
        if local.date() == today.date():
            return self._time(moment, f"{local:%H:%M}")
        year = "" if local.year == today.year else f" {local:%Y}"
        return self._time(moment, f"{local.day} {local:%b}{year}, {local:%H:%M}")

    def exact(self, moment: datetime) -> Markup:
        local = moment.astimezone(self.zone)
        return self._time(moment, f"{local.day} {local:%b %Y}, {local:%H:%M:%S}")

    def _time(self, moment: datetime, text: str) -> Markup:
        local = moment.astimezone(self.zone)
        title = f"{local.day} {local:%B %Y, %H:%M:%S} ({self.zone.key})"
        return Markup('<time datetime="{}" title="{}">{}</time>').format(local.isoformat(), title, text)


def duration(seconds: float) -> str:
    """Roughly, in the largest unit that says enough."""
    for size, unit in UNITS:
        if seconds >= size * 2 or (unit == "second" and seconds >= 1):
            count = int(seconds // size)
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return "less than a second"


def exact_seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 120 else duration(seconds)


def money(amount: Any, currency: str | None) -> str:
    """With its currency, to the currency's own cent; what is no number is shown as it is."""
    try:
        number = Decimal(str(amount))
    except InvalidOperation:
        return str(amount)
    if not currency or not number.is_finite():
        return str(amount)
    return str(format_currency(number, currency, locale="en"))


def price(value: Mapping[str, Any] | None) -> str:
    """A price as it is stored."""
    return money(value.get("amount"), value.get("currency")) if value else ""
