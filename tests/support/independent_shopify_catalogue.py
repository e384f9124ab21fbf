"""The independent Shopify's shop, locations, products and stock."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.support.independent_shopify import Ground, Json, Rows, gid, number
from tests.support.independent_shopify_search import Asked

# on_hand is the sum of these (shopify.dev, inventory quantities and states).
ON_HAND = ("available", "committed", "reserved", "damaged", "safety_stock", "quality_control")
REASONS = {
    "correction", "cycle_count_available", "damaged", "movement_canceled", "movement_created", "movement_received",
    "movement_updated", "other", "promotion", "quality_control", "received", "reservation_created",
    "reservation_deleted", "reservation_updated", "restock", "safety_stock", "shrinkage",
}  # fmt: skip


class Catalogue(Ground):
    """``shop``, ``places`` and products; stock is kept per item and location."""

    def furnish(
        self, *, currency: str = "EUR", taxes_included: bool = True, places: int = 1, plan: str = "Basic"
    ) -> None:
        self.currency = currency
        self.dev = plan == "Development"
        domain = "independent.myshopify.com"
        self.shop: Json = {
            "__typename": "Shop", "id": gid("Shop", 1), "name": "Independent", "myshopifyDomain": domain,
            "currencyCode": currency, "taxesIncluded": taxes_included, "taxShipping": True, "email": "a@b.example",
            "ianaTimezone": "Europe/Amsterdam", "url": f"https://{domain}", "contactEmail": "a@b.example",
            "primaryDomain": {"host": domain, "url": f"https://{domain}", "id": gid("Domain", 1)},
            "plan": {"publicDisplayName": plan, "partnerDevelopment": self.dev, "shopifyPlus": False, "displayName": plan},
            "enabledPresentmentCurrencies": [currency], "weightUnit": "KILOGRAMS", "billingAddress": {"countryCodeV2": "NL"},
            "shopAddress": {"countryCodeV2": "NL", "id": gid("ShopAddress", 1)},
        }  # fmt: skip
        self.places = [self.place(f"Place {at + 1}") for at in range(places)]

    def place(self, name: str, **also: Any) -> Json:
        """Active, and its stock is sold online."""
        address = {"countryCode": "NL", "country": "Netherlands", "city": "Utrecht", "formatted": []}
        return self.keep(
            "Location",
            {
                "name": name, "isActive": True, "fulfillsOnlineOrders": True, "shipsInventory": True, "address": address,
                "hasActiveInventory": True, "isFulfillmentService": False, "fulfillmentService": None, "isPrimary": False,
            } | also,
        )  # fmt: skip

    # -- making products --------------------------------------------------------------------------------------

    def product(self, title: str = "A thing", variants: list[Json] | None = None, **also: Any) -> Json:
        """``variants``: what each has of its own; ``stock`` units, or units by location."""
        row = self.keep(
            "Product",
            {
                "title": title, "descriptionHtml": "<p>Made of things</p>", "description": "Made of things",
                "vendor": "Maker", "productType": "Things", "status": "ACTIVE", "tags": [], "handle": "a-thing",
                "isGiftCard": False, "options": [], "variants": [], "media": [], "images": [], "collections": [],
                "metafields": [], "category": None, "hasVariantsThatRequiresComponents": False,
                "hasOnlyDefaultVariant": True, "onlineStoreUrl": None, "publishedAt": self.stamp(),
            } | also,
        )  # fmt: skip
        for given in variants or [{"sku": "SKU-1"}]:
            self.variant(row, **given)
        self.touch(row)
        return row

    def variant(self, product: Json, sku: str | None, stock: int | Mapping[int, int] = 5, **also: Any) -> Json:
        own = {name: also.pop(name) for name in ("tracked", "cost", "weight", "requiresShipping") if name in also}
        item = self.keep(
            "InventoryItem",
            {
                "sku": sku, "tracked": own.get("tracked", True), "requiresShipping": own.get("requiresShipping", True),
                "unitCost": own.get("cost"), "countryCodeOfOrigin": None, "harmonizedSystemCode": None, "levels": [],
                "measurement": {"weight": own.get("weight"), "id": gid("InventoryItemMeasurement", 1)},
            },
        )  # fmt: skip
        row = self.keep(
            "ProductVariant",
            {
                "sku": sku, "barcode": None, "title": "Default Title", "price": "19.95", "compareAtPrice": None,
                "inventoryPolicy": "DENY", "taxable": True, "selectedOptions": [], "inventoryItem": item, "media": [],
                "metafields": [], "product": product, "position": len(product["variants"]) + 1, "image": None,
                "requiresComponents": False, "taxCode": None, "displayName": product["title"], "availableForSale": True,
            } | also,
        )  # fmt: skip
        item["variant"], item["variants"] = row, [row]
        for at, units in stock.items() if isinstance(stock, Mapping) else [(0, stock)]:
            self.level(item, self.places[at], units)
        product["variants"].append(row)
        product["hasOnlyDefaultVariant"] = len(product["variants"]) == 1
        self.touch(row)
        return row

    def level(self, item: Json, place: Json, available: int) -> Json:
        row: Json = {
            "__typename": "InventoryLevel", "item": item, "location": place, "isActive": True,
            "id": f"gid://shopify/InventoryLevel/{number(place['id'])}?inventory_item_id={number(item['id'])}",
            "states": dict.fromkeys(ON_HAND, 0) | {"available": available, "incoming": 0},
            "updatedAt": self.stamp(), "createdAt": self.stamp(),
        }  # fmt: skip
        item["levels"].append(row)
        return row

    def level_at(self, item: Json, place: str) -> Json | None:
        return next((row for row in item["levels"] if row["location"]["id"] == place), None)

    def moved(self, level: Json, **by: int) -> None:
        """Stock has changed: the level is told anew, and the product's ``updatedAt`` too (products/update fires)."""
        for name, units in by.items():
            level["states"][name] += units
        level["updatedAt"] = self.stamp()
        variant = level["item"]["variant"]
        self.touch(variant)
        self.touch(variant["product"])

    def delete_product(self, product: Json) -> None:
        for variant in product["variants"]:
            del self.tables["ProductVariant"][variant["id"]]
            del self.tables["InventoryItem"][variant["inventoryItem"]["id"]]
        del self.tables["Product"][product["id"]]

    # -- queries ----------------------------------------------------------------------------------------------

    def root_shop(self) -> Json:
        return self.shop

    def root_currentAppInstallation(self) -> Json:
        scopes = [{"handle": item, "description": item, "id": gid("AccessScope", 1)} for item in sorted(self.scopes)]
        app = {"id": gid("App", 1), "title": "Storebridge", "handle": "storebridge", "apiKey": "key"}
        return {
            "__typename": "AppInstallation", "id": gid("AppInstallation", 1), "accessScopes": scopes,
            "activeSubscriptions": [], "app": app, "launchUrl": "https://x.example", "metafields": [],
        }  # fmt: skip

    def root_locations(self, **given: Any) -> Rows:
        shown = [row for row in self.known("Location") if row["isActive"] or given.get("includeInactive")]
        return Rows(shown, lambda row: str(row["name"]))

    def root_location(self, id: str | None = None) -> Json | None:
        return self.get(id) if id else self.places[0]

    def shown(self, row: Json | None) -> Json | None:
        """Orders of more than 60 days are shown to whoever may read all (shopify.dev, access scopes)."""
        is_old = (
            bool(row) and row["__typename"] == "Order" and moment(row["createdAt"]) < self.now() - timedelta(days=60)
        )
        return None if is_old and "read_all_orders" not in self.scopes else row

    def root_node(self, id: str) -> Json | None:
        return self.shown(self.get(id))

    def root_nodes(self, ids: list[str]) -> list[Json | None]:
        if len(ids) > 250:
            self.refused.append(f"{len(ids)} nodes")
        return [self.shown(self.get(item)) for item in ids]

    def root_product(self, id: str) -> Json | None:
        return self.get(id)

    def root_productVariant(self, id: str) -> Json | None:
        return self.get(id)

    def root_inventoryItem(self, id: str) -> Json | None:
        return self.get(id)

    def root_products(self, **given: Any) -> Rows:
        sorts = {"UPDATED_AT": "updatedAt", "CREATED_AT": "createdAt", "TITLE": "title"}
        return self.searched("Product", given, self._product_asked, sorts)

    def root_productsCount(self, **given: Any) -> Json:
        return {"count": len(self.root_products(**given)), "precision": "EXACT"}

    def root_productVariants(self, **given: Any) -> Rows:
        return self.searched("ProductVariant", given, self._variant_asked, {})

    def root_productVariantsCount(self, **given: Any) -> Json:
        return {"count": len(self.root_productVariants(**given)), "precision": "EXACT"}

    def root_inventoryItems(self, **given: Any) -> Rows:
        return self.searched("InventoryItem", given, _item_asked, {})

    def _product_asked(self, row: Json) -> Asked:
        return {
            "id": [number(row["id"])], "status": [row["status"]], "title": [row["title"]], "vendor": [row["vendor"]],
            "updated_at": [moment(row["updatedAt"])], "created_at": [moment(row["createdAt"])], "tag": row["tags"],
            "sku": [item["sku"] for item in row["variants"]], "barcode": [item["barcode"] for item in row["variants"]],
            "product_type": [row["productType"]], "gift_card": [row["isGiftCard"]], "published_status": ["published"],
        }  # fmt: skip

    def _variant_asked(self, row: Json) -> Asked:
        return {
            "id": [number(row["id"])], "sku": [row["sku"]], "barcode": [row["barcode"]], "title": [row["title"]],
            "product_id": [number(row["product"]["id"])], "product_status": [row["product"]["status"]],
            "updated_at": [moment(row["updatedAt"])], "gift_card": [row["product"]["isGiftCard"]],
        }  # fmt: skip

    # -- fields that are worked out ---------------------------------------------------------------------------

    def of_Product_variants(self, row: Json, **_: Any) -> Rows:
        return Rows(row["variants"], lambda item: item["position"])

    def of_Product_variantsCount(self, row: Json, **_: Any) -> Json:
        return {"count": len(row["variants"]), "precision": "EXACT"}

    def of_ProductVariant_inventoryQuantity(self, row: Json) -> int:
        return sum(level["states"]["available"] for level in row["inventoryItem"]["levels"])

    def of_Product_totalInventory(self, row: Json) -> int:
        return sum(self.of_ProductVariant_inventoryQuantity(item) for item in row["variants"])

    def of_InventoryItem_inventoryLevels(self, row: Json, includeInactive: bool = False, **_: Any) -> list[Json]:
        return [level for level in row["levels"] if includeInactive or level["location"]["isActive"]]

    def of_InventoryItem_inventoryLevel(self, row: Json, locationId: str, **_: Any) -> Json | None:
        return self.level_at(row, locationId)

    def of_InventoryLevel_quantities(self, row: Json, names: list[str]) -> list[Json]:
        states = row["states"] | {"on_hand": sum(row["states"][name] for name in ON_HAND)}
        found = []
        for name in names:
            if name not in states:
                self.refused.append(f"quantity {name}")
                continue
            key = f"gid://shopify/InventoryQuantity/{name}-{number(row['id'])}"
            found.append({"id": key, "name": name, "quantity": states[name], "updatedAt": row["updatedAt"]})
        return found

    # -- stock ------------------------------------------------------------------------------------------------

    def do_inventorySetQuantities(self, input: Json) -> Json:  # noqa: C901  one step for each refusal
        if input["name"] not in ("available", "on_hand"):
            return self.wrong(["input", "name"], "The quantity name must be available or on_hand.", "INVALID_NAME")
        if input["reason"] not in REASONS:
            return self.wrong(["input", "reason"], "The specified reason is invalid.", "INVALID_REASON")
        changes: list[tuple[Json, int]] = []
        for at, wanted in enumerate(input["quantities"]):
            where = ["input", "quantities", str(at)]
            if "changeFromQuantity" not in wanted:
                self.refused.append("changeFromQuantity has to be there")
                return self.wrong(where, "changeFromQuantity is required.", "INVALID_QUANTITY")
            item = self.get(wanted["inventoryItemId"])
            if item is None:
                told = "The specified inventory item could not be found."
                return self.wrong([*where, "inventoryItemId"], told, "INVALID_INVENTORY_ITEM")
            place = self.get(wanted["locationId"])
            if place is None or not place["isActive"]:
                return self.wrong(
                    [*where, "locationId"], "The specified location could not be found.", "INVALID_LOCATION"
                )
            level = self.level_at(item, place["id"]) or self.level(item, place, 0)
            have = level["states"]["available"]
            if input["name"] == "on_hand":
                have = sum(level["states"][name] for name in ON_HAND)
            if wanted["changeFromQuantity"] not in (None, have):
                told = "The changeFromQuantity value does not match persisted value."
                return self.wrong([*where, "changeFromQuantity"], told, "CHANGE_FROM_QUANTITY_STALE")
            if input["name"] == "on_hand" and wanted["quantity"] < 0:
                return self.wrong([*where, "quantity"], "The quantity can't be negative.", "INVALID_QUANTITY_NEGATIVE")
            changes.append((level, wanted["quantity"] - have))
        for level, delta in changes:
            self.moved(level, available=delta)
        made = [{"name": "available", "delta": delta, "item": level["item"], "location": level["location"]}
                for level, delta in changes]  # fmt: skip
        group = self.keep("InventoryAdjustmentGroup", {"reason": input["reason"], "changes": made})
        return {"inventoryAdjustmentGroup": group, "userErrors": []}

    def do_inventoryAdjustQuantities(self, input: Json) -> Json:
        for change in input["changes"]:
            item = self.get(change["inventoryItemId"])
            level = item and self.level_at(item, change["locationId"])
            if not level:
                return self.wrong(["input"], "The specified location could not be found.", "INVALID_LOCATION")
            if change.get("changeFromQuantity") not in (None, level["states"][input["name"]]):
                return self.wrong(["input"], "The value does not match.", "CHANGE_FROM_QUANTITY_STALE")
            self.moved(level, **{input["name"]: change["delta"]})
        return {"inventoryAdjustmentGroup": self.keep("InventoryAdjustmentGroup", {"reason": input["reason"], "changes": []}),
                "userErrors": []}  # fmt: skip


def _item_asked(row: Json) -> Asked:
    return {"sku": [row["sku"]], "id": [number(row["id"])], "updated_at": [moment(row["updatedAt"])]}


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def decimal(amount: Any) -> str:
    """As MoneyV2 has it: at least one digit behind the point, no zeros after that."""
    whole, _, part = f"{Decimal(str(amount)):.2f}".partition(".")
    return f"{whole}.{part[0]}" + ("" if part[1] == "0" else part[1])
