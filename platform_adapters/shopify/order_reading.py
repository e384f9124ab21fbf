"""Reading orders whole, many at once: the order, then the lines of its fulfilments and refunds where there are any."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.ports.http import Transport
from platform_adapters.shopify.catalogue import good
from platform_adapters.shopify.client import ShopifyClient
from platform_adapters.shopify.reading import Json, chunks, dicts, gid, kind, next_cursor, nodes, table

# Points of one order, and of one fulfilment or refund with its lines; a query may cost a thousand.
ORDER_POINTS, HOLDER_POINTS = 150, 104
AT_ONCE, HOLDERS_AT_ONCE, WORKERS = 3, 4, 2
MOST_PAGES = 50
DOCUMENTS = {
    "fulfillments": ("fulfilments_by_id", "fulfillmentLineItems"),
    "refunds": ("refunds_by_id", "refundLineItems"),
}


class OrderReader:
    def __init__(self, client: ShopifyClient, transport: Transport) -> None:
        self._client = client
        self._transport = transport

    def read(self, ids: Sequence[str]) -> list[Json]:
        """Those that exist, in the order of their numbers."""
        found = good(self._transport.each(self._some, list(chunks(ids, AT_ONCE)), WORKERS))
        return self.whole([row for part in found for row in part])

    def whole(self, rows: Sequence[Json]) -> list[Json]:
        for row in rows:
            self._all_lines(row)
        for name, (document, lines) in DOCUMENTS.items():
            self._units([item for row in rows for item in dicts(row.get(name))], document, lines)
        return list(rows)

    def _some(self, ids: Sequence[str]) -> list[Json]:
        gids = [gid("Order", key) for key in ids]
        data = self._client.ask("orders_by_id", float(ORDER_POINTS * len(ids)), ids=gids)
        return [row for row in dicts(data.get("nodes")) if kind(row.get("id")) == "Order"]

    def _all_lines(self, row: Json) -> None:
        rows, cursor = nodes(row.get("lineItems")), next_cursor(row.get("lineItems"))
        for _ in range(MOST_PAGES):
            if cursor is None:
                break
            page = table(self._client.ask("order_lines", 600, id=row["id"], after=cursor).get("order")).get("lineItems")
            rows += nodes(page)
            cursor = next_cursor(page)
        row["lineItems"] = {"nodes": rows}

    def _units(self, holders: Sequence[Json], document: str, lines: str) -> None:
        """The lines of each, as ``units``."""
        by_id = {str(item["id"]): item for item in holders if item.get("id")}
        for part in chunks(list(by_id), HOLDERS_AT_ONCE):
            for found in self._holders(document, part, None):
                page, target = table(found.get(lines)), by_id.get(str(found.get("id")), {})
                target["units"] = nodes(page)
                self._more(document, lines, target, next_cursor(page))

    def _more(self, document: str, lines: str, target: Json, cursor: str | None) -> None:
        for _ in range(MOST_PAGES):
            if cursor is None:
                return
            page = next((table(row.get(lines)) for row in self._holders(document, [str(target["id"])], cursor)), {})
            target["units"] += nodes(page)
            cursor = next_cursor(page)

    def _holders(self, document: str, ids: Sequence[str], after: str | None) -> list[Json]:
        data = self._client.ask(document, float(HOLDER_POINTS * len(ids)), ids=list(ids), after=after)
        return dicts(data.get("nodes"))
