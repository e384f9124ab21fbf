"""Orders: created and changed over REST or by a shopper, with what follows for totals, dates and stock."""

from __future__ import annotations

import copy
import secrets
from collections.abc import Mapping
from typing import Any

from platform_adapters.woocommerce.sandbox.errors import WooError, already_trashed, invalid_id
from platform_adapters.woocommerce.sandbox.order_lines import GROUPS, Lines
from platform_adapters.woocommerce.sandbox.order_view import BILLING, SHIPPING, address_index
from platform_adapters.woocommerce.sandbox.products import Products
from platform_adapters.woocommerce.sandbox.schema import as_bool, check_order
from platform_adapters.woocommerce.sandbox.shop import Doc, Shop
from platform_adapters.woocommerce.sandbox.stock import StockKeeper
from platform_adapters.woocommerce.sandbox.totals import Calculator

PLAIN = ("customer_note", "payment_method", "payment_method_title", "transaction_id", "currency")
PAYABLE = ("pending", "on-hold", "failed", "cancelled")
RECALCULATES = ("billing", "shipping", *GROUPS, "coupon_lines")


class Orders:
    """Documents are copied before a change and saved after it."""

    def __init__(self, shop: Shop, products: Products, calculator: Calculator) -> None:
        self.shop = shop
        self.products = products
        self.calculator = calculator
        self.stock = StockKeeper(shop, products)
        self.lines = Lines(shop, products, self.stock)

    def find(self, number: int, status: int = 404) -> Doc:
        doc = self.shop.get("orders", number)
        if doc is None:
            raise invalid_id("shop_order", status)
        return doc

    def copy(self, number: int, status: int = 404) -> Doc:
        return copy.deepcopy(self.find(number, status))

    def create(self, body: Mapping[str, Any], *, via: str = "rest-api") -> Doc:
        """order.created, order.updated, then product.updated for each stock that moved."""
        check_order(body, self.shop.options.statuses)
        order = self.blank(via)
        self.write(order, body)
        self.calculator.apply(order)
        order["id"] = self.shop.next_id()
        self._set_status(order, body.get("status") or "pending")
        if as_bool(body.get("set_paid")):
            self._payment_complete(order)
        topics = ("order.created", "order.updated")
        return self.settle(order, *topics)

    def update(self, order: Doc, body: Mapping[str, Any]) -> Doc:
        """Lines, addresses or fees in the body recalculate all totals; a status moves stock."""
        check_order(body, self.shop.options.statuses)
        self.write(order, body)
        if any(body.get(name) is not None for name in RECALCULATES):
            self.calculator.apply(order)
        if body.get("status"):
            self._set_status(order, body["status"])
        if as_bool(body.get("set_paid")) and order["status"] in ("pending", "failed"):
            self._payment_complete(order)
        return self.settle(order, "order.updated")

    def settle(self, order: Doc, *topics: str) -> Doc:
        """Save, tell, and let the stock follow the status."""
        order["modified"] = self.shop.now()
        for line in order["tax_lines"]:
            line["id"] = line["id"] or self.shop.next_number("order_item")
        for topic in topics:
            self.shop.fire(topic, order["id"])
        self.stock.follow_status(order)
        order["search_text"] = _search_text(order)
        self.shop.save("orders", order)
        return order

    def trash(self, order: Doc) -> Doc:
        """order.deleted; stock stays where it is."""
        if order["status"] == "trash":
            raise already_trashed("shop_order")
        order |= {"trashed_from": order["status"], "status": "trash", "modified": self.shop.now()}
        self.shop.save("orders", order)
        self.shop.fire("order.deleted", order["id"])
        return order

    def delete(self, order: Doc) -> None:
        """For good: no webhook, no stock."""
        self.shop.remove("orders", order["id"])

    def matches(self, order: Doc, term: str) -> bool:
        """The search of the order tables: names of items of every type, addresses, or the exact id."""
        if term == str(order["id"]):
            return True
        return term.lower() in order["search_text"]

    def note(self, order: Doc, text: str, *, customer: bool = False) -> Doc:
        note = {"id": self.shop.next_number("comment"), "order_id": order["id"], "author": "system"}
        note |= {"created": self.shop.now(), "note": text, "customer_note": customer}
        self.shop.save("notes", note)
        return note

    def blank(self, via: str) -> Doc:
        now, options = self.shop.now(), self.shop.options
        order: Doc = {"id": 0, "status": "pending", "currency": options.currency, "created": now, "modified": now}
        order |= {"prices_include_tax": options.prices_include_tax, "customer_id": 0, "created_via": via}
        order |= {"order_key": f"wc_order_{secrets.token_urlsafe(10)[:13]}", "customer_note": "", "cart_hash": ""}
        order |= {"billing": dict.fromkeys(BILLING, ""), "shipping": dict.fromkeys(SHIPPING, "")}
        order |= {"payment_method": "", "payment_method_title": "", "transaction_id": ""}
        order |= {"customer_ip_address": "", "customer_user_agent": "", "completed": None, "paid": None}
        order |= {"meta_data": [], "line_items": [], "tax_lines": [], "shipping_lines": [], "fee_lines": []}
        return order | {"refunds": [], "stock_reduced": False, "trashed_from": None}

    def write(self, order: Doc, body: Mapping[str, Any]) -> None:
        """What a body says, without totals, status or stock."""
        for name in PLAIN:
            if body.get(name) is not None:
                order[name] = body[name]
        for name in ("billing", "shipping"):
            given = body.get(name) or {}
            order[name] |= {key: str(value or "") for key, value in given.items() if key in order[name]}
        if body.get("customer_id"):
            raise WooError("woocommerce_rest_invalid_customer_id", "Customer ID is invalid.", 400)
        self.lines.write(order, body)
        if body.get("meta_data") is not None:
            order["meta_data"] = self.products.merged_meta(order["meta_data"], body["meta_data"])

    def _set_status(self, order: Doc, status: str) -> None:
        now, cash = self.shop.now(), order["payment_method"] == "cod"
        order["status"] = status
        if order["paid"] is None and (status == "completed" or (status == "processing" and not cash)):
            order["paid"] = now
        if status == "completed" and order["completed"] is None:
            order["completed"] = now

    def _payment_complete(self, order: Doc) -> None:
        if order["status"] in PAYABLE:
            order["paid"] = self.shop.now()
            self._set_status(order, "completed" if order["payment_method"] == "cod" else "processing")


def _search_text(order: Doc) -> str:
    """All that the search looks in, each on a line of its own."""
    names = [line["name"] for line in [*order["line_items"], *order["fee_lines"]]]
    names += [line["method_title"] for line in order["shipping_lines"]]
    names += [line["rate_code"] for line in order["tax_lines"]]
    names += [address_index(order["billing"]), address_index(order["shipping"])]
    return "\n".join(names).lower()
