"""A product as the REST API shows it: the keys of a real answer, in its order."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from platform_adapters.woocommerce.sandbox.php import slugify
from platform_adapters.woocommerce.sandbox.shop import Doc, Shop

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


class ProductView:
    def __init__(self, shop: Shop, base: Callable[[], str]) -> None:
        self.shop = shop
        self.base = base

    def product(self, doc: Doc) -> dict[str, Any]:
        """As /products/<id> and as in a webhook, for variations too."""
        parent = self.shop.get("products", doc["parent_id"]) if doc["parent_id"] else None
        view = {"id": doc["id"], "name": doc["name"], "slug": doc["slug"] or slugify(doc["name"])}
        view |= {"permalink": self._permalink(doc, parent), **self._dates(doc)}
        view |= {key: doc[key] for key in ("type", "status", "featured", "catalog_visibility", "description")}
        view |= {"short_description": doc["short_description"], **self._prices(doc)}
        view |= {"on_sale": bool(doc["sale_price"]), "purchasable": self._purchasable(doc)}
        # WordPress gives the sales of a variation as a string.
        view |= {"total_sales": "0" if parent else doc["total_sales"], "virtual": doc["virtual"]}
        view |= {"downloadable": doc["downloadable"], "downloads": [], "download_limit": -1, "download_expiry": -1}
        view |= {"external_url": "", "button_text": "", "tax_status": doc["tax_status"], "tax_class": doc["tax_class"]}
        view |= self._stock(doc, parent)
        view |= {"sold_individually": doc["sold_individually"], "weight": doc["weight"]}
        view |= {"dimensions": doc["dimensions"], "shipping_required": not doc["virtual"]}
        view |= {"shipping_taxable": doc["tax_status"] == "taxable", "shipping_class": doc["shipping_class"]}
        view |= {"shipping_class_id": 0, "reviews_allowed": doc["reviews_allowed"] and parent is None}
        view |= {"average_rating": "0.00", "rating_count": 0, "upsell_ids": [], "cross_sell_ids": []}
        view |= {"parent_id": doc["parent_id"], "purchase_note": doc["purchase_note"]}
        view |= {key: doc[key] for key in ("categories", "brands", "tags", "images")}
        view |= {"attributes": doc["attributes"], "default_attributes": doc["default_attributes"]}
        view |= {"variations": [child["id"] for child in self.shop.variations(doc["id"])]}
        view |= {"grouped_products": [], "menu_order": doc["menu_order"], "price_html": self._price_html(doc)}
        view |= {"related_ids": [], "meta_data": doc["meta_data"], "stock_status": self._stock_status(doc, parent)}
        view |= {"has_options": doc["type"] == "variable", "post_password": ""}
        view |= {"global_unique_id": doc["global_unique_id"]}
        return view | {"_links": self._links(doc["id"], "products", doc["parent_id"])}

    def variation(self, doc: Doc) -> dict[str, Any]:
        """As /products/<id>/variations: other keys than the same variation in a webhook."""
        parent = self.shop.get("products", doc["parent_id"])
        stock = self._stock(doc, parent)
        view: dict[str, Any] = {"id": doc["id"], "type": "variation", **self._dates(doc)}
        view |= {"description": doc["description"], "permalink": self._permalink(doc, parent), **self._prices(doc)}
        view["global_unique_id"] = doc["global_unique_id"]
        view |= {"on_sale": bool(doc["sale_price"]), "status": doc["status"], "purchasable": self._purchasable(doc)}
        view |= {"virtual": doc["virtual"], "downloadable": doc["downloadable"], "downloads": []}
        view |= {"download_limit": -1, "download_expiry": -1, "tax_status": doc["tax_status"]}
        view |= {"tax_class": doc["tax_class"], **stock, "stock_status": self._stock_status(doc, parent)}
        view |= {"weight": doc["weight"], "dimensions": doc["dimensions"], "shipping_class": doc["shipping_class"]}
        view |= {"shipping_class_id": 0, "image": doc["image"], "attributes": doc["attributes"]}
        view |= {"menu_order": doc["menu_order"], "meta_data": doc["meta_data"], "name": doc["name"].split(" - ")[-1]}
        view |= {"parent_id": doc["parent_id"]}
        return view | {"_links": self._links(doc["id"], f"products/{doc['parent_id']}/variations", doc["parent_id"])}

    def price(self, doc: Doc) -> str:
        """What a shopper pays; of a variable product, its cheapest variation."""
        if doc["type"] != "variable":
            return str(doc["sale_price"] or doc["regular_price"])
        prices = [self.price(child) for child in self.shop.variations(doc["id"])]
        return min((price for price in prices if price), key=Decimal, default="")

    def _dates(self, doc: Doc) -> dict[str, Any]:
        shop = self.shop
        created, modified = doc["created"], doc["modified"]
        return {
            "date_created": shop.local(created),
            "date_created_gmt": shop.gmt(created),
            "date_modified": shop.local(modified),
            "date_modified_gmt": shop.gmt(modified),
        }

    def _prices(self, doc: Doc) -> dict[str, Any]:
        view = {"sku": doc["sku"], "price": self.price(doc), "regular_price": doc["regular_price"]}
        view["sale_price"] = doc["sale_price"]
        names = ("date_on_sale_from", "date_on_sale_from_gmt", "date_on_sale_to", "date_on_sale_to_gmt")
        return view | dict.fromkeys(names)

    def _stock(self, doc: Doc, parent: Doc | None) -> dict[str, Any]:
        holder = parent if parent is not None and inherits_stock(doc, parent) else doc
        manage: bool | str = doc["manage_stock"] if holder is doc else "parent"
        allowed = holder["backorders"] != "no"
        quantity = holder["stock_quantity"]
        return {
            "manage_stock": manage,
            "stock_quantity": quantity,
            "backorders": holder["backorders"],
            "backorders_allowed": allowed,
            "backordered": bool(manage and allowed and quantity is not None and quantity < 0),
            "low_stock_amount": doc["low_stock_amount"],
        }

    def _stock_status(self, doc: Doc, parent: Doc | None) -> str:
        if parent is not None and inherits_stock(doc, parent):
            return str(parent["stock_status"])
        if doc["type"] == "variable" and not doc["manage_stock"]:
            found = {child["stock_status"] for child in self.shop.variations(doc["id"])}
            return next((word for word in ("instock", "onbackorder") if word in found), "outofstock")
        return str(doc["stock_status"])

    def _purchasable(self, doc: Doc) -> bool:
        return doc["status"] == "publish" and self.price(doc) != ""

    def _permalink(self, doc: Doc, parent: Doc | None) -> str:
        root = self.base()
        if parent is not None:
            chosen = "&".join(f"attribute_{slugify(a['name'])}={a['option']}" for a in doc["attributes"])
            return f"{root}/product/{parent['slug']}/?{chosen}"
        if doc["status"] != "publish":
            return f"{root}/?post_type=product&p={doc['id']}"
        return f"{root}/product/{doc['slug']}/"

    def _price_html(self, doc: Doc) -> str:
        price = self.price(doc)
        if not price:
            return ""
        try:
            shown = f"{Decimal(price):.{self.shop.options.price_decimals}f}"
        except InvalidOperation:
            shown = price
        sign = '<span class="woocommerce-Price-currencySymbol">&euro;</span>'
        return f'<span class="woocommerce-Price-amount amount"><bdi>{sign}{shown}</bdi></span>'

    def _links(self, number: int, collection: str, parent: int) -> dict[str, Any]:
        root = f"{self.base()}/wp-json/wc/v3"
        own = f"{root}/{collection}/{number}"
        links: dict[str, Any] = {"self": [{"href": own, "targetHints": {"allow": METHODS}}]}
        links["collection"] = [{"href": f"{root}/{collection}"}]
        if parent:
            links["up"] = [{"href": f"{root}/products/{parent}"}]
        return links


def inherits_stock(doc: Doc, parent: Doc | None) -> bool:
    """Whether the parent counts the stock of this variation."""
    return parent is not None and bool(parent["manage_stock"]) and not doc["manage_stock"]
