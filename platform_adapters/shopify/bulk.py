"""The lines a bulk operation leaves, put together again as products. Pure.

Every object is a line of its own, in any order, and says whose child it is (``__parentId``). Of an inventory level that
may be the variant or its inventory item: the documentation does not say which.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from platform_adapters.shopify.reading import Json, kind, table

_PLACES = {"ProductVariant": "variants", "Metafield": "metafields", "InventoryLevel": "inventoryLevels"}


def products(content: bytes) -> list[Json]:
    """Products in the shape that single queries have. Lines that are no JSON objects are left out."""
    rows = list(_rows(content))
    holders: dict[str, Json] = {}
    for row in rows:
        holders[str(row.get("id"))] = row
        item = row.get("inventoryItem")
        if isinstance(item, dict):
            holders[str(item.get("id"))] = row
    for row in rows:
        parent = holders.get(str(row.get("__parentId")))
        if parent is not None:
            _place(parent, row)
    return [row for row in rows if kind(row.get("id")) == "Product"]


def _place(parent: Json, row: Json) -> None:
    place = _PLACES.get(kind(row.get("id")), "media")
    holder = parent.setdefault("inventoryItem", {}) if place == "inventoryLevels" else parent
    table(holder.setdefault(place, {"nodes": []}))["nodes"].append(row)


def _rows(content: bytes) -> Iterator[Json]:
    for line in _lines(content):
        try:
            row: Any = json.loads(line, parse_float=Decimal)
        except ValueError:
            continue
        if isinstance(row, dict):
            yield row


def _lines(content: bytes) -> Iterable[bytes]:
    return (line for line in content.split(b"\n") if line.strip())
