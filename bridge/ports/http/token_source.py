"""One refresh at a time over all threads and processes, even where a refresh token is good for one use only."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from bridge.ports.errors import Reauthorise, RetryLater, UnknownOutcome
from bridge.ports.http.context import before_write, hurry
from bridge.ports.http.tokens import Token, TokenVault

LOCK_SECONDS = 60.0
# Two attempts of this length end before the lock does.
FETCH_SECONDS = 20.0
MARGIN = timedelta(seconds=30)
SAVES = 3


@dataclass(frozen=True)
class _Refused:
    """The other side refused to renew: it is not asked again at once."""

    error: Reauthorise
    until: float


class TokenSource:
    """The access token of one account, shared with all other workers through the vault. Thread-safe.

    ``fetch`` gets the refresh token in force (None where there is none) and returns a new Token; it raises
    Reauthorise when the other side refuses. It is one call through the transport, whose time is cut to
    ``FETCH_SECONDS``. ``refresh`` is the refresh token the merchant gave at the start, used until the vault
    knows a newer one.
    """

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
        self._good_until = datetime.min.replace(tzinfo=UTC)
        self._unsaved: tuple[Token, Token | None] | None = None
        self._refused: _Refused | None = None

    def current(self) -> Token:
        """A token that is good for a while yet. Raises what ``fetch`` raises, and RetryLater."""
        token = self._token
        return token if token is not None and self._clock() < self._good_until else self.renew(token)

    def renew(self, stale: Token | None) -> Token:
        """A token other than ``stale``: one that another worker has fetched meanwhile, or a new one."""
        with self._lock:
            mine = self._token if self._clock() < self._good_until else None
            if (known := self._other(mine, stale)) is not None:
                return known
            with self._vault.lock(self.account, LOCK_SECONDS):
                stored = self._save_the_unsaved() or self._vault.load(self.account)
                token = self._other(stored, stale) or self._replace(stored)
            return self._hold(token)

    def _hold(self, token: Token) -> Token:
        """Use it until shortly before its end: half a minute, or a tenth of what is left of it."""
        left = token.expires_at - self._clock()
        self._good_until = token.expires_at - min(MARGIN, left / 10)
        self._token = token
        return token

    def _replace(self, stored: Token | None) -> Token:
        if self._refused and time.monotonic() < self._refused.until:
            raise Reauthorise(self._refused.error.merchant, developer=self._refused.error.developer)
        refresh = stored.refresh if stored and stored.refresh else self._refresh
        try:
            with before_write(None), hurry(FETCH_SECONDS):
                token = self._fetch(refresh)
        except UnknownOutcome as error:
            # Of the caller's own call nothing was sent yet.
            raise RetryLater(error.merchant, developer=error.developer) from error
        except Reauthorise as error:
            return self._after_refusal(stored, error)
        token = replace(token, refresh=token.refresh or refresh)
        self._save(token, stored)
        return token

    def _after_refusal(self, stored: Token | None, error: Reauthorise) -> Token:
        """A worker that was thought dead may have used the refresh token: then its new token is in the vault."""
        now_stored = self._vault.load(self.account)
        if now_stored is not None and now_stored != stored and self._other(now_stored, stored) is not None:
            return now_stored
        self._refused = _Refused(error, time.monotonic() + MARGIN.total_seconds())
        raise error

    def _save(self, token: Token, instead: Token | None) -> None:
        """Before its first use: after a crash the old refresh token would be worth nothing."""
        self._unsaved = token, instead
        for attempt in range(SAVES):
            try:
                self._vault.save(self.account, token, instead)
            except Exception as error:  # whatever the vault is made of
                if attempt == SAVES - 1:
                    text = f"{self.account}: the renewed access could not be kept; trying again soon."
                    raise RetryLater(text, developer=type(error).__name__) from error
                time.sleep(0.1 * 3**attempt)
            else:
                break
        self._unsaved, self._refused = None, None

    def _save_the_unsaved(self) -> Token | None:
        """What could not be saved last time, which is newer than all the vault knows."""
        if self._unsaved is None:
            return None
        token, instead = self._unsaved
        self._save(token, instead)
        return token

    def _other(self, token: Token | None, stale: Token | None) -> Token | None:
        """``token`` if it is valid and not the stale one."""
        if token is None or token.expires_at <= self._clock():
            return None
        return None if stale is not None and token.access == stale.access else token
