"""What the sandbox answers to, address by address."""

from __future__ import annotations

from typing import Any

from platform_adapters.magento.sandbox import attributes
from platform_adapters.magento.sandbox.api import Api, Call
from platform_adapters.magento.sandbox.catalogue import FIELDS, Products
from platform_adapters.magento.sandbox.categories import Categories
from platform_adapters.magento.sandbox.errors import MagentoError, no_entity, no_route
from platform_adapters.magento.sandbox.inventory import Inventory
from platform_adapters.magento.sandbox.orders import Orders
from platform_adapters.magento.sandbox.shop import VIEW, VIEW_ID, WEBSITE, WEBSITE_ID, Shop

CATALOG, SALES, STORE, STOCK = (
    "Magento_Catalog::catalog",
    "Magento_Sales::sales",
    "Magento_Backend::store",
    "Magento_InventoryApi::source",
)
ORDER_FIELDS = (
    "entity_id",
    "increment_id",
    "ext_order_id",
    "state",
    "status",
    "store_id",
    "created_at",
    "updated_at",
    "customer_email",
    "grand_total",
)
ITEM_FIELDS = (
    "item_id",
    "order_id",
    "product_id",
    "sku",
    "ext_order_item_id",
    "created_at",
    "updated_at",
    "qty_ordered",
)
CHILD_FIELDS = ["entity_id", "order_id", "increment_id", "created_at", "updated_at", "store_id"]


class StoreRoutes:
    def __init__(self, api: Api, shop: Shop, base: Any) -> None:
        self.api, self.shop, self._base = api, shop, base
        api.add("GET", "store/storeConfigs", "store.configs", STORE, self.configs)
        api.add("GET", "store/storeViews", "store.views", STORE, self.views)
        api.add("GET", "directory/currency", "store.currency", STORE, self.currency)
        api.add("GET", "store/websites", "store.websites", STORE, self.websites)
        api.add("GET", "modules", "store.modules", "Magento_Backend::all", self.modules)
        api.add("GET", "categories", "categories.tree", CATALOG, Categories(shop).tree)
        api.add("GET", "taxClasses/search", "taxes.classes", "Magento_Tax::manage_tax", self.tax_classes)
        api.add("GET", "products/attributes", "attributes.list", "Magento_Catalog::attributes", self.attributes)
        sets = "Magento_Catalog::sets"
        api.add("GET", "products/attribute-sets/sets/list", "attributes.sets", sets, self.attribute_sets)

    def configs(self, _call: Call) -> Any:
        base, currency = self._base(), self.shop.options.currency
        body = {
            "id": VIEW_ID,
            "code": VIEW,
            "website_id": WEBSITE_ID,
            "locale": "en_GB",
            "base_currency_code": self.shop.options.currency_setting or currency,
        }
        body |= {
            "default_display_currency_code": currency,
            "timezone": self.shop.options.timezone,
            "weight_unit": "kgs",
        }
        for kind in ("", "secure_"):
            body |= {f"{kind}base_url": f"{base}/", f"{kind}base_link_url": f"{base}/"}
            body |= {f"{kind}base_media_url": f"{base}/media/"}
        return [body]

    def currency(self, call: Call) -> Any:
        options = self.shop.options
        here, other = options.currency, options.global_currency or options.currency
        rate = options.rate
        if call.scope == "all":
            here, other, rate = other, here, options.rate_back
        rates = ({other: rate} if rate is not None else {}) | {here: 1.0}
        return {
            "base_currency_code": here,
            "default_display_currency_code": here,
            "available_currency_codes": list(rates),
            "exchange_rates": [{"currency_to": code, "rate": value} for code, value in rates.items()],
        }

    def views(self, _call: Call) -> Any:
        shown = {"id": VIEW_ID, "code": VIEW, "name": "Default Store View", "website_id": WEBSITE_ID}
        hidden = {"id": 0, "code": "admin", "name": "Admin", "website_id": 0, "store_group_id": 0, "is_active": 1}
        return [shown | {"store_group_id": 1, "is_active": 1}, hidden]

    def websites(self, _call: Call) -> Any:
        return [
            {"id": 0, "code": "admin", "name": "Admin", "default_group_id": 0},
            {"id": WEBSITE_ID, "code": WEBSITE, "name": "Main Website", "default_group_id": 1},
        ]

    def modules(self, _call: Call) -> Any:
        names = ["Magento_Store", "Magento_Catalog", "Magento_CatalogInventory", "Magento_Sales"]
        return [*names, *(("Magento_InventoryApi", "Magento_InventorySales") if self.shop.options.msi else ())]

    def tax_classes(self, _call: Call) -> Any:
        rows = [
            {"class_id": 2, "class_name": "Taxable Goods", "class_type": "PRODUCT"},
            {"class_id": 4, "class_name": "Food", "class_type": "PRODUCT"},
        ]
        return self.api.listing(rows, ("class_id", "class_name", "class_type"), "taxes.classes", strict=400)

    def attributes(self, _call: Call) -> Any:
        rows = attributes.all_of(self.shop.options)
        return self.api.listing(rows, attributes.FILTERED_BY, "attributes.list", strict=400)

    def attribute_sets(self, _call: Call) -> Any:
        rows = attributes.sets(self.shop.options)
        return self.api.listing(rows, ("attribute_set_id", "attribute_set_name"), "attributes.sets", strict=400)


