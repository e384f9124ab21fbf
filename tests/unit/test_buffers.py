"""The safety buffer, and a simulation of what it is for: other channels sell while this one has not heard of it."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.buffers import (
    AdaptiveBuffer,
    Demand,
    FixedBuffer,
    Pace,
    PercentBuffer,
    combined,
    kept_back,
    recent_demand,
    risk_buffer,
)

LATENCY = 120.0  # seconds, 99th percentile
HISTORY = 672.0  # hours watched before


@given(st.integers(-50, 10**6), st.integers(0, 100))
def test_a_share_is_rounded_up_and_never_more_than_there_is(available: int, percent: int) -> None:
    units, _ = kept_back(PercentBuffer(percent=percent), available)
    assert math.ceil(max(0, available) * percent / 100 - 1e-9) == units
    assert 0 <= units <= max(0, available)


@given(st.floats(0, 5000), st.floats(1, 2000), st.floats(0, 3600), st.floats(0.0001, 0.3))
def test_more_sales_more_latency_and_less_risk_never_make_the_buffer_smaller(
    orders: float, hours: float, latency: float, risk: float
) -> None:
    units = risk_buffer(Demand(orders=orders, units=orders, hours=hours), latency, risk)
    assert units >= 0
    assert risk_buffer(Demand(orders=orders * 2, units=orders * 2, hours=hours), latency, risk) >= units
    assert risk_buffer(Demand(orders=orders, units=orders, hours=hours), latency * 2, risk) >= units
    assert risk_buffer(Demand(orders=orders, units=orders, hours=hours), latency, risk / 2) >= units
    assert risk_buffer(Demand(orders=orders, units=orders * 3, hours=hours), latency, risk) >= units


def test_a_known_rate_gives_the_poisson_quantile() -> None:
    # 30 an hour over 100 seconds are 0.8333 expected; with 100,000 hours watched the rate is as good as known.
    known = Demand(orders=3_000_000, units=3_000_000, hours=100_000)
    chances = [math.exp(-30 / 36) * (30 / 36) ** n / math.factorial(n) for n in range(8)]
    for risk in (0.2, 0.05, 0.01, 0.001):
        units = risk_buffer(known, 100, risk)
        assert 1 - sum(chances[: units + 1]) <= risk < 1 - sum(chances[:units])


def test_what_has_been_watched_little_is_held_more_loosely() -> None:
    # With the expectation of half an order in an hour, one order an hour is believed of both.
    short, long = Demand(orders=1.5, units=1.5, hours=1), Demand(orders=1999.5, units=1999.5, hours=1999)
    assert risk_buffer(Demand(orders=0, units=0, hours=0), 60, 0.01) == 0
    assert risk_buffer(short, 3600, 0.01) > risk_buffer(long, 3600, 0.01)
    assert risk_buffer(Demand(orders=50, units=200, hours=10), 600, 0.01) == 4 * risk_buffer(
        Demand(orders=50, units=50, hours=10), 600, 0.01
    )


def test_an_adaptive_buffer_says_why_and_keeps_its_bounds() -> None:
    fast = Pace(demand=Demand(orders=27_000, units=27_000, hours=HISTORY), latency_seconds=LATENCY)
    units, why = kept_back(AdaptiveBuffer(risk=0.01, store_share=0), 100, fast)
    assert units == 5
    assert why == "40.2 units an hour sold elsewhere, 120 s until this channel knows, risk 1 %"
    assert kept_back(AdaptiveBuffer(risk=0.01, most=2), 100, fast)[0] == 2
    assert kept_back(AdaptiveBuffer(risk=0.01, least=8), 100, fast)[0] == 8
    unmeasured = Pace(demand=fast.demand)
    assert kept_back(AdaptiveBuffer(otherwise=4), 100, unmeasured) == (4, "this channel's latency is not measured yet")
    assert kept_back(AdaptiveBuffer(), 100) == (3, "this channel's latency is not measured yet")
    assert kept_back(FixedBuffer(units=5), 0) == (5, "5 units")


def test_what_the_store_sells_itself_is_a_share_of_what_the_marketplaces_do() -> None:
    others, here = Demand(orders=100, units=200, hours=100), Demand(orders=10, units=10, hours=10)
    pace = Pace(demand=others, here=here, latency_seconds=60)
    assert pace.elsewhere(0) == others
    assert pace.elsewhere(1) == Demand(orders=300, units=500, hours=100)
    assert Pace(demand=Demand(orders=0, units=0, hours=0)).elsewhere(3) == Demand(orders=0, units=0, hours=0)
    assert combined([]) == Demand(orders=0, units=0, hours=0)
    quiet, busy = (kept_back(AdaptiveBuffer(store_share=share), 100, pace)[0] for share in (0, 20))
    assert busy > quiet


def test_recent_sales_count_more() -> None:
    demand = recent_demand([(0, 2), (168, 2), (336, 4), (999, 9)], watched_hours=672, half_life_hours=168)
    assert (demand.orders, demand.units) == (1.75, 4)
    assert math.isclose(demand.hours, 168 / math.log(2) * (1 - 1 / 16))
    steady = recent_demand([(hour, 1) for hour in range(672)], watched_hours=672)
    assert abs(steady.units / steady.hours - 1) < 0.01


@dataclass
class Outcome:
    """Units sold here that were not there, and units kept back on average over the variants."""

    oversold: int
    kept_back: float


@dataclass(frozen=True)
class Mover:
    """A variant: sales an hour elsewhere, what was seen of them, and what will happen: (time, elsewhere?)."""

    rate: float
    seen: Demand
    events: tuple[tuple[float, bool], ...]


def movers(rng: random.Random, days: float) -> list[Mover]:
    """Many slow ones, some that sell hourly, a few fast ones; the channel itself sells half as fast as the others."""
    rates = [0.005] * 120 + [0.05] * 60 + [1.0] * 30 + [12.0] * 6 + [40.0] * 6
    return [Mover(rate, _seen(rng, rate), _events(rng, rate, days * 24)) for rate in rates]


def _seen(rng: random.Random, rate: float) -> Demand:
    count = len(_times(rng, rate, HISTORY)) if rate < 5 else round(rng.gauss(rate * HISTORY, math.sqrt(rate * HISTORY)))
    return Demand(orders=count, units=count, hours=HISTORY)


def _events(rng: random.Random, rate: float, hours: float) -> tuple[tuple[float, bool], ...]:
    elsewhere, here = _times(rng, rate, hours), _times(rng, rate / 2, hours)
    return tuple(sorted([*((at, True) for at in elsewhere), *((at, False) for at in here)]))


def _times(rng: random.Random, rate: float, hours: float) -> list[float]:
    times, now = [], rng.expovariate(rate)
    while now < hours:
        times.append(now)
        now += rng.expovariate(rate)
    return times


def sell(mover: Mover, buffer: int) -> int:
    """Units oversold here. What is sold elsewhere is known here a latency later; out of stock, it is filled up on the
    next full hour. Elsewhere never sells what is not there: only this channel's delay is looked at."""
    delay, full = LATENCY / 3600, max(8, round(mover.rate * 3))
    stock = known = full
    unheard: list[float] = []
    refill, oversold = math.inf, 0
    for at, elsewhere in mover.events:
        if at >= refill:
            stock = known = full
            unheard, refill = [], math.inf
        while unheard and unheard[0] <= at:
            unheard.pop(0)
            known -= 1
        if elsewhere and stock > 0:
            stock -= 1
            unheard.append(at + delay)
        elif not elsewhere and known - buffer > 0:
            known -= 1
            oversold += stock <= 0
            stock = max(0, stock - 1)
        if stock <= buffer and refill == math.inf:
            refill = math.floor(at) + 1.0
    return oversold


