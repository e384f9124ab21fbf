"""The control surface of this sandbox, besides the kit's own. All JSON; see the package for the table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar

from flask import Flask, Response, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from channel_adapters.bol.sandbox.availability import corrected_stock, is_live, open_units, reasons, title_of
from channel_adapters.bol.sandbox.buying import NotForSale, Wish, place_many, place_order
from channel_adapters.bol.sandbox.market import Document, Market, product_key, stamp
from channel_adapters.bol.sandbox.offers import add_offer, new_offer, recheck_product
from channel_adapters.bol.sandbox.options import OPERATOR_ID
from channel_adapters.bol.sandbox.orders import expire, request_cancellation
from channel_adapters.bol.sandbox.processes import plan_outcome
from channel_adapters.bol.sandbox.protocol import JSON, answer
from channel_adapters.bol.sandbox.returns import add_return

Model = TypeVar("Model", bound=BaseModel)


class Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Bulk(Asked):
    count: int = Field(ge=1, le=100000)
    skus: list[str] = Field(min_length=1)
    seed: int = 0
    force: bool = False


class LineChoice(Asked):
    line_id: str | None = None


class ReturnLine(Asked):
    sku: str | None = None
    line_id: str | None = None
    quantity: int = Field(default=1, ge=1)
    reason: str = "Niet naar verwachting"


class Return(Asked):
    order_id: str
    lines: list[ReturnLine] = Field(min_length=1)


class ExistingOffer(Asked):
    sku: str
    ean: str
    stock: int = Field(ge=0)
    price: float = Field(ge=1, le=9999)
    managed_by_retailer: bool = True
    fulfilment_method: Literal["FBR", "FBB"] = "FBR"


class Product(Asked):
    ean: str
    missing: list[str] = Field(default_factory=list)


class Outcome(Asked):
    event_type: str = "*"
    status: Literal["SUCCESS", "FAILURE", "TIMEOUT"]
    error: str | None = None


class Refusal(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Control:
    """One method per control path; all run under the market's lock."""

    def __init__(self, market: Market) -> None:
        self.market = market

    def mount(self, app: Flask) -> None:
        routes: tuple[tuple[str, str, Callable[..., Any]], ...] = (
            ("POST", "orders", self.add_order),
            ("POST", "orders/bulk", self.add_orders),
            ("GET", "orders", self.orders),
            ("POST", "orders/<order_id>/request-cancellation", self.request_cancellation),
            ("POST", "orders/<order_id>/expire", self.expire),
            ("POST", "returns", self.add_return),
            ("GET", "returns", self.returns),
            ("POST", "offers", self.add_offer),
            ("GET", "offers", self.offers),
            ("POST", "products", self.set_product),
            ("POST", "outcomes", self.plan_outcome),
        )
        for method, path, action in routes:
            name = f"control_{method}_{path}"
            app.add_url_rule(f"/_sandbox/{path}", name, self._view(action, method), methods=[method])

    def _view(self, action: Callable[..., Any], method: str) -> Callable[..., Response]:
        def view(**path: str) -> Response:
            try:
                with self.market.kit.transaction():
                    self.market.settle()
                    return answer(action(**path), 201 if method == "POST" else 200, JSON)
            except ValidationError as error:
                return Response(error.json(include_url=False), 400, content_type=JSON)
            except NotForSale as error:
                return answer({"error": str(error)}, error.status, JSON)
            except Refusal as error:
                return answer({"error": str(error)}, error.status, JSON)

        return view

    def add_order(self) -> Document:
        return {"order_id": place_order(self.market, _asked(Wish))["orderId"]}

    def add_orders(self) -> Document:
        asked = _asked(Bulk)
        placed, refused = place_many(self.market, asked.count, asked.skus, asked.seed, asked.force)
        return {"order_ids": placed, "refused": refused}

    def _order(self, order_id: str) -> Document:
        order: Document | None = self.market.docs.get("orders", order_id)
        if order is None:
            raise Refusal(404, f"There is no order {order_id}.")
        return order

    def request_cancellation(self, order_id: str) -> Document:
        order, line = self._order(order_id), _asked(LineChoice).line_id
        items = [item for item in order["items"] if line in (None, item["orderItemId"]) and open_units(item)]
        if not items:
            raise Refusal(409, "Nothing of the order is open.")
        request_cancellation(self.market, order, items)
        return {"line_ids": [item["orderItemId"] for item in items]}

    def expire(self, order_id: str) -> Document:
        expire(self.market, self._order(order_id)["orderId"], at_once=True)
        return {"ok": True}

    def add_return(self) -> Document:
        asked = _asked(Return)
        order = self._order(asked.order_id)
        parts = [(order, _returned_item(order, line), line.quantity, line.reason) for line in asked.lines]
        return {"return_id": add_return(self.market, parts)["returnId"]}

    def add_offer(self) -> Document:
        asked = _asked(ExistingOffer)
        price = {"bundlePrices": [{"quantity": 1, "unitPrice": asked.price}]}
        body: Document = {
            "ean": asked.ean,
            "reference": asked.sku,
            "pricing": price,
            "condition": {"category": "NEW"},
        }
        body["stock"] = {"amount": asked.stock, "managedByRetailer": asked.managed_by_retailer}
        body["fulfilment"] = {"method": asked.fulfilment_method, "schedule": "BOL_DELIVERY_PROMISE"}
        offer = new_offer(self.market, body | {"economicOperatorId": OPERATOR_ID})
        if product_key(offer) in self.market.index.offer_by_product:
            raise Refusal(409, f"EAN {asked.ean} is offered already.")
        add_offer(self.market, offer)
        offer["checkDue"] = self.market.now()
        self.market.schedule(offer["checkDue"], "policy", offer["offerId"])
        return {"offer_id": offer["offerId"]}

    def set_product(self) -> Document:
        """What bol's catalogue lacks of a product: offers for it are offline until content is sent."""
        asked = _asked(Product)
        known = self.market.docs.get("catalogue", asked.ean) or {"ean": asked.ean, "attributes": {}}
        self.market.docs.put("catalogue", asked.ean, known | {"missing": asked.missing})
        recheck_product(self.market, asked.ean)
        return {"ok": True}

    def plan_outcome(self) -> Document:
        """The next process of this event type ends so, and its work is not done."""
        asked = _asked(Outcome)
        plan_outcome(self.market, asked.event_type, asked.status, asked.error)
        return {"ok": True}

    def offers(self) -> list[Document]:
        return [self._offer(offer) for offer in self.market.docs.all("offers").values()]

    def _offer(self, offer: Document) -> Document:
        names = {"offer_id": "offerId", "sku": "reference", "ean": "ean"}
        body = {ours: offer.get(theirs) for ours, theirs in names.items()}
        body |= {"title": title_of(self.market, offer), "stock": offer["stock"]["amount"]}
        body |= {"sellable": corrected_stock(self.market, offer)}
        body["price"] = offer["pricing"]["bundlePrices"][0]["unitPrice"]
        body |= {"live": is_live(self.market, offer), "on_hold": offer["onHold"]}
        body["reasons"] = [reason["code"] for reason in reasons(self.market, offer)]
        return body

    def orders(self) -> list[Document]:
        shipments: dict[str, list[Document]] = {}
        for shipment in self.market.docs.all("shipments").values():
            shipments.setdefault(shipment["orderId"], []).append(_shipment(shipment))
        orders = self.market.docs.all("orders").values()
        return [_order(order) | {"shipments": shipments.get(order["orderId"], [])} for order in orders]

    def returns(self) -> list[Document]:
        return [_return(document) for document in self.market.docs.all("returns").values()]


