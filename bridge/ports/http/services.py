"""What all transports of a process share, built once by the bootstrap."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache

import httpx

from bridge.ports.http.breaker import DEFAULT_POLICY, Breaker, BreakerPolicy, LocalBreaker
from bridge.ports.http.exchange import NoRecorder, Recorder
from bridge.ports.http.guard import GuardPolicy
from bridge.ports.http.limiter import Limiter
from bridge.ports.http.local_limiter import LocalLimiter
from bridge.ports.http.redis_breaker import RedisBreaker
from bridge.ports.http.redis_limiter import RedisLimiter
from bridge.ports.http.shared import SharedStore
from bridge.ports.http.tokens import MemoryVault, TokenVault


def utc_now() -> datetime:
    return datetime.now(UTC)


@cache
def default_ssl_context() -> ssl.SSLContext:
    """One for the process: building it takes longer than most calls."""
    return httpx.create_ssl_context()


@dataclass(frozen=True)
class HttpServices:
    """Limiter, breaker, log, token vault, guard and clock.

    ``build`` makes them over a Redis URL, or without one for this process alone: an adapter's tests need no more
    than ``HttpServices.build(allowed_hosts=["127.0.0.1"])``. ``retry_after_cap`` is in seconds.
    """

    limiter: Limiter = field(default_factory=LocalLimiter)
    breaker: Breaker = field(default_factory=LocalBreaker)
    recorder: Recorder = field(default_factory=NoRecorder)
    tokens: TokenVault = field(default_factory=MemoryVault)
    guard_policy: GuardPolicy = field(default_factory=GuardPolicy)
    clock: Callable[[], datetime] = utc_now
    sleep: Callable[[float], None] = time.sleep
    ssl_context: Callable[[], ssl.SSLContext] = default_ssl_context
    retry_after_cap: float = 900.0

    @classmethod
    def build(
        cls,
        *,
        redis_url: str | None = None,
        recorder: Recorder | None = None,
        tokens: TokenVault | None = None,
        allowed_hosts: Iterable[str] = (),
        clock: Callable[[], datetime] = utc_now,
        breaker: BreakerPolicy = DEFAULT_POLICY,
        prefix: str = "storebridge",
    ) -> HttpServices:
        """``prefix`` begins every key in Redis. Connects to Redis at the first call only."""
        store = SharedStore.from_url(redis_url, prefix) if redis_url else None
        return cls(
            limiter=RedisLimiter(store) if store else LocalLimiter(),
            breaker=RedisBreaker(store, breaker) if store else LocalBreaker(breaker),
            recorder=recorder or NoRecorder(),
            tokens=tokens or MemoryVault(),
            guard_policy=GuardPolicy(frozenset(host.lower() for host in allowed_hosts)),
            clock=clock,
        )
