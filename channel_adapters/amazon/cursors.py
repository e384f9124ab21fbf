"""Where the reading of all listings stands. Pure.

Amazon answers a query with at most 1,000 listings. From there on the question is asked anew, for what was made since
the youngest that was seen.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bridge.domain.reading import moment
from channel_adapters.amazon.reading import stamp

SEARCH_CAP = 1000
FIRST = datetime(1995, 1, 1, tzinfo=UTC)


def read(cursor: str | None) -> tuple[int, str | None, int, str | None]:
    """Place in the marketplaces, creation date from which on, how many since then, page token."""
    if cursor is None:
        return 0, None, 0, None
    place, since, count, token = cursor.split("|", 3)
    return int(place), since or None, int(count), token or None


def following(place: int, since: str | None, count: int, token: str | None, last: str | None, sites: int) -> str | None:
    """After a page: ``count`` listings were seen since ``since``, the youngest made at ``last``. None at the end."""
    if token is not None and count < SEARCH_CAP:
        return f"{place}|{since or ''}|{count}|{token}"
    if token is not None or count >= SEARCH_CAP:
        # More than the cap in one moment cannot be told apart: the next moment has to do.
        return f"{place}|{last if last != since else _later(last)}|0|"
    return f"{place + 1}||0|" if place + 1 < sites else None


def _later(at: str | None) -> str:
    return stamp((moment(at) or FIRST) + timedelta(seconds=1))
