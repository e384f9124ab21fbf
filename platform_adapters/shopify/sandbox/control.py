"""The control surface of this sandbox, besides the kit's own.

=======  ===========================  ==============================================================================
method   path                         effect
=======  ===========================  ==============================================================================
POST     /_sandbox/seed               fill the catalogue: {products, variable, variants}; once
POST     /_sandbox/checkout           a shopper buys: {lines: [{sku, quantity}]}
POST     /_sandbox/bulk               many stock changes as in the admin: {changes: [{sku, stock}]}
POST     /_sandbox/product            change a product as in the admin: {sku, title, status, delete}
POST     /_sandbox/ship               the merchant ships: {order, tracking, carrier, url, lines: {line: units}}
POST     /_sandbox/refund             the merchant refunds: {order, lines: {line: units}, restock}
POST     /_sandbox/return             a return is made in the store: {order, lines: {line: units}, asked: by the buyer}
POST     /_sandbox/process            the merchant processes it: {return, refund: amount, restock}
POST     /_sandbox/shelve             its units are put on the shelf before that: {return}
POST     /_sandbox/status             the merchant closes or cancels it: {return, to: CLOSED or CANCELED}
POST     /_sandbox/cancel             the merchant cancels: {order}
POST     /_sandbox/install            the app is installed; /_sandbox/uninstall: it is removed
POST     /_sandbox/session-token      a session token as App Bridge gives it: {user, claims}
POST     /_sandbox/compliance         Shopify asks for data or its erasure: {topic, body}
POST     /_sandbox/drain              points left in the bucket: {left}
POST     /_sandbox/exports            error codes of the exports to come: {fail: [...]}
POST     /_sandbox/webhooks/flush     wait until everything that is due has been delivered
POST     /_sandbox/clock              move the store's clock: {advance: seconds}
GET      /_sandbox/deliveries?since=  webhook requests sent, newest last
GET      /_sandbox/stock              stock by SKU
GET      /_sandbox/orders             all orders, as they are kept
GET      /_sandbox/returns            all returns of all orders, as they are kept
GET      /_sandbox/subscriptions      webhook subscriptions of this store
=======  ===========================  ==============================================================================
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, Response, jsonify, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bridge.ports.sandbox import SandboxKit
from platform_adapters.shopify.sandbox.api import Bucket
from platform_adapters.shopify.sandbox.oauth import Tokens
from platform_adapters.shopify.sandbox.refusal import Refusal
from platform_adapters.shopify.sandbox.schema import Root
from platform_adapters.shopify.sandbox.store import Doc, gid

Answer = Response | tuple[Response, int]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Seed(Body):
    products: int = Field(default=200, ge=0)
    variable: int = Field(default=40, ge=0)
    variants: int = Field(default=3, ge=1, le=2048)
    seed: int = 1


class BoughtLine(Body):
    sku: str
    quantity: int = Field(default=1, ge=1)


class Checkout(Body):
    lines: list[BoughtLine]


class StockChange(Body):
    sku: str
    stock: int


class Bulk(Body):
    changes: list[StockChange]


class Change(Body):
    sku: str
    title: str | None = None
    status: str | None = None
    delete: bool = False


class Ship(Body):
    order: int
    tracking: str = ""
    carrier: str = ""
    url: str = ""
    lines: dict[int, int] = Field(default_factory=dict)


class Refund(Body):
    order: int
    lines: dict[int, int]
    restock: bool = True


class Back(Body):
    order: int
    lines: dict[int, int]
    asked: bool = False


class Process(Body):
    of: int = Field(alias="return")
    refund: str = ""
    restock: bool = True
    units: int | None = Field(None, gt=0)


class ReturnOnly(Body):
    of: int = Field(alias="return")


class Status(ReturnOnly):
    to: str


class OrderOnly(Body):
    order: int


class Nothing(Body):
    pass


class Session(Body):
    user: str = "42"
    claims: dict[str, Any] = Field(default_factory=dict)


class Compliance(Body):
    topic: str
    body: dict[str, Any] = Field(default_factory=dict)


class Drain(Body):
    left: float = 0


class Exports(Body):
    fail: list[str]


class Clock(Body):
    advance: float


class Control:
    def __init__(self, kit: SandboxKit, root: Root, tokens: Tokens, bucket: Bucket) -> None:
        self.kit = kit
        self.store = root.store
        self.goods = root.goods
        self.orders = root.changes
        self.back = root.back
        self.hooks = root.hooks
        self.exported = root.exports
        self.tokens = tokens
        self.bucket = bucket

    def seed(self, body: Seed) -> Any:
        if self.store.by_sku("SKU-1") is not None:
            return {"products": 0}
        for place in range(1, body.products + body.variable + 1):
            many = body.variants if place > body.products else 1
            product = self.goods.blank(f"Product {place}")
            product |= {"vendor": "Acme", "productType": "Things", "descriptionHtml": f"<p>Thing {place}</p>"}
            product["variants"] = [self._variant(place, number, many) for number in range(1, many + 1)]
            self.store.save_product(product, "products/create")
        return {"products": body.products + body.variable}

    def _variant(self, place: int, number: int, many: int) -> Doc:
        sku = f"SKU-{place}" if many == 1 else f"SKU-{place}-{number}"
        more: Doc = {"barcode": _ean(place * 1000 + number)}
        if many > 1:
            more |= {"options": [{"name": "Size", "value": str(number)}], "title": str(number)}
        return self.goods.variant(sku, f"{5 + place % 90}.95", 5 + (place * 7 + number) % 40, **more)

    def checkout(self, body: Checkout) -> Any:
        lines = []
        for line in body.lines:
            found = self.store.by_sku(line.sku)
            if found is None:
                raise Refusal(f"no product {line.sku}")
            lines.append({"variantId": gid("ProductVariant", found[1]["id"]), "quantity": line.quantity})
        given = {"lineItems": lines, "financialStatus": "PAID", "email": "ada@shopper.example", "taxesIncluded": True}
        order = self.orders.create(given, {"inventoryBehaviour": "DECREMENT_IGNORING_POLICY"})
        return {"order": order["id"], "total": order["total"]}

    def bulk(self, body: Bulk) -> Any:
        missing = []
        for change in body.changes:
            found = self.store.by_sku(change.sku)
            if found is None:
                missing.append(change.sku)
                continue
            self.goods.set_units(found[1], change.stock)
        return {"changed": len(body.changes) - len(missing), "missing": missing}

    def product(self, body: Change) -> Any:
        found = self.store.by_sku(body.sku)
        if found is None:
            raise Refusal(f"no product {body.sku}")
        key = gid("Product", found[0]["id"])
        if body.delete:
            self.goods.delete({"id": key})
        else:
            self.goods.update({"id": key, "title": body.title, "status": body.status})
        return {"product": found[0]["id"]}

    def ship(self, body: Ship) -> Any:
        tracking = {"company": body.carrier or None, "number": body.tracking or None, "url": body.url or None}
        done = self.orders.ship(self.orders.find(body.order), body.lines, tracking)
        return {"order": body.order, "fulfillment": done["id"]}

    def refund(self, body: Refund) -> Any:
        order = self.orders.find(body.order)
        shipped = bool(order["fulfillments"])
        place = gid("Location", self.store.options.locations[0].id)
        kind = ("RETURN" if shipped else "CANCEL") if body.restock else "NO_RESTOCK"
        rows = [
            {"lineItemId": gid("LineItem", line), "quantity": units, "restockType": kind, "locationId": place}
            for line, units in body.lines.items()
        ]
        return {"refund": self.orders.refund({"orderId": gid("Order", body.order), "refundLineItems": rows})["id"]}

    def come_back(self, body: Back) -> Any:
        order = self.orders.find(body.order)
        parts = {part["line"]: part["id"] for parcel in order["fulfillments"] for part in parcel["lines"]}
        rows = [
            {"fulfillmentLineItemId": gid("FulfillmentLineItem", parts.get(line)), "quantity": units}
            for line, units in body.lines.items()
        ]
        made = self.back.create({"orderId": body.order, "returnLineItems": rows}, "REQUESTED" if body.asked else "OPEN")
        return {"return": made["id"], "name": made["name"]}

    def process(self, body: Process) -> Any:
        """As on its page in the admin: all of it, or so many ``units`` of each line."""
        order, doc = self.back.find(body.of)
        place = gid("Location", self.store.options.locations[0].id)
        where = {"dispositionType": "RESTOCKED", "locationId": place} if body.restock else {}
        shelves = {shelf["of"]: shelf["id"] for shelf in doc["shelf"]}
        wanted = [(line, body.units or line["quantity"]) for line in doc["lines"]]
        rows = [
            {"id": line["id"], "quantity": units, "dispositions": [
                {"dispositionType": "NOT_RESTOCKED", "quantity": units,
                 "reverseFulfillmentOrderLineItemId": shelves[line["id"]]} | where]}
            for line, units in wanted
        ]  # fmt: skip
        given: Doc = {"returnId": doc["id"], "returnLineItems": rows}
        if body.refund:
            paid = {"parentId": order["transactions"][0]["id"], "transactionAmount": {"amount": body.refund}}
            given["financialTransfer"] = {"issueRefund": {"orderTransactions": [paid]}}
        return {"status": self.back.process(given)["status"]}

    def shelve(self, body: ReturnOnly) -> Any:
        self.back.shelve(body.of, self.store.options.locations[0].id)
        return {"return": body.of}

    def status(self, body: Status) -> Any:
        act = {"CLOSED": self.back.close, "CANCELED": self.back.cancel}[body.to]
        return {"status": act(body.of)["status"]}

    def cancel(self, body: OrderOnly) -> Any:
        return self.orders.cancel(self.orders.find(body.order), {"restock": True})

    def install(self, _: Nothing) -> Any:
        self.tokens.install()
        return {"installed": True}

    def uninstall(self, _: Nothing) -> Any:
        """The webhook is the last thing the app hears of this store; its subscriptions are gone with it."""
        self.tokens.revoke()
        self.store.fire("app/uninstalled", {"id": 1, "domain": self.store.options.domain})
        for hook in self.store.all("webhooks"):
            self.store.remove("webhooks", hook["id"])
        return {"installed": False}

    def session_token(self, body: Session) -> Any:
        return {"token": self.tokens.session_token(body.user, **body.claims)}

    def compliance(self, body: Compliance) -> Any:
        self.hooks.send(body.topic, {"shop_domain": self.store.options.domain, "shop_id": 1} | body.body)
        return {"sent": body.topic}

    def drain(self, body: Drain) -> Any:
        self.bucket.drain(body.left)
        return self.bucket.status()

    def exports(self, body: Exports) -> Any:
        self.exported.fails[:] = body.fail
        return {"fail": body.fail}

    def clock(self, body: Clock) -> Any:
        self.store.clock_shift += body.advance
        return {"now": self.store.iso(self.store.now())}

    def stock(self) -> Any:
        return {
            variant["sku"]: sum(variant["levels"].values())
            for product in self.store.all("products")
            for variant in product["variants"]
            if variant["sku"]
        }


def _ean(number: int) -> str:
    body = f"87{number:010d}"
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(body))
    return body + str(-total % 10)


def add_routes(app: Flask, control: Control) -> None:
    posts: dict[str, tuple[type[Body], Callable[[Any], Any]]] = {
        "seed": (Seed, control.seed),
        "checkout": (Checkout, control.checkout),
        "bulk": (Bulk, control.bulk),
        "product": (Change, control.product),
        "ship": (Ship, control.ship),
        "refund": (Refund, control.refund),
        "return": (Back, control.come_back),
        "process": (Process, control.process),
        "shelve": (ReturnOnly, control.shelve),
        "status": (Status, control.status),
        "cancel": (OrderOnly, control.cancel),
        "install": (Nothing, control.install),
        "uninstall": (Nothing, control.uninstall),
        "session-token": (Session, control.session_token),
        "compliance": (Compliance, control.compliance),
        "drain": (Drain, control.drain),
        "exports": (Exports, control.exports),
        "clock": (Clock, control.clock),
    }

    def post(name: str) -> Answer:
        if name not in posts:
            return jsonify(error=f"no such control: {name}"), 404
        model, action = posts[name]
        try:
            given = model.model_validate_json(request.get_data() or b"{}")
            with control.kit.transaction():
                return jsonify(action(given))
        except ValidationError as error:
            return Response(error.json(), 400, content_type="application/json")
        except Refusal as refusal:
            return jsonify(refusal.row()), 422

    def listing(kind: str) -> Callable[[], Response]:
        def show() -> Response:
            with control.kit.transaction():
                return jsonify(control.store.all(kind))

        return show

    def returns() -> Response:
        with control.kit.transaction():
            return jsonify([doc for order in control.store.all("orders") for doc in order["returns"]])

    def deliveries() -> Response:
        return jsonify(list(control.hooks.log)[request.args.get("since", 0, type=int) :])

    app.post("/_sandbox/<name>")(post)
    app.post("/_sandbox/webhooks/flush", endpoint="flush")(lambda: jsonify(idle=control.hooks.idle()))
    app.get("/_sandbox/stock", endpoint="stock")(lambda: jsonify(control.stock()))
    app.get("/_sandbox/orders", endpoint="orders")(listing("orders"))
    app.get("/_sandbox/returns", endpoint="returns")(returns)
    app.get("/_sandbox/subscriptions", endpoint="subscriptions")(listing("webhooks"))
    app.get("/_sandbox/deliveries")(deliveries)
