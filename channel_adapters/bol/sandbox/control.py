"""The control surface of this sandbox, on the kit's (bridge.ports.sandbox_control); see the package for the table."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bridge.ports import sandbox_control as control
from bridge.ports.sandbox_control import Asked, ControlSurface, LineChoice, Refusal, Return, ReturnLine, Route, asked
from channel_adapters.bol.sandbox.availability import corrected_stock, is_live, open_units, reasons, title_of
from channel_adapters.bol.sandbox.buying import Wish, place_order
from channel_adapters.bol.sandbox.market import Document, Market, product_key, stamp
from channel_adapters.bol.sandbox.offers import add_offer, new_offer, recheck_product
from channel_adapters.bol.sandbox.options import OPERATOR_ID
from channel_adapters.bol.sandbox.orders import expire, request_cancellation
from channel_adapters.bol.sandbox.processes import plan_outcome
from channel_adapters.bol.sandbox.returns import add_return


class ExistingOffer(control.ExistingOffer):
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


class Control(ControlSurface[Market, Wish]):
    """One method per control path; all run under the market's lock."""

    wish = Wish

    def more(self) -> tuple[Route, ...]:
        return (
            ("POST", "orders/<order_id>/request-cancellation", self.request_cancellation),
            ("POST", "orders/<order_id>/expire", self.expire),
            ("POST", "products", self.set_product),
            ("POST", "outcomes", self.plan_outcome),
        )

    def place(self, wish: Wish) -> str:
        return str(place_order(self.market, wish)["orderId"])

    def request_cancellation(self, order_id: str) -> Document:
        order, line = self.order(order_id), asked(LineChoice).line_id
        items = [item for item in order["items"] if line in (None, item["orderItemId"]) and open_units(item)]
        if not items:
            raise Refusal(409, "Nothing of the order is open.")
        request_cancellation(self.market, order, items)
        return {"line_ids": [item["orderItemId"] for item in items]}

    def expire(self, order_id: str) -> Document:
        expire(self.market, self.order(order_id)["orderId"], at_once=True)
        return {"ok": True}

    def add_return(self) -> Document:
        wanted = asked(Return)
        order = self.order(wanted.order_id)
        parts = [
            (order, _returned_item(order, line), line.quantity, line.reason or "Niet naar verwachting")
            for line in wanted.lines
        ]
        return {"return_id": add_return(self.market, parts)["returnId"]}

    def add_offer(self) -> Document:
        wanted = asked(ExistingOffer)
        price = {"bundlePrices": [{"quantity": 1, "unitPrice": wanted.price}]}
        body: Document = {
            "ean": wanted.ean,
            "reference": wanted.sku,
            "pricing": price,
            "condition": {"category": "NEW"},
        }
        body["stock"] = {"amount": wanted.stock, "managedByRetailer": wanted.managed_by_retailer}
        body["fulfilment"] = {"method": wanted.fulfilment_method, "schedule": "BOL_DELIVERY_PROMISE"}
        offer = new_offer(self.market, body | {"economicOperatorId": OPERATOR_ID})
        if product_key(offer) in self.market.index.offer_by_product:
            raise Refusal(409, f"EAN {wanted.ean} is offered already.")
        add_offer(self.market, offer)
        offer["checkDue"] = self.market.now()
        self.market.schedule(offer["checkDue"], "policy", offer["offerId"])
        return {"offer_id": offer["offerId"]}

    def set_product(self) -> Document:
        """What bol's catalogue lacks of a product: offers for it are offline until content is sent."""
        wanted = asked(Product)
        known = self.market.docs.get("catalogue", wanted.ean) or {"ean": wanted.ean, "attributes": {}}
        self.market.docs.put("catalogue", wanted.ean, known | {"missing": wanted.missing})
        recheck_product(self.market, wanted.ean)
        return {"ok": True}

    def plan_outcome(self) -> Document:
        """The next process of this event type ends so, and its work is not done."""
        wanted = asked(Outcome)
        plan_outcome(self.market, wanted.event_type, wanted.status, wanted.error)
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


def _returned_item(order: Document, line: ReturnLine) -> Document:
    for item in order["items"]:
        if line.means(item["orderItemId"], item["reference"]):
            return dict(item)
    raise Refusal(404, f"The order has no line {line.name}.")


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
