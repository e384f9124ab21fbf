"""The control surface of this sandbox, besides the kit's own. All JSON; see the package for the table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, Response, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from channel_adapters.mirakl.sandbox import offers, orders, returns, settings
from channel_adapters.mirakl.sandbox.buying import NotForSale, Wish, place_many, place_order
from channel_adapters.mirakl.sandbox.catalogue import known_product
from channel_adapters.mirakl.sandbox.gate import Problem, answer
from channel_adapters.mirakl.sandbox.market import Document, Market, stamp

Model = TypeVar("Model", bound=BaseModel)


class Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Bulk(Asked):
    count: int = Field(ge=1, le=100000)
    skus: list[str] = Field(min_length=1)
    seed: int = 0
    force: bool = False


class ReturnLine(Asked):
    sku: str | None = None
    line_id: str | None = None
    quantity: int = Field(default=1, ge=1)
    reason: str = "RETURN_CHANGED_MIND"


class Return(Asked):
    order_id: str
    lines: list[ReturnLine] = Field(min_length=1)


class ExistingOffer(Asked):
    sku: str
    ean: str
    stock: int = Field(ge=0)
    price: float = Field(gt=0)
    more: dict[str, Any] = Field(default_factory=dict)


class Plan(Asked):
    kind: str
    reason: str


class State(Asked):
    state: str
    line_state: str | None = None


class Control:
    """One method per control path; all run under the market's lock."""

    def __init__(self, market: Market) -> None:
        self.market = market

    def mount(self, app: Flask) -> None:
        routes: tuple[tuple[str, str, Callable[..., Any]], ...] = (
            ("POST", "orders", self.add_order),
            ("POST", "orders/bulk", self.add_orders),
            ("GET", "orders", self.orders),
            ("POST", "orders/<order_id>/request-cancellation", self.cancel_for_buyer),
            ("POST", "orders/<order_id>/state", self.set_state),
            ("POST", "returns", self.add_return),
            ("GET", "returns", self.returns),
            ("POST", "offers", self.add_offer),
            ("GET", "offers", self.offers),
            ("POST", "plans", self.plan),
        )
        for method, path, action in routes:
            name = f"control_{method}_{path}"
            app.add_url_rule(f"/_sandbox/{path}", name, self._view(action, method), methods=[method])

    def _view(self, action: Callable[..., Any], method: str) -> Callable[..., Response]:
        def view(**path: str) -> Response:
            try:
                with self.market.kit.transaction():
                    self.market.settle()
                    return answer(action(**path), 201 if method == "POST" else 200)
            except ValidationError as error:
                return Response(error.json(include_url=False), 400, content_type="application/json")
            except NotForSale as error:
                return answer({"error": str(error)}, error.status)
            except Problem as problem:
                return problem.response()

        return view

    def add_order(self) -> Document:
        return {"order_id": place_order(self.market, _asked(Wish))["order_id"]}

    def add_orders(self) -> Document:
        asked = _asked(Bulk)
        placed, refused = place_many(self.market, asked.count, asked.skus, asked.seed, asked.force)
        return {"order_ids": placed, "refused": refused}

    def cancel_for_buyer(self, order_id: str) -> Document:
        """Mirakl has no requests: the operator cancels for the buyer, at once, what has not left."""
        order = orders.find_order(self.market, order_id)
        if any(line["shipped"] for line in order["lines"]):
            raise Problem(409, "The order is shipped.")
        orders.cancel_whole(self.market, order)
        return {"line_ids": [line["key"] for line in order["lines"]]}

    def set_state(self, order_id: str) -> Document:
        asked, order = _asked(State), orders.find_order(self.market, order_id)
        for line in order["lines"]:
            line["state"] = asked.line_state or asked.state
        order["held"] = False
        orders.change(self.market, order, asked.state)
        return {"ok": True}

    def add_return(self) -> Document:
        asked = _asked(Return)
        order = orders.find_order(self.market, asked.order_id)
        lines = [
            {"order_line_id": _line(order, line)["key"], "quantity": line.quantity, "reason_code": line.reason}
            for line in asked.lines
        ]
        return {"return_id": returns.add_return(self.market, order, lines)["id"]}

    def add_offer(self) -> Document:
        asked = _asked(ExistingOffer)
        known_product(self.market, "EAN", asked.ean)
        row: Document = {"shop_sku": asked.sku, "product_id": asked.ean, "product_id_type": "EAN", "state_code": "11"}
        row |= {"price": asked.price, "quantity": asked.stock, "update_delete": "update"} | asked.more
        if fault := offers.take_offer(self.market, row):
            raise Problem(409, fault)
        return {"offer_id": asked.sku}

    def plan(self) -> Document:
        """The next import of this kind (stock, price, offer, product) fails as a whole, for this reason."""
        asked = _asked(Plan)
        self.market.docs.put("plans", asked.kind, asked.reason)
        return {"ok": True}

    def offers(self) -> list[Document]:
        return [self._offer(offer) for offer in self.market.docs.all("offers").values()]

    def _offer(self, offer: Document) -> Document:
        shown = offers.wire(self.market, offer)
        body = {"offer_id": offer["shop_sku"], "sku": offer["shop_sku"], "stock": offer["quantity"]}
        body |= {"ean": shown["product_references"][0]["reference"], "title": shown["product_title"]}
        body |= {"price": offer["price"], "live": shown["active"], "reasons": shown["inactivity_reasons"]}
        return body | {"sent": {name: value for name, value in offer.items() if name != "offer_id"}}

    def orders(self) -> list[Document]:
        parcels: dict[str, list[Document]] = {}
        for shipment in self.market.docs.all("shipments").values():
            parcels.setdefault(shipment["order_id"], []).append(_parcel(shipment))
        found = self.market.docs.all("orders").values()
        return [_order(order) | {"shipments": parcels.get(order["order_id"], [])} for order in found]

    def returns(self) -> list[Document]:
        found = self.market.docs.all("returns").values()
        return [
            {"return_id": item["id"], "order_id": item["order_id"], "state": item["state"], "lines": item["lines"]}
            for item in found
        ]


def _asked(model: type[Model]) -> Model:
    return model.model_validate_json(request.get_data() or b"{}")


def _line(order: Document, wanted: ReturnLine) -> Document:
    for line in order["lines"]:
        if wanted.line_id == line["key"] or (wanted.line_id is None and wanted.sku == line["sku"]):
            return dict(line)
    raise Problem(404, f"The order has no line {wanted.line_id or wanted.sku}.")


def _order(order: Document) -> Document:
    lines = [
        {"line_id": line["key"], "sku": line["sku"], "quantity": line["quantity"], "shipped": line["shipped"]}
        | {"cancelled": orders.cancelled(line), "state": line["state"], "refunds": line["refunds"]}
        for line in order["lines"]
    ]
    body = {"order_id": order["order_id"], "status": order["order_state"], "placed_at": stamp(order["created"])}
    return body | {"lines": lines, "references": order["references"]}


def _parcel(shipment: Document) -> Document:
    tracking = shipment["tracking"]
    labels = {code: label for code, label, _ in settings.CARRIERS}
    carrier = labels.get(tracking.get("carrier_code") or "") or tracking.get("carrier_name")
    lines = [{"line_id": part["order_line_id"], "quantity": part["quantity"]} for part in shipment["lines"]]
    return {"carrier": carrier, "tracking": tracking.get("tracking_number"), "lines": lines}
