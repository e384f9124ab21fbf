"""The doorbell: tell the workers of a lane that there is something to do.

It may be lost at any time and costs one round trip: a guard key keeps a second ring within two seconds from
queueing a second job, and is deleted when a drain begins, so that what comes later rings again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from bridge.jobs.queues import enqueue, guard_key, queue_name, quick_redis, rung_key
from bridge.log import get_logger

GUARD_MS = 2000
TIMEOUT = 1.0
PAUSE = 2.0
MOST_QUEUED = 8
log = get_logger(__name__)


class Doorbell:
    """``ring`` never raises and never waits long; after a failure it is silent for ``PAUSE`` seconds."""

    def __init__(self, redis_url: str, *, timeout: float = TIMEOUT, pause: float = PAUSE) -> None:
        self._redis: Redis = quick_redis(redis_url, timeout)
        self._pause = pause
        self._silent_until = 0.0
        self._failing = False

    def ring(self, lanes: Iterable[str]) -> None:
        """Wake the workers of these lanes."""
        wanted = sorted(set(lanes))
        if wanted and time.monotonic() >= self._silent_until:
            self._guarded(lambda: self._ring(wanted))

    def answered(self, lane: str) -> None:
        """A drain of the lane begins: whoever rings from now on may queue another."""
        self._guarded(lambda: self._redis.delete(guard_key(lane)))

    def close(self) -> None:
        self._redis.close()

    def _ring(self, lanes: list[str]) -> None:
        with self._redis.pipeline(transaction=False) as pipe:
            for lane in lanes:
                pipe.set(guard_key(lane), 1, nx=True, px=GUARD_MS)
                pipe.llen(f"rq:queue:{queue_name(lane)}")
                pipe.lpush(rung_key(lane), 1)
                pipe.ltrim(rung_key(lane), 0, 0)
            answers = pipe.execute()
        for position, lane in enumerate(lanes):
            is_first, queued = answers[position * 4 : position * 4 + 2]
            if is_first and queued < MOST_QUEUED:
                enqueue(lane, self._redis)

    def _guarded(self, act: Callable[[], Any]) -> None:
        try:
            act()
        except (RedisError, OSError) as error:
            self._silent_until = time.monotonic() + self._pause
            if not self._failing:
                log.warning("the doorbell does not ring; the sweeper will find the work", error=str(error))
            self._failing = True
        else:
            self._failing = False


class NoBell:
    """Where there is no Redis: the sweeper of a running bridge finds the work."""

    def ring(self, lanes: Iterable[str]) -> None:
        return None
