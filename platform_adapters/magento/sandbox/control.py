"""The control surface of this sandbox, besides the kit's own.

=======  =======================  ==================================================================================
method   path                     effect
=======  =======================  ==================================================================================
POST     /_sandbox/seed           fill the catalogue: {products, variable, seed}; the same again changes nothing
POST     /_sandbox/product        save one product, as the admin does: a body of POST /V1/products
POST     /_sandbox/category       the merchant adds a category: {path} from below the root -> {id}
POST     /_sandbox/order          another program posts an order: {entity}, a body of POST /V1/orders
POST     /_sandbox/checkout       a shopper buys: {lines: [{sku, quantity}]} -> {order}
POST     /_sandbox/bulk           many stock changes: {changes: [{sku, stock, source}]}
POST     /_sandbox/ship           the merchant ships: {order, tracking, carrier, lines {item id: units}}
POST     /_sandbox/track          a tracking number is added later: {shipment, tracking, carrier}
POST     /_sandbox/credit         the merchant credits: {order, lines {item id: units}, restock}
POST     /_sandbox/cancel         the merchant cancels: {order} -> {done}
POST     /_sandbox/clock          move the store's clock: {advance: seconds}
GET      /_sandbox/stock          by SKU: what lies in its sources, what is reserved, what Magento can sell
GET      /_sandbox/orders         all orders, as the REST API shows them
=======  =======================  ==================================================================================
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, Response, jsonify, request
from pydantic import Field, ValidationError

from bridge.ports.sandbox import SandboxKit
from bridge.ports.sandbox_control import Asked
from platform_adapters.magento.sandbox import catalogue
from platform_adapters.magento.sandbox.categories import Categories
from platform_adapters.magento.sandbox.errors import MagentoError
from platform_adapters.magento.sandbox.inventory import DEFAULT, Inventory
from platform_adapters.magento.sandbox.orders import Orders
from platform_adapters.magento.sandbox.shop import Shop


class Seed(Asked):
    products: int = Field(default=200, ge=0)
    variable: int = Field(default=40, ge=0)
    seed: int = 1


class Product(Asked):
    product: dict[str, Any]
    scope: str = "all"


class Category(Asked):
    path: list[str] = Field(min_length=1)


class Posted(Asked):
    entity: dict[str, Any]


class BoughtLine(Asked):
    sku: str
    quantity: int = Field(default=1, ge=1)


class Checkout(Asked):
    lines: list[BoughtLine] = Field(min_length=1)


class StockChange(Asked):
    sku: str
    stock: int
    source: str = DEFAULT


class Changes(Asked):
    changes: list[StockChange]


class Ship(Asked):
    order: int
    tracking: str = ""
    carrier: str = ""
    lines: dict[int, int] = Field(default_factory=dict)


class LaterTrack(Asked):
    shipment: int
    tracking: str
    carrier: str = ""


class Credit(Asked):
    order: int
    lines: dict[int, int]
    restock: bool = True


class Cancel(Asked):
    order: int


class Clock(Asked):
    advance: float


class Control:
    def __init__(
        self, kit: SandboxKit, shop: Shop, products: catalogue.Products, inventory: Inventory, orders: Orders
    ) -> None:
        self.kit, self.shop, self.products, self.inventory, self.orders = kit, shop, products, inventory, orders

    def seed(self, body: Seed) -> Any:
        return {"skus": catalogue.seed(self.products, body.products, body.variable, body.seed)}

    def product(self, body: Product) -> Any:
        return self.products.save(body.product, body.scope)

    def category(self, body: Category) -> Any:
        return {"id": Categories(self.shop).make(body.path)}

    def order(self, body: Posted) -> Any:
        return {"order": self.orders.save(body.entity)["entity_id"]}

    def checkout(self, body: Checkout) -> Any:
        order = self.orders.place([(self.products.one(line.sku), line.quantity) for line in body.lines])
        return {"order": order["entity_id"], "total": order["grand_total"]}

    def bulk(self, body: Changes) -> Any:
        rows = [{"sku": row.sku, "source_code": row.source, "quantity": row.stock, "status": 1} for row in body.changes]
        self.inventory.write(rows)
        return {"changed": len(rows)}

    def ship(self, body: Ship) -> Any:
        tracks = (
            [{"track_number": body.tracking, "title": body.carrier, "carrier_code": "custom"}] if body.tracking else []
        )
        items = [{"order_item_id": line, "qty": units} for line, units in body.lines.items()]
        return {"shipment": self.orders.ship(str(body.order), {"items": items, "tracks": tracks})}

    def track(self, body: LaterTrack) -> Any:
        given = {
            "parent_id": body.shipment,
            "track_number": body.tracking,
            "title": body.carrier,
            "carrier_code": "custom",
        }
        return self.orders.add_track(given)

    def credit(self, body: Credit) -> Any:
        rows = [{"order_item_id": line, "qty": units} for line, units in body.lines.items()]
        back = list(body.lines) if body.restock else []
        arguments = {"shipping_amount": 0, "extension_attributes": {"return_to_stock_items": back}}
        return {"memo": self.orders.refund(str(body.order), {"items": rows, "arguments": arguments})}

    def cancel(self, body: Cancel) -> Any:
        return {"done": self.orders.cancel(str(body.order))}

    def clock(self, body: Clock) -> Any:
        self.shop.clock_shift += body.advance
        return {"now": self.shop.now()}

    def stock(self) -> Any:
        found = {}
        for doc in self.shop.all("products"):
            if doc["type_id"] != "configurable":
                rows = [row for row in self.shop.all("source_items") if row["sku"] == doc["sku"]]
                lying = {row["source_code"]: row["quantity"] for row in rows}
                own = {"sources": lying, "reserved": self.inventory.reserved(doc["sku"])}
                found[doc["sku"]] = own | {"salable": self.inventory.salable(doc["sku"])}
        return found


def add_routes(app: Flask, control: Control) -> None:
    posts: dict[str, tuple[type[Asked], Callable[[Any], Any]]] = {
        "seed": (Seed, control.seed),
        "product": (Product, control.product),
        "category": (Category, control.category),
        "order": (Posted, control.order),
        "checkout": (Checkout, control.checkout),
        "bulk": (Changes, control.bulk),
        "ship": (Ship, control.ship),
        "track": (LaterTrack, control.track),
        "credit": (Credit, control.credit),
        "cancel": (Cancel, control.cancel),
        "clock": (Clock, control.clock),
    }

    def post(name: str) -> Response | tuple[Response, int]:
        if name not in posts:
            return jsonify(error=f"no such control: {name}"), 404
        model, action = posts[name]
        try:
            asked = model.model_validate_json(request.get_data() or b"{}")
            with control.kit.transaction():
                return jsonify(action(asked))
        except ValidationError as error:
            return Response(error.json(include_url=False), 400, content_type="application/json")
        except MagentoError as error:
            return error.response()

    def stock() -> Response:
        with control.kit.transaction():
            return jsonify(control.stock())

    def orders() -> Response:
        with control.kit.transaction():
            return jsonify(control.shop.all("orders"))

    app.post("/_sandbox/<name>")(post)
    app.get("/_sandbox/stock")(stock)
    app.get("/_sandbox/orders")(orders)