def _asked(model: type[Model]) -> Model:
    return model.model_validate_json(request.get_data() or b"{}")


def _returned_item(order: Document, line: ReturnLine) -> Document:
    for item in order["items"]:
        if line.line_id == item["orderItemId"] or (line.line_id is None and line.sku == item["reference"]):
            return dict(item)
    raise Refusal(404, f"The order has no line {line.line_id or line.sku}.")


def _order(order: Document) -> Document:
    states = {bool(item["handled"]) for item in order["items"]}
    status = (
        "OPEN" if False in states else "SHIPPED" if any(item["shipped"] for item in order["items"]) else "CANCELLED"
    )
    lines = [
        {"line_id": item["orderItemId"], "sku": item["reference"]}
        | {name: item[name] for name in ("ean", "quantity", "shipped", "cancelled")}
        | {"cancellation_requested": item["cancellationRequest"], "expired": item.get("expired", False)}
        for item in order["items"]
    ]
    return {
        "order_id": order["orderId"],
        "status": status,
        "placed_at": stamp(order["placed"]),
        "lines": lines,
    }


def _shipment(shipment: Document) -> Document:
    transport = shipment["transport"]
    lines = [{"line_id": part["orderItemId"], "quantity": part["quantity"]} for part in shipment["items"]]
    body = {"carrier": transport.get("transporterCode"), "tracking": transport.get("trackAndTrace")}
    return body | {"reference": shipment["reference"], "lines": lines}


def _return(document: Document) -> Document:
    names = {
        "rma_id": "rmaId",
        "order_id": "orderId",
        "sku": "reference",
        "quantity": "expected",
        "results": "results",
    }
    lines = [{ours: item[theirs] for ours, theirs in names.items()} for item in document["items"]]
    return {"return_id": document["returnId"], "lines": lines}
