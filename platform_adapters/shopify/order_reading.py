"""Reading orders whole, many at once: the order, then the lines of its fulfilments and refunds where there are any."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from bridge.ports.http import Transport
from platform_adapters.shopify.catalogue import good
from platform_adapters.shopify.client import ShopifyClient
from platform_adapters.shopify.reading import Json, chunks, cut, dicts, gid, kind, table, walk

# Points of one order, and of one fulfilment or refund with its lines; a query may cost a thousand.
ORDER_POINTS, HOLDER_POINTS = 150, 104
AT_ONCE, HOLDERS_AT_ONCE, WORKERS = 3, 4, 2
# How many an order brings along; neither list has pages, and where as many came there may be more.
FIRST = {"fulfillments": 10, "refunds": 20}
REST, REST_POINTS = 150, 750
DOCUMENTS = {
    "fulfillments": ("fulfilments_by_id", "fulfillmentLineItems"),
    "refunds": ("refunds_by_id", "refundLineItems"),
}


# The statuses of an order in which something of a return may have been processed.
IN_RETURN = ("IN_PROGRESS", "INSPECTION_COMPLETE", "RETURNED", "RETURN_FAILED")


class OrderReader:
    """``returned``: what returns of an order have given back (ReturnKeeper.given_back)."""

    def __init__(self, client: ShopifyClient, transport: Transport, returned: Callable[[Json], Json]) -> None:
        self._client = client
        self._transport = transport
        self._returned = returned

    def read(self, ids: Sequence[str]) -> list[Json]:
        """Those that exist, in the order of their numbers."""
        found = good(self._transport.each(self._some, list(chunks(ids, AT_ONCE)), WORKERS))
        return self.whole([row for part in found for row in part])

    def whole(self, rows: Sequence[Json]) -> list[Json]:
        for row in rows:
            self._all_lines(row)
            self._rest(row)
            row["returned"] = self._returned(row) if row.get("returnStatus") in IN_RETURN else {}
        for name, (document, lines) in DOCUMENTS.items():
            self._units([item for row in rows for item in dicts(row.get(name))], document, lines)
        return list(rows)

    def _some(self, ids: Sequence[str]) -> list[Json]:
        gids = [gid("Order", key) for key in ids]
        data = self._client.ask("orders_by_id", float(ORDER_POINTS * len(ids)), ids=gids)
        return [row for row in dicts(data.get("nodes")) if kind(row.get("id")) == "Order"]

    def _all_lines(self, row: Json) -> None:
        def ask(cursor: str) -> Any:
            return table(self._client.ask("order_lines", 600, id=row["id"], after=cursor).get("order")).get("lineItems")

        row["lineItems"] = {"nodes": walk(row.get("lineItems"), ask)}

    def _rest(self, row: Json) -> None:
        """Fulfilments and refunds that did not come along with the order."""
        if all(len(dicts(row.get(name))) < most for name, most in FIRST.items()):
            return
        found = table(self._client.ask("order_rest", REST_POINTS, id=row["id"], first=REST).get("order"))
        if not found or any(len(dicts(found.get(name))) == REST for name in FIRST):
            raise cut(f"{row['id']} is gone, or has more than can be read")
        row |= {name: found.get(name) for name in FIRST}

    def _units(self, holders: Sequence[Json], document: str, lines: str) -> None:
        """The lines of each, as ``units``."""
        by_id = {str(item["id"]): item for item in holders if item.get("id")}
        for part in chunks(list(by_id), HOLDERS_AT_ONCE):
            first = self._holders(document, lines, part, None)
            for key in part:
                ask = partial(self._page, document, lines, key)
                # One that is gone between two questions: its units would be taken for none.
                by_id[key]["units"] = walk(first.get(key) or ask(None), ask)

    def _page(self, document: str, lines: str, key: str, after: str | None) -> Json:
        found = self._holders(document, lines, [key], after).get(key)
        if found is None:
            raise cut(f"{key} is gone")
        return found

    def _holders(self, document: str, lines: str, ids: Sequence[str], after: str | None) -> dict[str, Json]:
        data = self._client.ask(document, float(HOLDER_POINTS * len(ids)), ids=list(ids), after=after)
        return {str(row["id"]): table(row.get(lines)) for row in dicts(data.get("nodes")) if row.get("id")}
