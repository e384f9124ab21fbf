"""In which order tests begin where several processes share them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

import pytest


def dealt(items: Sequence[pytest.Item], parts: int, usual: float) -> list[pytest.Item]:
    """Who is given more time than usual (seconds) begins first, the longest before all, so that nobody is left alone
    with it at the end. With ``--dist worksteal`` each of ``parts`` processes begins with an equal part of the list: each
    part begins with its share of them. What is made once for a file stays in one part."""
    long = [item for item in items if _patience(item) > usual]
    others = iter([item for item in items if _patience(item) <= usual])
    groups = sorted(_groups(long), key=lambda group: -max(map(_patience, group)))
    shares = [list(chain.from_iterable(groups[part::parts])) for part in range(parts)]
    sizes = [max(size - len(share), 0) for size, share in zip(_sizes(len(items), parts), shares, strict=True)]
    order = [item for share, size in zip(shares, sizes, strict=True) for item in (*share, *_first(others, size))]
    return [*order, *others]


def _patience(item: pytest.Item) -> float:
    mark = item.get_closest_marker("timeout")
    return float(mark.args[0]) if mark else 0.0


def _groups(items: Iterable[pytest.Item]) -> Iterable[list[pytest.Item]]:
    groups: dict[str, list[pytest.Item]] = {}
    for item in items:
        groups.setdefault(str(item.path) if _shares(item) else item.nodeid, []).append(item)
    return groups.values()


def _shares(item: pytest.Item) -> bool:
    """Whether a fixture of its module is made for it."""
    found = getattr(item, "_fixtureinfo", None)
    definitions = found.name2fixturedefs.values() if found else ()
    return any(definition[-1].scope in ("module", "class") for definition in definitions)


def _sizes(count: int, parts: int) -> Iterator[int]:
    """As xdist cuts the list: an equal part of what is left, rounded down."""
    for left in range(parts, 0, -1):
        size = count // left
        count -= size
        yield size


def _first(items: Iterator[pytest.Item], count: int) -> Iterator[pytest.Item]:
    return (item for _, item in zip(range(count), items, strict=False))
