"""The shop's state: products, orders and webhooks as documents, with the clock and the indexes everything needs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from bridge.ports.sandbox import Documents
from platform_adapters.woocommerce.sandbox.options import Options

Doc = dict[str, Any]
Listener = Callable[[str, int], None]
Watcher = Callable[[str, int, Doc | None, str], None]


class Shop:
    """All changes go through ``save`` and ``remove``, under the lock of the documents.

    ``dry`` makes the request at hand a pretence: accepted, answered, and not applied.
    """

    def __init__(self, docs: Documents, options: Options) -> None:
        self.docs = docs
        self.options = options
        self.zone = ZoneInfo(options.timezone)
        self.clock_shift = 0.0
        self.dry = False
        self.listener: Listener | None = None
        self.watcher: Watcher | None = None
        self._skus: dict[str, int] = {}
        self._gtins: dict[str, int] = {}
        self._children: dict[int, set[int]] = {}
        self.reindex()

    # -- time -------------------------------------------------------------------------------------------------

    def now(self) -> int:
        return int(time.time() + self.clock_shift)

    def local(self, stamp: int | None) -> str | None:
        """Site-local time without an offset, as ``date_created`` and its like."""
        return None if stamp is None else datetime.fromtimestamp(stamp, self.zone).strftime("%Y-%m-%dT%H:%M:%S")

    def gmt(self, stamp: int | None) -> str | None:
        return None if stamp is None else datetime.fromtimestamp(stamp, UTC).strftime("%Y-%m-%dT%H:%M:%S")

    # -- documents --------------------------------------------------------------------------------------------

    def all(self, kind: str) -> list[Doc]:
        return list(self.docs.all(kind).values())

    def get(self, kind: str, number: int) -> Doc | None:
        found: Doc | None = self.docs.get(kind, str(number))
        return found

    def next_id(self) -> int:
        """Products, orders and refunds share one row of numbers, as WordPress posts do."""
        return self.docs.next_id("post", 11)

    def next_number(self, name: str) -> int:
        return self.docs.next_id(name)

    def save(self, kind: str, doc: Doc) -> None:
        if self.dry:
            return
        if kind == "products":
            self._unindex(doc["id"])
            self._index(doc)
        event = "deleted" if doc.get("status") == "trash" else "updated"
        self.docs.put(kind, str(doc["id"]), doc)
        if self.watcher is not None:
            self.watcher(kind, doc["id"], doc, event)

    def remove(self, kind: str, number: int) -> None:
        if self.dry:
            return
        old = self.get(kind, number)
        if kind == "products":
            self._unindex(number)
        self.docs.remove(kind, str(number))
        if self.watcher is not None:
            self.watcher(kind, number, old, "deleted")

    def fire(self, topic: str, number: int) -> None:
        """Something happened that a webhook may want to hear of."""
        if self.listener is not None and not self.dry:
            self.listener(topic, number)

    # -- indexes ----------------------------------------------------------------------------------------------

    def reindex(self) -> None:
        self._skus.clear()
        self._gtins.clear()
        self._children.clear()
        for doc in self.all("products"):
            self._index(doc)

    def by_sku(self, sku: str) -> Doc | None:
        """The product or variation with this SKU, the bin left out."""
        number = self._skus.get(sku.strip().lower())
        return None if number is None else self.get("products", number)

    def by_gtin(self, gtin: str) -> Doc | None:
        number = self._gtins.get(gtin)
        return None if number is None else self.get("products", number)

    def variations(self, parent: int, *, trashed: bool = False) -> Iterator[Doc]:
        for number in sorted(self._children.get(parent, ())):
            doc = self.get("products", number)
            if doc is not None and (trashed or doc["status"] != "trash"):
                yield doc

    def _index(self, doc: Doc) -> None:
        if doc["parent_id"]:
            self._children.setdefault(doc["parent_id"], set()).add(doc["id"])
        if doc["status"] == "trash":
            return
        if doc["sku"]:
            self._skus[doc["sku"].lower()] = doc["id"]
        if doc["global_unique_id"]:
            self._gtins[doc["global_unique_id"]] = doc["id"]

    def _unindex(self, number: int) -> None:
        old = self.get("products", number)
        if old is None:
            return
        for index, value in ((self._skus, old["sku"].lower()), (self._gtins, old["global_unique_id"])):
            if index.get(value) == number:
                del index[value]
        self._children.get(old["parent_id"], set()).discard(number)
