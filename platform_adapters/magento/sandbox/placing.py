"""Orders as our module places them: once for each (channel, external id), with a reservation for each line, the store's
next number, the amounts that were given, and an invoice where one is wished."""

from __future__ import annotations

from typing import Any

from platform_adapters.magento.sandbox.errors import MagentoError
from platform_adapters.magento.sandbox.inventory import Inventory
from platform_adapters.magento.sandbox.orders import Orders
from platform_adapters.magento.sandbox.shop import Doc, Shop

TABLE, METHOD = "module_orders", "storebridge_storebridge"
NEEDED = ("channel", "external_id", "store_id", "currency", "items", "totals", "billing_address", "shipping_address")
TOTALS = (
    *("subtotal", "subtotal_incl_tax", "shipping_amount", "shipping_incl_tax"),
    *("shipping_tax_amount", "tax_amount", "discount_amount", "grand_total"),
)


class Placer:
    def __init__(self, shop: Shop, inventory: Inventory, orders: Orders) -> None:
        self.shop = shop
        self.inventory = inventory
        self.orders = orders

    def place(self, given: Any) -> Doc:
        _validate(given)
        key = f"{given['channel']}|{given['external_id']}"
        if (known := self.shop.get(TABLE, key)) is not None:
            return self._answer(known["order_id"], created=False)
        lost = [item["sku"] for item in given["items"] if self.shop.by_sku(item["sku"]) is None]
        if lost:
            raise MagentoError(400, "The product %1 is not in the store.", lost[:1])
        order_id = self.shop.next_id("order")
        for item in given["items"]:
            self.inventory.placed(item["sku"], float(item["qty_ordered"]), order_id)
        order = self.orders.add(_body(given), order_id)
        self.shop.put(TABLE, key, {"order_id": order_id})
        if given.get("invoice"):
            self.orders.invoice(str(order_id))
        return self._answer(order["entity_id"], created=True)

    def find(self, refs: Any) -> list[Doc]:
        rows = [(ref, self.shop.get(TABLE, f"{ref['channel']}|{ref['external_id']}")) for ref in refs or ()]
        return [
            {**ref, "order_id": row["order_id"], "increment_id": self.orders.one(row["order_id"])["increment_id"]}
            for ref, row in rows
            if row is not None
        ]

    def salable(self, skus: Any) -> list[Doc]:
        rows = []
        for sku in skus or ():
            doc = self.shop.by_sku(sku)
            if doc is not None and doc["type_id"] != "configurable":
                item, quantity = self.inventory.stock_item(doc), self.inventory.salable(doc["sku"])
                own = {"managed": bool(item["manage_stock"]), "backorders": bool(item["backorders"])}
                rows.append({"sku": doc["sku"], "qty": quantity, "salable": quantity > 0, **own})
        return rows

    def _answer(self, order_id: int, *, created: bool) -> Doc:
        number = self.orders.one(order_id)["increment_id"]
        return {"order_id": order_id, "increment_id": number, "created": created}


def _validate(given: Any) -> None:
    """As the module does: what it cannot make an order of is refused by name, before anything is written."""
    missing = [name for name in NEEDED if not isinstance(given, dict) or not given.get(name)]
    missing += [name for name in TOTALS if not missing and name not in given["totals"]]
    if missing:
        raise MagentoError(400, '"%fieldName" is required. Enter and try again.', {"fieldName": missing[0]})
    total = given["totals"]
    parts = (total["subtotal"], total["shipping_amount"], total["tax_amount"], total["discount_amount"])
    if abs(sum(map(float, parts)) - float(total["grand_total"])) > 0.005:
        raise MagentoError(400, "The order's parts do not add up to its total.")


def _body(given: Doc) -> Doc:
    """What Magento keeps of the cart."""
    money = {name: given["totals"][name] for name in TOTALS}
    both = {**money, **{f"base_{name}": value for name, value in money.items()}}
    currency = dict.fromkeys(("order_currency_code", "base_currency_code", "store_currency_code"), given["currency"])
    body: Doc = {**currency, **both, "store_id": given["store_id"], "items": [_line(item) for item in given["items"]]}
    body |= {"ext_order_id": given.get("ext_order_id"), "customer_email": given.get("email"), "customer_is_guest": 1}
    body |= {"total_qty_ordered": sum(item["qty_ordered"] for item in given["items"])}
    body |= {"state": given.get("state", "processing"), "status": "processing", "customer_note": given.get("note")}
    title = given.get("shipping_title") or given.get("label")
    told = [given["payment_title"]] if given.get("payment_title") else []
    payment = {"method": "storebridge", "additional_information": told}
    body |= {"shipping_description": title, "payment": payment}
    body |= {"status_histories": [{"comment": given.get("comment"), "is_customer_notified": 0}]}
    body["billing_address"] = given["billing_address"]
    shipping = {"address": given["shipping_address"], "method": given.get("shipping_method") or METHOD}
    return body | {"extension_attributes": {"shipping_assignments": [{"shipping": shipping, "items": []}]}}


def _line(item: Doc) -> Doc:
    counted = dict.fromkeys(("qty_shipped", "qty_canceled", "qty_refunded"), 0)
    base = {f"base_{name}": item[name] for name in ("price", "row_total", "tax_amount") if name in item}
    return {**item, **counted, **base, "product_type": "simple"}
