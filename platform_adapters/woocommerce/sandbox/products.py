"""Products and variations: what may be written, and what follows from it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from platform_adapters.woocommerce.sandbox.errors import WooError, already_trashed, invalid_id
from platform_adapters.woocommerce.sandbox.php import slugify
from platform_adapters.woocommerce.sandbox.product_view import inherits_stock
from platform_adapters.woocommerce.sandbox.schema import PRODUCT_ENUMS, PRODUCT_FIELDS, as_bool, check
from platform_adapters.woocommerce.sandbox.shop import Doc, Shop

BLANK: Doc = {
    "name": "", "slug": "", "type": "simple", "status": "publish", "featured": False,
    "catalog_visibility": "visible", "description": "", "short_description": "", "sku": "", "regular_price": "",
    "sale_price": "", "total_sales": 0, "virtual": False, "downloadable": False, "tax_status": "taxable",
    "tax_class": "", "manage_stock": False, "stock_quantity": None, "stock_status": "instock",
    "backorders": "no", "low_stock_amount": None, "sold_individually": False, "weight": "",
    "dimensions": {"length": "", "width": "", "height": ""}, "shipping_class": "", "reviews_allowed": True,
    "parent_id": 0, "purchase_note": "", "categories": [], "brands": [], "tags": [], "images": [],
    "attributes": [], "default_attributes": [], "menu_order": 0, "meta_data": [], "global_unique_id": "",
    "image": None, "trashed_from": None,
}  # fmt: skip
UNCATEGORIZED = {"id": 15, "name": "Uncategorized", "slug": "uncategorized"}
PLAIN = (
    "name", "slug", "description", "short_description", "regular_price", "sale_price", "tax_status", "tax_class",
    "weight", "dimensions", "shipping_class", "purchase_note", "catalog_visibility", "status", "tags", "brands",
    "default_attributes", "image",
)  # fmt: skip
FLAGS = ("featured", "virtual", "downloadable", "sold_individually", "reviews_allowed")


class Products:
    """The rules of the catalogue. Documents are replaced, never changed in place."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    # -- reading ----------------------------------------------------------------------------------------------

    def find(self, number: int, status: int = 404) -> Doc:
        doc = self.shop.get("products", number)
        if doc is None:
            raise invalid_id("product", status)
        return doc

    def find_variation(self, parent: int, number: int, status: int = 404) -> Doc:
        doc = self.shop.get("products", number)
        if doc is None or doc["parent_id"] != parent or not parent:
            raise invalid_id("product_variation", status)
        return doc

    # -- writing ----------------------------------------------------------------------------------------------

    def create(self, body: Mapping[str, Any], parent: int = 0) -> Doc:
        """A product, or with ``parent`` a variation of it."""
        check(body, PRODUCT_FIELDS, PRODUCT_ENUMS)
        if body.get("id"):
            raise WooError("woocommerce_rest_product_exists", "Cannot create existing product.", 400)
        doc = {"id": 0, **BLANK, "created": self.shop.now(), "modified": self.shop.now()}
        if parent:
            doc |= {"type": "variation", "parent_id": parent}
        else:
            doc |= {"type": body.get("type") or "simple", "categories": [UNCATEGORIZED]}
        doc = self._written(doc, body)
        doc["id"] = self.shop.next_id()
        doc["slug"] = doc["slug"] or slugify(doc["name"])
        self._store(doc)
        self.shop.fire("product.created", doc["id"])
        return doc

    def update(self, doc: Doc, body: Mapping[str, Any]) -> Doc:
        """Every save touches the date and sends product.updated, an unchanged or empty body too."""
        check(body, PRODUCT_FIELDS, PRODUCT_ENUMS)
        new = self._written(dict(doc), body)
        if doc["status"] == "trash" and new["status"] != "trash":
            new["trashed_from"] = None
        self._store(new)
        self.shop.fire("product.updated", new["id"])
        return new

    def set_quantity(self, doc: Doc, quantity: int, *, sales: int = 0) -> Doc:
        """What wc_update_product_stock does: one statement, a save, and product.updated of the stock's holder."""
        new = doc | {"stock_quantity": quantity, "total_sales": int(doc["total_sales"]) + sales}
        new["stock_status"] = _status_for(new)
        self._store(new)
        self.shop.fire("product.updated", new["id"])
        return new

    def holder_of_stock(self, doc: Doc) -> Doc:
        """The variation itself, or its parent where the parent counts."""
        parent = self.shop.get("products", doc["parent_id"]) if doc["parent_id"] else None
        return parent if parent is not None and inherits_stock(doc, parent) else doc

    def trash(self, doc: Doc) -> Doc:
        """To the bin: one product.deleted for the product and one for each variation."""
        if doc["status"] == "trash":
            raise already_trashed("product")
        meta = [{"id": self.shop.next_number("meta"), "key": "_wp_trash_meta_status", "value": doc["status"]}]
        meta.append({"id": self.shop.next_number("meta"), "key": "_wp_trash_meta_time", "value": str(self.shop.now())})
        new = doc | {"status": "trash", "trashed_from": doc["status"], "meta_data": [*doc["meta_data"], *meta]}
        children = list(self.shop.variations(doc["id"]))
        self.shop.save("products", new | {"modified": self.shop.now()})
        self.shop.fire("product.deleted", doc["id"])
        for child in children:
            self.shop.save("products", child | {"status": "trash", "trashed_from": child["status"]})
            self.shop.fire("product.deleted", child["id"])
        return new

    def delete(self, doc: Doc) -> Doc:
        """For good. No webhook tells of it, whether it was in the bin before or not."""
        for child in list(self.shop.variations(doc["id"], trashed=True)):
            self.shop.remove("products", child["id"])
        self.shop.remove("products", doc["id"])
        return doc

    def _store(self, doc: Doc) -> None:
        doc["modified"] = self.shop.now()
        self.shop.save("products", doc)
        # Saving a variation re-saves its parent a moment later: its date moves, no webhook is sent.
        parent = self.shop.get("products", doc["parent_id"]) if doc["parent_id"] else None
        if parent is not None:
            self.shop.save("products", parent | {"modified": self.shop.now()})

    def _written(self, doc: Doc, body: Mapping[str, Any]) -> Doc:
        for name in PLAIN:
            if body.get(name) is not None:
                doc[name] = body[name]
        for name in FLAGS:
            if body.get(name) is not None:
                doc[name] = as_bool(body[name])
        if doc["type"] != "variation" and body.get("type"):
            doc["type"] = body["type"]
        if body.get("menu_order") is not None:
            doc["menu_order"] = int(body["menu_order"])
        self._write_identity(doc, body)
        self._write_lists(doc, body)
        _write_stock(doc, body)
        if doc["parent_id"]:
            doc["name"] = self._variation_name(doc)
        return doc

    def _write_identity(self, doc: Doc, body: Mapping[str, Any]) -> None:
        """SKU and GTIN are unique over products and variations alike, the bin left out."""
        if body.get("sku") is not None:
            holder = self.shop.by_sku(body["sku"]) if body["sku"] else None
            if holder is not None and holder["id"] != doc["id"]:
                data = {"resource_id": holder["id"], "unique_sku": f"{body['sku']}-1"}
                raise WooError("product_invalid_sku", "Invalid or duplicated SKU.", 400, **data)
            doc["sku"] = body["sku"].strip()
        if body.get("global_unique_id") is not None:
            # Anything but digits and hyphens is dropped without a word.
            gtin = re.sub(r"[^0-9-]", "", body["global_unique_id"])
            holder = self.shop.by_gtin(gtin) if gtin else None
            if holder is not None and holder["id"] != doc["id"]:
                text = "Invalid or duplicated GTIN, UPC, EAN or ISBN."
                raise WooError("product_invalid_global_unique_id", text, 400, resource_id=holder["id"])
            doc["global_unique_id"] = gtin

    def _write_lists(self, doc: Doc, body: Mapping[str, Any]) -> None:
        if body.get("categories") is not None:
            doc["categories"] = [self._category(item) for item in body["categories"]] or [UNCATEGORIZED]
        if body.get("images") is not None:
            doc["images"] = [self._image(item) for item in body["images"]]
        if body.get("attributes") is not None:
            doc["attributes"] = [_attribute(item, at, doc["type"]) for at, item in enumerate(body["attributes"])]
        if body.get("meta_data") is not None:
            doc["meta_data"] = self.merged_meta(doc["meta_data"], body["meta_data"])

    def merged_meta(self, old: list[Doc], given: list[Doc]) -> list[Doc]:
        """Metadata after an update: by id, else by key; a null value removes."""
        result = [dict(item) for item in old]
        for item in given:
            wanted, key = item.get("id"), item.get("key")
            found = next((m for m in result if (m["id"] == wanted if wanted else m["key"] == key)), None)
            if found is None:
                result.append({"id": self.shop.next_number("meta"), "key": key, "value": item.get("value")})
            elif item.get("value") is None:
                result.remove(found)
            else:
                found["value"] = item["value"]
        return result

    def _category(self, item: Doc) -> Doc:
        known = self.shop.all("categories")
        found = next((c for c in known if item.get("id") == c["id"] or item.get("name") == c["name"]), None)
        if found is None:
            name = item.get("name") or UNCATEGORIZED["name"]
            found = {"id": self.shop.next_number("term") + 15, "name": name, "slug": slugify(str(name)), "parent": 0}
            self.shop.save("categories", found)
        return {key: found[key] for key in ("id", "name", "slug")}

    def _image(self, item: Doc) -> Doc:
        now = self.shop.now()
        image = {"id": item.get("id") or self.shop.next_id()}
        image |= {"date_created": self.shop.local(now), "date_created_gmt": self.shop.gmt(now)}
        image |= {"date_modified": self.shop.local(now), "date_modified_gmt": self.shop.gmt(now)}
        return image | {"src": item.get("src", ""), "name": item.get("name", ""), "alt": item.get("alt", "")}

    def _variation_name(self, doc: Doc) -> str:
        parent = self.shop.get("products", doc["parent_id"])
        chosen = ", ".join(str(attribute["option"]) for attribute in doc["attributes"])
        title = parent["name"] if parent else ""
        return f"{title} - {chosen}" if chosen else str(title)


