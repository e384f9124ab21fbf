"""Values of doubtful presence out of the store's JSON, and its ids: ``gid://shopify/Product/1`` is 1 of a Product."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from bridge.domain.money import Money
from bridge.domain.reading import amount, moment
from bridge.ports.errors import RetryLater

Json = dict[str, Any]
T = TypeVar("T")
FRESH = timedelta(seconds=10)
# A product has up to 2,048 variants, and where there are many locations they come five at a time.
MOST_PAGES = 1000


def number(gid: Any) -> str:
    """The number in an id, by which webhooks and the admin's addresses know the same thing."""
    return str(gid or "").rpartition("/")[2].partition("?")[0]


def kind(gid: Any) -> str:
    parts = str(gid or "").split("/")
    return parts[-2] if len(parts) > 1 else ""


def gid(type_: str, number_: str) -> str:
    return f"gid://shopify/{type_}/{number_}"


def table(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def nodes(connection: Any) -> list[Json]:
    """The rows of a page, those that are gone left out."""
    return dicts(table(connection).get("nodes"))


def dicts(value: Any) -> list[Json]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def next_cursor(connection: Any) -> str | None:
    """Raises RetryLater for a page that has a next one and does not say where: half a list is none."""
    page = table(table(connection).get("pageInfo"))
    cursor = page.get("endCursor")
    if page.get("hasNextPage") and not cursor:
        raise cut("a page without a cursor")
    return str(cursor) if page.get("hasNextPage") else None


def walk(first: Any, ask: Callable[[str], Any]) -> list[Json]:
    """All rows of a list: those of its first page, and of the pages that ``ask`` brings by their cursors. Raises
    RetryLater where it breaks off (its owner is gone meanwhile) or never ends."""
    rows, cursor = nodes(first), next_cursor(first)
    seen: set[str] = set()
    while cursor is not None:
        if cursor in seen or len(seen) == MOST_PAGES:
            raise cut("the list never ends")
        seen.add(cursor)
        page = ask(cursor)
        if not isinstance(page, dict):
            raise cut("the list was gone before its end")
        rows += nodes(page)
        cursor = next_cursor(page)
    return rows


def cut(why: str) -> RetryLater:
    return RetryLater("Shopify: a list came without its end; it is read again later.", developer=why)


def text(value: Any) -> str:
    return "" if value is None else str(value).strip()


def settled(changed: Any, now: datetime) -> str:
    """A mark made of the time of the last change. Times have whole seconds: of what has changed just now the mark is
    another one at the next look, so that a second change within that second is not missed."""
    when = moment(changed)
    is_fresh = when is not None and now - when < FRESH
    return f"{text(changed)}~" if is_fresh else text(changed)


def since_filter(when: datetime) -> str:
    """For lists: what changed since then."""
    return f"updated_at:>='{when.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}'"


def money(bag: Any, side: str = "presentmentMoney") -> Money | None:
    """One side of a MoneyBag; None where it tells none."""
    found = table(table(bag).get(side))
    value, currency = amount(found.get("amount")), text(found.get("currencyCode"))
    return Money.of(value, currency) if value is not None and len(currency) == 3 else None


def attributes(value: Any) -> dict[str, str]:
    """Custom attributes of an order or a line, by key."""
    return {text(item.get("key")): text(item.get("value")) for item in dicts(value)}


def chunks(items: Sequence[T], size: int) -> Iterable[Sequence[T]]:
    return (items[at : at + size] for at in range(0, len(items), size))
