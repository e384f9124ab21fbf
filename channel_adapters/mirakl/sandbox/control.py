"""The control surface of this sandbox, on the kit's (bridge.ports.sandbox_control); see the package for the table."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from bridge.ports import sandbox_control as control
from bridge.ports.sandbox_control import Asked, ControlSurface, Return, ReturnLine, Route, asked
from channel_adapters.mirakl.sandbox import offers, orders, returns, settings
from channel_adapters.mirakl.sandbox.buying import Wish, place_order
from channel_adapters.mirakl.sandbox.catalogue import known_product
from channel_adapters.mirakl.sandbox.gate import Problem
from channel_adapters.mirakl.sandbox.market import Document, Market, stamp

USUAL_REASON = "RETURN_CHANGED_MIND"


class ExistingOffer(control.ExistingOffer):
    more: dict[str, Any] = Field(default_factory=dict)


class Plan(Asked):
    kind: str
    reason: str


class State(Asked):
    state: str
    line_state: str | None = None


class Control(ControlSurface[Market, Wish]):
    """One method per control path; all run under the market's lock."""

    wish = Wish

    def more(self) -> tuple[Route, ...]:
        return (
            ("POST", "orders/<order_id>/request-cancellation", self.cancel_for_buyer),
            ("POST", "orders/<order_id>/state", self.set_state),
            ("POST", "plans", self.plan),
        )

    def place(self, wish: Wish) -> str:
        return str(place_order(self.market, wish)["order_id"])

    def cancel_for_buyer(self, order_id: str) -> Document:
        """Mirakl has no requests: the operator cancels for the buyer, at once, what has not left."""
        order = orders.find_order(self.market, order_id)
        if any(line["shipped"] for line in order["lines"]):
            raise Problem(409, "The order is shipped.")
        orders.cancel_whole(self.market, order)
        return {"line_ids": [line["key"] for line in order["lines"]]}

    def set_state(self, order_id: str) -> Document:
        wanted, order = asked(State), orders.find_order(self.market, order_id)
        for line in order["lines"]:
            line["state"] = wanted.line_state or wanted.state
        order["held"] = False
        orders.change(self.market, order, wanted.state)
        return {"ok": True}

    def add_return(self) -> Document:
        wanted = asked(Return)
        order = orders.find_order(self.market, wanted.order_id)
        lines = [
            {
                "order_line_id": _line(order, line)["key"],
                "quantity": line.quantity,
                "reason_code": line.reason or USUAL_REASON,
            }
            for line in wanted.lines
        ]
        return {"return_id": returns.add_return(self.market, order, lines)["id"]}

    def add_offer(self) -> Document:
        wanted = asked(ExistingOffer)
        known_product(self.market, "EAN", wanted.ean)
        row: Document = {"shop_sku": wanted.sku, "product_id": wanted.ean, "product_id_type": "EAN", "state_code": "11"}
        row |= {"price": wanted.price, "quantity": wanted.stock, "update_delete": "update"} | wanted.more
        if fault := offers.take_offer(self.market, row):
            raise Problem(409, fault)
        return {"offer_id": wanted.sku}

    def plan(self) -> Document:
        """The next import of this kind (stock, price, offer, product) fails as a whole, for this reason."""
        wanted = asked(Plan)
        self.market.docs.put("plans", wanted.kind, wanted.reason)
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


def _line(order: Document, wanted: ReturnLine) -> Document:
    for line in order["lines"]:
        if wanted.means(line["key"], line["sku"]):
            return dict(line)
    raise Problem(404, f"The order has no line {wanted.name}.")


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
