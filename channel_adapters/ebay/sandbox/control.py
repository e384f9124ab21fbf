"""The control surface of this sandbox, besides the kit's own. All JSON; see the package for the table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, Response, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from channel_adapters.ebay.sandbox.account import location_keys, policy_ids
from channel_adapters.ebay.sandbox.buying import NotForSale, Wish, place_order
from channel_adapters.ebay.sandbox.inventory import new_offer
from channel_adapters.ebay.sandbox.market import Document, Market, currency_of, stamp
from channel_adapters.ebay.sandbox.orders import shipped_units, shipping_state
from channel_adapters.ebay.sandbox.postorder import new_cancel, new_return
from channel_adapters.ebay.sandbox.protocol import JSON, answer

Model = TypeVar("Model", bound=BaseModel)


class Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Nothing(Asked):
    line_id: str | None = None


class ReturnLine(Asked):
    sku: str | None = None
    line_id: str | None = None
    quantity: int = Field(default=1, ge=1)
    reason: str = "NO_LONGER_NEED_ITEM"


class Return(Asked):
    order_id: str
    lines: list[ReturnLine] = Field(min_length=1, max_length=1)
    status: str = "ITEM_DELIVERED"
    comment: str = ""


class ExistingOffer(Asked):
    sku: str
    ean: str = "4006381333931"
    stock: int = Field(ge=0)
    price: float = Field(gt=0)
    site: str = "EBAY_DE"
    title: str = "A mug"
    more: dict[str, Any] = Field(default_factory=dict)
    product: dict[str, Any] = Field(default_factory=dict)


class Held(Asked):
    held: bool


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
            ("GET", "orders", self.orders),
            ("POST", "orders/<order_id>/pay", self.pay),
            ("POST", "orders/<order_id>/request-cancellation", self.request_cancellation),
            ("POST", "orders/<order_id>/fail-refunds", self.fail_refunds),
            ("POST", "returns", self.add_return),
            ("GET", "returns", self.returns),
            ("POST", "offers", self.add_offer),
            ("GET", "offers", self.offers),
            ("POST", "offers/<offer_id>/hold", self.hold),
            ("GET", "subscriptions", self.subscriptions),
            ("POST", "switch-off/<kind>", self.switch_off),
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
                return Response(error.json(include_url=False), 400, content_type=JSON)
            except (NotForSale, Refusal) as error:
                return answer({"error": str(error)}, error.status)

        return view

    def add_order(self) -> Document:
        return {"order_id": place_order(self.market, _asked(Wish))["id"]}

    def _order(self, order_id: str) -> Document:
        order: Document | None = self.market.docs.get("orders", order_id)
        if order is None:
            raise Refusal(404, f"There is no order {order_id}.")
        return order

    def pay(self, order_id: str) -> Document:
        self.market.touch(self._order(order_id), paid=True)
        return {"ok": True}

    def request_cancellation(self, order_id: str) -> Document:
        _asked(Nothing)
        order = self._order(order_id)
        if order["cancelled"] or order["parcels"]:
            raise Refusal(409, "Nothing of the order can be cancelled.")
        cancel = new_cancel(self.market, order, "REQUESTED", "ORDER_MISTAKE", by_seller=False)
        return {"cancel_id": cancel["id"], "line_ids": [line["id"] for line in order["lines"]]}

    def fail_refunds(self, order_id: str) -> Document:
        """What is on its way does not arrive."""
        order = self._order(order_id)
        for item in order["refunds"]:
            if item["status"] == "PENDING":
                item["status"] = "FAILED"
        self.market.touch(order)
        return {"ok": True}

    def add_return(self) -> Document:
        asked = _asked(Return)
        order, wanted = self._order(asked.order_id), asked.lines[0]
        fitting = [line for line in order["lines"] if wanted.line_id in (None, line["id"])]
        fitting = [line for line in fitting if wanted.sku in (None, line["sku"])]
        if not fitting or shipped_units(order, fitting[0]) < wanted.quantity:
            raise Refusal(404, "The order has not that many units of it to return.")
        given = {"status": asked.status, "comment": asked.comment, "reason": wanted.reason}
        return {"return_id": new_return(self.market, order, fitting[0], wanted.quantity, **given)["id"]}

    def returns(self) -> list[Document]:
        return list(self.market.docs.all("returns").values())

    def add_offer(self) -> Document:
        """An offer that exists already, item and all."""
        asked, market = _asked(ExistingOffer), self.market
        product = {"title": asked.title, "description": asked.title, "ean": [asked.ean], "aspects": {}} | asked.product
        availability = {"shipToLocationAvailability": {"quantity": asked.stock}}
        item = {"sku": asked.sku, "locale": "de_DE", "condition": "NEW", "product": product}
        market.put("items", asked.sku, {**item, "availability": availability, **asked.more})
        policies = {
            f"{kind}PolicyId": policy_ids(market, kind, asked.site)[0] for kind in ("fulfillment", "payment", "return")
        }
        price = {"value": f"{asked.price:.2f}", "currency": currency_of(asked.site)}
        body: Document = {"sku": asked.sku, "marketplaceId": asked.site, "format": "FIXED_PRICE"}
        body |= {"availableQuantity": asked.stock, "categoryId": "99", "listingPolicies": policies}
        body |= {"merchantLocationKey": location_keys(market)[0], "pricingSummary": {"price": price}}
        offer = new_offer(market, body | {"listingDescription": asked.title, "listingDuration": "GTC"})
        offer |= {"published": True, "listing": str(market.docs.next_id("listing", 287403994390))}
        market.put("offers", offer["id"], offer)
        return {"offer_id": f"{offer['id']}:{asked.sku}"}

    def hold(self, offer_id: str) -> Document:
        """eBay puts the listing on hold."""
        offer = self.market.docs.all("offers")[offer_id.partition(":")[0]]
        self.market.put("offers", offer["id"], offer | {"held": _asked(Held).held})
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
        asked = any(item["state"] == "REQUESTED" for item in self.market.cancels_of(order["id"]))
        body: Document = {"line_id": line["id"], "sku": line["sku"], "quantity": line["quantity"], "shipped": shipped}
        cancelled = line["quantity"] - shipped if order["cancelled"] else 0
        return body | {"cancelled": cancelled, "cancellation_requested": asked}

    def subscriptions(self) -> list[Document]:
        return list(self.market.docs.all("subscriptions").values())

    def switch_off(self, kind: str) -> Document:
        """As eBay does with addresses that do not answer; their subscriptions with them."""
        status = {"destinations": "MARKED_DOWN", "subscriptions": "DISABLED"}[kind]
        for key, item in self.market.docs.all(kind).items():
            self.market.put(kind, key, item | {"status": status})
        return {"ok": True}


def _asked(model: type[Model]) -> Model:
    return model.model_validate_json(request.get_data() or b"{}")