def outcome(shop: list[Mover], policy: Callable[[Mover], int]) -> Outcome:
    buffers = [policy(mover) for mover in shop]
    return Outcome(sum(map(sell, shop, buffers)), sum(buffers) / len(buffers))


def adaptive(risk: float) -> Callable[[Mover], int]:
    return lambda mover: kept_back(
        AdaptiveBuffer(risk=risk, store_share=0), 100, Pace(demand=mover.seen, latency_seconds=LATENCY)
    )[0]


def test_for_equal_risk_fewer_units_are_kept_back_than_by_a_fixed_buffer_of_3_to_5() -> None:
    shop = movers(random.Random(20261126), days=4)
    fixed = {units: outcome(shop, lambda _, units=units: units) for units in (0, 3, 4, 5)}
    by_risk = {risk: outcome(shop, adaptive(risk)) for risk in (0.05, 0.01, 0.001)}
    assert fixed[0].oversold > fixed[3].oversold > 0
    for units in (3, 4, 5):
        as_safe = [found for found in by_risk.values() if found.oversold <= fixed[units].oversold]
        assert as_safe
        assert min(found.kept_back for found in as_safe) < units / 2


def test_the_chosen_risk_is_kept() -> None:
    rng = random.Random(7)
    for risk in (0.05, 0.01):
        exceeded = windows = 0
        for rate in (0.05, 1.0, 12.0, 40.0, 90.0):
            for _ in range(40):
                buffer = risk_buffer(_seen(rng, rate), LATENCY, risk)
                for _ in range(50):
                    exceeded += len(_times(rng, rate, LATENCY / 3600)) > buffer
                    windows += 1
        assert exceeded / windows <= risk
