"""How orders move stock: once, by status, remembered on each line as ``_reduced_stock``."""

from __future__ import annotations

from platform_adapters.woocommerce.sandbox.products import Products
from platform_adapters.woocommerce.sandbox.shop import Doc, Shop

HOLDING = ("processing", "completed", "on-hold")
RELEASING = ("cancelled", "pending")
REDUCED = "_reduced_stock"
RESTOCKED = "_restock_refunded_items"


class StockKeeper:
    """Works on order documents that the caller has copied and will save."""

    def __init__(self, shop: Shop, products: Products) -> None:
        self.shop = shop
        self.products = products

    def follow_status(self, order: Doc) -> None:
        """Reduce or restore, if the status asks for it and it has not been done."""
        if order["status"] in HOLDING and not order["stock_reduced"]:
            for line in order["line_items"]:
                self._reduce(line, line["quantity"])
            order["stock_reduced"] = True
        elif order["status"] in RELEASING and order["stock_reduced"]:
            for line in order["line_items"]:
                self._restore(line)
            order["stock_reduced"] = False

    def adjust(self, order: Doc, line: Doc) -> None:
        """A changed quantity moves the difference while the order holds stock."""
        if order["status"] not in HOLDING:
            return
        reduced, refunded = self.meta(line, REDUCED) or 0, self.meta(line, RESTOCKED) or 0
        difference = line["quantity"] - reduced - refunded
        if difference and self._move(line, -difference):
            self.put_meta(line, REDUCED, reduced + difference)

    def drop(self, line: Doc) -> None:
        """A removed line gives its units back."""
        self._restore(line)

    def restock(self, line: Doc, quantity: int) -> None:
        """Refunded units come back, if they had been taken."""
        reduced = self.meta(line, REDUCED)
        if not reduced or not quantity or not self._move(line, quantity):
            return
        self.put_meta(line, REDUCED, reduced - quantity)
        self.put_meta(line, RESTOCKED, quantity + (self.meta(line, RESTOCKED) or 0))

    def meta(self, line: Doc, key: str) -> int | None:
        found = next((item["value"] for item in line["meta_data"] if item["key"] == key), None)
        return None if found is None else int(found)

    def put_meta(self, line: Doc, key: str, value: int) -> None:
        """Item metadata are strings in the database, numbers among them."""
        for item in line["meta_data"]:
            if item["key"] == key:
                item["value"] = str(value)
                return
        line["meta_data"].append({"id": self.shop.next_number("item_meta"), "key": key, "value": str(value)})

    def _reduce(self, line: Doc, quantity: int) -> None:
        if self.meta(line, REDUCED) is None and self._move(line, -quantity, sales=quantity):
            self.put_meta(line, REDUCED, quantity)

    def _restore(self, line: Doc) -> None:
        reduced = self.meta(line, REDUCED)
        if reduced:
            self._move(line, reduced)
        line["meta_data"] = [item for item in line["meta_data"] if item["key"] != REDUCED]

    def _move(self, line: Doc, units: int, *, sales: int = 0) -> bool:
        """Add units to whatever counts this line's stock. Below zero is allowed: nothing checks."""
        doc = self.shop.get("products", line["variation_id"] or line["product_id"])
        holder = None if doc is None else self.products.holder_of_stock(doc)
        if holder is None or not holder["manage_stock"]:
            return False
        self.products.set_quantity(holder, int(holder["stock_quantity"] or 0) + units, sales=sales)
        return True
