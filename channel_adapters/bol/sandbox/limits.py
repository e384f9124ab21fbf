"""Request budgets: fixed windows per rule, told in headers, refused with 429 and Retry-After when spent.

The rules are those of bol's own list, https://api.bol.com/retailer/public/ratelimits, as read in 2025 and 2026
(for PATCH offers no value was seen: the one for PUT is taken).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge.ports.sandbox import Limits
from channel_adapters.bol.sandbox.options import Options

UNITS = {1: "SECONDS", 60: "MINUTES", 3600: "HOURS"}


@dataclass(frozen=True)
class Rule:
    """``capacity`` calls per ``seconds``, shared by all operations named."""

    path: str
    methods: str
    capacity: int
    seconds: float
    operations: tuple[str, ...]

    def public(self) -> dict[str, Any]:
        unit = max(size for size in UNITS if size <= max(1.0, self.seconds))
        life = str(max(1, round(self.seconds / unit)))
        parts = {"path": self.path, "methods": self.methods, "maxCapacity": str(self.capacity)}
        return parts | {"timeToLive": life, "timeUnit": UNITS[unit]}


PUBLISHED = (
    Rule("/retailer/offers", "GET", 25, 1, ("get-offers",)),
    Rule("/retailer/offers", "POST, OPTIONS", 50, 1, ("create-offer",)),
    Rule("/retailer/offers/*", "GET, HEAD", 25, 1, ("get-offer", "get-not-for-sale-reasons")),
    Rule("/retailer/offers/*", "PATCH, PUT, OPTIONS, DELETE", 50, 1, ("update-offer", "delete-offer")),
    Rule("/retailer/orders", "GET, OPTIONS, HEAD", 25, 60, ("get-orders",)),
    Rule("/retailer/orders/*", "GET, OPTIONS, HEAD", 25, 1, ("get-order",)),
    Rule("/retailer/shipments", "GET, OPTIONS, HEAD", 25, 60, ("get-shipments",)),
    Rule("/retailer/shipments", "POST", 25, 1, ("create-shipment",)),
    Rule("/retailer/shipments/*", "GET, OPTIONS, HEAD", 50, 60, ("get-shipment",)),
    Rule("/retailer/returns", "GET, POST, OPTIONS, HEAD", 20, 60, ("get-returns", "create-return")),
    Rule("/retailer/returns/*", "PUT, OPTIONS, GET, HEAD", 20, 60, ("get-return", "handle-return")),
    Rule(
        "/retailer/content/*",
        "GET, POST, OPTIONS",
        10,
        1,
        ("post-product-content", "get-upload-report", "get-catalog-product"),
    ),
    Rule(
        "/retailer/insights/performance/indicator",
        "GET, OPTIONS, HEAD",
        20,
        60,
        ("get-performance-indicators",),
    ),
    Rule("/retailer/subscriptions/signature-keys", "GET", 10, 3600, ("get-subscription-keys",)),
    Rule("/shared/process-status", "POST", 2, 1, ("get-process-status-bulk",)),
)


@dataclass(frozen=True)
class Budget:
    """What one request found: how much was there, how much is left, when the window ends."""

    limit: int
    remaining: int
    resets_at: float
    allowed: bool = True


@dataclass
class _Window:
    ends: float = 0.0
    used: int = 0


class Limiter:
    """Counts requests per rule. Not locked: the caller holds the market still."""

    def __init__(self, options: Options, limits: Limits) -> None:
        self.rules = _rules(options.limits)
        self._reset_as = options.reset_as
        self._limits = limits
        limits.documented = True
        self._own, self._published = _by_operation(self.rules), _by_operation(PUBLISHED)
        self._windows: dict[Rule, _Window] = {}

    def take(self, operation: str, now: float) -> Budget | None:
        rule = (self._published if self._limits.is_asked else self._own).get(operation)
        calls = self._limits.calls(rule.capacity, rule.capacity) if rule else None
        if rule is None or calls is None:
            return None
        capacity = int(calls)
        window = self._windows.setdefault(rule, _Window())
        if now >= window.ends:
            window.ends, window.used = now + rule.seconds, 0
        if window.used >= capacity:
            return Budget(capacity, 0, window.ends, allowed=False)
        window.used += 1
        return Budget(capacity, capacity - window.used, window.ends)

    def forget(self) -> None:
        self._windows.clear()

    def headers(self, budget: Budget, now: float) -> dict[str, str]:
        resets = {
            "epoch_ms": str(int(budget.resets_at * 1000)),
            "epoch": str(math.ceil(budget.resets_at)),
            "delta": str(math.ceil(budget.resets_at - now)),
        }
        headers = {"X-RateLimit-Limit": str(budget.limit), "X-RateLimit-Remaining": str(budget.remaining)}
        headers["X-RateLimit-Reset"] = resets[self._reset_as]
        if not budget.allowed:
            headers["Retry-After"] = str(max(1, math.ceil(budget.resets_at - now)))
        return headers


def _by_operation(rules: tuple[Rule, ...]) -> dict[str, Rule]:
    return {operation: rule for rule in rules for operation in rule.operations}


def _rules(limits: Any) -> tuple[Rule, ...]:
    if limits is None:
        return ()
    if limits == "published":
        return PUBLISHED
    if not isinstance(limits, Mapping):
        raise TypeError('limits must be "published", None or a table of operation and calls per second')
    return tuple(_own_rule(operation, value) for operation, value in limits.items())


def _own_rule(operation: str, value: Any) -> Rule:
    calls, seconds = (value, 1.0) if isinstance(value, (int, float)) else value
    if calls < 1:
        calls, seconds = 1, seconds / calls
    return Rule(f"operation:{operation}", "*", int(calls), float(seconds), (operation,))
