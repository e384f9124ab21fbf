"""Refunds: in the books, with units back on the shelf, and through the gateway only if asked."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from platform_adapters.woocommerce.sandbox.errors import WooError, invalid_id, invalid_param
from platform_adapters.woocommerce.sandbox.orders import Orders
from platform_adapters.woocommerce.sandbox.schema import as_bool
from platform_adapters.woocommerce.sandbox.shop import Doc
from platform_adapters.woocommerce.sandbox.totals import decimal


class Refunds:
    def __init__(self, orders: Orders) -> None:
        self.orders = orders
        self.shop = orders.shop
        self.money = orders.calculator.money

    def of(self, order: Doc) -> list[Doc]:
        found = (self.shop.get("refunds", number) for number in order["refunds"])
        return [refund for refund in found if refund is not None]

    def find(self, order: Doc, number: int) -> Doc:
        refund = self.shop.get("refunds", number)
        if refund is None or refund["order_id"] != order["id"]:
            raise invalid_id("shop_order_refund")
        return refund

    def create(self, order: Doc, body: Mapping[str, Any]) -> Doc:
        """Sends order.updated, and product.updated for what was restocked."""
        given = self._lines(order, body.get("line_items") or [])
        amount = self._amount(order, body, given)
        if as_bool(body.get("api_refund", True)):
            # The default asks the gateway to pay; bank transfer and the like cannot.
            text = "The payment gateway for this order does not support automatic refunds."
            raise WooError("woocommerce_rest_cannot_create_order_refund", text, 500)
        refund = {"id": self.shop.next_id(), "order_id": order["id"], "created": self.shop.now()}
        refund |= {"amount": self.money(amount), "reason": body.get("reason") or ""}
        refund |= {"meta_data": self.orders.products.merged_meta([], body.get("meta_data") or [])}
        refund["line_items"] = [self._refunded(line, item) for line, item in given]
        self.shop.save("refunds", refund)
        order["refunds"].append(refund["id"])
        if as_bool(body.get("api_restock", True)):
            for line, item in given:
                self.orders.stock.restock(line, int(item.get("quantity") or 0))
        if self._left(order) <= 0:
            order["status"] = "refunded"
        self.orders.settle(order, "order.updated")
        return refund

    def delete(self, order: Doc, refund: Doc) -> None:
        """No webhook in 10.5, and no stock back."""
        order["refunds"].remove(refund["id"])
        self.shop.remove("refunds", refund["id"])
        self.shop.save("orders", order)

    def _amount(self, order: Doc, body: Mapping[str, Any], given: list[tuple[Doc, Doc]]) -> Decimal:
        if body.get("amount") is None:
            amount = sum((decimal(item.get("refund_total")) + _taxes(item) for _, item in given), Decimal(0))
        elif isinstance(body["amount"], str):
            amount = decimal(body["amount"])
        else:
            raise invalid_param("amount", "amount is not of type string.")
        if amount < 0:
            text = "Refund amount must be greater than zero."
            raise WooError("woocommerce_rest_invalid_order_refund", text, 400)
        if amount > self._left(order):
            raise WooError("woocommerce_rest_cannot_create_order_refund", "Invalid refund amount.", 500)
        return amount

    def _left(self, order: Doc) -> Decimal:
        return decimal(order["total"]) - sum((decimal(refund["amount"]) for refund in self.of(order)), Decimal(0))

    def _lines(self, order: Doc, given: list[Doc]) -> list[tuple[Doc, Doc]]:
        known = {line["id"]: line for line in order["line_items"]}
        return [(known[item["id"]], item) for item in given if item.get("id") in known]

    def _refunded(self, line: Doc, item: Doc) -> Doc:
        """A line of the refund: negative, pointing at the line it refunds."""
        total = f"-{self.money(item.get('refund_total') or 0)}"
        new = copy.deepcopy(line) | {"id": self.shop.next_number("order_item"), "total": total, "subtotal": total}
        new |= {"quantity": -int(item.get("quantity") or 0), "taxes": [], "total_tax": "0.00", "subtotal_tax": "0.00"}
        meta = self.shop.next_number("item_meta")
        return new | {"meta_data": [{"id": meta, "key": "_refunded_item_id", "value": str(line["id"])}]}


def _taxes(item: Doc) -> Decimal:
    return sum((decimal(tax.get("refund_total")) for tax in item.get("refund_tax") or []), Decimal(0))
