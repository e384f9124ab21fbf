"""Hearing the bell while a drain is at work: a ring that queues no new job still wakes one of those who are busy or
listening, and only one (eight workers that all look at each ring keep the database busy with looking). And saying
that this worker lives, in a way that an emptied Redis does not make it forget.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable

from redis import Redis
from redis.exceptions import RedisError

from bridge.jobs.queues import life_key, quick_redis, rung_key

PATIENCE = 1.0
BEAT = 5.0
LIFE = 20


class Listener:
    """A thread that calls ``on_ring`` for each ring of a lane. Redis may come and go."""

    def __init__(self, redis_url: str, lane: str, on_ring: Callable[[], object]) -> None:
        self._url = redis_url
        self._lane = lane
        self._on_ring = on_ring
        self._life = life_key(lane, f"{socket.gethostname()}-{os.getpid()}")
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(2 * PATIENCE)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                with quick_redis(self._url, 5.0) as client:
                    self._listen(client)
            except (RedisError, OSError):  # the doorbell and the worker say so already
                self._stopped.wait(PATIENCE)

    def _listen(self, client: Redis) -> None:
        beat_at = 0.0
        while not self._stopped.is_set():
            if time.monotonic() >= beat_at:
                client.set(self._life, 1, ex=LIFE)
                beat_at = time.monotonic() + BEAT
            if client.blpop([rung_key(self._lane)], timeout=PATIENCE) is not None:
                self._on_ring()
        client.delete(self._life)
