"""The control surface of this sandbox, on the kit's (bridge.ports.sandbox_control); see the package for the table."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from bridge.ports import sandbox_control as control
from bridge.ports.sandbox_consent import ConsentControl
from bridge.ports.sandbox_control import Asked, ControlSurface, LineChoice, Refusal, Route, asked
from channel_adapters.ebay.sandbox.account import location_keys, policy_ids
from channel_adapters.ebay.sandbox.buying import Wish, place_order
from channel_adapters.ebay.sandbox.inventory import new_offer
from channel_adapters.ebay.sandbox.market import Document, Market, currency_of, stamp
from channel_adapters.ebay.sandbox.orders import shipped_units, shipping_state
from channel_adapters.ebay.sandbox.postorder import new_cancel, new_return


class Return(control.Return):
    """A return of eBay is of one line."""

    lines: list[control.ReturnLine] = Field(min_length=1, max_length=1)
    status: str = "ITEM_DELIVERED"
    comment: str = ""


class ExistingOffer(control.ExistingOffer):
    site: str = "EBAY_DE"
    title: str = "A mug"
    more: dict[str, Any] = Field(default_factory=dict)
    product: dict[str, Any] = Field(default_factory=dict)


class Held(Asked):
    held: bool


class Control(ControlSurface[Market, Wish]):
    """One method per control path; all run under the market's lock."""

    wish = Wish

    def more(self) -> tuple[Route, ...]:
        return (
            ("POST", "orders/<order_id>/pay", self.pay),
            ("POST", "orders/<order_id>/request-cancellation", self.request_cancellation),
            ("POST", "orders/<order_id>/fail-refunds", self.fail_refunds),
            ("POST", "offers/<offer_id>/hold", self.hold),
            ("GET", "subscriptions", self.subscriptions),
            ("POST", "switch-off/<kind>", self.switch_off),
            *ConsentControl(self.market, {"runame": self.market.options.runame}).routes(),
        )

    def place(self, wish: Wish) -> str:
        return str(place_order(self.market, wish)["id"])

    def pay(self, order_id: str) -> Document:
        self.market.touch(self.order(order_id), paid=True)
        return {"ok": True}

    def request_cancellation(self, order_id: str) -> Document:
        asked(LineChoice)
        order = self.order(order_id)
        if order["cancelled"] or order["parcels"]:
            raise Refusal(409, "Nothing of the order can be cancelled.")
        cancel = new_cancel(self.market, order, "REQUESTED", "ORDER_MISTAKE", by_seller=False)
        return {"cancel_id": cancel["id"], "line_ids": [line["id"] for line in order["lines"]]}

    def fail_refunds(self, order_id: str) -> Document:
        """What is on its way does not arrive."""
        order = self.order(order_id)
        for item in order["refunds"]:
            if item["status"] == "PENDING":
                item["status"] = "FAILED"
        self.market.touch(order)
        return {"ok": True}

    def add_return(self) -> Document:
        back = asked(Return)
        order, wanted = self.order(back.order_id), back.lines[0]
        fitting = [line for line in order["lines"] if not wanted.name or wanted.means(line["id"], line["sku"])]
        if not fitting or shipped_units(order, fitting[0]) < wanted.quantity:
            raise Refusal(404, "The order has not that many units of it to return.")
        given = {"status": back.status, "comment": back.comment} | ({"reason": wanted.reason} if wanted.reason else {})
        return {"return_id": new_return(self.market, order, fitting[0], wanted.quantity, **given)["id"]}

    def returns(self) -> list[Document]:
        return list(self.market.docs.all("returns").values())

    def add_offer(self) -> Document:
        """An offer that exists already, item and all."""
        wanted, market = asked(ExistingOffer), self.market
        product = {
            "title": wanted.title,
            "description": wanted.title,
            "ean": [wanted.ean],
            "aspects": {},
        } | wanted.product
        availability = {"shipToLocationAvailability": {"quantity": wanted.stock}}
        item = {"sku": wanted.sku, "locale": "de_DE", "condition": "NEW", "product": product}
        market.put("items", wanted.sku, {**item, "availability": availability, **wanted.more})
        policies = {
            f"{kind}PolicyId": policy_ids(market, kind, wanted.site)[0] for kind in ("fulfillment", "payment", "return")
        }
        price = {"value": f"{wanted.price:.2f}", "currency": currency_of(wanted.site)}
        body: Document = {"sku": wanted.sku, "marketplaceId": wanted.site, "format": "FIXED_PRICE"}
        body |= {"availableQuantity": wanted.stock, "categoryId": "99", "listingPolicies": policies}
        body |= {"merchantLocationKey": location_keys(market)[0], "pricingSummary": {"price": price}}
        offer = new_offer(market, body | {"listingDescription": wanted.title, "listingDuration": "GTC"})
        offer |= {"published": True, "listing": str(market.docs.next_id("listing", 287403994390))}
        market.put("offers", offer["id"], offer)
        return {"offer_id": f"{offer['id']}:{wanted.sku}"}

    def hold(self, offer_id: str) -> Document:
        """eBay puts the listing on hold."""
        offer = self.market.docs.all("offers")[offer_id.partition(":")[0]]
        self.market.put("offers", offer["id"], offer | {"held": asked(Held).held})
        return {"ok": True}

    def offers(self) -> list[Document]:
        """What is published, and what a buyer sees of it."""
        return [self._offer(offer) for offer in self.market.docs.all("offers").values() if offer["published"]]

    def _offer(self, offer: Document) -> Document:
        market, sku = self.market, offer["body"]["sku"]
        product = market.docs.all("items")[sku]["product"]
        codes = [code for name in ("ean", "upc", "isbn") for code in product.get(name, [])]
        body: Document = {"offer_id": f"{offer['id']}:{sku}", "sku": sku, "site": offer["body"]["marketplaceId"]}
        body |= {"ean": codes[0] if codes else None, "title": product.get("title"), "stock": market.shown(offer)}
        body |= {"price": float(offer["body"]["pricingSummary"]["price"]["value"]), "live": market.is_live(offer)}
        return body | {"item": market.docs.all("items")[sku], "offer": offer["body"], "revisions": offer["revisions"]}

    def orders(self) -> list[Document]:
        return [self._shown(order) for order in self.market.docs.all("orders").values()]

    def _shown(self, order: Document) -> Document:
        shipments = [
            {
                "carrier": parcel["carrier"],
                "tracking": parcel["tracking"],
                "lines": [{"line_id": part["id"], "quantity": part["quantity"]} for part in parcel["lines"]],
            }
            for parcel in order["parcels"]
        ]
        status = "CANCELED" if order["cancelled"] else shipping_state(order)
        body: Document = {"order_id": order["id"], "status": status, "placed_at": stamp(order["created"])}
        lines = [self._line(order, line) for line in order["lines"]]
        return body | {"site": order["site"], "lines": lines, "shipments": shipments, "refunds": order["refunds"]}

    def _line(self, order: Document, line: Document) -> Document:
        shipped = shipped_units(order, line)
        requested = any(item["state"] == "REQUESTED" for item in self.market.cancels_of(order["id"]))
        body: Document = {"line_id": line["id"], "sku": line["sku"], "quantity": line["quantity"], "shipped": shipped}
        cancelled = line["quantity"] - shipped if order["cancelled"] else 0
        return body | {"cancelled": cancelled, "cancellation_requested": requested}

    def subscriptions(self) -> list[Document]:
        return list(self.market.docs.all("subscriptions").values())

    def switch_off(self, kind: str) -> Document:
        """As eBay does with addresses that do not answer; their subscriptions with them."""
        status = {"destinations": "MARKED_DOWN", "subscriptions": "DISABLED"}[kind]
        for key, item in self.market.docs.all(kind).items():
            self.market.put(kind, key, item | {"status": status})
        return {"ok": True}
