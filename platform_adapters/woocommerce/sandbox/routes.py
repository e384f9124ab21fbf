"""Routes of products, variations, categories and webhooks."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable
from typing import Any

from flask import request

from platform_adapters.woocommerce.sandbox.api import Api
from platform_adapters.woocommerce.sandbox.delivery import Runner
from platform_adapters.woocommerce.sandbox.errors import WooError
from platform_adapters.woocommerce.sandbox.listing import filtered, numbers, words
from platform_adapters.woocommerce.sandbox.php import slugify
from platform_adapters.woocommerce.sandbox.product_view import ProductView
from platform_adapters.woocommerce.sandbox.products import Products
from platform_adapters.woocommerce.sandbox.shop import Doc, Shop
from platform_adapters.woocommerce.sandbox.webhooks import Webhooks

EDITING = ("PUT", "POST", "PATCH")


class ProductRoutes:
    def __init__(self, api: Api, products: Products, view: ProductView) -> None:
        self.api = api
        self.shop = api.shop
        self.products = products
        self.view = view
        item = "/products/<int:number>"
        api.route("/products", "products.list", self.collection, "GET")
        api.route("/products", "products.create", self.create, "POST")
        api.route("/products/batch", "products.batch", self.batch, *EDITING)
        api.route(item, "products.get", self.get, "GET")
        api.route(item, "products.update", self.update, *EDITING)
        api.route(item, "products.delete", self.delete, "DELETE")
        api.route("/products/categories", "categories.list", self.categories, "GET")
        api.route("/products/categories", "categories.create", self.create_category, "POST")

    def collection(self) -> Any:
        """Never variations, except where SKUs are asked for."""
        skus = {sku.lower() for sku in words("sku")}
        rows = _asked_for(self.shop)
        rows = [row for row in rows if (row["sku"].lower() in skus if skus else not row["parent_id"])]
        return self.api.listing("products.list", self._narrow(rows), self.view.product)

    def create(self) -> Any:
        return self.view.product(self.products.create(self.api.body())), 201

    def get(self, number: int) -> Any:
        return self.view.product(self.products.find(number))

    def update(self, number: int) -> Any:
        return self.view.product(self._update(number, self.api.body()))

    def delete(self, number: int) -> Any:
        return self._delete(number, self.api.force())

    def batch(self) -> Any:
        return self.api.batch(
            "products.batch",
            create=lambda item: self.view.product(self.products.create(item)),
            update=lambda item: self.view.product(self._update(int(item.get("id") or 0), item)),
            delete=lambda item: self._delete(int(item), force=True),
        )

    def categories(self) -> Any:
        rows = [row | {"created": 0, "modified": 0} for row in self.shop.all("categories")]
        return self.api.listing("categories.list", rows, _category)

    def create_category(self) -> Any:
        """Terms are escaped as they are kept."""
        body = self.api.body()
        name = html.escape(str(body.get("name") or ""), quote=False)
        doc = {"id": self.shop.next_number("term") + 15, "name": name, "slug": slugify(name)}
        doc["parent"] = int(body.get("parent") or 0)
        self.shop.save("categories", doc)
        return _category(doc), 201

    def _update(self, number: int, body: Doc) -> Doc:
        doc = self.products.find(number, 400)
        _not_a_variation(doc)
        return self.products.update(doc, body)

    def _delete(self, number: int, force: bool) -> Doc:
        doc = self.products.find(number)
        _not_a_variation(doc)
        shown = self.view.product(doc)
        (self.products.delete if force else self.products.trash)(doc)
        return shown

    def _narrow(self, rows: Iterable[Doc]) -> list[Doc]:
        tests: list[Callable[[Doc], bool]] = [_status_test()]
        if gtin := request.args.get("global_unique_id"):
            tests.append(lambda row: gtin in row["global_unique_id"])
        if term := request.args.get("search", "").lower():
            tests.append(lambda row: term in f"{row['name']} {row['description']}".lower())
        for name, field in (("type", "type"), ("stock_status", "stock_status")):
            if wanted := request.args.get(name):
                tests.append(_equals(field, wanted))
        if categories := numbers("category"):
            tests.append(lambda row: any(item["id"] in categories for item in row["categories"]))
        return filtered((row for row in rows if all(test(row) for test in tests)), self.shop.zone)


class VariationRoutes:
    def __init__(self, api: Api, products: Products, view: ProductView) -> None:
        self.api = api
        self.shop = api.shop
        self.products = products
        self.view = view
        item = "/products/<int:parent>/variations/<int:number>"
        api.route("/variations", "variations.all", self.all, "GET")
        api.route("/products/<int:parent>/variations", "variations.list", self.collection, "GET")
        api.route("/products/<int:parent>/variations", "variations.create", self.create, "POST")
        api.route("/products/<int:parent>/variations/batch", "variations.batch", self.batch, *EDITING)
        api.route(item, "variations.get", self.get, "GET")
        api.route(item, "variations.update", self.update, *EDITING)
        api.route(item, "variations.delete", self.delete, "DELETE")

    def all(self) -> Any:
        rows = [row for row in _asked_for(self.shop) if row["parent_id"]]
        return self.api.listing("variations.all", self._narrow(rows), self.view.variation)

    def collection(self, parent: int) -> Any:
        self.products.find(parent)
        rows = self.shop.variations(parent, trashed=True)
        return self.api.listing("variations.list", self._narrow(rows), self.view.variation)

    def create(self, parent: int) -> Any:
        self.products.find(parent)
        return self.view.variation(self.products.create(self.api.body(), parent)), 201

    def get(self, parent: int, number: int) -> Any:
        return self.view.variation(self.products.find_variation(parent, number))

    def update(self, parent: int, number: int) -> Any:
        doc = self.products.find_variation(parent, number, 400)
        return self.view.variation(self.products.update(doc, self.api.body()))

    def delete(self, parent: int, number: int) -> Any:
        return self._delete(parent, number, self.api.force())

    def batch(self, parent: int) -> Any:
        self.products.find(parent)

        def update(item: Doc) -> Doc:
            doc = self.products.find_variation(parent, int(item.get("id") or 0), 400)
            return self.view.variation(self.products.update(doc, item))

        return self.api.batch(
            "variations.batch",
            create=lambda item: self.view.variation(self.products.create(item, parent)),
            update=update,
            delete=lambda item: self._delete(parent, int(item), force=True),
        )

    def _delete(self, parent: int, number: int, force: bool) -> Doc:
        doc = self.products.find_variation(parent, number)
        shown = self.view.variation(doc)
        (self.products.delete if force else self.products.trash)(doc)
        return shown

    def _narrow(self, rows: Iterable[Doc]) -> list[Doc]:
        wanted = _status_test()
        skus = {sku.lower() for sku in words("sku")}
        rows = [row for row in rows if wanted(row) and (not skus or row["sku"].lower() in skus)]
        return filtered(rows, self.shop.zone)


class WebhookRoutes:
    def __init__(self, api: Api, webhooks: Webhooks, runner: Runner) -> None:
        self.api = api
        self.webhooks = webhooks
        self.runner = runner
        item = "/webhooks/<int:number>"
        api.route("/webhooks", "webhooks.list", self.collection, "GET")
        api.route("/webhooks", "webhooks.create", self.create, "POST")
        api.route("/webhooks/batch", "webhooks.batch", self.batch, *EDITING)
        api.route(item, "webhooks.get", self.get, "GET")
        api.route(item, "webhooks.update", self.update, *EDITING)
        api.route(item, "webhooks.delete", self.delete, "DELETE")

    def collection(self) -> Any:
        status = request.args.get("status", "all")
        rows = [row for row in self.api.shop.all("webhooks") if status in ("all", row["status"])]
        return self.api.listing("webhooks.list", filtered(rows, self.api.shop.zone), self.webhooks.view)

    def create(self) -> Any:
        return self._create(self.api.body()), 201

    def get(self, number: int) -> Any:
        return self.webhooks.view(self.webhooks.find(number))

    def update(self, number: int) -> Any:
        return self._update({**self.api.body(), "id": number})

    def delete(self, number: int) -> Any:
        return self._delete(number, self.api.force())

    def batch(self) -> Any:
        return self.api.batch(
            "webhooks.batch",
            create=self._create,
            update=self._update,
            delete=lambda item: self._delete(int(item), force=True),
        )

    def _create(self, body: Doc) -> Doc:
        """Pings at once; the webhook is there and active even when the ping fails."""
        hook = self.webhooks.create(body)
        self.api.afterwards.append(lambda: self.runner.ping(hook))
        return self.webhooks.view(hook)

    def _update(self, body: Doc) -> Doc:
        hook = self.webhooks.update(self.webhooks.find(int(body.get("id") or 0), 400), body)
        if hook["pending_delivery"] and hook["status"] == "active":
            self.api.afterwards.append(lambda: self.runner.ping(hook))
        return self.webhooks.view(hook)

    def _delete(self, number: int, force: bool) -> Doc:
        hook = self.webhooks.find(number)
        self.webhooks.delete(hook, force=force)
        return self.webhooks.view(hook)


def _asked_for(shop: Shop) -> list[Doc]:
    """By their numbers, where the query has some, else all there are."""
    wanted = numbers("include")
    if not wanted:
        return shop.all("products")
    return [row for number in sorted(wanted) if (row := shop.get("products", number)) is not None]


def _category(row: Doc) -> Doc:
    return {"id": row["id"], "name": row["name"], "slug": row["slug"], "parent": row.get("parent", 0)}


def _not_a_variation(doc: Doc) -> None:
    if doc["parent_id"]:
        text = (
            "To manipulate product variations you should use the "
            "/products/&lt;product_id&gt;/variations/&lt;id&gt; endpoint."
        )
        raise WooError("woocommerce_rest_invalid_product_id", text, 404)


def _equals(field: str, wanted: str) -> Callable[[Doc], bool]:
    return lambda row: bool(row[field] == wanted)


def _status_test() -> Callable[[Doc], bool]:
    wanted = words("status") or ["any"]
    if "any" in wanted:
        return lambda row: row["status"] not in ("trash", "auto-draft")
    return lambda row: row["status"] in wanted
