"""Reading orders with what belongs to them: their shipments and credit memos, a call each for many orders at once."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from datetime import datetime

from bridge.domain.reading import moment
from bridge.ports.channel import Page
from bridge.ports.platform import OrderMark
from platform_adapters.magento.client import PAGE, MagentoClient, stuck
from platform_adapters.magento.criteria import Filter, Group, after, among, since
from platform_adapters.magento.orders import order_mark
from platform_adapters.magento.reading import Json, dicts, number, text

BESIDE = "beside"
TRACKS = "entity_id,order_id,updated_at,created_at,tracks[track_number,title,carrier_code]"
MOST_WAITING = 2000


class OrderReader:
    """Thread-safe. What it remembers are shipments without a tracking number: one that is added moves no date."""

    def __init__(self, client: MagentoClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._waiting: dict[int, int] = {}

    def changed(self, since_: datetime, cursor: str | None) -> Page[OrderMark]:
        """Orders that were changed; then those that got a shipment, a tracking number or a credit memo, none of which
        has to move the order's own date."""
        stage, _, place = (cursor or "").partition(":")
        if stage == BESIDE:
            return self._beside(since_, number(place))
        last = number(stage)
        rows = self._client.orders((since("updated_at", since_),), after("entity_id", last)).rows
        if rows and number(rows[0].get("entity_id")) <= last:
            raise stuck("orders")
        more = text(rows[-1]["entity_id"]) if len(rows) == PAGE else f"{BESIDE}:0"
        return Page(items=self._marks(rows), next_cursor=more)

    def whole(self, rows: Sequence[Json]) -> list[tuple[Json, list[Json], list[Json]]]:
        """Each with its shipments and its credit memos."""
        shipments, memos = self._of(rows, "shipments"), self._of(rows, "memos")
        keys = [number(row.get("entity_id")) for row in rows]
        return [(row, shipments.get(key, []), memos.get(key, [])) for key, row in zip(keys, rows, strict=True)]

    def by_id(self, ids: Iterable[str]) -> list[Json]:
        return self._found("entity_id", [key for key in dict.fromkeys(ids) if number(key)])

    def by_number(self, numbers: Iterable[str]) -> list[Json]:
        return self._found("increment_id", list(dict.fromkeys(numbers)))

    def by_external_id(self, ids: Sequence[str], since_: datetime | None) -> list[Json]:
        window = ((since("created_at", since_),),) if since_ else ()
        return self._found("ext_order_id", list(dict.fromkeys(ids)), *window)

    def _found(self, field: str, values: Sequence[str], *window: Group) -> list[Json]:
        rows: list[Json] = []
        for at in range(0, len(values), PAGE):
            chunk = values[at : at + PAGE]
            # One number can be there once in each store view.
            rows += self._client.orders(among(field, chunk), *window, size=2 * PAGE).rows
        return rows

    def _marks(self, rows: Sequence[Json]) -> tuple[OrderMark, ...]:
        return tuple(order_mark(*found) for found in self.whole(rows))

    def _beside(self, since_: datetime, last: int) -> Page[OrderMark]:
        """Those that were changed themselves are listed already."""
        moved: Group = (since("created_at", since_), since("updated_at", since_))
        shipments = self._client.shipments(moved, fields=TRACKS)
        memos = self._client.credit_memos((since("created_at", since_),), fields="entity_id,order_id,created_at")
        touched = {number(row.get("order_id")) for row in (*shipments, *memos)} | self._tracked(shipments)
        later = sorted(key for key in touched if key > last)
        rows = self._found("entity_id", [str(key) for key in later[:PAGE]])
        quiet = [row for row in rows if (moment(row.get("updated_at")) or since_) < since_.replace(microsecond=0)]
        more = f"{BESIDE}:{later[PAGE - 1]}" if len(later) > PAGE else None
        return Page(items=self._marks(quiet), next_cursor=more)

    def _tracked(self, fresh: Sequence[Json]) -> set[int]:
        """Orders of the shipments that were without a number when they were last looked at."""
        with self._lock:
            waiting = list(self._waiting)
        rows: list[Json] = []
        for at in range(0, len(waiting), PAGE):
            group = among("entity_id", [str(key) for key in waiting[at : at + PAGE]])
            rows += self._client.shipments(group, fields=TRACKS)
        orders = {number(row.get("order_id")) for row in rows}
        with self._lock:
            for row in (*fresh, *rows):
                key = number(row.get("entity_id"))
                if any(text(track.get("track_number")) for track in dicts(row.get("tracks"))):
                    self._waiting.pop(key, None)
                elif len(self._waiting) < MOST_WAITING:
                    self._waiting[key] = number(row.get("order_id"))
        return orders

    def _of(self, rows: Sequence[Json], kind: str) -> dict[int, list[Json]]:
        """By order id."""
        ids = [text(row.get("entity_id")) for row in rows]
        read = self._client.shipments if kind == "shipments" else self._client.credit_memos
        found: dict[int, list[Json]] = {}
        for at in range(0, len(ids), PAGE):
            group: Group = (Filter("order_id", "in", ",".join(ids[at : at + PAGE])),)
            for row in read(group):
                found.setdefault(number(row.get("order_id")), []).append(row)
        return found
