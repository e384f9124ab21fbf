"""Which product is a child of which configurable one: the store tells it on the parent only."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from platform_adapters.magento.client import PAGES, MagentoClient, stuck
from platform_adapters.magento.criteria import Filter, after
from platform_adapters.magento.mapping import CONFIGURABLE, links
from platform_adapters.magento.reading import Json, number, text

KEEP = timedelta(minutes=15)
FIELDS = "items[id,type_id,extension_attributes[configurable_product_links]],total_count"


class Families:
    """Thread-safe; a cache. A child of several parents belongs to the oldest of them."""

    def __init__(self, client: MagentoClient, clock: Callable[[], datetime]) -> None:
        self._client = client
        self._clock = clock
        self._lock = threading.Lock()
        self._children: dict[int, tuple[int, ...]] = {}
        self._parents: dict[int, int] = {}
        self._until: datetime | None = None

    def parent(self, child: int) -> int | None:
        with self._lock:
            if self._until is None or self._until < self._clock():
                self._read()
                self._until = self._clock() + KEEP
            return self._parents.get(child)

    def learn(self, rows: Iterable[Json]) -> None:
        """From products as they have just been listed."""
        with self._lock:
            changed = False
            for row in rows:
                key, found = number(row.get("id")), tuple(links(row))
                found = found if text(row.get("type_id")) == CONFIGURABLE else ()
                if self._children.get(key, ()) != found:
                    self._children[key], changed = found, True
            if changed:
                self._turn()

    def own(self, raw: Json) -> list[int]:
        """The children of a configurable product that are no other's."""
        key = number(raw.get("id"))
        with self._lock:
            return [child for child in links(raw) if self._parents.get(child, key) == key]

    def _read(self) -> None:
        children: dict[int, tuple[int, ...]] = {}
        kind, last = (Filter("type_id", "eq", CONFIGURABLE),), 0
        for _ in range(PAGES * 10):
            listing = self._client.products(kind, after("entity_id", last), scope="all", fields=FIELDS)
            if not listing.rows:
                break
            if number(listing.rows[-1].get("id")) <= last:
                raise stuck("products")
            last = number(listing.rows[-1].get("id"))
            children |= {number(row.get("id")): tuple(links(row)) for row in listing.rows}
        self._children = children
        self._turn()

    def _turn(self) -> None:
        self._parents = {}
        for parent in sorted(self._children):
            for child in self._children[parent]:
                self._parents.setdefault(child, parent)
