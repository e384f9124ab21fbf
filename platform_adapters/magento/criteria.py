"""Search criteria of Magento's lists, as a query string. Pure.

Groups are joined by AND, the filters within one by OR. Without a page size Magento answers with everything; past the
end it answers with ``items: null`` where fields are chosen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import quote


class Filter(NamedTuple):
    """``condition`` as Magento calls it: eq, in, gt, gteq, like, notnull."""

    field: str
    condition: str
    value: str


Group = Sequence[Filter]


def search(*groups: Group, size: int, sort: str = "", fields: str = "", page: int = 1) -> str:
    """The query of one page, ascending by ``sort``. Everything is percent-encoded, so that it can be signed."""
    pairs: list[tuple[str, str]] = []
    for number, group in enumerate(groups):
        for place, item in enumerate(group):
            start = f"searchCriteria[filterGroups][{number}][filters][{place}]"
            pairs += [(f"{start}[field]", item.field), (f"{start}[value]", item.value)]
            pairs.append((f"{start}[conditionType]", item.condition))
    pairs += [("searchCriteria[pageSize]", str(size)), ("searchCriteria[currentPage]", str(page))]
    if sort:
        pairs += [("searchCriteria[sortOrders][0][field]", sort), ("searchCriteria[sortOrders][0][direction]", "ASC")]
    if fields:
        pairs.append(("fields", fields))
    return query(pairs)


def query(pairs: Iterable[tuple[str, str]]) -> str:
    return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)


def after(field: str, last: int) -> Group:
    """Pages by key: nothing is skipped when rows leave the list while it is read."""
    return (Filter(field, "gt", str(last)),)


def among(field: str, values: Iterable[str]) -> Group:
    """A list of values; one with a comma in it has to stand alone."""
    plain = [value for value in values if "," not in value]
    odd = [value for value in values if "," in value]
    listed = [Filter(field, "in", ",".join(plain))] if plain else []
    return (*listed, *(Filter(field, "eq", value) for value in odd))


def since(field: str, moment: datetime) -> Filter:
    """Magento reads UTC, ignores an offset, and takes what it cannot read for the beginning of time. ``gteq``, because
    rows of one second share it."""
    return Filter(field, "gteq", moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S"))
