"""What answers say about waiting: Retry-After and the rate limit headers, in all the forms they come in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
# draft-ietf-httpapi-ratelimit-headers: `limit=100, remaining=50, reset=30`, later `"default";r=50;t=30`.
_COMBINED = {
    "remaining": re.compile(r"(?:\bremaining=|;\s*r=)(\d+)"),
    "reset": re.compile(r"(?:\breset=|;\s*t=)(\d+)"),
}
# Larger numbers are a moment (since 1970) and not a time span.
SECONDS = 1e8
MILLISECONDS = 1e11
SKEW = 5.0
_PREFIXES = ("x-ratelimit-", "ratelimit-", "x-rate-limit-")


@dataclass(frozen=True)
class RateHint:
    """``remaining`` calls until ``reset`` seconds from now (None: not told). ``exact``: not in whole seconds."""

    remaining: float
    reset: float | None
    exact: bool = False


@dataclass(frozen=True)
class Budget:
    """What an answer's body says of the account's one bucket, in the unit of the call's cost: its ``size``, its refill
    per second, what is ``left`` in it, and what this call has ``spent`` (None: as much as it was thought to cost).
    ``wait``: seconds after which a call that was refused for want of it can be had; None where it was not refused."""

    size: float
    rate: float
    left: float
    spent: float | None = None
    wait: float | None = None


def retry_after(headers: httpx.Headers, now: datetime, cap: float) -> float | None:
    """Seconds to wait as Retry-After says, within 0 and ``cap``; None when it is absent or makes no sense."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    seconds = float(value) if _NUMBER.fullmatch(value) else _until(value, _their_now(headers, now))
    return None if seconds is None else min(max(seconds, 0.0), cap)


def told_rate(headers: httpx.Headers) -> float | None:
    """The rate in calls per second that this account has for the operation, as Amazon tells it with most answers;
    None when it is absent or makes no sense."""
    value = headers.get("x-amzn-ratelimit-limit", "").strip()
    return float(value) if _NUMBER.fullmatch(value) and float(value) > 0 else None


def rate_hint(headers: httpx.Headers, now: datetime, cap: float) -> RateHint | None:
    """The budget that is left, as the headers tell it; None when they do not."""
    remaining = _told(headers, "remaining")
    if remaining is None:
        return None
    reset = _told(headers, "reset")
    if reset is None:
        return RateHint(max(remaining, 0.0), None)
    exact = reset > MILLISECONDS or not reset.is_integer()
    return RateHint(max(remaining, 0.0), _delta(reset, _their_now(headers, now), cap), exact)


def _told(headers: httpx.Headers, what: str) -> float | None:
    for prefix in _PREFIXES:
        if found := _NUMBER.match(headers.get(prefix + what, "").strip()):
            return float(found.group())
    combined = _COMBINED[what].search(headers.get("ratelimit", ""))
    return float(combined.group(1)) if combined else None


def _delta(reset: float, now: datetime, cap: float) -> float:
    """Seconds from now. Epoch milliseconds, epoch seconds and plain seconds are all in use, none documented."""
    if reset > MILLISECONDS:
        reset = reset / 1000 - now.timestamp()
    elif reset > SECONDS:
        reset -= now.timestamp()
    return min(max(reset, 0.0), cap)


def _until(value: str, now: datetime) -> float | None:
    """An HTTP date as seconds from now."""
    moment = _date(value)
    return None if moment is None else (moment - now).total_seconds()


def _date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _their_now(headers: httpx.Headers, now: datetime) -> datetime:
    """The other side's clock where it is clearly not ours: its times are meant by its own clock."""
    theirs = _date(headers.get("date", ""))
    return theirs if theirs is not None and abs((theirs - now).total_seconds()) > SKEW else now
