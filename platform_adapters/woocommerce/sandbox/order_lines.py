"""Order lines as the REST API writes them, with its traps: an unknown product becomes an empty line."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from platform_adapters.woocommerce.sandbox.errors import WooError
from platform_adapters.woocommerce.sandbox.products import Products
from platform_adapters.woocommerce.sandbox.shop import Doc, Shop
from platform_adapters.woocommerce.sandbox.stock import StockKeeper
from platform_adapters.woocommerce.sandbox.totals import decimal

GROUPS = ("line_items", "shipping_lines", "fee_lines")
NULLABLE = ("product_id", "method_id", "method_title", "name", "code")


class Lines:
    def __init__(self, shop: Shop, products: Products, stock: StockKeeper) -> None:
        self.shop = shop
        self.products = products
        self.stock = stock

    def write(self, order: Doc, body: Mapping[str, Any]) -> None:
        writers = {"line_items": self._line, "shipping_lines": self._shipping, "fee_lines": self._fee}
        for group, writer in writers.items():
            for given in body.get(group) or ():
                if _removes(given):
                    self._remove(order, group, given)
                    continue
                old = self._existing(order, group, given)
                line: Doc = old if old is not None else {"id": self.shop.next_number("order_item"), "meta_data": []}
                writer(line, given, old is None)
                line["meta_data"] = self._meta(line["meta_data"], given.get("meta_data") or [])
                if old is None:
                    order[group].append(line)
                elif group == "line_items":
                    self.stock.adjust(order, line)

    def _line(self, line: Doc, given: Mapping[str, Any], new: bool) -> None:
        product = self._product(given, new)
        if new:
            line |= {"name": "", "product_id": 0, "variation_id": 0, "quantity": 1, "tax_class": ""}
            line |= {"subtotal": "0", "total": "0", "_tax_status": "taxable"}
            line["quantity"] = int(float(given.get("quantity", 1)))
        if product is not None:
            self._set_product(line, product, new)
        for name in ("name", "quantity", "total", "subtotal", "tax_class"):
            if given.get(name) is not None:
                line[name] = given[name]
        line["quantity"] = int(float(line["quantity"]))
        known = self.shop.options.tax_classes
        # "0" is no class and passes, as it is falsy in PHP: such a line is never taxed.
        if line["tax_class"] not in ("", "0", *known):
            raise WooError("order_item_product_invalid_tax_class", "Invalid tax class", 400)
        if decimal(line["subtotal"]) < decimal(line["total"]):
            line["subtotal"] = line["total"]

    def _set_product(self, line: Doc, product: Doc, new: bool) -> None:
        variation = product["type"] == "variation"
        line["product_id"] = product["parent_id"] if variation else product["id"]
        line["variation_id"] = product["id"] if variation else 0
        line |= {"name": product["name"], "tax_class": product["tax_class"], "_tax_status": product["tax_status"]}
        if new:
            line["total"] = line["subtotal"] = str(self._net(product) * line["quantity"])

    def _shipping(self, line: Doc, given: Mapping[str, Any], new: bool) -> None:
        if new:
            if not given.get("method_id"):
                text = "Shipping method ID is required."
                raise WooError("woocommerce_rest_invalid_shipping_item", text, 400)
            line |= {"method_title": "", "method_id": "", "instance_id": "", "total": "0", "tax_status": "taxable"}
        for name in ("method_id", "method_title", "total", "instance_id"):
            if given.get(name) is not None:
                line[name] = str(given[name])

    def _fee(self, line: Doc, given: Mapping[str, Any], new: bool) -> None:
        if new:
            if not given.get("name"):
                raise WooError("woocommerce_rest_invalid_fee_item", "Fee name is required.", 400)
            line |= {"name": "", "tax_class": "", "tax_status": "taxable", "total": "0"}
        for name in ("name", "tax_class", "tax_status", "total"):
            if given.get(name) is not None:
                line[name] = given[name]

    def _product(self, given: Mapping[str, Any], new: bool) -> Doc | None:
        """None where the product is unknown: the store accepts that and makes an empty line."""
        if given.get("sku"):
            return self.shop.by_sku(given["sku"])
        number = given.get("variation_id") or given.get("product_id")
        if not number and new:
            text = "Product ID or SKU is required."
            raise WooError("woocommerce_rest_required_product_reference", text, 400)
        return self.shop.get("products", int(number)) if number else None

    def _net(self, product: Doc) -> Decimal:
        price = decimal(product["sale_price"] or product["regular_price"])
        options = self.shop.options
        rate = options.tax_rates.get(product["tax_class"], 0)
        return price / (1 + Decimal(str(rate)) / 100) if options.prices_include_tax else price

    def _existing(self, order: Doc, group: str, given: Mapping[str, Any]) -> Doc | None:
        if not given.get("id"):
            return None
        found: Doc | None = next((line for line in order[group] if line["id"] == given["id"]), None)
        if found is None:
            text = "Order item ID provided is not associated with order."
            raise WooError("woocommerce_rest_invalid_item_id", text, 400)
        return found

    def _remove(self, order: Doc, group: str, given: Mapping[str, Any]) -> None:
        line = self._existing(order, group, given)
        if line is None:
            return
        if group == "line_items":
            self.stock.drop(line)
        order[group].remove(line)

    def _meta(self, old: list[Doc], given: list[Doc]) -> list[Doc]:
        result = list(old)
        for item in given:
            result = [known for known in result if known["key"] != item.get("key")]
            if item.get("key") and item.get("value") is not None:
                number = self.shop.next_number("item_meta")
                result.append({"id": number, "key": item["key"], "value": item["value"]})
        return result


def _removes(given: Mapping[str, Any]) -> bool:
    """A null in a naming field, or quantity 0, removes the line."""
    return any(name in given and given[name] is None for name in NULLABLE) or given.get("quantity") == 0
