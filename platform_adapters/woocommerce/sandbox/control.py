"""The control surface of this sandbox, besides the kit's own.

=======  ===========================  ==============================================================================
method   path                         effect
=======  ===========================  ==============================================================================
POST     /_sandbox/seed               fill the catalogue: {products, variable, seed}; the same again changes nothing
POST     /_sandbox/checkout           a shopper buys: {lines: [{sku, quantity}], draft_first, payment_method}; with
                                      draft_only the checkout page is opened and left; {order} buys what it showed
POST     /_sandbox/bulk               many stock changes as in the admin: {changes: [{sku, stock}]}
POST     /_sandbox/ship               the merchant ships: {order, tracking, carrier, source, key, lines, complete}
POST     /_sandbox/webhooks/flush     deliver everything that waits, now: {delivered}
POST     /_sandbox/cron               WP-Cron on or off: {running}
POST     /_sandbox/clock              move the store's clock: {advance: seconds}
GET      /_sandbox/deliveries?since=  webhook requests sent, newest last
GET      /_sandbox/stock              stock by SKU
GET      /_sandbox/orders             all orders, the bin included, as the REST API shows them
=======  ===========================  ==============================================================================
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from flask import Flask, Response, jsonify, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bridge.ports.sandbox import SandboxKit
from platform_adapters.woocommerce.sandbox import catalogue
from platform_adapters.woocommerce.sandbox.delivery import Runner
from platform_adapters.woocommerce.sandbox.errors import WooError
from platform_adapters.woocommerce.sandbox.order_view import OrderView
from platform_adapters.woocommerce.sandbox.orders import Orders
from platform_adapters.woocommerce.sandbox.shop import Doc, Shop
from platform_adapters.woocommerce.sandbox.tracking import Tracking

Answer = Response | tuple[Response, int]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Seed(Body):
    products: int = Field(default=200, ge=0)
    variable: int = Field(default=40, ge=0)
    seed: int = 1


class BoughtLine(Body):
    sku: str
    quantity: int = Field(default=1, ge=1)


class Checkout(Body):
    lines: list[BoughtLine] = Field(default_factory=list)
    order: int | None = None
    draft_first: bool = False
    draft_only: bool = False
    payment_method: str = "bacs"
    status: Literal["processing", "on-hold", "pending", "completed"] = "processing"


class StockChange(Body):
    sku: str
    stock: int


class Bulk(Body):
    changes: list[StockChange]


class Ship(Body):
    """``lines`` maps order line id to units, empty means all; ``key`` names the meta key of source "meta"."""

    order: int
    tracking: str = ""
    carrier: str = ""
    url: str = ""
    source: Literal["fulfillments", "shipment_tracking", "ast", "meta", "none"] = "shipment_tracking"
    key: str = "_tracking_number"
    lines: dict[int, int] = Field(default_factory=dict)
    complete: bool = True


class Cron(Body):
    running: bool


class Clock(Body):
    advance: float


class Control:
    def __init__(self, kit: SandboxKit, shop: Shop, orders: Orders, tracking: Tracking, runner: Runner) -> None:
        self.kit = kit
        self.shop = shop
        self.orders = orders
        self.tracking = tracking
        self.runner = runner

    def seed(self, body: Seed) -> Any:
        with self.kit.transaction():
            return catalogue.seed(self.shop, self.orders.products, body.products, body.variable, body.seed)

    def checkout(self, body: Checkout) -> Any:
        """order.updated comes first, then order.created, then the stock: another order than over REST."""
        with self.kit.transaction():
            order = self._basket(body) if body.order is None else self.orders.copy(body.order)
            if body.draft_first or body.draft_only:
                self.orders.settle(order, "order.updated")
        if body.draft_only:
            return {"order": order["id"], "total": order["total"]}
        with self.kit.transaction():
            order["billing"] |= {"first_name": "Ada", "last_name": "Shopper", "country": "NL"}
            order["status"] = body.status
            order["paid"] = self.shop.now() if body.status in ("processing", "completed") else None
            self.orders.settle(order, "order.updated", "order.created")
            return {"order": order["id"], "total": order["total"]}

    def _basket(self, body: Checkout) -> Doc:
        order = self.orders.blank("store-api")
        order["id"] = self.shop.next_id()
        lines = [{"sku": line.sku, "quantity": line.quantity} for line in body.lines]
        self.orders.lines.write(order, {"line_items": lines})
        self.orders.calculator.apply(order)
        return order | {"status": "checkout-draft", "payment_method": body.payment_method}

    def bulk(self, body: Bulk) -> Any:
        """One request per change, as the admin's own bulk edit saves product after product."""
        missing = []
        for change in body.changes:
            with self.kit.transaction():
                doc = self.shop.by_sku(change.sku)
                if doc is None:
                    missing.append(change.sku)
                    continue
                stock = {"manage_stock": True, "stock_quantity": change.stock}
                self.orders.products.update(self.orders.products.holder_of_stock(doc), stock)
        return {"changed": len(body.changes) - len(missing), "missing": missing}

    def ship(self, body: Ship) -> Any:
        with self.kit.transaction():
            order = self.orders.copy(body.order)
            self._parcel(order, body)
            if body.complete:
                self.orders.update(self.orders.copy(body.order), {"status": "completed"})
            return {"order": body.order}

    def cron(self, body: Cron) -> Any:
        self.runner.set_cron(body.running)
        return {"running": body.running}

    def clock(self, body: Clock) -> Any:
        self.shop.clock_shift += body.advance
        return {"now": self.shop.gmt(self.shop.now())}

    def stock(self) -> Any:
        with self.kit.transaction():
            found = {}
            for doc in self.shop.all("products"):
                if doc["sku"] and doc["status"] != "trash":
                    found[doc["sku"]] = self.orders.products.holder_of_stock(doc)["stock_quantity"]
            return found

    def _parcel(self, order: Doc, body: Ship) -> None:
        units = body.lines or {line["id"]: line["quantity"] for line in order["line_items"]}
        match body.source:
            case "fulfillments":
                items = [{"item_id": line, "qty": quantity} for line, quantity in units.items()]
                meta = {"_items": items, "_tracking_number": body.tracking, "_shipping_provider": body.carrier}
                meta |= {"_tracking_url": body.url}
                rows = [{"key": key, "value": value} for key, value in meta.items() if value]
                self.tracking.fulfill(order, {"status": "fulfilled", "meta_data": rows})
            case "shipment_tracking" | "ast":
                item: Doc = {"tracking_number": body.tracking, "tracking_provider": body.carrier}
                item |= {"custom_tracking_link": body.url}
                if body.lines:
                    products = {line["id"]: line["product_id"] for line in order["line_items"]}
                    parts = [(products[line], line, quantity) for line, quantity in units.items()]
                    item["products_list"] = [{"product": str(p), "item_id": str(i), "qty": str(q)} for p, i, q in parts]
                self.tracking.track(order, item, ast=body.source == "ast")
            case "meta":
                self.tracking.put_meta(order, body.key, body.tracking)
            case _:
                pass


