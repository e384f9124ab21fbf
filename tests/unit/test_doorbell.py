"""The doorbell: one job per lane until a drain begins, quick, and silent when Redis is away."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
from redis import Redis

from bridge.jobs.doorbell import MOST_QUEUED, Doorbell
from bridge.jobs.listen import Listener
from bridge.jobs.queues import guard_key, open_queue
from tests.support.procs import free_port, wait_until


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def bell(redis_url: str) -> Iterator[Doorbell]:
    bell = Doorbell(redis_url)
    yield bell
    bell.close()


def test_many_rings_are_one_job(bell: Doorbell, redis: Redis) -> None:
    for _ in range(20):
        bell.ring(["stock", "orders", "stock"])
    assert [open_queue(lane, redis).count for lane in ("stock", "orders", "content")] == [1, 1, 0]


def test_after_a_drain_began_a_ring_is_a_new_job(bell: Doorbell, redis: Redis) -> None:
    bell.ring(["stock"])
    bell.answered("stock")
    bell.ring(["stock"])
    assert open_queue("stock", redis).count == 2


def test_without_workers_the_queue_stays_short(bell: Doorbell, redis: Redis) -> None:
    for _ in range(50):
        redis.delete(guard_key("stock"))
        bell.ring(["stock"])
    assert open_queue("stock", redis).count == MOST_QUEUED


def test_a_ring_that_queues_nothing_is_heard_all_the_same(bell: Doorbell, redis_url: str) -> None:
    heard = threading.Event()
    listener = Listener(redis_url, "stock", heard.set)
    listener.start()
    deadline = time.monotonic() + 5
    while not heard.is_set() and time.monotonic() < deadline:
        bell.ring(["stock"])
        heard.wait(0.05)
    assert heard.is_set()
    heard.clear()
    bell.ring(["orders"])
    assert not heard.wait(0.2)
    listener.stop()


def test_a_listener_says_that_its_worker_lives(redis: Redis, redis_url: str) -> None:
    listener = Listener(redis_url, "stock", lambda: None)
    listener.start()
    wait_until(lambda: redis.keys("storebridge:worker:stock:*"), 5, "a sign of life")
    listener.stop()
    assert redis.keys("storebridge:worker:*") == []


def test_redis_away_costs_little_once_and_nothing_then() -> None:
    bell = Doorbell(f"redis://127.0.0.1:{free_port()}/0")
    began = time.monotonic()
    for _ in range(1000):
        bell.ring(["stock"])
    assert time.monotonic() - began < 1
    bell.close()


def test_a_redis_that_hangs_costs_a_second_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        bell = Doorbell(f"redis://127.0.0.1:{hanging.getsockname()[1]}/0")
        began = time.monotonic()
        for _ in range(1000):
            bell.ring(["stock"])
        assert 0.9 < time.monotonic() - began < 1.9
        bell.close()


def test_it_rings_again_after_the_pause(redis_url: str, redis: Redis) -> None:
    bell = Doorbell(redis_url, pause=0.1)
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        away = Doorbell(f"redis://127.0.0.1:{hanging.getsockname()[1]}/0", timeout=0.05, pause=0.1)
        away.ring(["stock"])
        bell._silent_until = away._silent_until
        away.close()
    bell.ring(["stock"])
    assert open_queue("stock", redis).count == 0
    time.sleep(0.15)
    bell.ring(["stock"])
    assert open_queue("stock", redis).count == 1
    bell.close()