class ProductRoutes:
    def __init__(self, api: Api, products: Products, inventory: Inventory) -> None:
        self.api, self.products, self.inventory = api, products, inventory
        api.add("GET", "products", "products.list", CATALOG, self.list)
        api.add("POST", "products", "products.save", CATALOG, self.save)
        api.add("GET", "products/*", "products.get", CATALOG, self.get)
        api.add("PUT", "products/*", "products.save", CATALOG, self.put)
        api.add("DELETE", "products/*", "products.delete", CATALOG, lambda call: products.delete(call.path[0]))
        api.add("GET", "configurable-products/*/children", "products.children", CATALOG, self.children)
        api.add("GET", "stockItems/*", "stock.item", "Magento_CatalogInventory::cataloginventory", self.stock_item)
        api.add(
            "PUT", "products/*/stockItems/*", "stock.write", "Magento_CatalogInventory::cataloginventory", self.write
        )

    def list(self, call: Call) -> Any:
        rows = [self.products.view(doc, call.scope) for doc in self.products.shop.all("products")]
        return self.api.listing(rows, FIELDS, "products.list", strict=400)

    def save(self, call: Call) -> Any:
        given = call.body.get("product")
        if isinstance(given, dict) and self.products.shop.by_sku(str(given.get("sku"))) is None:
            attributes.refuse_incomplete(self.products.shop.options, given)
        return self.products.save(given, call.scope)

    def put(self, call: Call) -> Any:
        return self.products.save({**call.body.get("product", {}), "sku": call.path[0]}, call.scope)

    def get(self, call: Call) -> Any:
        doc = self.products.one(call.path[0])
        body = self.products.view(doc, call.scope)
        body["extension_attributes"]["stock_item"] = self.inventory.stock_item(doc)
        return body

    def children(self, call: Call) -> Any:
        parent = self.products.one(call.path[0])
        found = (self.products.shop.get("products", key) for key in parent["_links"])
        return [self.products.view(doc, call.scope) for doc in found if doc is not None]

    def stock_item(self, call: Call) -> Any:
        return self.inventory.stock_item(self.products.one(call.path[0]))

    def write(self, call: Call) -> Any:
        """The number of the stock item is not looked at."""
        doc = self.products.one(call.path[0])
        if not self.api.kit.faults.take("stock.write", "not_applied"):
            self.inventory.write_item(doc, call.body.get("stockItem") or {})
        return doc["id"]


