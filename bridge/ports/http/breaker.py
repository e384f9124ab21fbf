"""The circuit breaker: an account that fails again and again is left alone for a while, then tried once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class BreakerPolicy:
    """Opens after ``failures`` in a row for ``first`` seconds, doubling up to ``longest``; the one call that
    then tries has ``probe`` seconds before another may."""

    failures: int = 6
    first: float = 10.0
    longest: float = 300.0
    probe: float = 30.0

    def pause(self, failures: int) -> float:
        """How long to stay open after this many failures in a row."""
        return min(self.longest, self.first * 2.0 ** min(failures - self.failures, 16))


DEFAULT_POLICY = BreakerPolicy()


class Breaker(Protocol):
    """One state per account. Never raises because its store is away."""

    def wait(self, account: str) -> float:
        """0: go ahead (and, where it was open, this call is the one that tries). Else seconds to wait."""
        ...

    def failed(self, account: str) -> None:
        """No answer, or a 5xx."""
        ...

    def succeeded(self, account: str) -> None:
        """Any other answer."""
        ...

    def release(self, account: str) -> None:
        """The call that was let through was not made."""
        ...


@dataclass
class _State:
    failures: int = 0
    closed_until: float = 0.0
    trying: bool = False


class LocalBreaker:
    """The breaker of this process."""

    def __init__(self, policy: BreakerPolicy = DEFAULT_POLICY, now: Callable[[], float] = time.monotonic) -> None:
        self._policy = policy
        self._now = now
        self._lock = threading.Lock()
        self._states: dict[str, _State] = {}

    def wait(self, account: str) -> float:
        with self._lock:
            state, now = self._states.get(account), self._now()
            if state is None or state.failures < self._policy.failures:
                return 0.0
            if state.closed_until > now:
                return state.closed_until - now
            state.closed_until, state.trying = now + self._policy.probe, True
            return 0.0

    def failed(self, account: str) -> None:
        with self._lock:
            state, now = self._states.setdefault(account, _State()), self._now()
            # Calls that were under way when it opened say nothing new.
            if state.failures >= self._policy.failures and state.closed_until > now and not state.trying:
                return
            state.failures, state.trying = state.failures + 1, False
            if state.failures >= self._policy.failures:
                state.closed_until = now + self._policy.pause(state.failures)

    def succeeded(self, account: str) -> None:
        with self._lock:
            self._states.pop(account, None)

    def release(self, account: str) -> None:
        with self._lock:
            if state := self._states.get(account):
                state.closed_until, state.trying = min(state.closed_until, self._now()), False
