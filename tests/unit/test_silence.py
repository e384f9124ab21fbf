"""Silence on a busy channel, on simulated traces: few false alarms, and an alarm within two normal gaps.

The traces are made by a seeded generator: orders by chance, with a rhythm by hour and weekday, days that are better or
worse than others, a slow trend, and a rush that ends.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import mean
from zoneinfo import ZoneInfo

import pytest

from bridge.domain.silence import LEAST, WEEK, WEEKS, Rhythm, rhythm

ZONE = ZoneInfo("Europe/Amsterdam")
START = datetime(2026, 8, 31, tzinfo=UTC)
LIVE = 10  # weeks that are watched, over the end of summer time
DAY = timedelta(days=1)
BY_HOUR = [1, 0.5, 0.3, 0.2, 0.2, 0.4, 1, 2, 3, 4, 5, 5, 5, 5, 5, 5, 5, 5, 6, 7, 8, 8, 5, 3]
BY_DAY = [1.1, 1.0, 1.0, 1.0, 0.9, 0.8, 1.2]


@dataclass(frozen=True)
class Trace:
    """``noise``: how much days differ (the deviation of the logarithm); ``rush``: a week with so many times more."""

    per_week: float
    noise: float = 0.0
    rush: float = 1.0
    trend: float = 1.0


TRACES = {
    "small": Trace(40),
    "small and uneven": Trace(60, noise=0.3),
    "middle": Trace(200, noise=0.2, trend=0.7),
    "middle with a rush": Trace(200, noise=0.2, rush=4),
    "large": Trace(1200, noise=0.2),
    "large and uneven": Trace(1200, noise=0.4, rush=3, trend=0.6),
}


def orders(trace: Trace, seed: str) -> list[datetime]:
    chance = random.Random(seed)
    scale = trace.per_week / (sum(BY_HOUR) * sum(BY_DAY))
    found: list[datetime] = []
    for day in range((WEEKS + LIVE) * 7):
        level = math.exp(chance.gauss(0, trace.noise) - trace.noise**2 / 2)
        level *= trace.trend ** (day / ((WEEKS + LIVE) * 7)) * (trace.rush if day // 7 == WEEKS + 3 else 1)
        for hour in range(24):
            start = START + day * DAY + timedelta(hours=hour)
            local = start.astimezone(ZONE)
            rate = scale * level * BY_HOUR[local.hour] * BY_DAY[local.weekday()]
            at = chance.expovariate(rate)
            while at < 1:
                found.append(start + timedelta(hours=at))
                at += chance.expovariate(rate)
    return found


def rhythms(times: list[datetime]) -> list[tuple[datetime, Rhythm]]:
    """As it is worked out anew every day of the weeks that are watched."""
    days = [START + WEEKS * WEEK + day * DAY for day in range(LIVE * 7)]
    return [(day, known) for day in days if (known := rhythm(times, day, ZONE)) is not None]


def false_alarms(times: list[datetime], known: list[tuple[datetime, Rhythm]]) -> int:
    """Silences that were told of, though the next order came."""
    count = 0
    for day, normal in known:
        first = max(1, bisect_left(times, day))
        for before, after in zip(times[first - 1 :], times[first:], strict=False):
            if after >= day + DAY:
                break
            count += after - before > normal.shortest and normal.is_silent(before, after)
    return count


def delays(times: list[datetime], known: list[tuple[datetime, Rhythm]], seed: str) -> list[tuple[float, float]]:
    """The orders stop at a moment of chance, on each day: how long until the alarm, in normal gaps and in hours."""
    chance, found = random.Random(seed), list[tuple[float, float]]()
    for day, normal in known:
        stopped = day + DAY * chance.random()
        last = times[bisect_left(times, stopped) - 1]
        alarm = normal.quiet_until(last)
        found.append((normal.expected(last, alarm) / normal.normal_gap, (alarm - last) / timedelta(hours=1)))
    return found


@pytest.mark.parametrize("name", TRACES)
def test_few_false_alarms_and_a_quick_true_one(name: str) -> None:
    weeks, false, gaps, hours = 0.0, 0, list[float](), list[float]()
    for seed in range(1 if TRACES[name].per_week > 1000 else 3):
        times = orders(TRACES[name], f"{name} {seed}")
        known = rhythms(times)
        assert len(known) == LIVE * 7, "it is busy all the time"
        weeks += len(known) / 7
        false += false_alarms(times, known)
        found = delays(times, known, name)
        gaps += [item[0] for item in found]
        hours += [item[1] for item in found]
    print(
        f"{name}: {false / weeks:.2f} false alarms a week, alarm after {max(gaps):.2f} normal gaps at most, "
        f"{mean(gaps):.2f} on average ({mean(hours):.1f} hours)"
    )
    assert false / weeks < 1
    assert max(gaps) <= 2 + 1e-6


def test_nights_are_no_silence_and_evenings_are() -> None:
    times = orders(TRACES["middle"], "night")
    day, normal = rhythms(times)[20]
    evening = (day + DAY).astimezone(ZONE).replace(hour=23)
    assert not normal.is_silent(evening, evening + timedelta(hours=7))
    noon = evening.replace(hour=12)
    assert normal.is_silent(noon, noon + timedelta(hours=11))
    assert normal.is_silent(noon, noon + 3 * WEEK)
    assert noon < normal.quiet_until(noon) < noon + timedelta(hours=11)


def test_what_is_not_busy_or_not_known_has_no_rhythm() -> None:
    now = START + WEEKS * WEEK
    assert rhythm([], now, ZONE) is None
    assert rhythm([now - timedelta(hours=6 * number) for number in range(200, 0, -1)], now, ZONE) is not None
    few = [now - timedelta(days=number) for number in range(28, 0, -1)]
    assert len(few) / WEEKS < LEAST
    assert rhythm(few, now, ZONE) is None
    assert rhythm([now - timedelta(hours=number) for number in range(200, 0, -1)], now, ZONE) is None


def test_an_outage_in_the_past_does_not_make_deaf() -> None:
    times = orders(TRACES["middle"], "outage")
    now = START + WEEKS * WEEK
    whole = rhythm(times, now, ZONE)
    holed = rhythm([at for at in times if not START + 9 * DAY < at < START + 12 * DAY], now, ZONE)
    assert whole is not None
    assert holed is not None
    assert holed.too_long <= 2 * holed.normal_gap
    assert holed.normal_gap < whole.normal_gap * 1.5
