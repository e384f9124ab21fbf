"""Times, money and durations as the merchant reads them, in the language of the page. What is exact stands in the
tooltip. For people only: what is read back, sent or kept never comes by here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Literal
from zoneinfo import ZoneInfo

from babel.dates import format_datetime, format_skeleton, format_timedelta
from babel.numbers import format_currency, format_decimal
from markupsafe import Markup

from bridge.domain import names
from bridge.web import told
from bridge.web.language import ENGLISH, current, gettext, said

Unit = Literal["day", "hour", "minute", "second"]
UNITS: tuple[tuple[int, Unit], ...] = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
ALWAYS = 10**9  # the unit is chosen here, not by size


def order_number(ref: str) -> str:
    """As the marketplace has it: without the account that stands in front of it in the records."""
    return ref.partition(":")[2] or ref


def runs(entries: Iterable[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """The entries of a journal in their order, exchanges that follow each other together, all else one by one."""
    found: list[list[Mapping[str, Any]]] = []
    for entry in entries:
        if found and entry["kind"] == found[-1][0]["kind"] == "exchange":
            found[-1].append(entry)
        else:
            found.append([entry])
    return found


@dataclass(frozen=True)
class Clock:
    """Tells moments in the store's own time zone."""

    now: datetime
    zone: ZoneInfo

    def when(self, moment: datetime | None, empty: str = "") -> Markup:
        """Distance in words: ``3 minutes ago``, ``in 2 hours``."""
        if moment is None:
            return Markup("{}").format(empty or gettext("never"))
        seconds = (moment - self.now).total_seconds()
        return self._time(moment, gettext("just now") if abs(seconds) < 2 else _words(seconds, directed=True))

    def short(self, moment: datetime | None, empty: str = "–") -> Markup:
        """The time today, else the date with it."""
        if moment is None:
            return Markup("{}").format(empty)
        local, today = moment.astimezone(self.zone), self.now.astimezone(self.zone)
        if local.date() == today.date():
            return self._time(moment, f"{local:%H:%M}")
        day = _said(local, "d MMM", "MMMd") if local.year == today.year else _said(local, "d MMM y", "yMMMd")
        return self._time(moment, f"{day}, {local:%H:%M}")

    def exact(self, moment: datetime) -> Markup:
        local = moment.astimezone(self.zone)
        return self._time(moment, f"{_said(local, 'd MMM y', 'yMMMd')}, {local:%H:%M:%S}")

    def parts(self, text: str) -> tuple[str, str]:
        """Day and time of a moment as a form has them: what is kept names its zone, what was typed stays."""
        try:
            kept = datetime.fromisoformat(text)
        except ValueError:
            kept = None
        if kept is None or kept.tzinfo is None:
            day, _, hour = text.partition("T")
            return day, hour
        local = kept.astimezone(self.zone)
        return f"{local:%Y-%m-%d}", f"{local:%H:%M:%S}".removesuffix(":00")

    def _time(self, moment: datetime, text: str) -> Markup:
        local = moment.astimezone(self.zone)
        title = f"{_said(local, 'd MMMM y', 'yMMMMd')}, {local:%H:%M:%S} ({self.zone.key})"
        return Markup('<time datetime="{}" title="{}">{}</time>').format(local.isoformat(), title, text)


def country(site: str) -> str:
    """A country by its two letters, and the language where a marketplace has several sites there (``BE fr``), by their
    names; what is neither stays."""
    return names.country(site, current().code) or site


def day(moment: date | str | None) -> str:
    """A day without a time; a text is ISO 8601."""
    if not moment:
        return ""
    found = date.fromisoformat(moment) if isinstance(moment, str) else moment
    return told.day(datetime.combine(found, time()), current().code)


def _said(day: datetime, english: str, skeleton: str) -> str:
    """English has the day first here; every other language has it as it writes it."""
    code = current().code
    if code == ENGLISH:
        return format_datetime(day, english, locale=code)
    return format_skeleton(skeleton, day, locale=code)


def duration(seconds: float) -> str:
    """Roughly, in the largest unit that says enough."""
    return _words(seconds, directed=False) if seconds >= 1 else gettext("less than a second")


def _words(seconds: float, *, directed: bool) -> str:
    far = abs(seconds)
    size, unit = next((item for item in UNITS if far >= item[0] * 2), UNITS[-1])
    whole = timedelta(seconds=int(far // size) * size * (-1 if seconds < 0 else 1))
    return format_timedelta(whole, unit, ALWAYS, add_direction=directed, locale=current().code)


def exact_seconds(seconds: float) -> str:
    return f"{format_decimal(seconds, '0.0', current().code)} s" if seconds < 120 else duration(seconds)


def hundredths(seconds: float) -> str:
    """How long a call took."""
    return str(format_decimal(seconds, "0.00", current().code))


def quantity(value: Decimal, unit: str) -> str:
    """A number with what it counts: ``1.8 %``, ``8 of 10``."""
    return f"{format_decimal(value.normalize(), '#,##0.##', current().code)} {said(unit)}".strip()


def money(amount: Any, currency: str | None) -> str:
    """With its currency, to the currency's own cent; what is no number is shown as it is."""
    try:
        number = Decimal(str(amount))
    except InvalidOperation:
        return str(amount)
    if not currency or not number.is_finite():
        return str(amount)
    return str(format_currency(number, currency, locale=current().code))


def price(value: Mapping[str, Any] | None) -> str:
    """A price as it is stored."""
    return money(value.get("amount"), value.get("currency")) if value else ""
