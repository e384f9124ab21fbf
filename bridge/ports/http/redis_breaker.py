"""The circuit breaker in Redis: one worker's failures spare all others the wait."""

from __future__ import annotations

import time

from bridge.ports.http.breaker import DEFAULT_POLICY, BreakerPolicy, LocalBreaker
from bridge.ports.http.shared import SharedStore, StoreAway

# With an account whose calls go well here, the failures of other workers are heard of within so many seconds.
LOOK_EVERY = 0.5


class RedisBreaker:
    """The breaker of production; while Redis is away, that of this process."""

    def __init__(self, store: SharedStore, policy: BreakerPolicy = DEFAULT_POLICY) -> None:
        self._store = store
        self._local = LocalBreaker(policy)
        seconds = (policy.first, policy.longest, policy.probe)
        self._settings = (policy.failures, *(int(value * 1000) for value in seconds))
        self._troubled: set[str] = set()
        self._look_at: dict[str, float] = {}

    def wait(self, account: str) -> float:
        now = time.monotonic()
        if account not in self._troubled and now < self._look_at.get(account, 0.0):
            return 0.0
        try:
            wait, failures = self._run(account, "wait")
        except StoreAway:
            return self._local.wait(account)
        (self._troubled.add if failures else self._troubled.discard)(account)
        self._look_at[account] = now + LOOK_EVERY
        return wait / 1000

    def failed(self, account: str) -> None:
        self._troubled.add(account)
        try:
            self._run(account, "failed")
        except StoreAway:
            self._local.failed(account)

    def succeeded(self, account: str) -> None:
        self._local.succeeded(account)
        if account not in self._troubled:  # nothing to clear, so no need to ask
            return
        try:
            self._run(account, "succeeded")
        except StoreAway:
            return
        self._troubled.discard(account)

    def release(self, account: str) -> None:
        try:
            self._run(account, "release")
        except StoreAway:
            self._local.release(account)

    def _run(self, account: str, operation: str) -> tuple[int, int]:
        return self._store.run("breaker", account, operation, *self._settings)
