"""Token buckets in this process: for tests, and for while Redis is away."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bridge.ports.http.limiter import (
    LEAST_SHARE,
    RECOVERY,
    SLOWER,
    STRIKE_BASE,
    STRIKE_CAP,
    STRIKE_MEMORY,
    Grant,
    jitter,
    shape,
)
from bridge.ports.manifest import Limit

# How many buckets are kept, and for how many seconds without use once there are that many.
MOST, IDLE = 20_000, 900.0


@dataclass
class _Bucket:
    tokens: float
    at: float
    blocked_until: float = 0.0
    strikes: int = 0
    share: float = 1.0


class LocalLimiter:
    """``share`` is the part of each limit this process allows itself, as it does not see the others."""

    def __init__(self, *, share: float = 1.0, now: Callable[[], float] = time.monotonic) -> None:
        self._share = share
        self._now = now
        self._lock = threading.Lock()
        self._buckets: dict[str, _Bucket] = {}

    def take(self, key: str, limit: Limit, cost: float, *, reserve: float, patience: float) -> Grant:
        size, rate = shape(limit, self._share)
        with self._lock:
            bucket = self._refilled(key, limit)
            blocked = max(0.0, bucket.blocked_until - bucket.at)
            needed = min(size, cost + reserve * size)
            wait = max(blocked, (needed - bucket.tokens) / (rate * bucket.share), 0.0)
            granted = blocked == 0.0 and wait <= (patience if reserve == 0 else 0.0)
            if granted:
                bucket.tokens -= cost
            return Grant(granted, wait)

    def take_each(self, keys: Sequence[str], limit: Limit, cost: float, *, reserve: float) -> list[Grant]:
        return [self.take(key, limit, cost, reserve=reserve, patience=0.0) for key in keys]

    def refund(self, key: str, limit: Limit, cost: float) -> None:
        with self._lock:
            bucket = self._refilled(key, limit)
            bucket.tokens = min(shape(limit, self._share)[0], bucket.tokens + cost)

    def observe(self, key: str, limit: Limit, remaining: float, reset: float | None) -> None:
        with self._lock:
            bucket = self._refilled(key, limit)
            bucket.tokens = min(bucket.tokens, remaining)
            if remaining < 1 and reset:
                bucket.blocked_until = max(bucket.blocked_until, bucket.at + reset)

    def block(self, key: str, limit: Limit, seconds: float | None) -> float:
        with self._lock:
            bucket = self._refilled(key, limit)
            if bucket.at >= bucket.blocked_until:
                forgotten = bucket.at > bucket.blocked_until + STRIKE_MEMORY
                bucket.strikes = 1 if forgotten else bucket.strikes + 1
                bucket.share = max(LEAST_SHARE, bucket.share * SLOWER)
            if seconds is None:
                seconds = min(STRIKE_CAP, STRIKE_BASE * 2.0 ** min(bucket.strikes - 1, 16)) * jitter()
            bucket.tokens = min(bucket.tokens, 0.0)
            bucket.blocked_until = max(bucket.blocked_until, bucket.at + seconds)
            return bucket.blocked_until - bucket.at

    def blocked(self, key: str, limit: Limit) -> float:
        with self._lock:
            bucket = self._buckets.get(key)
            return max(0.0, bucket.blocked_until - self._now()) if bucket else 0.0

    def _refilled(self, key: str, limit: Limit) -> _Bucket:
        now, (size, rate) = self._now(), shape(limit, self._share)
        if len(self._buckets) >= MOST:
            self._forget(now)
        bucket = self._buckets.setdefault(key, _Bucket(size, now))
        elapsed = max(0.0, now - bucket.at)
        bucket.share = min(1.0, bucket.share + elapsed / RECOVERY)
        bucket.tokens = min(size, bucket.tokens + elapsed * rate * bucket.share)
        bucket.at = now
        return bucket

    def _forget(self, now: float) -> None:
        """Keys may be made up by strangers (their addresses): those that were not used lately go."""
        old = [key for key, item in self._buckets.items() if max(item.at, item.blocked_until) < now - IDLE]
        for key in old or list(self._buckets)[: MOST // 2]:
            del self._buckets[key]
