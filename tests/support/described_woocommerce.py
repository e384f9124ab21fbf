"""A WooCommerce store made of what the description, the recorded deliveries and plugins allow: fields left out, empty and null,
numbers as text, custom fields of any shape, notices of PHP before the data, lists without their totals.

A product or an order follows from the seed and its id, so that it is the same wherever it is met.
"""

from __future__ import annotations

import json
import random
import re
from typing import Any

from flask import Flask, Response, request

from tests.support.described_store import odd_answer
from tests.support.woocommerce import recorded

Json = dict[str, Any]
PRICES = ("", "0", "0.00", "12.5", "19.99", 7, 12.5, None, "1e3", "99999999999.99", "n/a", "1.234,56")
QUANTITIES = (None, 0, 3, -2, "7", "2.5", 1.5, 10**7, "", "many")
UNITS = (1, 2, "3", 2.5, 0)
AMOUNTS = ("0.00", "13.70", "-1.00", 7, "1000000.005", "12.345678")
SHAPES: tuple[Any, ...] = (
    [], None, {}, "", [{"key": "a"}, None, 5, {"value": {"b": [1]}}],
    [{"id": "7", "key": "_tracking_number", "value": ["3S1", {"n": 1}, None]}],
    [{"key": "_wc_shipment_tracking_items", "value": {"0": {"tracking_number": 5, "date_shipped": "99999999999", "tracking_id": None}}}],
    [{"key": "_wc_shipment_tracking_items", "value": '[{"tracking_number":"1","products_list":{"0":{"product":"14","qty":"1"}}}]'}],
    [{"key": "_ean", "value": 4006381333931}, {"key": "_wc_cog_cost", "value": "1,50"}],
    [{"key": "_tracking_number", "value": {"a": 1}}, {"key": 5, "value": 1}],
)  # fmt: skip
ODD_FIELDS: dict[str, tuple[Any, ...]] = {
    "images": ([], None, [{"src": None}, {"src": "http://store.example/a.png"}, None], ""),
    "categories": ([], None, [{"id": "1", "name": "A &amp; B"}, {"id": None}], {}),
    "tags": ([], [{"name": 5}], None),
    "attributes": ([], None, [{"name": None, "options": [1, None]}, {"name": "Merk", "option": None, "options": "x"}]),
    "brands": (None, [], [{"name": None}], ""),
    "dimensions": (None, [], "", {"length": "", "width": 5, "height": "1,5"}),
    "weight": ("", None, "1,5", 2, "heavy"),
    "date_modified_gmt": (None, "", "2026-11-20T11:00:00", "2026-11-20T11:00:00+00:00", "0000-00-00T00:00:00"),
    "date_modified": (None, "2026-11-20T12:00:00"),
    "cost_of_goods_sold": (None, [], {"total_value": "x"}, {"total_value": 1.5}),
    "stock_status": ("instock", "outofstock", "onbackorder", "never_heard_of", None),
    "backorders": ("no", "notify", "yes", None),
    "tax_class": ("", None, "zero-rate", "parent"),
    "on_sale": (True, False, None, 1),
    "permalink": ("", None, "http://store.example/p"),
    "global_unique_id": ("", None, "4006381333931", 4006381333931),
    "grouped_products": ([], None),
}
ORDER_STATES = ("processing", "completed", "refunded", "trash", "checkout-draft", "wc-custom", None)
NEVER_LEFT_OUT = (
    "id",
    "type",
    "variations",
    "status",
    "line_items",
    "total",
    "price",
    "manage_stock",
    "stock_quantity",
    "refunds",
)
REFUSALS: tuple[Any, ...] = (
    {"code": "woocommerce_rest_invalid_id", "message": "No.", "data": {"status": 400, "params": {"id": ["x"]}}},
    {"code": 5, "message": None, "data": None},
    {"code": "rest_forbidden", "message": {"a": 1}, "data": "x"},
    [],
)  # fmt: skip
SETTINGS = {"currency": "EUR", "calc_taxes": "no", "price_num_decimals": "2", "default_country": "NL:UT"}


