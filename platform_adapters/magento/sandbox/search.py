"""Lists as Magento answers them: search criteria, pages, chosen fields. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

Json = dict[str, Any]
FILTER = re.compile(r"searchCriteria\[filter_?[gG]roups\]\[(\d+)\]\[filters\]\[(\d+)\]\[(\w+)\]")
SORT = re.compile(r"searchCriteria\[sort_?[oO]rders\]\[(\d+)\]\[(\w+)\]")
DATES = ("created_at", "updated_at")
GARBAGE = "0000-00-00 00:00:00"
KEYS = ("gt",)


class UnknownField(Exception):
    """A field that these rows do not have."""


def answer(rows: Sequence[Json], args: Mapping[str, str], fields: Iterable[str], *, stuck: bool = False) -> Json:
    """One page of the rows. ``fields``: what can be filtered by. ``stuck``: paging goes nowhere."""
    groups, known = groups_of(args), set(fields)
    for group in groups:
        for item in group:
            if item["field"] not in known:
                raise UnknownField(item["field"])
    kept = [row for row in rows if all(_any(row, group, stuck=stuck) for group in groups)]
    kept = _sorted(kept, args, known)
    size, page = int(args.get("searchCriteria[pageSize]") or 0), int(args.get("searchCriteria[currentPage]") or 1)
    shown = kept if not size else kept[:size] if stuck else kept[(page - 1) * size : page * size]
    criteria = {"filter_groups": [{"filters": group} for group in groups], "page_size": size, "current_page": page}
    body = {"items": shown, "search_criteria": criteria, "total_count": len(kept)}
    return trimmed(body, args["fields"]) if args.get("fields") else body


def groups_of(args: Mapping[str, str]) -> list[list[Json]]:
    found: dict[int, dict[int, Json]] = {}
    for name, value in args.items():
        if match := FILTER.fullmatch(name):
            item = found.setdefault(int(match[1]), {}).setdefault(int(match[2]), {})
            item[re.sub(r"([A-Z])", lambda part: "_" + part[1].lower(), match[3])] = value
    return [[{"condition_type": "eq", **item} for item in group.values()] for group in found.values()]


def trimmed(body: Json, fields: str) -> Json:
    """As ``fields`` asks; an empty list of chosen fields becomes null."""
    shown: Json = _pick(body, _tree(fields))
    if "items" in shown and not shown["items"]:
        shown["items"] = None
    return shown


def _any(row: Json, group: Sequence[Json], *, stuck: bool) -> bool:
    return any((stuck and item["condition_type"] in KEYS) or _holds(row, item) for item in group)


def _holds(row: Json, item: Json) -> bool:
    value, wanted = row.get(item["field"]), item.get("value", "")
    if item["field"] == "entity_id" and "id" in row:
        value = row["id"]
    compare = CONDITIONS.get(item["condition_type"])
    if compare is None:
        return False
    if item["field"] in DATES:
        return compare(str(value), _date(wanted))
    return value is not None and compare(value, wanted)


def _date(text: str) -> str:
    """An offset is ignored; what cannot be read is the beginning of time."""
    plain = re.sub(r"([+-]\d\d:\d\d|Z)$", "", text.strip())
    try:
        return datetime.fromisoformat(plain).strftime("%Y-%m-%d %H:%M:%S")
    except ValueError:
        return GARBAGE


def _number(value: Any) -> float | str:
    try:
        return float(value)
    except (TypeError, ValueError):
        return str(value).lower()


def _pair(value: Any, wanted: Any) -> tuple[Any, Any]:
    """Both as numbers, or both as text; MariaDB's collation ignores case."""
    left, right = _number(value), _number(wanted)
    return (left, right) if isinstance(left, type(right)) else (str(value).lower(), str(wanted).lower())


def _like(value: Any, pattern: str) -> bool:
    parts = (re.escape(part) for part in pattern.split("%"))
    return re.fullmatch(".*".join(parts), str(value), re.IGNORECASE | re.DOTALL) is not None


def _compare(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda value, wanted: test(*_pair(value, wanted))


CONDITIONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": _compare(lambda left, right: left == right),
    "gt": _compare(lambda left, right: left > right),
    "gteq": _compare(lambda left, right: left >= right),
    "lt": _compare(lambda left, right: left < right),
    "lteq": _compare(lambda left, right: left <= right),
    "in": lambda value, wanted: any(CONDITIONS["eq"](value, part) for part in wanted.split(",")),
    "like": _like,
    "notnull": lambda value, _wanted: value is not None,
}


def _sorted(rows: list[Json], args: Mapping[str, str], known: set[str]) -> list[Json]:
    orders: dict[int, Json] = {}
    for name, value in args.items():
        if match := SORT.fullmatch(name):
            orders.setdefault(int(match[1]), {})[match[2]] = value
    for item in reversed(orders.values()):
        field = item.get("field", "")
        if field not in known:
            raise UnknownField(field)
        down = str(item.get("direction", "ASC")).upper() == "DESC"
        rows = sorted(rows, key=lambda row: _key(row, field), reverse=down)
    return rows


def _key(row: Json, field: str) -> tuple[str, Any]:
    value = row["id"] if field == "entity_id" and "id" in row else row.get(field)
    found = _number(value)
    return (type(found).__name__, found)


def _tree(text: str) -> Json:
    """``items[a,b[c]],total_count`` as nested tables."""
    root: Json = {}
    stack, name, last = [root], "", ""
    for sign in text:
        if sign in ",[]":
            if name:
                stack[-1][name], last, name = {}, name, ""
            if sign == "[":
                stack.append(stack[-1][last])
            elif sign == "]":
                stack.pop()
        else:
            name += sign
    if name:
        stack[-1][name] = {}
    return root


def _pick(value: Any, tree: Json) -> Any:
    if not tree:
        return value
    if isinstance(value, list):
        return [_pick(item, tree) for item in value]
    if isinstance(value, dict):
        return {name: _pick(value[name], inner) for name, inner in tree.items() if name in value}
    return value
