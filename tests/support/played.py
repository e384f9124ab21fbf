"""What all tests of the independent marketplaces have in common: the hour, the connection, and lists read to their end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bridge.registry import discover
from tests.contract.suite import Bench

PAGES = 200


class Clock:
    """The hour both sides live in."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@contextmanager
def connecting(name: str, address: str, clock: Callable[[], datetime]) -> Iterator[Callable[..., Any]]:
    """``connect(**settings)``: the adapter's channel at this address."""
    bench = Bench(discover().channels[name], address)

    def connect(**settings: Any) -> Any:
        return bench.adapter.connect(replace(bench.connection(settings), clock=clock))

    with bench.http:
        yield connect


def everything(ask: Callable[[str | None], Any]) -> list[Any]:
    """What all pages of a list have."""
    found: list[Any] = []
    cursor: str | None = None
    for _ in range(PAGES):
        page = ask(cursor)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            return found
    raise AssertionError("no end")
