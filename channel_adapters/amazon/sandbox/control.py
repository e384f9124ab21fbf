"""The control surface of this sandbox, besides the kit's own. All JSON; see the package for the table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar

from flask import Flask, Response, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from channel_adapters.amazon.sandbox import listings
from channel_adapters.amazon.sandbox.buying import NotForSale, Wish, ask_to_cancel, place_many, place_order, release
from channel_adapters.amazon.sandbox.market import Document, Market
from channel_adapters.amazon.sandbox.orders import cancel_item, items_of, left_of, touch
from channel_adapters.amazon.sandbox.protocol import Problem, answer

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
    reason: str = "AMZ-PG-APP-TOO-SMALL"


class Return(Asked):
    order_id: str
    lines: list[ReturnLine] = Field(min_length=1)


class ExistingOffer(Asked):
    """A listing that exists already, on ``sites`` or wherever the seller sells; ``channel`` AMAZON_EU is FBA."""

    sku: str
    ean: str
    stock: int = Field(ge=0)
    price: float = Field(gt=0)
    currency: str = "EUR"
    title: str = "An article"
    product_type: str = "HOME"
    sites: list[str] = Field(default_factory=list)
    channel: str = "DEFAULT"
    handling_days: int | None = None


class Issue(Asked):
    """What Amazon finds out later; an empty message takes it back."""

    sku: str
    message: str
    code: str = "18027"
    category: str = "INVALID_IMAGE"
    severity: Literal["ERROR", "WARNING", "INFO"] = "ERROR"
    attributes: list[str] = Field(default_factory=list)


class Product(Asked):
    ean: str


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
            ("POST", "orders/<order_id>/cancel", self.cancel),
            ("POST", "orders/<order_id>/release", self.release),
            ("POST", "returns", self.add_return),
            ("GET", "returns", self.returns),
            ("POST", "offers", self.add_offer),
            ("GET", "offers", self.offers),
            ("POST", "issues", self.add_issue),
            ("POST", "unknown-products", self.forget_product),
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
            except (NotForSale, Refusal) as error:
                return answer({"error": str(error)}, error.status)
            except Problem as problem:
                return problem.response()

        return view

    def add_order(self) -> Document:
        return {"order_id": place_order(self.market, _asked(Wish))["raw"]["orderId"]}

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
        found = ask_to_cancel(self.market, self._order(order_id), _asked(LineChoice).line_id)
        if not found:
            raise Refusal(409, "Nothing of the order is open.")
        return {"line_ids": found}

    def cancel(self, order_id: str) -> Document:
        """The buyer or Amazon cancels what is open."""
        order = self._order(order_id)
        for item in items_of(order):
            if left_of(item):
                cancel_item(item, "BUYER", "Cancelled on request")
        order["pending"] = False
        touch(self.market, order)
        return {"ok": True}

    def release(self, order_id: str) -> Document:
        release(self.market, self._order(order_id))
        return {"ok": True}

    def add_return(self) -> Document:
        asked = _asked(Return)
        order = self._order(asked.order_id)
        number = f"D{self.market.docs.next_id('return', 7001)}RRMA"
        lines = [_returned(order, line) for line in asked.lines]
        body = {"return_id": number, "order_id": asked.order_id, "registered": self.market.now(), "lines": lines}
        self.market.docs.put("returns", number, body)
        return {"return_id": number}

    def returns(self) -> list[Document]:
        found = []
        for document in self.market.docs.all("returns").values():
            refunds = self._order(document["order_id"])["refunds"]
            lines = [
                {"rma_id": document["return_id"], "order_id": document["order_id"], "sku": line["sku"]}
                | {"quantity": line["quantity"], "line_id": line["line_id"]}
                | {"results": [entry for entry in refunds if entry["line_id"] == line["line_id"]]}
                for line in document["lines"]
            ]
            found.append({"return_id": document["return_id"], "lines": lines})
        return found

    def add_offer(self) -> Document:
        asked = _asked(ExistingOffer)
        if self.market.docs.get("listings", asked.sku) is not None:
            raise Refusal(409, f"There is a listing {asked.sku} already.")
        for site in asked.sites or self.market.options.marketplaces:
            listings.put(self.market, asked.sku, site, asked.product_type, _attributes(asked, site))
        document = self.market.docs.get("listings", asked.sku)
        if document is not None:
            document["due"] = self.market.now()
            listings.show(self.market, asked.sku)
        return {"offer_id": asked.sku}

    def offers(self) -> list[Document]:
        """One for each marketplace a listing is on."""
        return [
            _offer(document, site)
            for document in self.market.docs.all("listings").values()
            for site in document["shown_sites"]
        ]

    def add_issue(self) -> Document:
        asked = _asked(Issue)
        listings.plan_issue(self.market, asked.sku, asked.model_dump())
        return {"ok": True}

    def forget_product(self) -> Document:
        """Amazon's catalogue does not have this EAN."""
        self.market.docs.put("not_in_catalogue", _asked(Product).ean, True)
        return {"ok": True}

    def orders(self) -> list[Document]:
        return [_order(order) for order in self.market.docs.all("orders").values()]


