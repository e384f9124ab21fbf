"""A Magento store made of nothing but the official description (Swagger 2), and of how real ones part from it: ids and amounts
as text or number, ``items: null``, wrong totals, refusals with parameters.

A product or an order follows from the seed and its id, so that it is the same wherever it is met.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from flask import Flask, Response, request

from tests.support.described import Generator, Json, read
from tests.support.described_store import odd_answer

MOMENTS = ("2026-11-20 10:30:00", "2026-11-20 11:59:59", "2024-01-01 00:00:00")
HINTS = {
    **{f"{side}_currency_code": "EUR" for side in ("base", "order", "store", "global")},
    "created_at": MOMENTS[0],
    "updated_at": MOMENTS[1],
    "sku": "SKU-1",
    "base_currency_code": "EUR",
    "timezone": "Europe/Amsterdam",
    "weight_unit": "kgs",
    "ext_order_item_id": "storebridge|bol:1|L-1",
    "increment_id": "MP-bol-1",
    "track_number": "3S0001",
    "source_code": "default",
}
# What a field holds in life where the description says only that it is a number or a text.
CHOICES: dict[str, tuple[Any, ...]] = {
    "state": ("new", "processing", "complete", "closed", "canceled", "holded", "payment_review", "never_heard_of"),
    "type_id": ("simple", "simple", "simple", "virtual", "bundle", "never_heard_of"),
    "status": (1, 2, "1"),
    "visibility": (1, 4, "4"),
    "code": ("default", "base"),
    "is_active": (1, True, "1"),
    "stock_id": (1, "2"),
    "website_id": (1, "1"),
    "manage_stock": (True, False, "1", 0),
    "backorders": (0, 1, "2"),
    **dict.fromkeys(
        ("qty_ordered", "qty_shipped", "qty_canceled", "qty_refunded", "qty"), (0, 1, 2, "3.0000", 2.5, "1", None)
    ),
}
NEVER_LEFT_OUT = (
    "stock_id",
    "qty_ordered",
    "items",
    "type_id",
    "status",
    "state",
    "grand_total",
    "order_currency_code",
)
QUANTITIES = (0, 1, 7, "12.0000", 2.5, -3, "0", 10**7)
SKUS = ("SKU-1", "a/b c", "€ Größe", "1,2", "0")
MESSAGES: tuple[Json, ...] = (
    {"message": "No such entity with %fieldName = %fieldValue", "parameters": {"fieldName": "id", "fieldValue": 7}},
    {"message": "The product that was requested doesn't exist. %1 %2", "parameters": ["x"]},
    {"message": "Bad", "parameters": None, "errors": [{"message": "%1 is odd", "parameters": [None]}, None, "x"]},
    {"message": "Could not save Source Item Configuration", "trace": None},
    {"message": "Unique constraint violation found"},
    {"message": None},
    {
        "message": "The consumer isn't authorized to access %resources.",
        "parameters": {"resources": "Magento_Sales::sales"},
    },
)
KEYS = {
    "products": "id",
    "orders": "entity_id",
    "orders/items": "item_id",
    "shipments": "entity_id",
    "creditmemos": "entity_id",
}
ATTRIBUTES = [
    {"attribute_id": 93, "attribute_code": "color", "default_frontend_label": None, "frontend_input": "select",
     "options": [{"label": " ", "value": ""}, {"label": "Red", "value": "4"}, {"label": None, "value": 5}]},
    {"attribute_id": "137", "attribute_code": "size", "options": None},
]  # fmt: skip


class DescribedMagento:
    def __init__(self, file: Path, seed: str, *, odd: bool = True) -> None:
        self._spec = _read(file)
        self.seed = seed
        self.odd = odd
        self._times: dict[str, int] = {}

    def app(self) -> Flask:
        app = Flask("described_magento")
        methods = ["GET", "POST", "PUT", "DELETE"]
        app.add_url_rule("/rest/<scope>/V1/<path:path>", "any", self._answer, methods=methods)
        return app

    def order(self, key: int) -> Json:
        raw = self._made("sales-data-order-interface", "order", str(key))
        items = [self._item(item, key * 10 + place) for place, item in enumerate(raw.get("items") or ())]
        return raw | {"entity_id": self._id(key), "items": items}

    def product(self, key: int) -> Json:
        raw = self._made("catalog-data-product-interface", "product", str(key))
        own = self._rng("own", str(key)).choice(
            (None, [], [{"attribute_code": "color", "value": "4"}, {"attribute_code": "special_price", "value": None}],
             [{"attribute_code": "tax_class_id", "value": ["2"]}, {"attribute_code": "ean", "value": {"a": 1}}, {}])
        )  # fmt: skip
        return raw | {"id": self._id(key), "sku": f"{SKUS[key % len(SKUS)]}-{key}", "custom_attributes": own}

    def salable(self, sku: str) -> Any:
        return self._rng("salable", sku).choice(QUANTITIES)

    def _item(self, raw: Json, key: int) -> Json:
        rng = self._rng("item", str(key))
        made = {name: part for name, part in raw.items() if name not in ("parent_item", "parent_item_id")}
        if key % 10 and rng.random() < 0.2:
            made["parent_item_id"] = self._id(key - 1)
        return made | {"item_id": self._id(key), "sku": raw.get("sku") or "SKU-1"}

    def _id(self, key: int) -> int | str:
        return str(key) if self._rng("id", str(key)).random() < 0.3 else key

    def _rng(self, *of: str) -> random.Random:
        return random.Random("|".join((self.seed, *of)))

    def _made(self, definition: str, kind: str, key: str) -> Json:
        rng = self._rng(kind, key)
        made = Generator(self._spec, rng, HINTS).value({"$ref": f"#/definitions/{definition}"}, 3)
        found: Json = self._real(made, rng)
        return found

    # -- answers ----------------------------------------------------------------------------------------------

    def _answer(self, scope: str, path: str) -> Response:
        text = f"{request.method} {scope} {request.full_path} {request.get_data(as_text=True)}"
        self._times[text] = self._times.get(text, 0) + 1
        rng = self._rng("answer", text, str(self._times[text]))
        if self.odd and (odd := odd_answer(rng)) is not None:
            return Response(odd[2], odd[0], content_type=odd[1])
        if path.startswith("storebridge/"):
            return _json({"message": "Request does not match any route."}, 404)
        # Refused with a 400, a product is not in the stock (measured).
        if self.odd and rng.random() < 0.04 and "salable-quantity" not in path:
            return _json(rng.choice(MESSAGES), rng.choice((400, 400, 404, 401, 500)))
        return _json(self._body(path, rng), 200)

    def _body(self, path: str, rng: random.Random) -> Any:
        if path in KEYS:
            return self._list(path, rng) if request.method == "GET" else self._saved(path, rng)
        if path == "products/attributes":
            return {"items": ATTRIBUTES, "total_count": rng.choice((2, 0, 500, None))}
        if found := re.fullmatch(r"orders/(\d+)", path):
            return self.order(int(found[1]))
        if path.startswith("inventory/get-product-salable-quantity/"):
            return self.salable(path.split("/", 2)[2].rpartition("/")[0])
        if path.startswith("inventory/export-stock-salable-qty/"):
            return rng.choice(
                ({"items": []}, {"items": None, "total_count": 0}, {"items": [{"sku": "x"}], "total_count": 9})
            )
        return self._described(path, rng)

    def _described(self, path: str, rng: random.Random) -> Any:
        for raw, methods in self._spec["paths"].items():
            pattern = ".+".join(map(re.escape, re.split(r"\{[^}]*\}", raw.removeprefix("/V1/"))))
            if re.fullmatch(pattern, path.strip("/")) and request.method.lower() in methods:
                schema = methods[request.method.lower()]["responses"].get("200", {}).get("schema")
                # Measured: ids come as text, and where nothing is described an empty list.
                made = self._real(Generator(self._spec, rng, HINTS).value(schema, 3), rng) if schema else []
                return made if not isinstance(made, dict) or "items" not in made else self._cut(made["items"], rng)
        raise AssertionError(f"no such operation: {request.method} {path}")

    def _saved(self, path: str, rng: random.Random) -> Any:
        if rng.random() < 0.1:
            return {"entity_id": None}
        return self.order(rng.randint(1, 99)) if path == "orders" else self.product(rng.randint(1, 99))

    def _list(self, path: str, rng: random.Random) -> Json:
        """By key: those that are asked for, or the next few; never a row twice."""
        asked = _filters(request.args)
        key = KEYS[path]
        field = "entity_id" if path == "products" else key
        if wanted := asked.get((field, "in")) or asked.get((field, "eq")):
            numbers = [int(item) for item in wanted.split(",") if rng.random() < 0.9 or not self.odd]
        else:
            last = int(asked.get((field, "gt")) or 0)
            numbers = [last + 1 + step for step in range(rng.choice((0, 1, 2, 3)))] if last < 6 else []
        if path == "orders":
            rows = [self.order(number) for number in numbers]
        elif path == "products":
            rows = [self.product(number) for number in numbers]
        else:
            rows = [self._beside(path, number, asked) for number in numbers]
        return self._cut(rows, rng)

    def _beside(self, path: str, number: int, asked: dict[tuple[str, str], str]) -> Json:
        names = {"orders/items": "order-item", "shipments": "shipment", "creditmemos": "creditmemo"}
        raw = self._made(f"sales-data-{names[path]}-interface", path, str(number))
        if path == "orders/items":
            return self._item(raw, number)
        orders = [int(item) for item in (asked.get(("order_id", "in")) or "1").split(",") if item.isdigit()] or [1]
        order = orders[number % len(orders)]
        lines = self.order(order)["items"]
        for place, item in enumerate(raw.get("items") or ()):
            item["order_item_id"] = lines[place % len(lines)]["item_id"] if lines else 9
        return raw | {"entity_id": self._id(number), "order_id": self._id(order)}

    def _cut(self, rows: Any, rng: random.Random) -> Json:
        count = len(rows) if isinstance(rows, list) else 0
        return {
            "items": rows or rng.choice(([], None)),
            "search_criteria": {},
            "total_count": rng.choice((count, count, 0, 500)),
        }

    def _real(self, made: Any, rng: random.Random) -> Any:
        """As real stores write it."""
        if isinstance(made, list):
            return [self._real(item, rng) for item in made]
        if not isinstance(made, dict):
            return made
        found = {name: self._real_field(name, part, rng) for name, part in made.items()}
        for name in NEVER_LEFT_OUT:
            if name in CHOICES and name not in found and ("sku" in found or "grand_total" in found):
                found[name] = rng.choice(CHOICES[name])
        return found

    def _real_field(self, name: str, part: Any, rng: random.Random) -> Any:
        if name in CHOICES and rng.random() < 0.95:
            return rng.choice(CHOICES[name])
        if name not in NEVER_LEFT_OUT and rng.random() < 0.06:
            return None
        if isinstance(part, dict | list):
            return self._real(part, rng)
        if isinstance(part, float) and rng.random() < 0.4:
            return f"{part:.4f}"
        if isinstance(part, int) and not isinstance(part, bool) and rng.random() < 0.3:
            return str(part)
        return part


_SPECS: dict[Path, Json] = {}


def _read(file: Path) -> Json:
    if file not in _SPECS:
        _SPECS[file] = read(file)
    return _SPECS[file]


def _json(body: Any, status: int) -> Response:
    return Response(json.dumps(body), status, mimetype="application/json")


def _filters(given: Any) -> dict[tuple[str, str], str]:
    """Of the query's search criteria, the value by field and condition."""
    parts: dict[str, Json] = {}
    for name, value in given.items():
        if found := re.fullmatch(r"searchCriteria\[filterGroups\](\[\d+\]\[filters\]\[\d+\])\[(\w+)\]", name):
            parts.setdefault(found[1], {})[found[2]] = value
    return {(part["field"], part["conditionType"]): part["value"] for part in parts.values()}


def numbers(rows: Iterable[Json], name: str) -> list[str]:
    return [str(row.get(name)) for row in rows]
