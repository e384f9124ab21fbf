"""Lists: paging, filters and the headers that tell the total."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import request

from bridge.ports.sandbox import Faults
from platform_adapters.woocommerce.sandbox.errors import invalid_param
from platform_adapters.woocommerce.sandbox.schema import as_bool
from platform_adapters.woocommerce.sandbox.shop import Doc

Reply = tuple[Any, int, dict[str, str]]


def listing(faults: Faults, operation: str, rows: list[Doc], view: Callable[[Doc], Doc]) -> Reply:
    """One page of ``rows``, sorted and cut as the query asks, with X-WP-Total, X-WP-TotalPages and Link."""
    per_page, page = _number("per_page", 10, 1, 100), _number("page", 1, 1)
    if faults.take(operation, "empty_list"):
        rows = []
    start = _number("offset", (page - 1) * per_page, 0)
    if faults.take(operation, "stuck_cursor"):
        page, start = 1, 0
    rows = _sorted(rows)
    pages = -(-len(rows) // per_page)
    headers = {"X-WP-Total": str(len(rows)), "X-WP-TotalPages": str(pages)}
    if links := _links(page, pages):
        headers["Link"] = links
    return [view(row) for row in rows[start : start + per_page]], 200, headers


def filtered(rows: Iterable[Doc], zone: ZoneInfo) -> list[Doc]:
    """By include, exclude, and by dates; what depends on the resource is filtered before."""
    included, excluded = numbers("include"), numbers("exclude")
    tests: list[Callable[[Doc], bool]] = []
    if included:
        tests.append(lambda row: row["id"] in included)
    if excluded:
        tests.append(lambda row: row["id"] not in excluded)
    for name, field, sign in (
        ("modified_after", "modified", 1),
        ("modified_before", "modified", -1),
        ("after", "created", 1),
        ("before", "created", -1),
    ):
        if request.args.get(name):
            tests.append(_date_test(name, field, sign, zone))
    return [row for row in rows if all(test(row) for test in tests)]


def words(name: str) -> list[str]:
    """A list parameter, as ``a,b`` or as repeated ``name[]``."""
    values = [*request.args.getlist(name)[-1:], *request.args.getlist(f"{name}[]")]
    return [word.strip() for value in values for word in value.split(",") if word.strip()]


def numbers(name: str) -> set[int]:
    found = words(name)
    for position, word in enumerate(found):
        if not word.isdigit():
            raise invalid_param(name, f"{name}[{position}] is not of type integer.")
    return {int(word) for word in found}


def narrowed(body: Any) -> Any:
    """Only the fields that ``_fields`` names."""
    wanted = words("_fields")
    if not wanted:
        return body
    if isinstance(body, list):
        return [_only(item, wanted) for item in body]
    return _only(body, wanted)


def _only(item: Any, wanted: list[str]) -> Any:
    return {key: value for key, value in item.items() if key in wanted} if isinstance(item, dict) else item


def _number(name: str, default: int, low: int, high: int | None = None) -> int:
    text = request.args.get(name)
    if text is None or text == "":
        return default
    if not text.lstrip("-").isdigit():
        raise invalid_param(name, f"{name} is not of type integer.")
    value = int(text)
    if value < low or (high is not None and value > high):
        bounds = f"between {low} (inclusive) and {high} (inclusive)" if high else f"greater than or equal to {low}"
        raise invalid_param(name, f"{name} must be {bounds}", "rest_out_of_bounds")
    return value


def _date_test(name: str, field: str, sign: int, zone: ZoneInfo) -> Callable[[Doc], bool]:
    """Strictly after or before, on whole seconds. Site-local unless dates_are_gmt."""
    text = request.args[name]
    try:
        given = datetime.fromisoformat(text)
    except ValueError as error:
        raise invalid_param(name, "Invalid date.", "rest_invalid_date") from error
    if given.tzinfo is None:
        given = given.replace(tzinfo=UTC if as_bool(request.args.get("dates_are_gmt", "")) else zone)
    limit = int(given.timestamp())
    return lambda row: (row[field] - limit) * sign > 0


def _sorted(rows: list[Doc]) -> list[Doc]:
    field = request.args.get("orderby", "date")
    descending = request.args.get("order", "desc") == "desc"
    if field == "include":
        wanted = [int(word) for word in words("include")]
        return sorted(rows, key=lambda row: wanted.index(row["id"]) if row["id"] in wanted else len(wanted))
    key = {"id": "id", "date": "created", "modified": "modified", "title": "name", "slug": "slug"}.get(field)
    if key is None:
        raise invalid_param("orderby", "orderby is not one of date, id, include, title, slug, modified.")
    return sorted(rows, key=lambda row: (row.get(key, 0), row["id"]), reverse=descending)


def _links(page: int, pages: int) -> str:
    found = []
    for word, number in (("prev", page - 1), ("next", page + 1)):
        if 1 <= number <= pages:
            query = urlencode({**request.args, "page": number})
            found.append(f'<{request.base_url}?{query}>; rel="{word}"')
    return ", ".join(found)
