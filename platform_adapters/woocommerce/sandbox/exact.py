"""Orders as the plugin writes them: once for each (channel, external id), every amount as given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from platform_adapters.woocommerce.sandbox.errors import WooError
from platform_adapters.woocommerce.sandbox.options import Options
from platform_adapters.woocommerce.sandbox.order_view import OrderView
from platform_adapters.woocommerce.sandbox.orders import Orders
from platform_adapters.woocommerce.sandbox.shop import Doc
from platform_adapters.woocommerce.sandbox.totals import Calculator, decimal

ROWS = "plugin_orders"
REF = "_storebridge_order"
NO_MAILS = "_storebridge_no_mails"
NO_PRODUCT = "_storebridge_no_product"


class Exact:
    """A shop that shows whole units rounds elsewhere; here amounts have their cents."""

    def __init__(self, orders: Orders, base: Callable[[], str], options: Options) -> None:
        self.orders = orders
        self.shop = orders.shop
        self.options = options
        cents = Calculator(options.model_copy(update={"price_decimals": 2}))
        self.calculator = cents
        self.view = OrderView(orders.shop, base, cents)

    def shown(self, order: Doc) -> Doc:
        return self.view.order(order)

    def create(self, channel: str, external_id: str, ref: str, given: Mapping[str, Any]) -> tuple[Doc, bool]:
        """The order, and whether it was made now."""
        known = self.find(channel, external_id, ref)
        if known is not None:
            return known, False
        order = self.orders.blank("storebridge")
        self._fill(order, given)
        flags = {REF: ref} | ({NO_MAILS: "yes"} if given.get("mails") is False else {})
        rows = [{"key": key, "value": value} for key, value in flags.items()]
        order["meta_data"] = self.orders.products.merged_meta(order["meta_data"], rows)
        order["id"] = self.shop.next_id()
        order["paid"] = self.shop.now()
        order["status"] = str(given.get("status") or "processing")
        made = self.orders.settle(order, "order.created", "order.updated")
        self.shop.docs.put(ROWS, f"{channel}\n{external_id}", {"order": made["id"]})
        return made, True

    def find(self, channel: str, external_id: str, ref: str) -> Doc | None:
        """By its row, else by what is written into orders; the bin is left out."""
        row = self.shop.docs.get(ROWS, f"{channel}\n{external_id}") or {}
        doc = self.shop.get("orders", row.get("order", 0))
        if doc is not None and doc["status"] != "trash":
            return doc
        living = [doc for doc in self.shop.all("orders") if doc["status"] != "trash"]
        return next((doc for doc in living if {"key": REF, "value": ref} in map(_plain, doc["meta_data"])), None)

    def _fill(self, order: Doc, given: Mapping[str, Any]) -> None:
        for line in given.get("line_items") or ():
            number = line.get("variation_id") or line.get("product_id")
            if {"key": NO_PRODUCT, "value": "yes"} in line.get("meta_data", ()):
                continue
            doc = self.shop.get("products", int(number or 0))
            if doc is None or doc["status"] == "trash":
                text = f"{line.get('name')} no longer exists in the store."
                raise WooError("storebridge_product_gone", text, 400, params={"product_id": text})
        self.orders.write(order, {name: value for name, value in given.items() if name != "status"})
        for group in ("line_items", "shipping_lines", "fee_lines"):
            for line, told in zip(order[group], given.get(group) or (), strict=True):
                self._tax(line, told)
        self.calculator.sum_up(order)
        if decimal(order["total"]) != decimal(given.get("total")):
            text = f"The lines make {order['total']}, and the total is {given.get('total')}."
            raise WooError("storebridge_total", text, 400, params={"total": text})

    def _tax(self, line: Doc, told: Mapping[str, Any]) -> None:
        tax = str(told.get("tax") or "")
        names = list(self.options.tax_rates)
        rate = names.index(told["tax_class"]) + 1 if told.get("tax_class") in names else 0
        line["taxes"] = [{"id": rate, "total": tax, "subtotal": tax}] if tax else []
        line["total_tax"] = str(decimal(tax or "0").quantize(Decimal("0.01")))
        if "subtotal" in line:
            line["subtotal_tax"] = line["total_tax"]


def _plain(row: Doc) -> Doc:
    return {"key": row.get("key"), "value": row.get("value")}
