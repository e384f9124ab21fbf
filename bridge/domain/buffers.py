"""The safety buffer: units kept back from a channel, fixed, as a share of the stock, or by how fast the variant sells.

The adaptive model, what else was possible and what it does not cover: docs/decisions/0012-adaptive-buffer.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

from pydantic import Field

from bridge.domain.values import Value

# Demand beyond this is no longer a buffer; the loop below ends here.
MOST_UNITS = 100000


class FixedBuffer(Value):
    """So many units, whatever there is."""

    kind: Literal["fixed"] = "fixed"
    units: int = Field(ge=0, le=MOST_UNITS)


class PercentBuffer(Value):
    """A share of what is available, rounded up to whole units."""

    kind: Literal["percent"] = "percent"
    percent: int = Field(ge=0, le=100)


class AdaptiveBuffer(Value):
    """As many units as the other channels sell, but for a ``risk`` of more, until this channel has heard of it.

    ``store_share``: what the web shop itself sells, as a multiple of all marketplaces together; it is not measured.
    ``otherwise``: units kept back while the channel's latency has not been measured. ``least`` and ``most`` bound
    the result.
    """

    kind: Literal["adaptive"] = "adaptive"
    risk: float = Field(default=0.01, gt=0, lt=1)
    store_share: float = Field(default=1, ge=0, le=1000)
    least: int = Field(default=0, ge=0, le=MOST_UNITS)
    most: int | None = Field(default=None, ge=0, le=MOST_UNITS)
    otherwise: int = Field(default=3, ge=0, le=MOST_UNITS)


Buffer = Annotated[FixedBuffer | PercentBuffer | AdaptiveBuffer, Field(discriminator="kind")]


class Demand(Value):
    """What is known of a variant's sales in one place or several: orders and units in so many hours of watching.

    Both may be fractions where older sales count less (``recent_demand``).
    """

    orders: float = Field(ge=0)
    units: float = Field(ge=0)
    hours: float = Field(ge=0)


class Pace(Value):
    """What an adaptive buffer needs: the demand on the other marketplaces and on this one, and the 99th percentile of
    the seconds from an event to this channel's acknowledgement."""

    demand: Demand
    here: Demand = Demand(orders=0, units=0, hours=0)
    latency_seconds: float | None = Field(default=None, ge=0)

    def elsewhere(self, store_share: float) -> Demand:
        """The demand on the other marketplaces and in the store."""
        return combined([(self.demand, 1 + store_share), (self.here, store_share)])


def combined(parts: Sequence[tuple[Demand, float]]) -> Demand:
    """The demand of several places together, each so many times, as over the longest time that one was watched."""
    hours = max((demand.hours for demand, _ in parts), default=0.0)
    scaled = [(demand, times * hours / demand.hours) for demand, times in parts if demand.hours]
    return Demand(
        orders=sum(demand.orders * by for demand, by in scaled),
        units=sum(demand.units * by for demand, by in scaled),
        hours=hours,
    )


class Expectation(Value):
    """What is believed of any variant before it has been watched: a Gamma prior, told as ``orders`` seen in ``hours``.
    The default is half an order in one hour, which an hour of watching outweighs: a new product may sell fast."""

    orders: float = Field(default=0.5, gt=0)
    hours: float = Field(default=1, gt=0)


def recent_demand(sales: Iterable[tuple[float, int]], watched_hours: float, half_life_hours: float = 168) -> Demand:
    """Demand from (hours ago, units) of each order; what is a half-life old counts half, and so does that time."""
    decay = math.log(2) / half_life_hours
    weighed = [(math.exp(-decay * ago), units) for ago, units in sales if ago <= watched_hours]
    hours = (1 - math.exp(-decay * watched_hours)) / decay
    return Demand(orders=sum(w for w, _ in weighed), units=sum(w * n for w, n in weighed), hours=hours)


def kept_back(buffer: Buffer, available: int, pace: Pace | None = None) -> tuple[int, str]:
    """The units to keep back of ``available``, and why so many. ``available`` below 0 counts as 0."""
    if isinstance(buffer, FixedBuffer):
        return buffer.units, f"{buffer.units} units"
    if isinstance(buffer, PercentBuffer):
        units = -(-max(0, available) * buffer.percent // 100)
        return units, f"{buffer.percent} % of {max(0, available)}, rounded up"
    return _adaptive(buffer, pace)


def _adaptive(buffer: AdaptiveBuffer, pace: Pace | None) -> tuple[int, str]:
    if pace is None or pace.latency_seconds is None:
        return _bounded(buffer.otherwise, buffer), "this channel's latency is not measured yet"
    demand = pace.elsewhere(buffer.store_share)
    units = risk_buffer(demand, pace.latency_seconds, buffer.risk)
    rate = demand.units / demand.hours if demand.hours else 0.0
    text = (
        f"{rate:.3g} units an hour sold elsewhere, {pace.latency_seconds:.3g} s until this channel knows, "
        f"risk {buffer.risk * 100:.3g} %"
    )
    return _bounded(units, buffer), text


def _bounded(units: int, buffer: AdaptiveBuffer) -> int:
    return min(max(units, buffer.least), MOST_UNITS if buffer.most is None else buffer.most)


def risk_buffer(demand: Demand, latency_seconds: float, risk: float, expectation: Expectation | None = None) -> int:
    """The smallest number of units that other channels exceed within the latency with a probability of ``risk`` at
    most.

    Orders are Poisson with an unknown rate; the rate is Gamma, the expectation updated by what was seen. Averaged
    over it, orders within the latency are negative binomial, wider than Poisson where little was seen. Each order
    takes the mean number of units, rounded up.
    """
    prior = expectation or Expectation()
    shape, hours = prior.orders + demand.orders, prior.hours + demand.hours
    orders = _exceeded_rarely(shape, hours, latency_seconds / 3600, risk)
    size = math.ceil(demand.units / demand.orders - 1e-9) if demand.orders else 1
    return min(orders * max(1, size), MOST_UNITS)


def _exceeded_rarely(shape: float, hours: float, window: float, risk: float) -> int:
    """The quantile of the negative binomial; its terms are summed in logarithms, as the first may be tiny."""
    if window <= 0:
        return 0
    still, moved = math.log(hours / (hours + window)), math.log(window / (hours + window))
    total, count = 0.0, 0
    while count < MOST_UNITS:
        chance = math.lgamma(shape + count) - math.lgamma(shape) - math.lgamma(count + 1)
        total += math.exp(chance + shape * still + count * moved)
        if 1 - total <= risk:
            return count
        count += 1
    return MOST_UNITS
