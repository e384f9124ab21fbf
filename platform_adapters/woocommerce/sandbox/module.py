"""The store with our plugin: its routes, and the changes it tells. Only where the option ``module`` says so."""

from __future__ import annotations

import re
from typing import Any

from flask import Flask, request

from bridge.ports.sandbox import SandboxKit
from bridge.ports.sandbox_module import About, SandboxModule, add_module_controls
from platform_adapters.woocommerce.module import PACKAGE
from platform_adapters.woocommerce.sandbox.api import Api
from platform_adapters.woocommerce.sandbox.errors import WooError, invalid_param, no_route
from platform_adapters.woocommerce.sandbox.exact import Exact
from platform_adapters.woocommerce.sandbox.options import Options
from platform_adapters.woocommerce.sandbox.orders import Orders
from platform_adapters.woocommerce.sandbox.shop import Doc, Shop
from platform_adapters.woocommerce.sandbox.tracking import Tracking

SPACE = "/wp-json/wc-storebridge/v1"
MOST = 100
MARKER = re.compile(r"[0-9A-Za-z]{1,40}")
DRAFTS = ("checkout-draft", "auto-draft")


class ModuleRoutes:
    """Routes of the plugin, answered as its own REST classes answer."""

    def __init__(self, api: Api, module: SandboxModule, exact: Exact, orders: Orders, tracking: Tracking) -> None:
        self.api = api
        self.module = module
        self.exact = exact
        self.orders = orders
        self.tracking = tracking
        key = api.options.keys[0]
        self._keys = {"consumer_key": key.key, "consumer_secret": key.secret}
        api.route(f"{SPACE}/health", "plugin.health", self.health, "GET")
        api.route(f"{SPACE}/prove", "plugin.prove", self.prove, "POST", public=True)
        api.route(f"{SPACE}/orders", "plugin.orders", self.create, "POST")
        api.route(f"{SPACE}/orders/lookup", "plugin.lookup", self.lookup, "POST")
        api.route(f"{SPACE}/orders/parcels", "plugin.parcels", self.parcels, "POST")
        api.route(f"{SPACE}/stock", "plugin.stock", self.stock, "POST")
        api.route(f"{SPACE}/test", "plugin.test", self.test, "POST")

    def health(self) -> Any:
        return {**self.module.health(), "connected": self.module.is_connected}

    def prove(self) -> Any:
        body = self.api.body()
        found = self.module.prove(str(body.get("code")), str(body.get("challenge")))
        if found is None:
            text = "This code is wrong, was used, or is older than ten minutes."
            raise WooError("storebridge_code", text, 403)
        return {**found, "credentials": {"url": self.module.addresses()[0], **self._keys}}

    def test(self) -> Any:
        marker = self.api.body().get("marker")
        if not isinstance(marker, str) or not MARKER.fullmatch(marker):
            raise invalid_param("marker", "Up to 40 letters and digits.")
        if not self.module.is_connected:
            raise WooError("storebridge_not_connected", "This store is not connected to a bridge.", 409)
        self.module.note("test", marker, "test")
        return {"trouble": ""}

    def create(self) -> Any:
        body = self.api.body()
        for name in ("channel", "external_id", "ref"):
            if not isinstance(body.get(name), str) or not body[name]:
                raise invalid_param(name, "It is missing or too long.")
        if not isinstance(body.get("order"), dict):
            raise invalid_param("order", "It is missing.")
        order, created = self.exact.create(body["channel"], body["external_id"], body["ref"], body["order"])
        return {"created": created, "order": self.exact.shown(order)}, 201 if created else 200

    def lookup(self) -> Any:
        refs = self._list("refs")
        found = [(row["ref"], self.exact.find(row["channel"], row["external_id"], row["ref"])) for row in refs]
        return {"orders": [{"ref": ref, "order": self.exact.shown(doc)} for ref, doc in found if doc is not None]}

    def parcels(self) -> Any:
        on = self.api.options.fulfillments
        known = [doc for number in self._list("ids") if (doc := self.api.shop.get("orders", int(number))) is not None]
        rows = {str(doc["id"]): self.tracking.fulfillments(doc) if on else None for doc in known}
        tracked = {str(doc["id"]): self.tracking.trackings(doc) for doc in known}
        parts = {number: {"fulfillments": row, "trackings": tracked[number]} for number, row in rows.items()}
        return {"orders": parts}

    def stock(self) -> Any:
        changes, key = self._list("changes"), self.api.body().get("key")
        if not isinstance(key, str) or not key:
            raise invalid_param("key", "It is missing or too long.")
        return {"changes": [self._change(key, change) for change in changes]}

    def _change(self, key: str, change: Doc) -> Doc:
        number, shop, products = int(change.get("id") or 0), self.api.shop, self.orders.products
        doc = shop.get("products", number)
        if doc is None:
            text = "This product no longer exists in the store."
            return {"id": number, "error": {"code": "storebridge_product_gone", "message": text}}
        holder = products.holder_of_stock(doc)
        if holder["manage_stock"] is not True:
            text = "The store does not keep stock of this product."
            return {"id": number, "error": {"code": "storebridge_stock_not_managed", "message": text}}
        is_new = shop.docs.get("plugin_stock", f"{key}/{number}") is None
        if is_new:
            shop.docs.put("plugin_stock", f"{key}/{number}", {"by": change.get("by")})
            products.update(holder, {"stock_quantity": int(holder["stock_quantity"] or 0) + int(change.get("by") or 0)})
        after = products.holder_of_stock(products.find(number))
        return {"id": number, "applied": is_new, "stock_quantity": after["stock_quantity"]}

    def _list(self, name: str) -> list[Any]:
        found = self.api.body().get(name)
        if not isinstance(found, list) or len(found) > MOST:
            raise invalid_param(name, f"A list of up to {MOST} is needed.")
        return found


