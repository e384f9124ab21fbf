"""The token bucket of each account and operation, shared by all workers."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bridge.ports.manifest import Limit

# A 429 that names no time: 2 s at first, doubling up to five minutes; a minute without one and it begins anew.
STRIKE_BASE = 2.0
STRIKE_CAP = 300.0
STRIKE_MEMORY = 60.0
# Whoever is refused was too fast, whatever the limit says (a host's firewall, another client of the same account):
# a fifth less with each refusal, down to a tenth, and back to the full rate within ten minutes of quiet.
SLOWER = 0.8
LEAST_SHARE = 0.1
RECOVERY = 600.0


def jitter() -> float:
    """So that workers which were refused together do not come back together."""
    return random.uniform(0.75, 1.25)


# Up to this window calls are spread evenly; over it a bucket's worth may go out at once.
SHORT_WINDOW = 10.0
HEADROOM = 0.03
# Of a minute 0.6 s: "once per minute" is refused where the second call was quicker on its way than the first.
LONG_HEADROOM = 0.01


def shape(limit: Limit, share: float = 1.0) -> tuple[float, float]:
    """Size of the bucket in calls, and its refill per second.

    Evenly, with 3 % to spare for the network's jitter, no window of the other side ever sees more than its
    limit, wherever it begins; a burst would, unless the other side counts just as we do. Over minutes evenness
    would be slow (25 a minute is one every 2.4 s), and there the headers keep us right.
    """
    calls = limit.calls * share
    if limit.seconds <= SHORT_WINDOW:
        return max(1.0, calls * HEADROOM), calls * (1 - HEADROOM) / limit.seconds
    return max(1.0, calls), calls * (1 - LONG_HEADROOM) / limit.seconds


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

    def take_each(self, keys: Sequence[str], limit: Limit, cost: float, *, reserve: float) -> list[Grant]:
        """``take`` from each bucket by itself, without patience, in one go."""
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
