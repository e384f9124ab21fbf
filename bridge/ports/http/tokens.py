"""Access tokens that expire, and where they are kept."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from bridge.ports.errors import RetryLater


@dataclass(frozen=True)
class Token:
    """An access token. ``refresh`` may be good for one use only; None where the account has none."""

    access: str = field(repr=False)
    expires_at: datetime
    refresh: str | None = field(default=None, repr=False)


class TokenVault(Protocol):
    """Where tokens are kept, encrypted, for all workers."""

    def load(self, account: str) -> Token | None: ...

    def save(self, account: str, token: Token, instead: Token | None = None) -> None:
        """Durable when it returns. ``instead``: the one that was renewed, if any."""
        ...

    def lock(self, account: str, seconds: float) -> AbstractContextManager[None]:
        """Exclusive over threads and processes. Waits up to ``seconds`` and then raises RetryLater; the lock
        of a holder that died is free again after ``seconds`` at the latest."""
        ...


class MemoryVault:
    """A vault for one process: tests, rehearsals."""

    def __init__(self) -> None:
        self._tokens: dict[str, Token] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()

    def load(self, account: str) -> Token | None:
        return self._tokens.get(account)

    def save(self, account: str, token: Token, instead: Token | None = None) -> None:
        self._tokens[account] = token

    @contextmanager
    def lock(self, account: str, seconds: float) -> Iterator[None]:
        with self._guard:
            lock = self._locks.setdefault(account, threading.Lock())
        if not lock.acquire(timeout=seconds):
            raise RetryLater(f"{account}: another worker is renewing the access; trying again soon.")
        try:
            yield
        finally:
            lock.release()
