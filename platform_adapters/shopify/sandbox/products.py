"""Products: set whole, changed, deleted; their stock written and compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from platform_adapters.shopify.sandbox.refusal import Refusal
from platform_adapters.shopify.sandbox.store import Doc, Store, gid, number

MOST_VARIANTS = 2048


class Products:
    def __init__(self, store: Store) -> None:
        self.store = store

    def set(self, given: Mapping[str, Any]) -> Doc:
        """productSet, for a new product."""
        rows = given.get("variants") or [{"optionValues": [{"optionName": "Title", "name": "Default Title"}]}]
        if len(rows) > MOST_VARIANTS:
            raise Refusal(f"The number of variants cannot be above the limit of {MOST_VARIANTS}", ["input", "variants"])
        product = self.blank(str(given.get("title") or ""))
        for name in ("descriptionHtml", "vendor", "productType", "status", "tags"):
            if given.get(name) is not None:
                product[name] = given[name]
        for row in given.get("metafields") or ():
            product["metafields"].append({**row, "id": self.store.next_id("metafield")})
        product["variants"] = [self._variant(row) for row in rows]
        self.store.save_product(product, "products/create")
        return product

    def blank(self, title: str) -> Doc:
        now = self.store.now()
        product: Doc = {"id": self.store.next_id("product"), "title": title, "descriptionHtml": "", "vendor": ""}
        product |= {"productType": "", "status": "ACTIVE", "tags": [], "created": now, "updated": now}
        return product | {"category": None, "media": [], "metafields": [], "variants": []}

    def variant(self, sku: str | None, price: str, units: int, **more: Any) -> Doc:
        place = str(self.store.options.locations[0].id)
        variant: Doc = {
            "id": self.store.next_id("variant"),
            "item": self.store.next_id("item"),
            "title": "Default Title",
        }
        variant |= {"sku": sku, "barcode": None, "price": price, "compareAtPrice": None, "taxable": True}
        variant |= {"policy": "DENY", "options": [{"name": "Title", "value": "Default Title"}], "image": None}
        variant |= {"tracked": True, "levels": {place: units}, "updated": self.store.now(), "weight": None}
        return variant | {"weightUnit": "KILOGRAMS", "origin": None, "cost": None} | more

    def _variant(self, row: Mapping[str, Any]) -> Doc:
        item = row.get("inventoryItem") or {}
        more: Doc = {"tracked": item.get("tracked", True), "barcode": row.get("barcode"), "levels": {}}
        more["options"] = [{"name": value["optionName"], "value": value["name"]} for value in row["optionValues"]]
        more["title"] = " / ".join(option["value"] for option in more["options"])
        more["policy"], more["compareAtPrice"] = row.get("inventoryPolicy") or "DENY", row.get("compareAtPrice")
        for level in row.get("inventoryQuantities") or ():
            more["levels"][str(number(level["locationId"]))] = level["quantity"]
        return self.variant(row.get("sku") or item.get("sku"), str(row.get("price") or "0.00"), 0, **more)

    def update(self, given: Mapping[str, Any]) -> Doc:
        product = self.find(given["id"])
        for name in ("title", "descriptionHtml", "vendor", "productType", "status", "tags"):
            if given.get(name) is not None:
                product[name] = given[name]
        self.store.save_product(product)
        return product

    def delete(self, given: Mapping[str, Any]) -> str:
        product = self.find(given["id"])
        self.store.remove("products", product["id"])
        self.store.fire("products/delete", {"id": product["id"]})
        return gid("Product", product["id"])

    def find(self, gid_: Any) -> Doc:
        found = self.store.get("products", number(gid_))
        if found is None:
            raise Refusal("Product does not exist", ["id"])
        return found

    def set_quantities(self, given: Mapping[str, Any]) -> None:
        if given["name"] not in ("available", "on_hand"):
            raise Refusal(
                "The quantity name must be either 'available' or 'on_hand'.", ["input", "name"], "INVALID_NAME"
            )
        for place, row in enumerate(given["quantities"]):
            self._set_quantity(row, ["input", "quantities", str(place)])

    def _set_quantity(self, row: Mapping[str, Any], field: list[str]) -> None:
        found = self.store.item(number(row["inventoryItemId"]))
        location = number(row["locationId"])
        if found is None:
            raise Refusal("The specified inventory item could not be found.", field, "INVALID_INVENTORY_ITEM")
        if location not in {place.id for place in self.store.options.locations}:
            raise Refusal("The specified location could not be found.", field, "INVALID_LOCATION")
        known = found[1]["levels"].get(str(location))
        expected = row["changeFromQuantity"]
        if expected is not None and expected != (known or 0):
            raise Refusal(
                "The change from quantity is stale.", [*field, "changeFromQuantity"], "CHANGE_FROM_QUANTITY_STALE"
            )
        self.store.move(found[1]["item"], location, row["quantity"] - (known or 0))

    def set_units(self, variant: Doc, units: int) -> None:
        """As the merchant types it in, at the first location."""
        place = self.store.options.locations[0].id
        self.store.move(variant["item"], place, units - variant["levels"].get(str(place), 0))
