"""Token buckets in Redis, shared by all workers of all machines."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from bridge.ports.http.limiter import STRIKE_BASE, STRIKE_CAP, STRIKE_MEMORY, Grant, jitter, shape
from bridge.ports.http.local_limiter import LocalLimiter
from bridge.ports.http.shared import SharedStore, StoreAway
from bridge.ports.manifest import Limit

# While Redis is away each process takes a quarter: right for four workers, too little for one, safe for most.
AWAY_SHARE = 0.25


class RedisLimiter:
    """The limiter of production. While Redis is away, or slower than half a second, a bucket in this process
    takes over with a share of each limit, and what was blocked here stays blocked."""

    def __init__(self, store: SharedStore) -> None:
        self._store = store
        self._local = LocalLimiter(share=AWAY_SHARE)

    def take(self, key: str, limit: Limit, cost: float, *, reserve: float, patience: float) -> Grant:
        try:
            return _grant(self._run(key, "take", limit, cost, reserve, max(0.0, patience) * 1000))
        except StoreAway:
            return self._local.take(key, limit, cost, reserve=reserve, patience=patience)

    def take_each(self, keys: Sequence[str], limit: Limit, cost: float, *, reserve: float) -> list[Grant]:
        size, rate = shape(limit)
        try:
            answers = self._store.run_each("bucket", keys, "take", size, rate / 1000, cost, reserve, 0)
        except StoreAway:
            return self._local.take_each(keys, limit, cost, reserve=reserve)
        return [_grant(answer) for answer in answers]

    def refund(self, key: str, limit: Limit, cost: float) -> None:
        try:
            self._run(key, "refund", limit, cost)
        except StoreAway:
            self._local.refund(key, limit, cost)

    def observe(self, key: str, limit: Limit, remaining: float, reset: float | None) -> None:
        try:
            self._run(key, "observe", limit, remaining, (reset or 0.0) * 1000)
        except StoreAway:
            self._local.observe(key, limit, remaining, reset)

    def block(self, key: str, limit: Limit, seconds: float | None) -> float:
        told = -1.0 if seconds is None else seconds * 1000
        strikes = (STRIKE_BASE * 1000, STRIKE_CAP * 1000, STRIKE_MEMORY * 1000, jitter())
        with suppress(StoreAway):
            seconds = self._run(key, "block", limit, told, *strikes)[1] / 1000
        return self._local.block(key, limit, seconds)

    def blocked(self, key: str, limit: Limit) -> float:
        try:
            return self._run(key, "look", limit)[1] / 1000
        except StoreAway:
            return self._local.blocked(key, limit)

    def _run(self, key: str, operation: str, limit: Limit, *args: float) -> tuple[int, int]:
        size, rate = shape(limit)
        return self._store.run("bucket", key, operation, size, rate / 1000, *args)


def _grant(answer: tuple[int, int]) -> Grant:
    granted, wait = answer
    return Grant(bool(granted), wait / 1000)
