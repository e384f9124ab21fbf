"""What the sandbox store remembers: documents of the kit, numbers, the clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from bridge.ports.sandbox import Documents
from platform_adapters.magento.sandbox.options import Options

Doc = dict[str, Any]
VIEW, VIEW_ID, WEBSITE, WEBSITE_ID = "default", 1, "base", 1


class Shop:
    """``clock_shift`` seconds ahead of the real time. ``changed`` hears of whatever is written, as triggers do."""

    def __init__(self, docs: Documents, options: Options) -> None:
        self.docs = docs
        self.options = options
        self.clock_shift = 0.0
        self.changed: Callable[[str, str, Doc], None] = lambda _kind, _key, _doc: None

    def seconds(self) -> float:
        """By the store's own clock."""
        return time.time() + self.clock_shift

    def now(self) -> str:
        """UTC with whole seconds, whatever the store's time zone."""
        return datetime.fromtimestamp(self.seconds(), UTC).strftime("%Y-%m-%d %H:%M:%S")

    def all(self, kind: str) -> list[Doc]:
        return list(self.docs.all(kind).values())

    def get(self, kind: str, key: int | str) -> Doc | None:
        found: Doc | None = self.docs.get(kind, str(key))
        return found

    def put(self, kind: str, key: int | str, doc: Doc) -> Doc:
        self.docs.put(kind, str(key), doc)
        self.changed(kind, str(key), doc)
        return doc

    def remove(self, kind: str, key: int | str) -> None:
        doc = self.get(kind, key)
        self.docs.remove(kind, str(key))
        if doc is not None:
            self.changed(kind, str(key), doc)

    def next_id(self, kind: str) -> int:
        return self.docs.next_id(kind)

    def by_sku(self, sku: str) -> Doc | None:
        """A SKU is looked up without its case."""
        wanted = sku.lower()
        return next((doc for doc in self.all("products") if doc["sku"].lower() == wanted), None)
