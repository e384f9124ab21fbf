"""The control surface of this sandbox, on the kit's (bridge.ports.sandbox_control); see the package for the table."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from bridge.ports import sandbox_control as control
from bridge.ports.sandbox_consent import ConsentControl
from bridge.ports.sandbox_control import Asked, ControlSurface, Refusal, Route, asked
from channel_adapters.allegro.sandbox import aftersales, offers, orders
from channel_adapters.allegro.sandbox.aftersales import refunded_units
from channel_adapters.allegro.sandbox.buying import Wish, place_order
from channel_adapters.allegro.sandbox.catalogue import MUGS
from channel_adapters.allegro.sandbox.market import CURRENCIES, Document, Market, new_id, stamp

CANCELLED_BY_SELLER = ("PRODUCT_NOT_AVAILABLE", "CANCELLED_BY_BUYER")
SENT = ("SENT", "PICKED_UP", "RETURNED")


class ExistingOffer(control.ExistingOffer):
    prices: dict[str, float] = Field(default_factory=dict)
    status: str = "ACTIVE"


class Return(control.Return):
    status: str = "DELIVERED"


class Product(Asked):
    gtin: str
    category: str = MUGS
    count: int = Field(default=1, ge=0)


class Reason(Asked):
    reason: str


class Status(Asked):
    status: str


class Joined(Asked):
    order_ids: list[str] = Field(min_length=2)


class Control(ControlSurface[Market, Wish]):
    """One method per control path; all run under the market's lock."""

    wish = Wish

    def more(self) -> tuple[Route, ...]:
        return (
            ("POST", "orders/join", self.join),
            ("POST", "orders/<order_id>/pay", self.pay),
            ("POST", "orders/<order_id>/request-cancellation", self.cancel_for_buyer),
            ("POST", "orders/<order_id>/touch", self.touch),
            ("POST", "orders/<order_id>/status", self.set_status),
            ("POST", "products", self.set_product),
            ("POST", "consent", self.consent),
            ("POST", "refusals", self.refuse_next),
            *ConsentControl(self.market).routes(),
        )

    def place(self, wish: Wish) -> str:
        return str(place_order(self.market, wish)["id"])

    def consent(self) -> Document:
        """The seller agrees once more: the credentials that are new by it."""
        token = new_id()
        self.market.docs.put("grants", token, self.market.now())
        return {"refresh_token": token}

    def join(self) -> Document:
        """A new form with the lines as they are; the previous ones are removed."""
        forms = [self.order(key) for key in asked(Joined).order_ids]
        if any(form["status"] not in ("BOUGHT", "FILLED_IN") for form in forms):
            raise Refusal(409, "One of them is paid already.")
        lines = [line for form in forms for line in form["lines"]]
        joined = forms[0] | {"id": new_id(), "lines": lines, "payment": forms[0]["payment"] | {"id": new_id()}}
        for form in forms:
            self.market.docs.remove("orders", form["id"])
        orders.change(self.market, joined, "READY_FOR_PROCESSING", status="READY_FOR_PROCESSING")
        return {"order_id": joined["id"]}

    def pay(self, order_id: str) -> Document:
        orders.change(self.market, self.order(order_id), "READY_FOR_PROCESSING", status="READY_FOR_PROCESSING")
        return {"ok": True}

    def cancel_for_buyer(self, order_id: str) -> Document:
        """Buyers do not ask: they cancel what has not left."""
        order = self.order(order_id)
        if order["fulfillment"] in SENT:
            raise Refusal(409, "The order is sent.")
        orders.change(self.market, order, "BUYER_CANCELLED", status="CANCELLED")
        return {"line_ids": [line["id"] for line in order["lines"]]}

    def touch(self, order_id: str) -> Document:
        orders.change(self.market, self.order(order_id), "BUYER_MODIFIED")
        return {"ok": True}

    def set_status(self, order_id: str) -> Document:
        orders.set_fulfilment(self.market, self.order(order_id), asked(Status).status)
        return {"ok": True}

    def set_product(self) -> Document:
        given = asked(Product)
        self.market.docs.put("products", given.gtin, {"category": given.category, "count": given.count})
        return {"ok": True}

    def refuse_next(self) -> Document:
        self.market.docs.put("plans", "refusal", asked(Reason).reason)
        return {"ok": True}

    def add_return(self) -> Document:
        given = asked(Return)
        order = self.order(given.order_id)
        items = []
        for wanted in given.lines:
            fitting = (line for line in order["lines"] if wanted.means(line["id"], self._sku(line)))
            line = next(fitting, None)
            if line is None or line["quantity"] < wanted.quantity:
                raise Refusal(404, f"The order has not that many of {wanted.name}.")
            item: Document = {"offerId": line["offer"]["id"], "quantity": wanted.quantity, "price": line["price"]}
            item |= {"name": line["offer"]["name"], "url": f"https://allegro.pl/oferta/{line['offer']['id']}"}
            items.append(item | {"reason": {"type": wanted.reason or "DONT_LIKE_IT", "userComment": "Za mały"}})
        return {"return_id": aftersales.add_return(self.market, order, items, given.status)["id"]}

    def _sku(self, line: Document) -> str | None:
        named: str | None = line["offer"].get("external", {}).get("id")
        return named

    def returns(self) -> list[Document]:
        return [
            {
                "return_id": back["id"],
                "order_id": back["order"],
                "status": back["status"],
                "rejection": back["rejection"],
                "lines": [{"offer_id": item["offerId"], "quantity": item["quantity"]} for item in back["items"]],
            }
            for back in self.market.docs.all("returns").values()
        ]

    def add_offer(self) -> Document:
        given = asked(ExistingOffer)
        prices = {
            code: {"amount": f"{amount:.2f}", "currency": CURRENCIES[code]} for code, amount in given.prices.items()
        }
        more: dict[str, Any] = {"additional": prices, "status": given.status}
        offer = offers.existing(self.market, given.sku, given.ean, given.stock, f"{given.price:.2f}", **more)
        return {"offer_id": offer["id"]}

    def offers(self) -> list[Document]:
        return [self._offer(offer) for offer in self.market.docs.all("offers").values()]

    def _offer(self, offer: Document) -> Document:
        live = offer["status"] == "ACTIVE"
        body: Document = {"offer_id": offer["id"], "sku": offer["external"], "ean": offer["gtin"]}
        body |= {"title": offer["name"], "stock": offer["stock"] if offer["status"] != "ENDED" else 0, "live": live}
        body |= {"price": float(offer["price"]["amount"]), "reasons": [] if live else [offer["status"]]}
        prices = {code: float(price["amount"]) for code, price in offer["additional"].items()}
        kept = ("element", "product", "category", *offers.KEPT)
        sent = {name: offer[name] for name in kept if name in offer}
        return body | {"prices": prices, "parameters": offer["parameters"], "ended_by": offer["endedBy"], "sent": sent}

    def orders(self) -> list[Document]:
        return [self._order(order) for order in self.market.docs.all("orders").values()]

    def _order(self, order: Document) -> Document:
        shipments = [
            {
                "carrier": item.get("carrierName") or item["carrierId"],
                "tracking": item["waybill"],
                "lines": [{"line_id": line["id"]} for line in item["lineItems"]],
            }
            for item in order["shipments"]
        ]
        body: Document = {"order_id": order["id"], "status": order["status"], "placed_at": stamp(order["created"])}
        body |= {"fulfilment": order["fulfillment"], "lines": [self._line(order, line) for line in order["lines"]]}
        mine = [made for made in self.market.docs.all("refunds").values() if made["order"] == order["id"]]
        names = ("reason", "status", "total", "delivery", "lineItems", "deposits", "additionalServices")
        refunds = [{name: made[name] for name in names} for made in mine]
        return body | {"shipments": shipments, "refunds": refunds}

    def _line(self, order: Document, line: Document) -> Document:
        whole = "CANCELLED" in (order["status"], order["fulfillment"])
        gone = line["quantity"] if whole else refunded_units(self.market, line["id"], CANCELLED_BY_SELLER)
        sent = line["quantity"] - gone if order["fulfillment"] in SENT else 0
        body: Document = {"line_id": line["id"], "sku": self._sku(line), "quantity": line["quantity"]}
        claims = [item for item in self.market.docs.all("claims").values() if item["line"]["id"] == line["id"]]
        return body | {"cancelled": gone, "shipped": sent, "claims": len(claims)}
