"""A worker process: one lane, jobs in process, away and back again with Redis.

RQ's own crash recovery takes minutes; it is not relied on. A killed worker's leases run out after 45 seconds, and
the sweeper rings for the work.
"""

from __future__ import annotations

import logging
import os
import secrets
import signal
import socket
import sys
import threading
import time
from types import FrameType
from typing import Any

from redis import Redis
from redis.backoff import ExponentialBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import SimpleWorker
from rq.exceptions import StopRequested
from rq.serializers import JSONSerializer

from bridge.flows import table as real_table
from bridge.flows.engine import Engine
from bridge.jobs import tasks
from bridge.jobs.doorbell import Doorbell
from bridge.jobs.drain import Drainer, Table
from bridge.jobs.listen import Listener
from bridge.jobs.queues import Ring, open_queue
from bridge.log import Repeated, get_logger

FINISH = 20.0
HARD_LIMIT = 25.0
IDLE = 2.0
AFTER_THE_DOOR = 5
SWITCH = 0.001  # threads that compute (the journal is written, a reading is shaped) let those that are to send go first
TRY_AGAIN = 0.5
log = get_logger(__name__)


class LaneWorker(SimpleWorker):
    """RQ's in-process worker, stopped by its process and not by itself, and deaf to commands through Redis."""

    max_connection_wait_time = 1.0
    waiting = False

    def __init__(self, lane: str, connection: Redis, stopping: threading.Event) -> None:
        name = f"{lane}-{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        super().__init__(
            [open_queue(lane, connection)],
            name=name,
            connection=connection,
            serializer=JSONSerializer,
            job_class=Ring,
            worker_ttl=30,
            maintenance_interval=15,
            job_monitoring_interval=10,
            log_job_description=False,
        )
        self.stopping = stopping

    def dequeue_job_and_maintain_ttl(self, timeout: int | None, max_idle_time: int | None = None) -> Any:
        self.waiting = True
        try:
            if self.stopping.is_set():
                raise StopRequested
            return super().dequeue_job_and_maintain_ttl(timeout, max_idle_time)
        finally:
            self.waiting = False

    def stop(self) -> None:
        """From a signal handler: end now when no job is running, else after it."""
        self._stop_requested = True
        if self.waiting:
            raise StopRequested

    def _install_signal_handlers(self) -> None:
        """The process has its own."""

    def subscribe(self) -> None:
        """No commands through Redis: whoever can write there must not be able to stop us."""

    def unsubscribe(self) -> None:
        """See subscribe."""


class WorkerProcess:
    """Runs a worker of ``lane`` until SIGTERM or SIGINT."""

    def __init__(self, engine: Engine, lane: str, redis_url: str, table: Table = real_table) -> None:
        self.engine = engine
        self.lane = lane
        self._redis_url = redis_url
        self._doorbell = Doorbell(redis_url)
        self._drainer = Drainer(engine, table)
        self._listener = Listener(redis_url, lane, lambda: self._drainer.wake([lane]))
        self._worker: LaneWorker | None = None
        self._failing = False

    def run(self) -> None:
        """Returns when everything that was running has ended, or after ``FINISH`` seconds.

        Where the processor is short the door comes first: a burst of webhooks that is taken in at once becomes few
        readings, one that trickles in beside the work it causes becomes many (``storebridge bench burst``).
        """
        os.nice(AFTER_THE_DOOR)
        sys.setswitchinterval(SWITCH)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        for name in ("rq.worker", "rq.job", "rq.queue"):
            logging.getLogger(name).addFilter(Repeated())
        tasks.serve(self._drain)
        self._listener.start()
        while not self.engine.stopping.is_set():
            self._work()
        self._listener.stop()
        self._drainer.close(FINISH)

    def _work(self) -> None:
        try:
            self._worker = LaneWorker(self.lane, self._connect(), self.engine.stopping)
            self._doorbell.answered(self.lane)
            self._worker.work(logging_level="WARNING")
            self._failing = False
        except StopRequested:
            return
        except (RedisError, OSError) as error:
            if not self._failing:
                log.warning("Redis is away; this worker waits for it", lane=self.lane, error=str(error))
            self._failing = True
        self.engine.stopping.wait(TRY_AGAIN)

    def _connect(self) -> Redis:
        return Redis.from_url(
            self._redis_url, socket_connect_timeout=2, retry=Retry(ExponentialBackoff(cap=0.2, base=0.05), 2)
        )

    def _drain(self, lane: str) -> None:
        self._doorbell.answered(lane)
        self._drainer.drain(lane, idle=IDLE)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        if not self.engine.stopping.is_set():
            self.engine.stopping.set()
            threading.Thread(target=_end_hard, args=(HARD_LIMIT,), name="hard-limit", daemon=True).start()
        if self._worker is not None:
            self._worker.stop()


def _end_hard(after: float) -> None:
    time.sleep(after)
    log.error("still busy long after the request to stop; leases hand the work over", seconds=after)
    os._exit(1)
