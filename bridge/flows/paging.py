"""Reading a list to its end without believing that it has one."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import TypeVar

from bridge.domain.listing import LiveOffer
from bridge.domain.values import Value, fingerprint
from bridge.ports.channel import Page
from bridge.ports.errors import RetryLater

T = TypeVar("T", bound=Value)
# Amazon shows 20 listings a page: this is a million of them in two countries.
MAX_PAGES = 100_000


def pages(read: Callable[[str | None], Page[T]]) -> Iterator[tuple[T, ...]]:
    """Each page of a list. Raises RetryLater when pages or cursors repeat: the list never ends, or starts over."""
    cursor: str | None = None
    cursors: set[str] = set()
    seen: set[str] = set()
    for _ in range(MAX_PAGES):
        page = read(cursor)
        stamp = fingerprint([item.as_json() for item in page.items])
        if page.items and stamp in seen and not page.again:
            raise _stuck("the same page came twice")
        seen.add(stamp)
        yield page.items
        if page.next_cursor is None:
            return
        if page.next_cursor in cursors:
            raise _stuck("the same cursor came twice")
        cursors.add(page.next_cursor)
        cursor = page.next_cursor
    raise _stuck(f"no end after {MAX_PAGES} pages")


def offer_pages(read: Callable[[str | None], Page[LiveOffer]]) -> Iterator[tuple[LiveOffer, ...]]:
    """Each page of an account's offers, without those that stood on one before: pages overlap. Raises as ``pages``."""
    known: set[Hashable] = set()
    for page in pages(read):
        new = {(offer.site, offer.offer_id): offer for offer in page if (offer.site, offer.offer_id) not in known}
        known |= new.keys()
        yield tuple(new.values())


def _stuck(detail: str) -> RetryLater:
    return RetryLater("The list never ends; it is read again later, nothing was skipped.", developer=detail)
