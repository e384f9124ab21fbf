"""Products, categories and attributes of the sandbox store."""

from __future__ import annotations

import random
from typing import Any

from platform_adapters.magento.sandbox.errors import MagentoError, no_entity
from platform_adapters.magento.sandbox.shop import VIEW, WEBSITE_ID, Doc, Shop

PLAIN = ("name", "price", "status", "visibility", "type_id", "attribute_set_id", "weight")
LISTS = ("media_gallery_entries", "product_links", "options", "tier_prices")
# In the attribute set: what is not is taken, kept, and never shown.
IN_SET = (
    "ean",
    "brand",
    "manufacturer",
    "color",
    "size",
    "description",
    "short_description",
    "url_key",
    "tax_class_id",
    "special_price",
    "special_from_date",
    "special_to_date",
    "cost",
    "category_ids",
    "material",
)
SCOPED = ("name", "price", "status")
FIELDS = (
    "entity_id",
    "sku",
    "name",
    "price",
    "status",
    "visibility",
    "type_id",
    "created_at",
    "updated_at",
    "website_id",
)

ATTRIBUTES: list[Doc] = [
    {"attribute_id": 93, "attribute_code": "color", "default_frontend_label": "Color", "frontend_input": "select",
     "options": [{"label": " ", "value": ""}, {"label": "Red", "value": "4"}, {"label": "Blue", "value": "5"}]},
    {"attribute_id": 137, "attribute_code": "size", "default_frontend_label": "Size", "frontend_input": "select",
     "options": [{"label": " ", "value": ""}, {"label": "S", "value": "6"}, {"label": "M", "value": "7"},
                 {"label": "L", "value": "8"}]},
    {"attribute_id": 138, "attribute_code": "brand", "default_frontend_label": "Brand", "frontend_input": "select",
     "options": [{"label": " ", "value": ""}, {"label": "Fjord", "value": "11"}, {"label": "Lund", "value": "12"}]},
    {"attribute_id": 139, "attribute_code": "material", "default_frontend_label": "Material",
     "frontend_input": "multiselect",
     "options": [{"label": "Cotton", "value": "21"}, {"label": "Wool", "value": "22"}]},
]  # fmt: skip
CATEGORIES: Doc = {
    "id": 2, "parent_id": 1, "name": "Default Category", "is_active": True, "position": 1, "level": 1,
    "product_count": 0, "children_data": [
        {"id": 3, "parent_id": 2, "name": "Clothing", "is_active": True, "position": 1, "level": 2, "product_count": 0,
         "children_data": [
             {"id": 4, "parent_id": 3, "name": "Shirts", "is_active": True, "position": 1, "level": 3,
              "product_count": 0, "children_data": []}]},
        {"id": 5, "parent_id": 2, "name": "Toys", "is_active": True, "position": 2, "level": 2, "product_count": 0,
         "children_data": []},
    ],
}  # fmt: skip


def in_set(ean: str) -> list[str]:
    """``ean``: how the attribute with the EAN is called."""
    return [ean if code == "ean" else code for code in IN_SET]