def add_routes(app: Flask, control: Control, view: OrderView) -> None:
    posts: dict[str, tuple[type[Body], Callable[[Any], Any]]] = {
        "seed": (Seed, control.seed),
        "checkout": (Checkout, control.checkout),
        "bulk": (Bulk, control.bulk),
        "ship": (Ship, control.ship),
        "cron": (Cron, control.cron),
        "clock": (Clock, control.clock),
    }

    def post(name: str) -> Answer:
        if name not in posts:
            return jsonify(error=f"no such control: {name}"), 404
        model, action = posts[name]
        try:
            return jsonify(action(model.model_validate_json(request.get_data() or b"{}")))
        except ValidationError as error:
            return Response(error.json(), 400, content_type="application/json")
        except WooError as error:
            return jsonify(error.body()), error.status

    def orders() -> Response:
        with control.kit.transaction():
            return jsonify([view.order(order) for order in control.shop.all("orders")])

    def deliveries() -> Response:
        return jsonify(list(control.runner.log)[request.args.get("since", 0, type=int) :])

    app.post("/_sandbox/<name>")(post)
    app.post("/_sandbox/webhooks/flush", endpoint="flush_webhooks")(lambda: jsonify(delivered=control.runner.flush()))
    app.get("/_sandbox/stock", endpoint="stock")(lambda: jsonify(control.stock()))
    app.get("/_sandbox/orders")(orders)
    app.get("/_sandbox/deliveries")(deliveries)
