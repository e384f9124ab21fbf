"""The platform of one connection, read once a day for all workers."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta

from bridge.ports.http import Token, TokenSource, TokenVault
from channel_adapters.mirakl.client import MiraklClient
from channel_adapters.mirakl.platform import Platform, platform

A_DAY = timedelta(hours=24)


class Settings:
    """The platform of one connection. What one worker has read serves all of them for a day: it is kept where access
    tokens are kept (Mirakl has none), under the same lock, because A01 and SH21 may be called once a day."""

    def __init__(self, key: str, client: MiraklClient, vault: TokenVault, clock: Callable[[], datetime]) -> None:
        self._client = client
        self._vault = vault
        self._clock = clock
        self._key = key
        self._source = TokenSource(key, lambda refresh: self._read(), vault, clock=clock)
        self._known: tuple[str, Platform] | None = None

    def current(self) -> Platform:
        kept = self._source.current().access
        if self._known is None or self._known[0] != kept:
            self._known = (kept, Platform.model_validate_json(kept))
        return self._known[1]

    def fresh(self) -> Platform:
        """Asked anew: the proof of the credentials."""
        token = self._read()
        self._vault.save(self._key, token)
        return Platform.model_validate_json(token.access)

    def _read(self) -> Token:
        asked_at = self._clock()
        account, configuration = self._client.account(), self._client.configuration()
        lists = self._client.carriers(), self._client.reasons(), self._client.additional_fields()
        known = platform(account, configuration, *lists)
        return Token(json.dumps(known.as_json()), asked_at + A_DAY)