class DescribedWooCommerce:
    def __init__(self, seed: str, *, odd: bool = True) -> None:
        self.seed = seed
        self.odd = odd
        self._times: dict[str, int] = {}
        self._product = json.loads(recorded("product.updated")["raw_body"])
        self._variation = json.loads(recorded("product.updated.variation")["raw_body"])
        self._order = json.loads(recorded("order.updated.refunded")["raw_body"])

    def app(self) -> Flask:
        app = Flask("described_woocommerce")
        methods = ["GET", "POST", "PUT", "DELETE"]
        app.add_url_rule("/wp-json/", "index", lambda: Response('{"name": 5, "timezone_string": null}'))
        app.add_url_rule("/wp-json/<path:path>", "any", self._answer, methods=methods)
        return app

    # -- what is there ----------------------------------------------------------------------------------------

    def product(self, key: int) -> Json:
        rng = self._rng("product", key)
        kind = rng.choice(("simple", "simple", "variable", "grouped", "never_heard_of"))
        raw = self._odd(self._product | {"type": kind}, rng)
        several = [self._id(100 * key + place) for place in range(rng.choice((0, 1, 3)))] if kind == "variable" else []
        return raw | self._offer(rng) | {"id": self._id(key), "variations": several, "parent_id": 0}

    def variation(self, key: int) -> Json:
        rng = self._rng("variation", key)
        raw = self._odd(self._variation, rng)
        managed = rng.choice((True, False, "parent"))
        made = (
            raw | self._offer(rng) | {"id": self._id(key), "parent_id": self._id(key // 100), "manage_stock": managed}
        )
        return made | {"status": rng.choice(("publish", "private")), "type": "variation"}

    def order(self, key: int) -> Json:
        rng = self._rng("order", key)
        raw = self._odd(self._order, rng)
        lines = [self._line(rng, 10 * key + place) for place in range(rng.choice((0, 1, 2)))]
        back = [{"id": 1, "total": rng.choice(("-1.00", -2, "0"))}] if rng.random() < 0.3 else rng.choice(([], None))
        raw |= {"id": self._id(key), "line_items": lines, "refunds": back, "total": rng.choice(AMOUNTS)}
        raw["meta_data"] = [{"key": "_storebridge_order", "value": f"bol:{key}"}] if key % 2 else rng.choice(SHAPES)
        return raw | {
            "status": rng.choice(ORDER_STATES),
            "currency": rng.choice(("EUR", "EUR", "EUR", "", None, "euro")),
        }

    def _line(self, rng: random.Random, key: int) -> Json:
        raw = self._odd(self._order["line_items"][0], rng) | {"id": self._id(key), "quantity": rng.choice(UNITS)}
        raw["product_id"] = rng.choice((14, "14", 0))
        marks = [
            {"key": "_storebridge_line", "value": key},
            {"key": "_reduced_stock", "value": rng.choice(("1", 2, None))},
        ]
        return raw | {
            "meta_data": rng.choice((marks, *SHAPES)),
            "taxes": rng.choice(([], None, [{"id": 1, "total": ""}])),
        }

    def _offer(self, rng: random.Random) -> Json:
        return {
            **{name: rng.choice(PRICES) for name in ("price", "regular_price", "sale_price")},
            "manage_stock": rng.choice((True, True, False)),
            "stock_quantity": rng.choice(QUANTITIES),
            "meta_data": rng.choice(SHAPES),
            "tax_status": rng.choice(("taxable", "none", None)),
        }

    def _odd(self, raw: Json, rng: random.Random) -> Json:
        """Fields left out, null or of another type; and those of plugins."""
        found: Json = {"wpml_current": {"a": [1]}, "0": None}
        for name, value in raw.items():
            chance = rng.random()
            if name in ODD_FIELDS and chance < 0.7:
                found[name] = rng.choice(ODD_FIELDS[name])
            elif chance > 0.1 or name in NEVER_LEFT_OUT:
                found[name] = None if chance < 0.14 and name not in NEVER_LEFT_OUT else value
        return found

    def _id(self, key: int) -> int | str:
        return str(key) if self._rng("id", key).random() < 0.2 else key

    def _rng(self, *of: Any) -> random.Random:
        return random.Random("|".join((self.seed, *map(str, of))))

    # -- answers ----------------------------------------------------------------------------------------------

    def _answer(self, path: str) -> Response:
        asked = {key: value for key, value in request.args.items() if not key.startswith("oauth_")}
        text = f"{request.method} {path} {sorted(asked.items())} {request.get_data(as_text=True)}"
        self._times[text] = self._times.get(text, 0) + 1
        rng = self._rng("answer", text, self._times[text])
        if self.odd and (odd := odd_answer(rng)) is not None:
            return Response(odd[2], odd[0], content_type=odd[1])
        if not path.startswith("wc/v3/"):
            return _json({"code": "rest_no_route", "message": "No route", "data": {"status": 404}}, 404)
        if self.odd and rng.random() < 0.03:
            return _json(rng.choice(REFUSALS), rng.choice((400, 401, 404, 500)))
        body = self._body(path.removeprefix("wc/v3/"), asked, rng)
        answer = _json(body, 200)
        if isinstance(body, list) and rng.random() < 0.6:
            answer.headers["X-WP-Total"] = rng.choice((str(len(body)), str(len(body)), "", "many"))
        if self.odd and rng.random() < 0.1:
            answer.data = b"\xef\xbb\xbf" + answer.get_data()
        return answer

    def _body(self, path: str, asked: Json, rng: random.Random) -> Any:
        if found := re.fullmatch(r"settings/\w+/woocommerce_(\w+)", path):
            return {"id": found[1], "value": SETTINGS.get(found[1], rng.choice(("", None, "yes", ["x"])))}
        if path == "products" and request.method == "GET":
            return self._list(self.product, asked, rng)
        if path == "orders":
            return self._list(self.order, asked, rng) if request.method == "GET" else self.order(rng.randint(1, 99))
        if path == "variations" or re.fullmatch(r"products/\d+/variations", path):
            return self._list(self.variation, asked, rng)
        if found := re.fullmatch(r"(products|orders)/(\d+)(/variations/(\d+))?", path):
            if found[4]:
                return self.variation(int(found[4]))
            return (self.product if found[1] == "products" else self.order)(int(found[2]))
        if found := re.fullmatch(r"orders/(\d+)/refunds", path):
            return self._refunds(int(found[1]), rng)
        return self._rest(path, rng)

    def _rest(self, path: str, rng: random.Random) -> Any:
        if path.endswith("/fulfillments"):
            items = [{"key": "_items", "value": [{"item_id": 11, "qty": rng.choice(UNITS)}, None]}]
            row = {"id": 1, "is_fulfilled": True, "meta_data": rng.choice((items, *SHAPES))}
            return rng.choice(([row], {"fulfillments": [row]}, []))
        if path.endswith("/notes") and request.method == "GET":
            return rng.choice(([], [{"id": 3, "note": rng.choice((None, 5, "seen", "A &amp; B")), "author": None}], {}))
        if path == "webhooks":
            hook = {"id": 5, "topic": "order.updated", "status": "disabled", "name": None, "delivery_url": None}
            return rng.choice(
                (
                    [],
                    [
                        hook,
                        hook | {"id": "6", "name": "Storebridge x", "delivery_url": "https://bridge.example/hooks/a/1"},
                    ],
                )
            )
        if path == "webhooks/batch":
            error = {"id": 0, "error": {"code": "x", "message": rng.choice(("no", None)), "data": {}}}
            return rng.choice(({"create": [{"id": 9}]}, {"create": [{"id": 9}, error]}, {"delete": None}, {}))
        if path in ("taxes", "products/categories"):
            return rng.choice(
                ([], [{"id": 1, "name": "A", "parent": None, "rate": "", "order": None, "priority": "1"}])
            )
        return rng.choice(({}, {"environment": None}, {"environment": {"version": 11}, "id": 1}, {"id": 1}))

    def _refunds(self, order: int, rng: random.Random) -> list[Json]:
        lines = self.order(order)["line_items"] or [{"id": 9}]
        target = {"key": "_refunded_item_id", "value": str(lines[0]["id"])}
        row = {
            "id": 1,
            "total": "-1.00",
            "line_items": [{"id": 2, "quantity": -1, "meta_data": [target]}],
            "meta_data": None,
        }
        return rng.choice(([], [row], [row | {"line_items": None}]))

    def _list(self, one: Any, asked: Json, rng: random.Random) -> list[Json]:
        if "include" in asked:
            keys = [int(key) for key in asked["include"].split(",") if key]
            return [one(key) for key in keys if not self.odd or rng.random() < 0.9]
        start = int(asked.get("offset") or 0) + 100 * (int(asked.get("page") or 1) - 1)
        if asked.get("status") == "trash":
            return [one(50)] if not start else []
        if "search" in asked:
            return [one(key) for key in range(1, 4)]
        return [one(key) for key in range(start + 1, 8)]


def _json(body: Any, status: int) -> Response:
    return Response(json.dumps(body), status, mimetype="application/json")
