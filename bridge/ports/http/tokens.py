"""Access tokens that expire: one refresh at a time over all threads and processes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from bridge.ports.errors import RetryLater, UnknownOutcome
from bridge.ports.http.context import before_write


@dataclass(frozen=True)
class Token:
    """An access token. ``refresh`` may be good for one use only; None where the account has none."""

    access: str = field(repr=False)
    expires_at: datetime
    refresh: str | None = field(default=None, repr=False)


class TokenVault(Protocol):
    """Where tokens are kept, encrypted, for all workers."""

    def load(self, account: str) -> Token | None: ...

    def save(self, account: str, token: Token) -> None:
        """Durable when it returns."""
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

    def save(self, account: str, token: Token) -> None:
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


class TokenSource:
    """The access token of one account.

    ``fetch`` gets the refresh token in force (None where there is none) and returns a new Token; it is one
    call through the transport and must end within ``lock_seconds``. ``refresh`` is the refresh token the
    merchant gave at the start, used until the vault knows a newer one.
    """

    lock_seconds = 60.0
    margin = timedelta(seconds=30)

    def __init__(
        self,
        account: str,
        fetch: Callable[[str | None], Token],
        vault: TokenVault,
        *,
        refresh: str | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.account = account
        self._fetch = fetch
        self._vault = vault
        self._refresh = refresh
        self._clock = clock
        self._lock = threading.Lock()
        self._token: Token | None = None

    def current(self) -> Token:
        """A token that is good for a while yet. Raises what ``fetch`` raises."""
        token = self._token
        return token if token and self._is_fresh(token) else self.renew(token)

    def renew(self, stale: Token | None) -> Token:
        """A token other than ``stale``: one that another worker has fetched meanwhile, or a new one."""
        with self._lock:
            if (mine := self._other(self._token, stale)) is not None:
                return mine
            with self._vault.lock(self.account, self.lock_seconds):
                stored = self._vault.load(self.account)
                token = self._other(stored, stale) or self._replace(stored)
            self._token = token
            return token

    def _replace(self, stored: Token | None) -> Token:
        refresh = stored.refresh if stored and stored.refresh else self._refresh
        try:
            with before_write(None):
                token = self._fetch(refresh)
        except UnknownOutcome as error:
            raise RetryLater(error.merchant, developer=error.developer) from error
        token = replace(token, refresh=token.refresh or refresh)
        self._vault.save(self.account, token)
        return token

    def _other(self, token: Token | None, stale: Token | None) -> Token | None:
        """``token`` if it is fresh and not the stale one."""
        if token is None or not self._is_fresh(token):
            return None
        return None if stale is not None and token.access == stale.access else token

    def _is_fresh(self, token: Token) -> bool:
        return token.expires_at - self.margin > self._clock()
