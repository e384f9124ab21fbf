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
_PREFIXES = ("x-ratelimit-", "ratelimit-", "x-rate-limit-")


@dataclass(frozen=True)
class RateHint:
    """``remaining`` calls until ``reset`` seconds from now (None: not told)."""

    remaining: float
    reset: float | None


def retry_after(headers: httpx.Headers, now: datetime, cap: float) -> float | None:
    """Seconds to wait as Retry-After says, within 0 and ``cap``; None when it is absent or makes no sense."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    seconds = float(value) if _NUMBER.fullmatch(value) else _until(value, now)
    return None if seconds is None else min(max(seconds, 0.0), cap)


def rate_hint(headers: httpx.Headers, now: datetime, cap: float) -> RateHint | None:
    """The budget that is left, as the headers tell it; None when they do not."""
    remaining = _told(headers, "remaining")
    if remaining is None:
        return None
    reset = _told(headers, "reset")
    return RateHint(max(remaining, 0.0), None if reset is None else _delta(reset, now, cap))


def _told(headers: httpx.Headers, what: str) -> float | None:
    for prefix in _PREFIXES:
        if found := _NUMBER.match(headers.get(prefix + what, "").strip()):
            return float(found.group())
    combined = _COMBINED[what].search(headers.get("ratelimit", ""))
    return float(combined.group(1)) if combined else None


def _delta(reset: float, now: datetime, cap: float) -> float:
    """Seconds from now. Epoch milliseconds, epoch seconds and plain seconds are all in use, none documented."""
    if reset > 1e11:
        reset = reset / 1000 - now.timestamp()
    elif reset > 1e8:
        reset -= now.timestamp()
    return min(max(reset, 0.0), cap)


def _until(value: str, now: datetime) -> float | None:
    """An HTTP date as seconds from now."""
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError):
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now.timestamp()
