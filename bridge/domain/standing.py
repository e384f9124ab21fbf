"""How a seller stands on a marketplace, from what is known here: shares of what went wrong, held against the limits
that the marketplace names, and how many more of them are left."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from bridge.domain.deadlines import ZONES
from bridge.domain.values import Value

NEAR = 2  # more of them reach the limit
ENOUGH = 10  # of fewer one alone passes any limit, and a share says nothing


class Measure(StrEnum):
    """What is counted, of what."""

    CANCELLED = "cancelled"  # order lines cancelled by the seller's own fault, of all lines
    LATE = "late"  # orders confirmed after they had to be shipped, of those that were due
    UNTRACKED = "untracked"  # parcels without a tracking number, of all parcels
    RETURNS_LATE = "returns_late"  # returns decided after their time, of those whose time is over


TITLES = {
    Measure.CANCELLED: "Cancelled by our own fault",
    Measure.LATE: "Shipped late",
    Measure.UNTRACKED: "Parcels without tracking",
    Measure.RETURNS_LATE: "Returns decided late",
}


class ScoreLimit(Value):
    """What a marketplace allows. ``limit`` is a share of 1 that may be reached and not passed; below ``least`` of them
    it does not count. Over ``days``, or over the calendar ``week`` (from Monday)."""

    measure: Measure
    limit: Decimal = Field(gt=0, lt=1)
    days: int | None = Field(default=None, ge=1, le=366)
    week: bool = False
    least: int = Field(default=1, ge=1)
    source: str
    read_on: date

    @model_validator(mode="after")
    def _one_period(self) -> ScoreLimit:
        if (self.days is None) != self.week:
            raise ValueError("a limit is over days, or over a week: say one of them")
        return self

    @property
    def period(self) -> str:
        return "this week" if self.week else f"in {self.days} days"

    def begins(self, now: datetime, country: str | None) -> datetime:
        """Of the period that ``now`` is in, by the clock of the country, in UTC."""
        zone = ZoneInfo(ZONES.get(country or "", "UTC"))
        today = now.astimezone(zone).date()
        first = today - timedelta(days=today.weekday() if self.week else (self.days or 0))
        return datetime.combine(first, time(), zone).astimezone(UTC)


class Standing(Value):
    """One figure of our own: ``bad`` of ``of``; ``left``: so many more pass the limit, None where there is none, or
    where they cannot come to it."""

    measure: Measure
    bad: int = Field(ge=0)
    of: int = Field(ge=0)
    period: str
    limit: Decimal | None = None
    least: int = 1
    left: int | None = None

    @property
    def share(self) -> Decimal:
        return Decimal(self.bad) / self.of if self.of else Decimal(0)

    @property
    def near(self) -> bool:
        """Something went wrong already, and little more is left. (Of few sales one alone may pass a limit.)"""
        return bool(self.bad) and self.left is not None and self.left <= NEAR

    @property
    def over(self) -> bool:
        return self.left == 0

    @property
    def text(self) -> str:
        """As a person reads it: ``Cancelled by our own fault in 30 days: 1.8 % (3 of 165, at most 2 %)``."""
        limit = f", at most {_percent(self.limit)}" if self.limit is not None else ""
        head = f"{TITLES[self.measure]} {self.period}: {_percent(self.share)} ({self.bad} of {self.of}{limit})"
        return f"{head}; {self.forecast}" if self.forecast else head

    @property
    def forecast(self) -> str:
        if self.left is None or self.limit is None:
            return ""
        if self.left == 0:
            return "that is over the limit"
        return "one more is over the limit" if self.left == 1 else f"{self.left} more are over the limit"


def left_to(limit: Decimal, least: int, bad: int, of: int) -> int | None:
    """The fewest more that pass the limit (0: it is passed); None where all of them together would not, and of fewer
    than ``ENOUGH``. Sales to come are not counted on."""
    if of < ENOUGH:
        return None
    for more in range(max(0, of - bad) + 1):
        if bad + more >= least and Decimal(bad + more) > limit * of:
            return more
    return None


def extra(most: int, left: int | None) -> int:
    """Units to keep back on top of the buffer: all that the merchant allows at the limit, half of it a step before."""
    if left is None or left > NEAR or most <= 0:
        return 0
    return most if left < NEAR else -(-most // 2)


def _percent(share: Decimal) -> str:
    return f"{(share * 100).quantize(Decimal('0.1')).normalize():f} %"
