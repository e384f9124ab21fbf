"""Deadlines as marketplaces set them: hours, days or business days, by the clock on the wall of a country.

Weekends and public holidays are those of the country (the ``holidays`` package); where a country is not known, weekends
count alone. A deadline is never later than the marketplace may mean it: of two readings the earlier one holds.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays
from pydantic import Field

from bridge.domain.values import Value

# By the clock of a country's capital (IANA time zones).
ZONES = {
    "AT": "Europe/Vienna", "BE": "Europe/Brussels", "BG": "Europe/Sofia", "CH": "Europe/Zurich", "CZ": "Europe/Prague",
    "DE": "Europe/Berlin", "DK": "Europe/Copenhagen", "EE": "Europe/Tallinn", "ES": "Europe/Madrid",
    "FI": "Europe/Helsinki", "FR": "Europe/Paris", "GB": "Europe/London", "GR": "Europe/Athens", "HR": "Europe/Zagreb",
    "HU": "Europe/Budapest", "IE": "Europe/Dublin", "IT": "Europe/Rome", "LT": "Europe/Vilnius",
    "LU": "Europe/Luxembourg", "LV": "Europe/Riga", "NL": "Europe/Amsterdam", "NO": "Europe/Oslo",
    "PL": "Europe/Warsaw", "PT": "Europe/Lisbon", "RO": "Europe/Bucharest", "SE": "Europe/Stockholm",
    "SI": "Europe/Ljubljana", "SK": "Europe/Bratislava", "TR": "Europe/Istanbul",
}  # fmt: skip
SATURDAY = 5


class Unit(StrEnum):
    HOURS = "hours"
    DAYS = "days"
    BUSINESS_DAYS = "business days"


class Term(Value):
    """So long from an event."""

    count: int = Field(ge=1, le=1000)
    unit: Unit

    @property
    def text(self) -> str:
        match self.unit:
            case Unit.HOURS:
                return f"{self.count} hour{'s' if self.count != 1 else ''}"
            case Unit.DAYS:
                return f"{self.count} day{'s' if self.count != 1 else ''}"
            case Unit.BUSINESS_DAYS:
                return f"{self.count} business day{'s' if self.count != 1 else ''}"


def until(start: datetime, term: Term, country: str | None) -> datetime:
    """When ``term`` from ``start`` (aware) is over, in UTC.

    Hours are hours. Days end at the same time of day by the country's clock, whatever summer time does in between; of
    business days the day of the event does not count.
    """
    if term.unit is Unit.HOURS:
        return start.astimezone(UTC) + timedelta(hours=term.count)
    zone = ZoneInfo(ZONES.get(country or "", "UTC"))
    local = start.astimezone(zone)
    day = local.date()
    if term.unit is Unit.DAYS:
        day += timedelta(days=term.count)
    else:
        day = _business_day(day, term.count, country)
    # fold=0: of an hour that comes twice the earlier one.
    return datetime.combine(day, local.time(), zone).astimezone(UTC)


def is_business_day(day: date, country: str | None) -> bool:
    return day.weekday() < SATURDAY and day not in _holidays(country or "")


def _business_day(day: date, count: int, country: str | None) -> date:
    """The ``count``-th business day after ``day``."""
    while count:
        day += timedelta(days=1)
        count -= is_business_day(day, country)
    return day


@lru_cache(maxsize=64)
def _holidays(country: str) -> holidays.HolidayBase | frozenset[date]:
    """Public holidays of the whole country; it grows by the years that are asked about."""
    if country not in holidays.list_supported_countries():
        return frozenset()
    return holidays.country_holidays(country)
