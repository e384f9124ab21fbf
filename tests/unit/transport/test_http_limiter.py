"""The buckets: the same behaviour in Redis and in one process."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from itertools import pairwise

import pytest

from bridge.ports.http import Limiter, LocalLimiter
from bridge.ports.http.redis_limiter import AWAY_SHARE, RedisLimiter
from bridge.ports.http.shared import SharedStore
from bridge.ports.manifest import Limit

SLOW = Limit(calls=10, seconds=1000)  # refills too slowly to matter in a test
FAST = Limit(calls=1100, seconds=11)  # 100 a second, and all of them at once
EVEN = Limit(calls=50, seconds=1)


@pytest.fixture(params=["local", "redis"])
def limiter(request: pytest.FixtureRequest) -> Iterator[Limiter]:
    if request.param == "local":
        yield LocalLimiter()
        return
    store = SharedStore.from_url(request.getfixturevalue("redis_url"))
    yield RedisLimiter(store)
    assert not store._away_until  # a script that fails looks like a Redis that is away


def take(limiter: Limiter, limit: Limit = SLOW, cost: float = 1, reserve: float = 0, patience: float = 0) -> bool:
    return limiter.take("a:x", limit, cost, reserve=reserve, patience=patience).granted


def test_a_full_bucket_gives_its_calls_and_no_more(limiter: Limiter) -> None:
    assert [take(limiter) for _ in range(12)] == [True] * 10 + [False] * 2
    refused = limiter.take("a:x", SLOW, 1, reserve=0, patience=5)
    assert refused.wait == pytest.approx(100, rel=0.05)


def test_buckets_are_apart(limiter: Limiter) -> None:
    assert take(limiter, cost=10)
    assert limiter.take("b:x", SLOW, 1, reserve=0, patience=0).granted


def test_cost_counts(limiter: Limiter) -> None:
    assert take(limiter, cost=7.5)
    assert not take(limiter, cost=3)
    assert take(limiter, cost=2.5)


def test_a_call_dearer_than_the_bucket_waits_for_a_full_one_and_leaves_a_debt(limiter: Limiter) -> None:
    assert take(limiter, cost=25)
    assert limiter.take("a:x", SLOW, 1, reserve=0, patience=0).wait == pytest.approx(1600, rel=0.05)


def test_taken_in_advance_within_patience(limiter: Limiter) -> None:
    assert take(limiter, FAST, cost=1100)
    began = time.monotonic()
    turns = [limiter.take("a:x", FAST, 1, reserve=0, patience=1).wait + time.monotonic() - began for _ in range(10)]
    assert turns == sorted(turns)
    assert turns[-1] == pytest.approx(0.1, abs=0.03)


def test_each_bucket_by_itself_in_one_go(limiter: Limiter) -> None:
    assert take(limiter, cost=9)
    grants = limiter.take_each(["a:x", "b:x", "a:x", "c:x"], SLOW, 1, reserve=0)
    assert [grant.granted for grant in grants] == [True, True, False, True]
    assert grants[2].wait == pytest.approx(100, rel=0.05)
    assert not limiter.take_each(["b:x"], SLOW, 5, reserve=0.5)[0].granted
    assert limiter.take_each([], SLOW, 1, reserve=0) == []


def test_each_is_taken_here_while_redis_is_away() -> None:
    limiter = RedisLimiter(SharedStore.from_url("redis://127.0.0.1:1"))
    grants = limiter.take_each(["a:x", "a:x", "a:x"], SLOW, 1, reserve=0)
    assert [grant.granted for grant in grants] == [True, True, False]  # a quarter of ten


def test_refund(limiter: Limiter) -> None:
    assert take(limiter, cost=10)
    limiter.refund("a:x", SLOW, 4)
    assert take(limiter, cost=4)
    assert not take(limiter)
    limiter.refund("a:x", SLOW, 1000)  # never more than full
    assert not take(limiter, cost=10, reserve=0.5) or not take(limiter)


def test_a_reserve_is_left_for_better_lanes(limiter: Limiter) -> None:
    bulk = [take(limiter, reserve=0.25) for _ in range(10)]
    assert bulk == [True] * 7 + [False] * 3  # 2.5 of 10 stay behind
    assert [take(limiter) for _ in range(4)] == [True] * 3 + [False]


def test_a_reserve_never_takes_in_advance(limiter: Limiter) -> None:
    assert take(limiter, FAST, cost=1100)
    bulk = limiter.take("a:x", FAST, 1, reserve=0.25, patience=10)
    assert not bulk.granted
    assert bulk.wait == pytest.approx(2.76, abs=0.1)


def test_a_reserve_does_not_lock_a_bucket_of_one(limiter: Limiter) -> None:
    assert take(limiter, Limit(calls=1, seconds=1000), reserve=0.25)


def test_refill(limiter: Limiter) -> None:
    assert take(limiter, FAST, cost=1100)
    time.sleep(0.25)
    assert take(limiter, FAST, cost=20)
    assert not take(limiter, FAST, cost=50)


def test_the_other_side_knows_better(limiter: Limiter) -> None:
    limiter.observe("a:x", SLOW, 3, None)
    assert [take(limiter) for _ in range(4)] == [True] * 3 + [False]
    limiter.observe("a:x", SLOW, 9, 10)  # never more than we think ourselves
    assert not take(limiter)


def test_nothing_left_blocks_until_the_reset(limiter: Limiter) -> None:
    limiter.observe("a:x", FAST, 0, 0.3)
    assert not take(limiter, FAST, patience=5)
    assert limiter.blocked("a:x", FAST) == pytest.approx(0.3, abs=0.1)
    time.sleep(0.32)
    assert take(limiter, FAST)


def test_a_block_holds_for_everyone_and_ends(limiter: Limiter) -> None:
    assert limiter.block("a:x", FAST, 0.3) == pytest.approx(0.3, abs=0.05)
    grant = limiter.take("a:x", FAST, 1, reserve=0, patience=60)
    assert (grant.granted, grant.wait) == (False, pytest.approx(0.3, abs=0.1))
    time.sleep(0.32)
    assert limiter.blocked("a:x", FAST) == 0
    assert take(limiter, FAST)


def test_a_shorter_block_does_not_end_a_longer_one(limiter: Limiter) -> None:
    limiter.block("a:x", SLOW, 50)
    assert limiter.block("a:x", SLOW, 1) == pytest.approx(50, abs=1)


def test_blocks_without_a_time_grow_with_each_in_a_row(limiter: Limiter) -> None:
    assert 1.5 <= limiter.block("a:x", SLOW, None) <= 2.5
    for _ in range(7):  # refused together with it: one refusal
        assert limiter.block("a:x", SLOW, None) <= 2.6


def test_refusals_in_a_row_are_counted() -> None:
    now = 1000.0
    limiter = LocalLimiter(now=lambda: now)
    waits = []
    for _ in range(10):
        waits.append(limiter.block("a:x", SLOW, None))
        now += waits[-1] + 1
    assert all(a < b for a, b in pairwise(waits[:7]))
    assert max(waits) <= 300 * 1.25
    now += 61
    assert limiter.block("a:x", SLOW, None) <= 2.5


def test_many_workers_share_one_bucket(redis_url: str) -> None:
    """Four limiters, as in four processes, and never more calls than the bucket holds."""
    limit, granted, lock = Limit(calls=150, seconds=15), [0], threading.Lock()

    def work() -> None:
        limiter = RedisLimiter(SharedStore.from_url(redis_url))
        while time.monotonic() < ends:
            if limiter.take("a:x", limit, 1, reserve=0, patience=0).granted:
                with lock:
                    granted[0] += 1

    ends = time.monotonic() + 1.0
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 150 < granted[0] <= 162  # 150 at once and 10 in the second


def test_keys_expire(redis_url: str) -> None:
    import redis

    take(RedisLimiter(SharedStore.from_url(redis_url)), FAST)
    client = redis.Redis.from_url(redis_url)
    assert client.keys() == [b"storebridge:bucket:a:x"]
    assert 0 < client.pttl("storebridge:bucket:a:x") <= 61_000


def test_an_emptied_redis_is_no_trouble(redis_url: str) -> None:
    import redis

    limiter = RedisLimiter(SharedStore.from_url(redis_url))
    take(limiter, cost=10)
    client = redis.Redis.from_url(redis_url)
    client.flushall()
    client.script_flush()
    assert take(limiter)


@pytest.fixture
def silent_redis() -> Iterator[str]:
    """Accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as listener:
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}"


