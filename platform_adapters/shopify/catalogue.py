"""Reading the store's catalogue: page by page, product by product, and all of a large one by a bulk operation.

A query may cost a thousand points, counted as the documentation does: one for each object, and two and as many as
were asked for each page of a list. Pages are as large as that allows.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from bridge.domain.reading import moment
from bridge.ports.channel import Page
from bridge.ports.errors import AskMerchant, BridgeError, SlowDown
from bridge.ports.http import Transport, patience
from bridge.ports.platform import ProductBatch, ProductRef
from platform_adapters.shopify import bulk, mapping
from platform_adapters.shopify.client import ShopifyClient
from platform_adapters.shopify.documents import bulk_text
from platform_adapters.shopify.facts import Facts
from platform_adapters.shopify.reading import (
    Json,
    chunks,
    cut,
    dicts,
    gid,
    next_cursor,
    nodes,
    number,
    since_filter,
    table,
    text,
    walk,
)
from platform_adapters.shopify.refusals import refuse

T = TypeVar("T")
# A query may cost a thousand, but a bucket holds only two of those: smaller ones get in each other's way less.
BUDGET, AT_ONCE = 400, 2
PRODUCTS, VARIANTS = 250, 200
PRODUCT_POINTS, FIRST_VARIANTS, MOST_LEVELS = 34, 5, 20
BULK_PAGE = 50
# A product of many variants is read in one go: half of it would be worth nothing.
PATIENCE = 60.0
# From here on one export costs less than the pages it stands for.
BULK_FROM = 2000
FRESH = timedelta(hours=1)
WAIT = timedelta(seconds=10)
UNDER_WAY = ("CREATED", "RUNNING", "CANCELING")
BROKEN = ("FAILED", "EXPIRED", "CANCELED")
TOO_OFTEN = 2


class Catalogue:
    """Thread-safe. ``bulk_from``: how many products make a catalogue large."""

    def __init__(
        self,
        client: ShopifyClient,
        transport: Transport,
        facts: Facts,
        clock: Callable[[], datetime],
        bulk_from: int = BULK_FROM,
    ) -> None:
        self._client = client
        self._transport = transport
        self._facts = facts
        self._clock = clock
        self._bulk_from = bulk_from
        self._lock = threading.Lock()
        self._export: tuple[str, list[Json]] | None = None

    # -- lists ------------------------------------------------------------------------------------------------

    def list_products(self, since: datetime | None, cursor: str | None) -> Page[ProductRef]:
        if cursor is not None and cursor.startswith("bulk:"):
            _, operation, offset = cursor.split(":")
            return self._bulk_page(operation, int(offset))
        if since is None and cursor is None and (operation_done := self._exported()) is not None:
            return self._bulk_page(operation_done, 0)
        query, sort = (since_filter(since), "UPDATED_AT") if since else (None, "ID")
        size = 2.0 + PRODUCTS
        data = self._client.ask("products_changed", size, first=PRODUCTS, after=cursor, query=query, sort=sort)
        found = data.get("products")
        now = self._clock()
        refs = tuple(mapping.product_ref(row, now) for row in nodes(found))
        return Page(items=refs, next_cursor=next_cursor(found))

    def list_variants(self, cursor: str | None) -> Page[ProductRef]:
        size = 2.0 + 2 * VARIANTS
        found = self._client.ask("variants_marks", size, first=VARIANTS, after=cursor).get("productVariants")
        now = self._clock()
        refs = tuple(mapping.variant_ref(row, now) for row in nodes(found))
        return Page(items=refs, next_cursor=next_cursor(found))

    # -- products whole ---------------------------------------------------------------------------------------

    def fetch(self, ids: Sequence[str]) -> ProductBatch:
        wanted = [key for key in dict.fromkeys(ids) if key.isdigit()]
        missing = [key for key in ids if not key.isdigit()]
        facts = self._facts.selling
        _, at_once = self._sizes()
        parts = list(chunks(wanted, at_once))
        found = self._transport.each(self._some, parts, AT_ONCE)
        later = [key for part, answer in zip(parts, found, strict=True) if isinstance(answer, SlowDown) for key in part]
        rows = {number(row["id"]): row for part in _but_slow(found) for row in part}
        later += self._complete_all(rows)
        products = tuple(mapping.product(rows[key], facts) for key in wanted if key in rows and key not in later)
        missing += [key for key in wanted if key not in rows and key not in later]
        return ProductBatch(products=products, missing=tuple(missing), later=tuple(later))

    def _complete_all(self, rows: dict[str, Json]) -> list[str]:
        """Read what did not fit. Returns the products for which there was no time."""
        cut = {key: row for key, row in rows.items() if _is_cut(row)}
        ends = self._transport.each(self._complete, list(cut.values()), AT_ONCE)
        late = [key for key, answer in zip(cut, ends, strict=True) if isinstance(answer, SlowDown)]
        if len(late) < len(rows):
            good([answer for answer in ends if not isinstance(answer, SlowDown)])
        else:
            good(ends)
        return late

    def _some(self, ids: Sequence[str]) -> list[Json]:
        points, _ = self._sizes()
        gids = [gid("Product", key) for key in ids]
        levels = self._levels
        data = self._client.ask("products_by_id", points * len(ids), ids=gids, variants=FIRST_VARIANTS, levels=levels)
        return [row for row in dicts(data.get("nodes")) if row.get("id")]

    def _complete(self, row: Json) -> None:
        """The variants that did not fit into the first page, and the stock levels that did not fit into theirs."""
        each = 9 + 3 * self._levels
        first = max(1, min(100, BUDGET // each))

        def ask(cursor: str) -> Any:
            arguments = {"id": row["id"], "first": first, "after": cursor, "levels": self._levels}
            with patience(PATIENCE):
                data = self._client.ask("product_variants", 3.0 + first * each, **arguments)
            return table(data.get("product")).get("variants")

        rows = walk(row.get("variants"), ask)
        row["variants"] = {"nodes": rows}
        for item in (table(variant.get("inventoryItem")) for variant in rows):
            if next_cursor(item.get("inventoryLevels")):
                item["inventoryLevels"] = {"nodes": self.levels(text(item.get("id")))}

    def levels(self, item: str) -> list[Json]:
        """All stock levels of an inventory item. Raises RetryLater when it is gone: no levels would be no stock."""

        def ask(cursor: str | None) -> Any:
            found = self._client.ask("item_levels", 303, id=item, after=cursor).get("inventoryItem")
            return table(found).get("inventoryLevels")

        first = ask(None)
        if not isinstance(first, dict):
            raise cut("the inventory item is gone")
        return walk(first, ask)

    @property
    def _levels(self) -> int:
        return min(max(1, len(self._facts.shop.places)), MOST_LEVELS)

    def _sizes(self) -> tuple[float, int]:
        """What a product costs, and how many go into one query."""
        points = PRODUCT_POINTS + FIRST_VARIANTS * (9 + 3 * self._levels)
        return points, max(1, BUDGET // points)

    # -- a large catalogue ------------------------------------------------------------------------------------

    def _exported(self) -> str | None:
        """The export to read; None where paging does as well. Raises SlowDown while it is made."""
        count = table(self._client.ask("shop", 5).get("productsCount")).get("count")
        if not isinstance(count, int) or count < self._bulk_from:
            return None
        ours = self._operations()
        if any(row.get("status") in UNDER_WAY for row in ours):
            raise self._wait()
        latest = next((row for row in ours if row.get("status") == "COMPLETED"), None)
        if latest is not None and self._is_fresh(latest):
            return number(latest["id"])
        failed = [row for row in ours if row.get("status") in BROKEN and self._is_fresh(row)]
        if len(failed) >= TOO_OFTEN:
            return None
        if any(row.get("errorCode") == "ACCESS_DENIED" for row in failed):
            raise AskMerchant(
                "Shopify: the app may not export the products. Give it the scopes named in the instructions."
            )
        answer = self._client.tell("bulk_run", query=bulk_text("bulk_products"), repeatable=True)
        refuse(answer.get("bulkOperationRunQuery"), busy=("OPERATION_IN_PROGRESS", "LIMIT_REACHED"))
        raise self._wait()

    def _operations(self) -> list[Json]:
        """Exports of ours that are not old: the store remembers them, no process has to."""
        since = self._clock() - timedelta(days=1)
        query = f"operation_type:query created_at:>='{since:%Y-%m-%dT%H:%M:%SZ}'"
        rows = nodes(self._client.ask("bulk_recent", 22, query=query).get("bulkOperations"))
        wanted = " ".join(bulk_text("bulk_products").split())
        return [row for row in rows if " ".join(text(row.get("query")).split()) == wanted]

    def _is_fresh(self, row: Json) -> bool:
        ended = moment(row.get("completedAt")) or moment(row.get("createdAt"))
        return ended is not None and ended > self._clock() - FRESH

    def _wait(self) -> SlowDown:
        return SlowDown("Shopify: the store is writing out its catalogue; it is read when that is done.", after=WAIT)

    def _bulk_page(self, operation: str, offset: int) -> Page[ProductRef]:
        facts, rows = self._facts.selling, self._export_of(operation)
        part = rows[offset : offset + BULK_PAGE]
        now = self._clock()
        refs = [
            mapping.product_ref(row, now).model_copy(update={"product": mapping.product(row, facts)}) for row in part
        ]
        more = offset + BULK_PAGE < len(rows)
        return Page(items=tuple(refs), next_cursor=f"bulk:{operation}:{offset + BULK_PAGE}" if more else None)

    def _export_of(self, operation: str) -> list[Json]:
        """Downloaded once for a walk through its pages."""
        with self._lock:
            if self._export is None or self._export[0] != operation:
                row = table(self._client.ask("bulk_status", 1, id=gid("BulkOperation", operation)).get("bulkOperation"))
                url = text(row.get("url"))
                self._export = (operation, bulk.products(self._client.download(url)) if url else [])
            return self._export[1]


def _is_cut(row: Json) -> bool:
    variants = row.get("variants")
    items = (table(variant.get("inventoryItem")) for variant in nodes(variants))
    return next_cursor(variants) is not None or any(next_cursor(item.get("inventoryLevels")) for item in items)


def _but_slow(answers: Sequence[T | BridgeError]) -> list[T]:
    """Those that came; that the store wants fewer calls is no fault as long as anything came at all."""
    came = [answer for answer in answers if not isinstance(answer, SlowDown)]
    return good(came or answers)


def good(answers: Sequence[T | BridgeError]) -> list[T]:
    """The answers; the first error among them is raised."""
    result: list[T] = []
    for answer in answers:
        if isinstance(answer, BridgeError):
            raise answer
        result.append(answer)
    return result