class InventoryRoutes:
    def __init__(self, api: Api, shop: Shop, inventory: Inventory) -> None:
        self.api, self.shop, self.inventory = api, shop, inventory
        if not shop.options.msi:
            return
        add = api.add
        add("GET", "inventory/stock-resolver/website/*", "inventory.resolver", STOCK, self.resolve)
        add("GET", "inventory/sources", "inventory.sources", STOCK, self.sources)
        add("GET", "inventory/stock-source-links", "inventory.links", STOCK, self.links)
        add("GET", "inventory/source-items", "inventory.items", STOCK, self.items)
        add("POST", "inventory/source-items", "inventory.write", STOCK, self.write)
        add("GET", "inventory/get-product-salable-quantity/*/*", "inventory.salable", STOCK, self.salable)
        add("GET", "inventory/export-stock-salable-qty/website/*", "inventory.export", STOCK, self.export)

    def resolve(self, call: Call) -> Any:
        if call.path[0] != WEBSITE:
            raise no_entity()
        return self.inventory.stock()

    def sources(self, _call: Call) -> Any:
        return self.api.listing(self.inventory.source_rows(), ("source_code",), "inventory.sources", strict=500)

    def links(self, _call: Call) -> Any:
        return self.api.listing(self.inventory.links(), ("stock_id", "source_code"), "inventory.links", strict=500)

    def items(self, _call: Call) -> Any:
        rows = self.shop.all("source_items")
        return self.api.listing(rows, ("sku", "source_code", "quantity"), "inventory.items", strict=500)

    def write(self, call: Call) -> Any:
        if self.api.kit.faults.take("inventory.write", "not_applied"):
            return []
        return self.inventory.write(call.body.get("sourceItems") or [])

    def salable(self, call: Call) -> Any:
        if call.path[1] != str(self.inventory.stock_id):
            raise MagentoError(400, "The requested sku is not assigned to given stock.")
        return self.inventory.salable(call.path[0])

    def export(self, call: Call) -> Any:
        """Products by search criteria, as the official description has it; it says nothing of the rows."""
        if not self.shop.options.salable_export:
            raise no_route()
        if call.path[0] != WEBSITE:
            raise no_entity()
        rows = [
            {"sku": doc["sku"], "qty": qty, "is_salable": qty > 0, "entity_id": doc["id"]}
            for doc in self.shop.all("products")
            if doc["type_id"] != "configurable" and (qty := self.inventory.salable(doc["sku"])) is not None
        ]
        return self.api.listing(rows, ("entity_id", "sku"), "inventory.export", strict=400)


class OrderRoutes:
    def __init__(self, api: Api, shop: Shop, orders: Orders) -> None:
        self.api, self.shop, self.orders = api, shop, orders
        add = api.add
        add("GET", "orders", "orders.list", SALES, self.list)
        add("POST", "orders", "orders.create", SALES, lambda call: orders.save(call.body.get("entity")))
        add("GET", "orders/items", "orders.items", SALES, self.items)
        add("GET", "orders/*", "orders.get", SALES, lambda call: _shown(orders.one(call.path[0])))
        add("POST", "orders/*/cancel", "orders.cancel", SALES, lambda call: orders.cancel(call.path[0]))
        add("POST", "orders/*/comments", "orders.comment", SALES, self.comment)
        add("POST", "order/*/ship", "orders.ship", SALES, lambda call: orders.ship(call.path[0], call.body))
        add("POST", "order/*/invoice", "orders.invoice", SALES, lambda call: orders.invoice(call.path[0]))
        add("POST", "order/*/refund", "orders.refund", SALES, lambda call: orders.refund(call.path[0], call.body))
        add("POST", "shipment/track", "shipments.track", SALES, lambda call: orders.add_track(call.body["entity"]))
        for kind in ("shipments", "creditmemos", "invoices"):
            add("GET", kind, f"{kind}.list", SALES, self._children(kind))

    def list(self, _call: Call) -> Any:
        rows = [_shown(doc) for doc in self.shop.all("orders")]
        return self.api.listing(rows, ORDER_FIELDS, "orders.list", strict=500)

    def items(self, _call: Call) -> Any:
        rows = [item for doc in self.shop.all("orders") for item in doc["items"]]
        return self.api.listing(rows, ITEM_FIELDS, "orders.items", strict=500)

    def comment(self, call: Call) -> Any:
        return self.orders.comment(call.path[0], call.body.get("statusHistory") or {})

    def _children(self, kind: str) -> Any:
        return lambda _call: self.api.listing(self.shop.all(kind), CHILD_FIELDS, f"{kind}.list", strict=500)


def _shown(doc: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in doc.items() if value is not None}