def test_redis_that_is_slow_costs_half_a_second_once(silent_redis: str) -> None:
    limiter = RedisLimiter(SharedStore.from_url(silent_redis))
    began = time.monotonic()
    granted = [take(limiter) for _ in range(10)]
    assert time.monotonic() - began < 1.5
    assert granted == [True] * 2 + [False] * 8  # a quarter of ten


def test_redis_that_is_away(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    limiter = RedisLimiter(SharedStore.from_url(f"redis://127.0.0.1:{port}"))
    limiter.refund("a:x", SLOW, 1)
    limiter.observe("a:x", SLOW, 9, 1)
    assert take(limiter)
    assert limiter.block("a:x", SLOW, 30) == pytest.approx(30, abs=0.1)
    assert limiter.blocked("a:x", SLOW) > 29
    assert not take(limiter)
    assert AWAY_SHARE == 0.25
    assert len(caplog.records) == 1


def test_redis_that_comes_back(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from bridge.ports.http import shared

    monkeypatch.setattr(shared, "COOL_DOWN", 0.1)
    store = SharedStore.from_url(redis_url)
    limiter = RedisLimiter(store)
    store._lost(ConnectionError("gone"))
    assert [take(limiter) for _ in range(4)] == [True, True, False, False]  # its own quarter only
    time.sleep(0.12)
    assert take(limiter, cost=10)


def test_a_block_outlives_redis(redis_url: str) -> None:
    store = SharedStore.from_url(redis_url)
    limiter = RedisLimiter(store)
    limiter.block("a:x", SLOW, 20)
    store._lost(ConnectionError("gone"))
    assert not take(limiter)


def test_short_windows_are_filled_evenly(limiter: Limiter) -> None:
    """However the other side cuts its seconds, none of them sees more than fifty calls."""
    began, times = time.monotonic(), []
    for _ in range(120):
        wait = limiter.take("a:x", EVEN, 1, reserve=0, patience=60).wait
        times.append(wait + time.monotonic() - began)
    for begin in times:
        assert len([at for at in times if begin <= at < begin + 0.97]) <= 50
    assert times[-1] == pytest.approx(119 / 50 * 1.03, rel=0.05)


def test_whoever_is_refused_goes_slower_from_then_on(limiter: Limiter) -> None:
    for _ in range(4):
        limiter.block("a:x", EVEN, 0.01)
        time.sleep(0.02)
    waits = [limiter.take("a:x", EVEN, 1, reserve=0, patience=60).wait for _ in range(21)]
    assert waits[-1] - waits[0] == pytest.approx(20 / (50 * 0.97 * 0.8**4), rel=0.1)


def test_and_faster_again_when_all_is_quiet() -> None:
    now = 1000.0
    limiter = LocalLimiter(now=lambda: now)
    for _ in range(50):
        now += limiter.block("a:x", EVEN, 1) + 0.1
    assert limiter._buckets["a:x"].share == pytest.approx(0.1, abs=0.01)
    now += 300
    limiter.take("a:x", EVEN, 1, reserve=0, patience=0)
    assert limiter._buckets["a:x"].share == pytest.approx(0.6, abs=0.01)
    now += 300
    limiter.take("a:x", EVEN, 1, reserve=0, patience=0)
    assert limiter._buckets["a:x"].share == 1
