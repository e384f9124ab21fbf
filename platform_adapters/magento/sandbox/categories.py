"""The categories of the sandbox store: its own, and those that the merchant has added in the admin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from platform_adapters.magento.sandbox.catalogue import CATEGORIES
from platform_adapters.magento.sandbox.shop import Doc, Shop

ADDED = 100  # the numbers of those begin here
KIND = "categories"


class Categories:
    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    def tree(self, _call: Any = None) -> Doc:
        """As the REST API shows it, from the root category down."""
        return self._with_added(CATEGORIES)

    def _with_added(self, node: Doc) -> Doc:
        added = [doc for doc in self._shop.all(KIND) if doc["parent_id"] == node["id"]]
        below = [self._with_added(child) for child in (*node["children_data"], *added)]
        return {**node, "children_data": below}

    def make(self, path: Sequence[str]) -> int:
        """The category at this path from below the root, made with all above it where it is not there yet."""
        node = self.tree()
        for name in path:
            known = [one for one in node["children_data"] if one["name"] == name]
            node = known[0] if known else self._new(node, name)
        return int(node["id"])

    def _new(self, above: Doc, name: str) -> Doc:
        number = ADDED + self._shop.next_id("category")
        doc: Doc = {"id": number, "parent_id": above["id"], "name": name, "is_active": True, "position": 1}
        doc |= {"level": above["level"] + 1, "product_count": 0, "children_data": []}
        self._shop.put(KIND, number, doc)
        return doc
