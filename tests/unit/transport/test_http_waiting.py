"""Limits, refusals and the breaker, as a caller meets them."""

from __future__ import annotations

import time
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from bridge.ports.errors import (
    RetryLater,
    SlowDown,
    UnknownOutcome,
)
from bridge.ports.http import (
    BreakerPolicy,
    HttpServices,
    MemoryRecorder,
    Transport,
    lane,
    patience,
)
from bridge.ports.manifest import Limit
from tests.support.calls import WIDE, fine, first_then, get, post, transport, trouble
from tests.support.rogue import Rogue


def test_a_long_wait_is_not_waited(server: Rogue) -> None:
    url = server.answers("/x", 200, {})
    shop = transport(read=Limit(calls=1, seconds=30))
    get(shop, url)
    with pytest.raises(SlowDown) as caught:
        get(shop, url)
    assert caught.value.after is not None
    assert 25 < caught.value.after.total_seconds() < 31
    assert len(server.calls) == 1
    shop.close()


@pytest.mark.parametrize("refused", [False, True], ids=["by our own pace", "by an answer of 429"])
def test_who_asks_by_hand_is_not_told_that_it_goes_on_by_itself(server: Rogue, refused: bool) -> None:
    """Nothing is queued of a form that was pressed."""
    url = server.answers("/x", 429, {}, Retry_After="60") if refused else server.answers("/x", 200, {})

    for mine, said in (("", "This was not done: try again"), ("stock", "It goes on by itself.")):
        shop = transport(read=Limit(calls=1, seconds=30))
        with lane(mine) if mine else nullcontext():
            if not refused:
                get(shop, url)
            with pytest.raises(SlowDown) as caught:
                get(shop, url)
        assert said in caught.value.merchant
        assert ("by itself" in caught.value.merchant) is bool(mine)
        shop.close()


def test_a_short_wait_is(server: Rogue) -> None:
    url = server.answers("/x", 200, {})
    shop = transport(read=Limit(calls=5, seconds=1))
    began = time.monotonic()
    for _ in range(4):
        get(shop, url)
    assert 0.5 < time.monotonic() - began < 1
    with patience(0.05), pytest.raises(SlowDown):
        get(shop, url)
    with pytest.raises(SlowDown):
        get(shop, url, max_wait=0)
    shop.close()


def test_who_is_asked_to_end_while_waiting_gives_the_turn_back(server: Rogue) -> None:
    def ending(_seconds: float) -> None:
        raise SlowDown("Storebridge is being stopped.")

    url, limit = server.answers("/x", 200, {}), Limit(calls=1, seconds=2)
    services = replace(HttpServices.build(allowed_hosts=["127.0.0.1"]), sleep=ending)
    shop = Transport(account="1:7", services=services, limits={"read": limit})
    get(shop, url)
    for _ in range(3):
        with pytest.raises(SlowDown, match="being stopped"):
            get(shop, url)
    assert services.limiter.take("1:7:read", limit, 1, reserve=0, patience=0).wait < 2.1
    shop.close()


def test_lanes(server: Rogue) -> None:
    url = server.answers("/x", 200, {})
    shop = transport(read=Limit(calls=8, seconds=800))
    with lane("content"):
        for _ in range(6):
            get(shop, url)
        with pytest.raises(SlowDown):
            get(shop, url)
    with lane("stock"):
        get(shop, url)
        get(shop, url)
    with pytest.raises(ValueError, match="no lane"), lane("express"):
        pass
    shop.close()


@pytest.mark.parametrize(
    ("told", "low", "high"),
    [("30", 29, 30), ("604800", 899, 900), (None, 1, 3), ("soon", 1, 3), ("date", 18, 20)],
)
def test_429(server: Rogue, recorder: MemoryRecorder, told: str | None, low: float, high: float) -> None:
    if told == "date":
        told = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    url = server.answers("/x", 429, {}, **({"Retry_After": told} if told else {}))
    other = server.answers("/y", 200, {})
    shop = transport(recorder, read=Limit(calls=100, seconds=11), other=Limit(calls=100, seconds=11))
    for _ in range(3):
        with pytest.raises(SlowDown) as caught:
            post(shop, url, max_wait=0) if _ == 0 else get(shop, url, max_wait=0)
    assert len(server.calls) == 2  # one for each operation; then it is known
    assert caught.value.after is not None
    assert low <= caught.value.after.total_seconds() <= high
    assert shop.request("GET", other, operation="other").ok
    shop.close()


def test_a_short_429_is_waited_for(server: Rogue) -> None:
    url = server.on("/x", first_then(lambda caller: caller.answer(429, {}, Retry_After="1"), fine))
    shop = transport()
    began = time.monotonic()
    assert post(shop, url) == {"done": True}  # a 429 was not done, so a write may be repeated
    assert 1 <= time.monotonic() - began < 1.5
    shop.close()


def test_429_is_shared_by_all_workers(server: Rogue, redis_url: str) -> None:
    url = server.answers("/x", 429, {}, Retry_After="30")
    workers = []
    for _ in range(2):
        services = HttpServices.build(redis_url=redis_url, allowed_hosts=["127.0.0.1"])
        workers.append(Transport(account="1:7", services=services, limits=WIDE))
    for shop in workers:
        with pytest.raises(SlowDown):
            get(shop, url)
        shop.close()
    assert len(server.calls) == 1


def test_503_with_a_time_is_slow_down(server: Rogue, shop: Transport) -> None:
    url = server.answers("/x", 503, {}, Retry_After="60")
    with pytest.raises(SlowDown) as caught:
        get(shop, url)
    assert caught.value.after == timedelta(seconds=60)
    assert len(server.calls) == 1
    with pytest.raises(UnknownOutcome):
        post(shop, url)


def test_the_budget_in_the_headers(server: Rogue) -> None:
    url = server.answers(
        "/x", 200, {}, X_RateLimit_Remaining="0", X_RATELIMIT_RESET=str(int(time.time() * 1000) + 20_000)
    )
    shop = transport(read=Limit(calls=1000, seconds=11))
    get(shop, url)
    with pytest.raises(SlowDown) as caught:
        get(shop, url)
    assert caught.value.after is not None
    assert 18 < caught.value.after.total_seconds() <= 20
    shop.close()


def test_vague_headers_do_not_double_short_windows(server: Rogue) -> None:
    url = server.answers("/x", 200, {}, X_RateLimit_Remaining="0", X_RateLimit_Reset="1")
    shop = transport(read=Limit(calls=50, seconds=1))
    began = time.monotonic()
    for _ in range(10):
        get(shop, url)
    assert time.monotonic() - began < 0.6
    shop.close()


def test_the_breaker_opens_and_tries_again(server: Rogue) -> None:
    services = HttpServices.build(allowed_hosts=["127.0.0.1"], breaker=BreakerPolicy(failures=3, first=0.3))
    shop = Transport(account="1:7", services=services, limits=WIDE, title="My shop")
    url = server.on("/x", trouble)
    with pytest.raises(RetryLater):
        get(shop, url)
    with pytest.raises(SlowDown, match="does not answer properly") as caught:
        get(shop, url)
    assert caught.value.after is not None
    assert caught.value.after.total_seconds() <= 0.3
    assert len(server.calls) == 3
    time.sleep(0.35)
    server.on("/x", fine)
    assert get(shop, url) == {"done": True}
    assert get(shop, url) == {"done": True}
    shop.close()