def _attribute(item: Doc, position: int, kind: str) -> Doc:
    name = item.get("name") or ""
    if kind == "variation":
        return {"id": item.get("id", 0), "name": name, "slug": slugify(name), "option": item.get("option", "")}
    view = {"id": item.get("id", 0), "name": name, "slug": name, "position": item.get("position", position)}
    view |= {"visible": as_bool(item.get("visible", True)), "variation": as_bool(item.get("variation", False))}
    return view | {"options": list(item.get("options", []))}


def _write_stock(doc: Doc, body: Mapping[str, Any]) -> None:
    """Absolute, no compare-and-set. Without manage_stock the quantity is null and what is sent is ignored."""
    if body.get("manage_stock") is not None:
        doc["manage_stock"] = as_bool(body["manage_stock"]) and body["manage_stock"] != "parent"
    if body.get("backorders") is not None:
        doc["backorders"] = body["backorders"]
    if body.get("stock_status") is not None:
        doc["stock_status"] = body["stock_status"]
    if not doc["manage_stock"]:
        doc |= {"stock_quantity": None, "backorders": "no", "low_stock_amount": None}
        return
    if "stock_quantity" in body:
        # null is taken as 0, and the product is out of stock.
        doc["stock_quantity"] = int(float(body["stock_quantity"] or 0))
    elif doc["stock_quantity"] is None:
        doc["stock_quantity"] = 0
    if body.get("low_stock_amount") is not None:
        doc["low_stock_amount"] = int(body["low_stock_amount"])
    doc["stock_status"] = _status_for(doc)


def _status_for(doc: Doc) -> str:
    if doc["stock_quantity"] > 0:
        return "instock"
    return "onbackorder" if doc["backorders"] != "no" else "outofstock"
