"""The queues of RQ, one per lane, and how we talk to Redis."""

from __future__ import annotations

from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry as ConnectionRetry
from rq import Queue, Retry
from rq.job import Job
from rq.serializers import JSONSerializer

PREFIX = "storebridge"
TASK = "bridge.jobs.tasks.drain"
JOB_SECONDS = 120


class Ring(Job):
    """Whoever can write to Redis must not be able to run anything here, nor have us call anybody: of a job nothing is
    believed but that it rings for a lane."""

    success_callback = None
    failure_callback = None
    stopped_callback = None

    def restore(self, raw_data: Any) -> None:
        super().restore(raw_data)
        self.webhooks = []

    def perform(self) -> Any:
        if self.func_name != TASK:
            raise PermissionError(f"{self.func_name} is nothing that is done here")
        return super().perform()


def queue_name(lane: str) -> str:
    return f"{PREFIX}:{lane}"


def guard_key(lane: str) -> str:
    return f"{PREFIX}:bell:{lane}"


def rung_key(lane: str) -> str:
    """A list of at most one token: a ring for one of the drains that are at work or listening, whichever takes it."""
    return f"{PREFIX}:rung:{lane}"


def life_key(lane: str, worker: str) -> str:
    """A key that is there while a worker of the lane lives."""
    return f"{PREFIX}:worker:{lane}:{worker}"


def quick_redis(url: str, seconds: float) -> Redis:
    """A client that rather fails than waits, and does not try twice: for those who have better things to do."""
    return Redis.from_url(
        url, socket_timeout=seconds, socket_connect_timeout=seconds, retry=ConnectionRetry(NoBackoff(), 0)
    )


def open_queue(lane: str, connection: Redis) -> Queue:
    # JSON, never pickle, which runs what it loads.
    return Queue(
        queue_name(lane),
        connection=connection,
        serializer=JSONSerializer,
        job_class=Ring,
        default_timeout=JOB_SECONDS,
    )


def enqueue(lane: str, connection: Redis) -> Any:
    """One job that drains the lane. Its loss does no harm: the sweeper rings again."""
    return open_queue(lane, connection).enqueue(
        TASK, lane, retry=Retry(max=2), result_ttl=0, failure_ttl=60, ttl=600, description=f"drain {lane}"
    )
