"""Whether it is too quiet: no orders where there normally are some, by the channel's own rhythm.

Time is measured in the orders that would normally have come: an hour at night passes slowly, one on a busy evening
fast. In that time orders come evenly, and the longest silence of an ordinary week is what is normal. With orders that
come by chance it is about ln(orders of a week), several times the average distance of two orders; an alarm at twice
the average would ring every hour.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from zoneinfo import ZoneInfo

WEEKS = 4
WEEK = timedelta(days=7)
HOUR = timedelta(hours=1)
HOURS = 168
LEAST = 25  # orders a week: with fewer, days without one are nothing special
OWN_WEIGHT = 3.0  # weeks of watching after which an hour of the week counts as much as its day and its hour of day
MARGIN = 1.25  # beyond the longest silence there was
RARE = math.log(8)  # silences of chance that are as long come once in eight weeks


@dataclass(frozen=True)
class Rhythm:
    """What is normal: orders expected in each hour of the week (Monday 0:00 first, in ``zone``); the longest silence
    of an ordinary week and the one that is too long, both in expected orders."""

    zone: ZoneInfo
    rates: tuple[float, ...]
    normal_gap: float
    too_long: float

    @property
    def per_week(self) -> float:
        return sum(self.rates)

    @property
    def shortest(self) -> timedelta:
        """No silence is too long before this, at whatever hour."""
        return HOUR * (self.too_long / max(self.rates))

    def expected(self, start: datetime, end: datetime) -> float:
        """Orders that would normally come from ``start`` until ``end``."""
        total, moment = 0.0, start
        while moment < end:
            step = min(_next_hour(moment), end)
            total += self.rates[_hour_of_week(moment, self.zone)] * ((step - moment) / HOUR)
            moment = step
        return total

    def is_silent(self, last: datetime, now: datetime) -> bool:
        """Whether nothing since ``last`` is too long. A silence of two weeks needs no arithmetic."""
        return now - last > 2 * WEEK or self.expected(last, now) >= self.too_long

    def quiet_until(self, last: datetime) -> datetime:
        """When the silence after ``last`` becomes too long, to the hour's fraction."""
        left, moment = self.too_long, last
        while left > 0 and moment - last < 2 * WEEK:
            step = _next_hour(moment)
            here = self.rates[_hour_of_week(moment, self.zone)] * ((step - moment) / HOUR)
            if here >= left:
                return moment + (step - moment) * (left / here)
            left, moment = left - here, step
        return moment


def rhythm(times: Sequence[datetime], now: datetime, zone: ZoneInfo) -> Rhythm | None:
    """From the moments of the orders of the last weeks, in order. None where a channel is not busy enough, or known
    for less than two weeks."""
    first = bisect_left(times, now - WEEKS * WEEK)
    known = times[first : bisect_left(times, now)]
    if not known:
        return None
    since = max(now - WEEKS * WEEK, known[0])
    weeks = (now - since) / WEEK
    if weeks < 2 or len(known) / weeks < LEAST:
        return None
    rates = _rates(known, weeks, zone)
    slower = min(1.0, (len(known) - bisect_left(known, now - WEEK)) / (len(known) / weeks))
    rates = tuple(rate * max(slower, 0.25) for rate in rates)  # after a rush it may be quieter for a while
    plain = Rhythm(zone, rates, 0.0, 0.0)
    longest = _longest(plain, known, since, now)
    by_chance = math.log(max(plain.per_week, math.e))
    normal = max(median(longest), by_chance)
    too_long = min(2 * normal, max(MARGIN * max(longest), by_chance + RARE))
    return Rhythm(zone, rates, normal, too_long)


def _rates(known: Sequence[datetime], weeks: float, zone: ZoneInfo) -> tuple[float, ...]:
    """Each hour's own count, held to what its weekday and its hour of day let expect: four weeks are few."""
    cells = Counter(_hour_of_week(moment, zone) for moment in known)
    days, hours = [0.0] * 7, [0.0] * 24
    for cell, count in cells.items():
        days[cell // 24] += count
        hours[cell % 24] += count
    total = len(known)
    return tuple(
        (cells[cell] + OWN_WEIGHT * (days[cell // 24] * hours[cell % 24] / total / weeks)) / (weeks + OWN_WEIGHT)
        for cell in range(HOURS)
    )


def _longest(plain: Rhythm, known: Sequence[datetime], since: datetime, now: datetime) -> list[float]:
    """The longest silence of each week, in expected orders."""
    clock, total = _Clock(plain, since, now), 0.0
    longest = [0.0] * max(1, math.ceil((now - since) / WEEK))
    before = 0.0
    for moment in known:
        total = clock.at(moment)
        week = min(int((moment - since) / WEEK), len(longest) - 1)
        longest[week] = max(longest[week], total - before)
        before = total
    return longest


class _Clock:
    """Expected orders since ``start``, summed up once."""

    def __init__(self, plain: Rhythm, start: datetime, end: datetime) -> None:
        self._start = start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        self._rates, self._sums = list[float](), [0.0]
        moment = self._start
        while moment <= end:
            self._rates.append(plain.rates[_hour_of_week(moment, plain.zone)])
            self._sums.append(self._sums[-1] + self._rates[-1])
            moment += HOUR
        self._zero = 0.0
        self._zero = self.at(start)

    def at(self, moment: datetime) -> float:
        hours = (moment - self._start) / HOUR
        whole = min(int(hours), len(self._rates) - 1)
        return self._sums[whole] + self._rates[whole] * (hours - whole) - self._zero


def _hour_of_week(moment: datetime, zone: ZoneInfo) -> int:
    local = moment.astimezone(zone)
    return local.weekday() * 24 + local.hour


def _next_hour(moment: datetime) -> datetime:
    """In UTC; zones that are half an hour off are off by half an hour."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0) + HOUR
