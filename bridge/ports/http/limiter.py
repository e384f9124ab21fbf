"""The token bucket of each account and operation, shared by all workers."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Protocol

from bridge.ports.manifest import Limit

# A 429 that names no time: 2 s at first, doubling up to five minutes; a minute without one and it begins anew.
STRIKE_BASE = 2.0
STRIKE_CAP = 300.0
STRIKE_MEMORY = 60.0


def jitter() -> float:
    """So that workers which were refused together do not come back together."""
    return random.uniform(0.75, 1.25)


@dataclass(frozen=True)
class Grant:
    """``granted``: the tokens are ours, for use after ``wait`` seconds. Otherwise: ask again after ``wait``."""

    granted: bool
    wait: float


class Limiter(Protocol):
    """Buckets by key. Costs are in calls, times in seconds. Never raises because its store is away."""

    def take(self, key: str, limit: Limit, cost: float, *, reserve: float, patience: float) -> Grant:
        """Take ``cost`` tokens if they can be had within ``patience``.

        ``reserve`` is the share of the bucket that must stay behind; with 0 tokens may be taken in advance.
        """
        ...

    def refund(self, key: str, limit: Limit, cost: float) -> None:
        """Give back what was taken and not used."""
        ...

    def observe(self, key: str, limit: Limit, remaining: float, reset: float | None) -> None:
        """The other side says that ``remaining`` calls are left until ``reset`` seconds from now."""
        ...

    def block(self, key: str, limit: Limit, seconds: float | None) -> float:
        """Nobody calls for ``seconds``; None: as long as the refusals in a row deserve. Returns the wait."""
        ...

    def blocked(self, key: str, limit: Limit) -> float:
        """Seconds until the block ends; 0 when there is none."""
        ...