def note_changes(shop: Shop, module: SandboxModule) -> None:
    """What the plugin's hooks see, deletions for good among them, of which no webhook tells."""

    def changed(kind: str, number: int, doc: Doc | None, event: str) -> None:
        if kind == "products":
            parent = doc.get("parent_id") if doc else 0
            module.note("product", parent or number, "product.updated" if parent else f"product.{event}")
        elif kind == "orders" and doc is not None and doc["status"] not in DRAFTS:
            module.note("order", number, f"order.{event}")
        elif kind == "refunds" and doc is not None:
            module.note("order", doc["order_id"], "order.refunded")
        elif kind == "fulfillments" and doc is not None:
            module.note("order", doc["entity_id"], "order.fulfilled")

    shop.watcher = changed


def add_module(
    app: Flask, kit: SandboxKit, api: Api, orders: Orders, tracking: Tracking, options: Options
) -> SandboxModule:
    shop = orders.shop

    def learn() -> None:
        if options.url is None:
            api.learn(request.host_url)

    app.before_request(learn)
    about = About("woocommerce", PACKAGE.version, options.version)
    module = SandboxModule(
        kit, about, lambda: (api.base(), f"{api.base()}/wp-json/"), clock_shift=lambda: shop.clock_shift
    )
    ModuleRoutes(api, module, Exact(orders, api.base, options), orders, tracking)
    note_changes(shop, module)
    add_module_controls(app, module, _question)
    return module


def lack_module(api: Api) -> None:
    """The route that is asked for where the plugin is not: so that the question is on record."""

    def missing() -> Any:
        raise no_route()

    api.route(f"{SPACE}/health", "plugin.health", missing, "GET", public=True)


def _question(asked: Doc) -> Doc:
    """What the admin's page sends for a person who manages the shop."""
    frame = {"skin": "wordpress", "fixed": {"page": "storebridge"}, "path_name": "path", "style": ""}
    frame["csrf"] = {"name": "_wpnonce", "value": "5a17ab0c0d"}
    plain = {"method": "GET", "path": "", "query": {}, "form": {}, "files": {}, "locale": "en_GB"}
    plain |= {"user": {"id": "1", "name": "Anna"}, "can": ["view", "change", "customers"]}
    return {**plain, "frame": frame, **asked}
