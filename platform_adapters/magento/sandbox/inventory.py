"""Sources, reservations and what can be sold. Placing an order reserves; saving one over REST does not, and all that
happens to it later books as if it had (measured on 2.4.7)."""

from __future__ import annotations

from typing import Any

from platform_adapters.magento.sandbox.errors import MagentoError
from platform_adapters.magento.sandbox.shop import WEBSITE, Doc, Shop

DEFAULT = "default"


class Inventory:
    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.sources = shop.options.sources
        self.stock_id = 1 if self.sources == (DEFAULT,) else 2

    # -- reading ----------------------------------------------------------------------------------------------

    def salable(self, sku: str) -> float:
        """Of the website's stock. Raises MagentoError for a product that is not in it."""
        doc = self.shop.by_sku(sku)
        if doc is None:
            raise MagentoError(404, "The requested sku is not assigned to given stock.")
        if not self.shop.options.msi:
            return float(self.stock_item(doc)["qty"])
        rows = [row for row in self.shop.all("source_items") if row["sku"] == doc["sku"]]
        lying = sum(row["quantity"] for row in rows if row["source_code"] in self.sources and row["status"])
        return float(lying + self.reserved(doc["sku"]) - doc.get("_stock", {}).get("min_qty", 0))

    def reserved(self, sku: str) -> float:
        return float(sum(row["quantity"] for row in self.shop.all("reservations") if row["sku"] == sku))

    def stock_item(self, doc: Doc) -> Doc:
        """The legacy item shows the default source only."""
        row = self.shop.get("source_items", f"{DEFAULT}|{doc['sku']}") or {"quantity": 0, "status": 0}
        flags = {"manage_stock": True, "backorders": 0, "min_qty": 0, **doc.get("_stock", {})}
        body = {"item_id": doc["id"], "product_id": doc["id"], "stock_id": 1, "qty": row["quantity"]}
        return body | {"is_in_stock": bool(row["status"]), "use_config_manage_stock": True, **flags}

    def source_rows(self) -> list[Doc]:
        return [
            {
                "source_code": code,
                "name": f"{code.title()} Source",
                "enabled": True,
                "country_id": "NL",
                "postcode": "0",
            }
            for code in dict.fromkeys((DEFAULT, *self.sources))
        ]

    def links(self) -> list[Doc]:
        return [
            {"source_code": code, "stock_id": self.stock_id, "priority": place}
            for place, code in enumerate(self.sources, 1)
        ]

    def stock(self) -> Doc:
        channels = [{"type": "website", "code": WEBSITE}]
        name = "Default Stock" if self.stock_id == 1 else "EU stock"
        return {"stock_id": self.stock_id, "name": name, "extension_attributes": {"sales_channels": channels}}

    # -- writing ----------------------------------------------------------------------------------------------

    def write(self, rows: Any) -> list[Any]:
        """Absolute; an unknown SKU and a negative quantity are taken."""
        known = {row["source_code"] for row in self.source_rows()}
        for row in rows:
            if row.get("source_code") not in known:
                raise MagentoError(400, "Could not save Source Item")
        for row in rows:
            self._lay(row["sku"], row["source_code"], float(row["quantity"]), int(row.get("status", 1)))
        return []

    def write_item(self, doc: Doc, item: Doc) -> None:
        before: Doc = self.shop.get("source_items", f"{DEFAULT}|{doc['sku']}") or {"quantity": 0, "status": 1}
        after = {"qty": before["quantity"], "is_in_stock": before["status"], **item}
        self._lay(doc["sku"], DEFAULT, float(after["qty"]), int(after["is_in_stock"]))

    def placed(self, sku: str, quantity: float, order_id: int) -> None:
        if self.shop.options.msi:
            self._book(sku, -quantity, "order_placed", order_id)
        else:
            self._move(sku, DEFAULT, -quantity)

    def shipped(self, sku: str, quantity: float, source: str, order_id: int) -> None:
        if not self.shop.options.msi:
            return
        row = self.shop.get("source_items", f"{source}|{sku}")
        if row is None or row["quantity"] < quantity:
            raise MagentoError(400, "Could not save a shipment, see error log for details")
        self._move(sku, source, -quantity)
        self._book(sku, quantity, "shipment_created", order_id)

    def released(self, sku: str, quantity: float, event: str, order_id: int) -> None:
        """Units that are not to be shipped any more."""
        if self.shop.options.msi:
            self._book(sku, quantity, event, order_id)
        else:
            self._move(sku, DEFAULT, quantity)

    def returned(self, sku: str, quantity: float, source: str) -> None:
        """Into the source that its shipment took it from (Magento's GetSourceDeductedOrderItems)."""
        self._move(sku, source, quantity)

    def _book(self, sku: str, quantity: float, event: str, order_id: int) -> None:
        key = self.shop.next_id("reservation")
        row = {"sku": sku, "quantity": quantity, "event": event, "object_id": order_id}
        self.shop.put("reservations", key, row)

    def _move(self, sku: str, source: str, change: float) -> None:
        row = self.shop.get("source_items", f"{source}|{sku}") or {"quantity": 0}
        after = row["quantity"] + change
        self._lay(sku, source, after, int(after > 0))

    def _lay(self, sku: str, source: str, quantity: float, status: int) -> None:
        row = {"sku": sku, "source_code": source, "quantity": quantity, "status": status}
        self.shop.put("source_items", f"{source}|{sku}", row)
