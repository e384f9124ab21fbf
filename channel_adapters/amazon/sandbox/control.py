"""The control surface of this sandbox, on the kit's (bridge.ports.sandbox_control); see the package for the table."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bridge.ports import sandbox_control as control
from bridge.ports.sandbox_consent import ConsentControl
from bridge.ports.sandbox_control import Asked, ControlSurface, LineChoice, Refusal, Return, ReturnLine, Route, asked
from channel_adapters.amazon.sandbox import listings
from channel_adapters.amazon.sandbox.buying import Wish, ask_to_cancel, place_order, release
from channel_adapters.amazon.sandbox.market import Document, Market
from channel_adapters.amazon.sandbox.orders import cancel_item, items_of, left_of, refunds_of, touch

USUAL_REASON = "AMZ-PG-APP-TOO-SMALL"


class ExistingOffer(control.ExistingOffer):
    """A listing that exists already, on ``sites`` or wherever the seller sells; ``channel`` AMAZON_EU is FBA."""

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


class Control(ControlSurface[Market, Wish]):
    """One method per control path; all run under the market's lock."""

    wish = Wish

    def more(self) -> tuple[Route, ...]:
        return (
            ("POST", "orders/<order_id>/request-cancellation", self.request_cancellation),
            ("POST", "orders/<order_id>/cancel", self.cancel),
            ("POST", "orders/<order_id>/release", self.release),
            ("POST", "issues", self.add_issue),
            ("POST", "unknown-products", self.forget_product),
            *ConsentControl(self.market, {"application_id": self.market.options.application_id}).routes(),
        )

    def place(self, wish: Wish) -> str:
        return str(place_order(self.market, wish)["raw"]["orderId"])

    def request_cancellation(self, order_id: str) -> Document:
        found = ask_to_cancel(self.market, self.order(order_id), asked(LineChoice).line_id)
        if not found:
            raise Refusal(409, "Nothing of the order is open.")
        return {"line_ids": found}

    def cancel(self, order_id: str) -> Document:
        """The buyer or Amazon cancels what is open."""
        order = self.order(order_id)
        for item in items_of(order):
            if left_of(item):
                cancel_item(item, "BUYER", "Cancelled on request")
        order["pending"] = False
        touch(self.market, order)
        return {"ok": True}

    def release(self, order_id: str) -> Document:
        release(self.market, self.order(order_id))
        return {"ok": True}

    def add_return(self) -> Document:
        wanted = asked(Return)
        order = self.order(wanted.order_id)
        number = f"D{self.market.docs.next_id('return', 7001)}RRMA"
        lines = [_returned(order, line) for line in wanted.lines]
        body = {"return_id": number, "order_id": wanted.order_id, "registered": self.market.now(), "lines": lines}
        self.market.docs.put("returns", number, body)
        return {"return_id": number}

    def returns(self) -> list[Document]:
        found = []
        for document in self.market.docs.all("returns").values():
            order = self.order(document["order_id"])
            lines = [
                {"rma_id": document["return_id"], "order_id": document["order_id"], "sku": line["sku"]}
                | {"quantity": line["quantity"], "line_id": line["line_id"]}
                | {"results": refunds_of(order, document, line)}
                for line in document["lines"]
            ]
            found.append({"return_id": document["return_id"], "lines": lines})
        return found

    def add_offer(self) -> Document:
        wanted = asked(ExistingOffer)
        if self.market.docs.get("listings", wanted.sku) is not None:
            raise Refusal(409, f"There is a listing {wanted.sku} already.")
        for site in wanted.sites or self.market.options.marketplaces:
            listings.put(self.market, wanted.sku, site, wanted.product_type, _attributes(wanted, site))
        document = self.market.docs.get("listings", wanted.sku)
        if document is not None:
            document["due"] = self.market.now()
            listings.show(self.market, wanted.sku)
        return {"offer_id": wanted.sku}

    def offers(self) -> list[Document]:
        """One for each marketplace a listing is on."""
        return [
            _offer(document, site)
            for document in self.market.docs.all("listings").values()
            for site in document["shown_sites"]
        ]

    def add_issue(self) -> Document:
        wanted = asked(Issue)
        listings.plan_issue(self.market, wanted.sku, wanted.model_dump())
        return {"ok": True}

    def forget_product(self) -> Document:
        """Amazon's catalogue does not have this EAN."""
        self.market.docs.put("not_in_catalogue", asked(Product).ean, True)
        return {"ok": True}

    def orders(self) -> list[Document]:
        return [_order(order) for order in self.market.docs.all("orders").values()]


def _attributes(wanted: ExistingOffer, site: str) -> Document:
    available: Document = {"fulfillment_channel_code": wanted.channel}
    if wanted.channel == "DEFAULT":
        available["quantity"] = wanted.stock
    if wanted.handling_days is not None:
        available["lead_time_to_ship_max_days"] = wanted.handling_days
    price = [{"schedule": [{"value_with_tax": wanted.price}]}]
    place = {"marketplace_id": site}
    return {
        "item_name": [{"value": wanted.title, "language_tag": "de_DE"} | place],
        "condition_type": [{"value": "new_new"} | place],
        "externally_assigned_product_identifier": [{"type": "ean", "value": wanted.ean} | place],
        "purchasable_offer": [{"currency": wanted.currency, "audience": "ALL", "our_price": price} | place],
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
        product = item["product"]
        if line.means(item["orderItemId"], product["sellerSku"]):
            body = {"line_id": item["orderItemId"], "sku": product["sellerSku"], "asin": product["asin"]}
            body |= {"title": product["title"], "ordered": item["quantityOrdered"]}
            return body | {"quantity": line.quantity, "reason": line.reason or USUAL_REASON}
    raise Refusal(404, f"The order has no line {line.name}.")