def _asked(model: type[Model]) -> Model:
    return model.model_validate_json(request.get_data() or b"{}")


def _attributes(asked: ExistingOffer, site: str) -> Document:
    available: Document = {"fulfillment_channel_code": asked.channel}
    if asked.channel == "DEFAULT":
        available["quantity"] = asked.stock
    if asked.handling_days is not None:
        available["lead_time_to_ship_max_days"] = asked.handling_days
    price = [{"schedule": [{"value_with_tax": asked.price}]}]
    place = {"marketplace_id": site}
    return {
        "item_name": [{"value": asked.title, "language_tag": "de_DE"} | place],
        "condition_type": [{"value": "new_new"} | place],
        "externally_assigned_product_identifier": [{"type": "ean", "value": asked.ean} | place],
        "purchasable_offer": [{"currency": asked.currency, "audience": "ALL", "our_price": price} | place],
        "fulfillment_availability": [available],
    }


def _offer(document: Document, site: str) -> Document:
    price = listings.price_of(document, site)
    codes = sorted(listings.identifiers_of(document, "EAN"))
    channels = [item["fulfillment_channel_code"] for item in document["shown"].get("fulfillment_availability", [])]
    handling = [
        item["lead_time_to_ship_max_days"]
        for item in document["shown"].get("fulfillment_availability", [])
        if "lead_time_to_ship_max_days" in item
    ]
    return {
        "offer_id": f"{site}/{document['sku']}",
        "site": site,
        "sku": document["sku"],
        "ean": codes[0] if codes else None,
        "title": listings.title_of(document, site),
        "stock": listings.quantity_of(document),
        "price": price[0] if price else None,
        "currency": price[1] if price else None,
        "live": listings.buyable(document, site),
        "reasons": [issue["code"] for issue in document["issues"]],
        "channels": channels,
        "handling_days": handling[0] if handling else None,
        "product_type": document["sites"][site]["productType"],
        "attributes": document["shown"],
    }


def _order(order: Document) -> Document:
    raw = order["raw"]
    status = raw["fulfillment"]["fulfillmentStatus"]
    body = {"order_id": raw["orderId"], "status": status, "placed_at": raw["createdTime"], "refunds": order["refunds"]}
    return body | {
        "lines": [_line(item) for item in raw["orderItems"]],
        "shipments": [_shipment(one) for one in raw["packages"]],
    }


def _line(item: Document) -> Document:
    told = item["fulfillment"]
    gone = item["quantityOrdered"] - told["quantityFulfilled"] - told["quantityUnfulfilled"]
    body = {"line_id": item["orderItemId"], "sku": item["product"]["sellerSku"], "quantity": item["quantityOrdered"]}
    body |= {"shipped": told["quantityFulfilled"], "cancelled": gone}
    return body | {"cancellation_requested": "cancellationRequest" in item.get("cancellation", {})}


def _shipment(package: Document) -> Document:
    lines = [{"line_id": part["orderItemId"], "quantity": part["quantity"]} for part in package["packageItems"]]
    body = {"carrier": package["carrier"], "tracking": package["trackingNumber"]}
    return body | {"reference": package["packageReferenceId"], "lines": lines}


def _returned(order: Document, line: ReturnLine) -> Document:
    for item in items_of(order):
        if line.line_id == item["orderItemId"] or (line.line_id is None and line.sku == item["product"]["sellerSku"]):
            product = item["product"]
            body = {"line_id": item["orderItemId"], "sku": product["sellerSku"], "asin": product["asin"]}
            body |= {"title": product["title"], "ordered": item["quantityOrdered"]}
            return body | {"quantity": line.quantity, "reason": line.reason}
    raise Refusal(404, f"The order has no line {line.line_id or line.sku}.")
