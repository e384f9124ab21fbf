"""The circuit breaker: the same behaviour in Redis and in one process."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from bridge.ports.http import Breaker, BreakerPolicy, redis_breaker
from bridge.ports.http.breaker import LocalBreaker
from bridge.ports.http.redis_breaker import RedisBreaker
from bridge.ports.http.shared import SharedStore

POLICY = BreakerPolicy(failures=3, first=0.2, longest=0.5, probe=0.3)


@pytest.fixture(params=["local", "redis"])
def breaker(request: pytest.FixtureRequest) -> Iterator[Breaker]:
    if request.param == "local":
        yield LocalBreaker(POLICY)
        return
    store = SharedStore.from_url(request.getfixturevalue("redis_url"))
    yield RedisBreaker(store, POLICY)
    assert not store._away_until


def fail(breaker: Breaker, times: int, account: str = "a") -> None:
    for _ in range(times):
        breaker.failed(account)


def test_opens_after_failures_in_a_row(breaker: Breaker) -> None:
    fail(breaker, 2)
    assert breaker.wait("a") == 0
    fail(breaker, 1)
    assert 0.1 < breaker.wait("a") <= 0.2
    assert breaker.wait("b") == 0


def test_a_success_begins_anew(breaker: Breaker) -> None:
    fail(breaker, 2)
    breaker.succeeded("a")
    fail(breaker, 2)
    assert breaker.wait("a") == 0


def test_one_call_tries_and_the_others_wait(breaker: Breaker) -> None:
    fail(breaker, 3)
    time.sleep(0.22)
    assert breaker.wait("a") == 0
    assert 0.1 < breaker.wait("a") <= 0.3
    breaker.succeeded("a")
    assert breaker.wait("a") == 0


def test_a_failed_try_doubles_the_pause_up_to_the_longest(breaker: Breaker) -> None:
    fail(breaker, 3)
    pauses = []
    for _ in range(3):
        time.sleep(breaker.wait("a") + 0.02)
        assert breaker.wait("a") == 0
        breaker.failed("a")
        pauses.append(breaker.wait("a"))
    assert pauses == [pytest.approx(0.4, abs=0.06), pytest.approx(0.5, abs=0.06), pytest.approx(0.5, abs=0.06)]


def test_calls_under_way_when_it_opened_say_nothing_new(breaker: Breaker) -> None:
    fail(breaker, 3)
    fail(breaker, 20)
    assert breaker.wait("a") <= 0.2


def test_a_try_that_was_not_made_is_given_back(breaker: Breaker) -> None:
    fail(breaker, 3)
    time.sleep(0.22)
    assert breaker.wait("a") == 0
    breaker.release("a")
    assert breaker.wait("a") == 0
    breaker.release("b")


def test_a_try_that_never_reports_is_forgotten(breaker: Breaker) -> None:
    fail(breaker, 3)
    time.sleep(0.22)
    assert breaker.wait("a") == 0
    time.sleep(0.32)
    assert breaker.wait("a") == 0


def test_workers_share_it(redis_url: str) -> None:
    one, two = (RedisBreaker(SharedStore.from_url(redis_url), POLICY) for _ in range(2))
    fail(one, 3)
    assert two.wait("a") > 0
    time.sleep(0.22)
    assert two.wait("a") == 0
    two.succeeded("a")
    assert one.wait("a") == 0


def test_while_all_is_well_others_are_heard_of_soon(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_breaker, "LOOK_EVERY", 0.2)
    policy = BreakerPolicy(failures=3, first=60)
    one, two = (RedisBreaker(SharedStore.from_url(redis_url), policy) for _ in range(2))
    assert two.wait("a") == 0
    fail(one, 3)
    assert one.wait("a") > 0
    time.sleep(0.21)
    assert two.wait("a") > 0


def test_without_redis_each_process_has_its_own() -> None:
    breaker = RedisBreaker(SharedStore.from_url("redis://127.0.0.1:1"), POLICY)
    fail(breaker, 3)
    assert breaker.wait("a") > 0
    breaker.release("a")
    breaker.succeeded("a")
    assert breaker.wait("a") == 0


def test_without_trouble_a_success_asks_nobody(redis_url: str) -> None:
    import redis

    client = redis.Redis.from_url(redis_url)
    breaker = RedisBreaker(SharedStore.from_url(redis_url), POLICY)
    breaker.wait("a")
    before = client.info("commandstats")["cmdstat_evalsha"]["calls"]
    breaker.succeeded("a")
    assert client.info("commandstats")["cmdstat_evalsha"]["calls"] == before
