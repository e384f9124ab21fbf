"""Usage plans: a token bucket per operation. Not locked: the caller holds the market still."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge.ports.sandbox import Limits
from channel_adapters.amazon.sandbox.options import Options

# Rate per second and burst, from the descriptions in the models; JSON_LISTINGS_FEED from the changelog of 2025-05-06.
PUBLISHED: Mapping[str, tuple[float, float]] = {
    "getMarketplaceParticipations": (0.016, 15),
    "searchListingsItems": (5, 5),
    "getListingsItem": (5, 10),
    "putListingsItem": (5, 10),
    "patchListingsItem": (5, 5),
    "deleteListingsItem": (5, 5),
    "searchCatalogItems": (2, 2),
    "searchDefinitionsProductTypes": (5, 10),
    "getDefinitionsProductType": (5, 10),
    "createFeedDocument": (0.5, 15),
    "createListingsFeed": (5 / 300, 5),
    "createFeed": (0.0083, 15),
    "getFeed": (2, 15),
    "getFeeds": (0.0222, 10),
    "getFeedDocument": (0.0222, 10),
    "searchOrders": (0.0056, 20),
    "getOrder": (0.5, 30),
    "confirmShipment": (2, 10),
    "createReport": (0.0167, 15),
    "getReports": (0.0222, 10),
    "getReport": (2, 15),
    "getReportDocument": (0.0167, 15),
}
RAISED = 5.0


@dataclass
class Bucket:
    rate: float
    burst: float
    tokens: float
    at: float

    def take(self, now: float, share: float) -> bool:
        self.tokens = min(max(1.0, self.burst * share), self.tokens + (now - self.at) * self.rate * share)
        self.at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class Limiter:
    def __init__(self, options: Options, limits: Limits) -> None:
        self._own = _plans(options.limits)
        self._limits = limits
        limits.documented = True
        self._buckets: dict[tuple[str, tuple[float, float]], Bucket] = {}

    def take(self, operation: str, now: float) -> bool:
        plan, share = self._plan(operation), self._limits.share
        if plan is None or share is None:
            return True
        bucket = self._buckets.setdefault((operation, plan), Bucket(plan[0], plan[1], plan[1], now))
        return bucket.take(now, share)

    def headers(self, operation: str) -> dict[str, str]:
        plan, share = self._plan(operation), self._limits.share
        return {"x-amzn-RateLimit-Limit": f"{plan[0] * share:g}"} if plan and share else {}

    def _plan(self, operation: str) -> tuple[float, float] | None:
        return (PUBLISHED if self._limits.is_asked else self._own).get(operation)

    def forget(self) -> None:
        self._buckets.clear()


def _plans(limits: Any) -> dict[str, tuple[float, float]]:
    if limits is None:
        return {}
    if limits == "published":
        return dict(PUBLISHED)
    if limits == "raised":
        return {name: (max(rate, RAISED) if rate < 1 else rate, burst) for name, (rate, burst) in PUBLISHED.items()}
    if not isinstance(limits, Mapping):
        raise TypeError('limits must be "published", "raised", None or a table of operation and calls per second')
    return {name: _own(value) for name, value in limits.items()}


def _own(value: Any) -> tuple[float, float]:
    calls, seconds = (value, 1.0) if isinstance(value, (int, float)) else value
    return float(calls) / float(seconds), max(1.0, float(calls))
