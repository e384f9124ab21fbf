"""Small scripts on Redis, at once or not at all: a slow Redis must never hold up the work."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

log = logging.getLogger(__name__)

SLOW = 0.5
COOL_DOWN = 5.0


class StoreAway(Exception):
    """Redis does not answer, or not in time. Internal to this package."""


@cache
def script(name: str) -> str:
    """The Lua script of that name beside this file."""
    return (Path(__file__).parent / f"{name}.lua").read_text(encoding="utf-8")


class SharedStore:
    """Runs the Lua scripts of this package. After a failure it is left alone for ``COOL_DOWN`` seconds."""

    def __init__(self, client: redis.Redis, prefix: str = "storebridge") -> None:
        self._client = client
        self._prefix = prefix
        self._scripts = {name: client.register_script(script(name)) for name in ("bucket", "breaker")}
        self._lock = threading.Lock()
        self._away_until = 0.0

    @classmethod
    def from_url(cls, url: str, prefix: str = "storebridge") -> SharedStore:
        """With its own connections, whose time-outs fit; those of the queue wait for long."""
        retry = Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))
        client = redis.Redis.from_url(url, socket_timeout=SLOW, socket_connect_timeout=SLOW, retry=retry)
        return cls(client, prefix)

    def run(self, name: str, key: str, *args: str | float) -> tuple[int, int]:
        """The two numbers a script answers with. Raises StoreAway."""
        return self._asked(lambda: [self._script(name, key, args)])[0]

    def run_each(self, name: str, keys: Sequence[str], *args: str | float) -> list[tuple[int, int]]:
        """The same for each key, sent together. Raises StoreAway, and then some of them may have been run."""

        def ask() -> list[Any]:
            with self._client.pipeline(transaction=False) as pipeline:
                for key in keys:
                    self._script(name, key, args, pipeline)
                return pipeline.execute()

        return self._asked(ask)

    def _script(self, name: str, key: str, args: tuple[str | float, ...], client: redis.Redis | None = None) -> Any:
        return self._scripts[name](keys=[f"{self._prefix}:{name}:{key}"], args=args, client=client)

    def _asked(self, ask: Callable[[], list[Any]]) -> list[tuple[int, int]]:
        if time.monotonic() < self._away_until:
            raise StoreAway
        try:
            answers = ask()
        except (redis.RedisError, OSError) as error:
            self._lost(error)
            raise StoreAway from error
        if self._away_until:
            self._found()
        return [(int(first), int(second)) for first, second in answers]

    def _lost(self, error: Exception) -> None:
        with self._lock:
            if not self._away_until:
                log.warning("Redis is away (%s): this process keeps to its own share of the limits", error)
            self._away_until = time.monotonic() + COOL_DOWN

    def _found(self) -> None:
        with self._lock:
            if self._away_until and time.monotonic() >= self._away_until:
                self._away_until = 0.0
                log.warning("Redis is back: limits are shared again")
