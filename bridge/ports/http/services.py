"""What all transports of a process share, built once by the bootstrap."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bridge.ports.http.breaker import Breaker, LocalBreaker
from bridge.ports.http.exchange import NoRecorder, Recorder
from bridge.ports.http.limiter import Limiter
from bridge.ports.http.local_limiter import LocalLimiter
from bridge.ports.http.tokens import MemoryVault, TokenVault


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class GuardPolicy:
    """Which hosts may be called although they are private or on odd ports: ``host`` or ``host:port``, exactly
    as they stand in the URL."""

    allowed_hosts: frozenset[str] = frozenset()


@dataclass(frozen=True)
class HttpServices:
    """Limiter, log, token vault, guard and clock. ``build`` makes them from a Redis URL or, without one, for
    this process alone; adapters' tests need no more than ``HttpServices.build(allowed_hosts=["127.0.0.1"])``."""

    limiter: Limiter = field(default_factory=LocalLimiter)
    breaker: Breaker = field(default_factory=LocalBreaker)
    recorder: Recorder = field(default_factory=NoRecorder)
    tokens: TokenVault = field(default_factory=MemoryVault)
    guard_policy: GuardPolicy = field(default_factory=GuardPolicy)
    clock: Callable[[], datetime] = utc_now
    sleep: Callable[[float], None] = time.sleep
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
    ) -> HttpServices:
        return cls(
            recorder=recorder or NoRecorder(),
            tokens=tokens or MemoryVault(),
            guard_policy=GuardPolicy(frozenset(host.lower() for host in allowed_hosts)),
            clock=clock,
        )