class Products:
    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    def save(self, given: Any, scope: str | None) -> Doc:
        """Creates, or changes the product of this SKU. Without ``all`` in the address it writes the default view."""
        if not isinstance(given, dict) or not given.get("sku"):
            raise MagentoError(400, '"%fieldName" is required. Enter and try again.', {"fieldName": "product"})
        known = {*PLAIN, *LISTS, "sku", "id", "extension_attributes", "custom_attributes", "created_at", "updated_at"}
        if odd := [name for name in given if name not in known]:
            field = odd[0][:1].upper() + odd[0][1:]
            message = '"%fieldName" is not supported. Correct the field name and try again.'
            raise MagentoError(400, message, {"fieldName": field})
        doc = self.shop.by_sku(given["sku"])
        if doc is None:
            doc = self._new(given)
        elif scope != "all":
            view = doc.setdefault("_views", {}).setdefault(VIEW, {})
            view |= {name: given[name] for name in SCOPED if name in given}
            given = {name: value for name, value in given.items() if name not in SCOPED}
        self._fill(doc, given)
        doc["updated_at"] = self.shop.now()
        self.shop.put("products", doc["id"], doc)
        self._stocked(doc, given)
        return self.view(doc, "all", whole=True)

    def delete(self, sku: str) -> bool:
        doc = self.shop.by_sku(sku)
        if doc is None:
            raise no_entity("product")
        self.shop.remove("products", doc["id"])
        for row in self.shop.all("source_items"):
            if row["sku"] == doc["sku"]:
                self.shop.docs.remove("source_items", f"{row['source_code']}|{row['sku']}")
        return True

    def one(self, sku: str) -> Doc:
        doc = self.shop.by_sku(sku)
        if doc is None:
            raise no_entity("product")
        return doc

    def view(self, doc: Doc, scope: str | None, *, whole: bool = False) -> Doc:
        """As a list shows it; ``whole`` with what only the product alone has."""
        shown = {name: value for name, value in doc.items() if not name.startswith("_")}
        if scope != "all":
            shown |= doc.get("_views", {}).get(VIEW, {})
        here = in_set(self.shop.options.ean)
        shown["custom_attributes"] = [row for row in doc["custom_attributes"] if row["attribute_code"] in here]
        beside = dict(doc["extension_attributes"])
        if doc["type_id"] == "configurable":
            beside |= {"configurable_product_links": doc["_links"], "configurable_product_options": doc["_options"]}
        if whole:
            beside["stock_item"] = {"item_id": doc["id"], "product_id": doc["id"], "stock_id": 1}
        return shown | {"extension_attributes": beside}

    def _new(self, given: Doc) -> Doc:
        if not given.get("attribute_set_id"):
            raise MagentoError(400, "Invalid product data: %1", ["Invalid attribute set entity type"])
        now = self.shop.now()
        doc: Doc = {"id": self.shop.next_id("product"), "sku": given["sku"], "name": given["sku"], "price": 0}
        doc |= {"attribute_set_id": 4, "status": 1, "visibility": 4, "type_id": "simple"}
        doc |= {"created_at": now, "updated_at": now, "extension_attributes": {"website_ids": [WEBSITE_ID]}}
        doc |= {name: [] for name in (*LISTS, "custom_attributes", "_links", "_options")}
        return doc

    def _fill(self, doc: Doc, given: Doc) -> None:
        doc |= {name: given[name] for name in (*PLAIN, *LISTS) if name in given}
        if "price" in given:
            doc["price"] = float(given["price"])
        beside = dict(given.get("extension_attributes") or {})
        doc["_links"] = beside.pop("configurable_product_links", doc["_links"])
        doc["_options"] = beside.pop("configurable_product_options", doc["_options"])
        beside.pop("stock_item", None)
        doc["extension_attributes"] = {**doc["extension_attributes"], **beside}
        rows = {row["attribute_code"]: row for row in doc["custom_attributes"]}
        rows |= {row["attribute_code"]: row for row in given.get("custom_attributes") or ()}
        doc["custom_attributes"] = list(rows.values())

    def _stocked(self, doc: Doc, given: Doc) -> None:
        """With the default source; what the legacy stock item is given comes to lie there."""
        item = (given.get("extension_attributes") or {}).get("stock_item") or {}
        known = self.shop.get("source_items", f"default|{doc['sku']}")
        if doc["type_id"] != "configurable" and (known is None or "qty" in item):
            quantity = float(item.get("qty", 0))
            row = {"sku": doc["sku"], "source_code": "default", "quantity": quantity, "status": int(quantity > 0)}
            self.shop.put("source_items", f"default|{doc['sku']}", row)
        flags = {name: item[name] for name in ("manage_stock", "backorders", "min_qty") if name in item}
        if flags:
            doc["_stock"] = {**doc.get("_stock", {}), **flags}
            self.shop.put("products", doc["id"], doc)


def seed(products: Products, count: int, variable: int, chance_seed: int) -> list[str]:
    """Simple products and shirts in two colours and two sizes; the same again changes nothing."""
    chance = random.Random(chance_seed)
    made = [_simple(products, f"SB-{number:05}", f"Article {number}", chance) for number in range(1, count + 1)]
    for number in range(1, variable + 1):
        made += _shirt(products, f"SHIRT-{number:04}", f"Shirt {number}", chance)
    return made


def _simple(products: Products, sku: str, name: str, chance: random.Random, **more: Any) -> str:
    price, stock = chance.randint(500, 9900) / 100, chance.randint(5, 60)
    if products.shop.by_sku(sku) is None:
        own = {"ean": ean(chance), "brand": chance.choice(("11", "12")), "tax_class_id": "2", **more.pop("own", {})}
        body: Doc = {"sku": sku, "name": name, "price": price, "attribute_set_id": 4, "weight": 0.5}
        body["custom_attributes"] = [{"attribute_code": code, "value": value} for code, value in own.items()]
        beside = {"website_ids": [WEBSITE_ID], "category_links": [{"position": 0, "category_id": "5"}]}
        body["extension_attributes"] = {**beside, "stock_item": {"qty": stock, "is_in_stock": True}}
        products.save(body | more, "all")
    return sku


def _shirt(products: Products, sku: str, name: str, chance: random.Random) -> list[str]:
    colours, sizes = {"RED": "4", "BLUE": "5"}, {"S": "6", "M": "7"}
    pairs = [(colour, size) for colour in colours for size in sizes]
    children = [
        _simple(products, f"{sku}-{colour}-{size}", f"{name} {colour} {size}", chance, visibility=1,
                own={"color": colours[colour], "size": sizes[size]})
        for colour, size in pairs
    ]  # fmt: skip
    if products.shop.by_sku(sku) is None:
        options = [
            {"id": place, "attribute_id": str(number), "label": label, "position": place,
             "values": [{"value_index": int(value)} for value in values.values()]}
            for place, (number, label, values) in enumerate(((93, "Color", colours), (137, "Size", sizes)))
        ]  # fmt: skip
        links = [products.one(child)["id"] for child in children]
        beside = {"configurable_product_options": options, "configurable_product_links": links}
        beside |= {"website_ids": [WEBSITE_ID], "category_links": [{"position": 0, "category_id": "4"}]}
        body = {"sku": sku, "name": name, "price": 0, "attribute_set_id": 4, "type_id": "configurable"}
        products.save(body | {"extension_attributes": beside}, "all")
    return [sku, *children]


def ean(chance: random.Random) -> str:
    body = "8719" + "".join(chance.choices("0123456789", k=8))
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(body))
    return body + str(-total % 10)
