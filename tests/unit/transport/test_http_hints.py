"""What answers say about waiting, in all the forms they say it."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from bridge.ports.http.hints import RateHint, rate_hint, retry_after, told_rate

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
EPOCH = int(NOW.timestamp())


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("30", 30),
        (" 30 ", 30),
        ("1.5", 1.5),
        ("-5", 0),
        ("604800", 900),  # a week: capped
        ("Mon, 23 Nov 2026 12:00:42 GMT", 42),
        ("Mon, 23 Nov 2026 13:00:42 +0100", 42),
        ("Mon, 23 Nov 2026 11:00:00 GMT", 0),
        ("Mon, 23 Nov 2099 11:00:00 GMT", 900),
        ("soon", None),
        ("", None),
        ("1e999", None),
        ("Mon, 99 Foo 2026", None),
    ],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    assert retry_after(httpx.Headers({"retry-after": value}), NOW, 900) == seconds


def test_retry_after_absent() -> None:
    assert retry_after(httpx.Headers(), NOW, 900) is None


@pytest.mark.parametrize(
    ("headers", "hint"),
    [
        ({}, None),
        ({"X-RateLimit-Limit": "25"}, None),
        ({"x-ratelimit-remaining": "3"}, RateHint(3, None)),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "30"}, RateHint(0, 30)),
        ({"X-RATELIMIT-REMAINING": "0", "X-Ratelimit-Reset": str(EPOCH + 20)}, RateHint(0, 20)),
        ({"x-ratelimit-remaining": "7", "x-ratelimit-reset": str(EPOCH * 1000 + 1500)}, RateHint(7, 1.5, exact=True)),
        ({"x-ratelimit-remaining": "7", "x-ratelimit-reset": "0.5"}, RateHint(7, 0.5, exact=True)),
        ({"x-ratelimit-remaining": "7", "x-ratelimit-reset": str(EPOCH - 5)}, RateHint(7, 0)),
        ({"x-ratelimit-remaining": "-2", "x-ratelimit-reset": "999999"}, RateHint(0, 900)),
        ({"RateLimit-Remaining": "4", "RateLimit-Reset": "10"}, RateHint(4, 10)),
        ({"X-Rate-Limit-Remaining": "4", "X-Rate-Limit-Reset": "10"}, RateHint(4, 10)),
        ({"RateLimit": "limit=100, remaining=50, reset=5"}, RateHint(50, 5)),
        ({"RateLimit": '"default";r=50;t=30'}, RateHint(50, 30)),
        ({"x-ratelimit-remaining": "many", "x-ratelimit-reset": "soon"}, None),
    ],
)
def test_rate_hint(headers: dict[str, str], hint: RateHint | None) -> None:
    assert rate_hint(httpx.Headers(headers), NOW, 900) == hint


def test_times_are_meant_by_the_clock_of_the_other_side() -> None:
    """Its clock is an hour ahead of ours."""
    theirs = httpx.Headers({"date": "Mon, 23 Nov 2026 13:00:00 GMT", "retry-after": "Mon, 23 Nov 2026 13:00:10 GMT"})
    assert retry_after(theirs, NOW, 900) == 10
    told = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(EPOCH + 3600 + 8)}
    assert rate_hint(httpx.Headers({**theirs, **told}), NOW, 900) == RateHint(0, 8)


@pytest.mark.parametrize(
    ("value", "rate"), [("0.0056", 0.0056), (" 5.0 ", 5), ("0", None), ("-1", None), ("many", None), ("", None)]
)
def test_the_rate_an_account_has(value: str, rate: float | None) -> None:
    assert told_rate(httpx.Headers({"x-amzn-RateLimit-Limit": value})) == rate
