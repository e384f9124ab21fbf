"""The merchant's hands in the store, for a rehearsal: against the sandbox, or a staging store."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Any

from bridge.ports.adapter import Connection
from bridge.ports.errors import AskMerchant, NotFound, RetryLater
from bridge.ports.platform import Trace
from platform_adapters.shopify import scopes
from platform_adapters.shopify.catalogue import Catalogue
from platform_adapters.shopify.client import ShopifyClient
from platform_adapters.shopify.documents import document
from platform_adapters.shopify.facts import Facts, granted
from platform_adapters.shopify.mapping import available
from platform_adapters.shopify.orders import marketplace_ref
from platform_adapters.shopify.platform import ShopifyPlatform
from platform_adapters.shopify.reading import Json, gid, nodes, number, table, text
from platform_adapters.shopify.refusals import codes, refuse
from platform_adapters.shopify.stock import set_available

MARK = "storebridge-rehearsal"
FOLDER = Path(__file__).parent / "rehearsal_graphql"
NEWEST = 100
# What a merchant does in a rehearsal and the bridge never does: make and delete a product, fulfil an order.
SCOPES = (*scopes.SCOPES, "write_products", "write_inventory", "write_merchant_managed_fulfillment_orders")
FULFIL_LOOKS, FULFIL_PAUSE = 10, 0.5
NO_PLACE = (
    "The store has no active location that fulfils online orders, so that a product of the rehearsal cannot be in "
    "stock: switch that on for one of them (Settings, Locations), or name one with -s locations=NAME."
)


class ShopifyRehearsal:
    """Makes, changes and ships as a merchant would, and takes everything away again."""

    def __init__(self, connection: Connection) -> None:
        self._client = ShopifyClient(connection)
        self._facts = Facts(self._client, connection.settings, connection.clock)
        self._catalogue = Catalogue(self._client, connection.transport, self._facts, connection.clock)
        self._platform = ShopifyPlatform(connection)
        self._sleep = connection.transport.services.sleep
        self._made: dict[str, Json] = {}

    def prepare(self) -> None:
        if lost := scopes.missing(granted(self._client.ask("shop", 5)), SCOPES):
            raise AskMerchant(f"{scopes.lacking(lost)} Only a rehearsal needs all of them.", field="access_token")
        if not self._facts.shop.chosen:
            raise AskMerchant(NO_PLACE, field="locations")

    def create_product(self, sku: str, gtin: str, title: str, price: str, stock: int) -> str:
        place = gid("Location", self._facts.shop.chosen[0])
        row: Json = {"sku": sku, "barcode": gtin, "price": price, "inventoryItem": {"tracked": True}}
        row |= {"optionValues": [{"optionName": "Title", "name": "Default Title"}]}
        row |= {"inventoryQuantities": [{"locationId": place, "name": "available", "quantity": stock}]}
        body: Json = {"title": title, "descriptionHtml": "A rehearsal of Storebridge.", "vendor": "Storebridge"}
        body |= {"status": "ACTIVE", "tags": [MARK], "variants": [row]}
        body |= {"productOptions": [{"name": "Title", "values": [{"name": "Default Title"}]}]}
        self._made[sku] = table(self._do("product_set", "productSet", input=body).get("product"))
        return number(self._made[sku].get("id"))

    def set_stock(self, sku: str, quantity: int) -> None:
        variant = number(self._variant(sku).get("id"))
        set_available(self._client, self._catalogue, variant, quantity, self._facts.shop.chosen)

    def change_title(self, sku: str, title: str) -> None:
        self._do("product_update", "productUpdate", product={"id": self._product(sku)["id"], "title": title})

    def stock_of(self, sku: str) -> int:
        item = text(table(self._variant(sku).get("inventoryItem")).get("id"))
        levels = available({"inventoryLevels": {"nodes": self._catalogue.levels(item)}})
        return sum(levels.get(place, 0) for place in self._facts.shop.chosen)

    def ship(self, order_id: str, carrier: str, tracking: str) -> None:
        parts, sent = self._to_ship(order_id)
        info = {"company": carrier, "number": tracking} if tracking else {}
        if not parts:
            self._do("fulfillment_track", "fulfillmentTrackingInfoUpdate", id=sent, tracking=info)
            return
        body = {"lineItemsByFulfillmentOrder": parts, "trackingInfo": info, "notifyCustomer": False}
        self._do("fulfillment_create", "fulfillmentCreate", fulfillment=body)

    def _to_ship(self, order_id: str) -> tuple[list[Json], str]:
        """What is left to be sent, else the last parcel. Shopify makes fulfilment orders a moment after the order."""
        for _ in range(FULFIL_LOOKS):
            found = table(self._ask("order_parcels", id=gid("Order", order_id)).get("order"))
            parts = [part for row in nodes(found.get("fulfillmentOrders")) if (part := _part(row))]
            if parts or found.get("fulfillments"):
                return parts, text(found["fulfillments"][-1].get("id")) if found.get("fulfillments") else ""
            self._sleep(FULFIL_PAUSE)
        raise RetryLater(f"Shopify: order {order_id} has nothing that could be shipped.")

    def cancel(self, order_id: str) -> None:
        self._platform.cancel_order(order_id, "A rehearsal of Storebridge.")

    def traces(self, skus: Collection[str], refs: Collection[str]) -> list[Trace]:
        """Searches run behind, so the newest orders are read as they are, and what was made here is known."""
        found = [Trace("order", order.external_id) for order in self._platform.find_orders(list(refs)).values()]
        newest = nodes(self._client.ask("orders_newest", 2.0 + 2 * NEWEST, first=NEWEST).get("orders"))
        found += [Trace("order", number(row["id"])) for row in newest if marketplace_ref(row) in refs]
        return [*dict.fromkeys(found), *(Trace("product", key, sku) for key, sku in self._products(skus).items())]

    def kept(self, refs: Collection[str]) -> list[str]:
        return []

    def remove(self, trace: Trace) -> None:
        with suppress(NotFound):
            if trace.kind == "order":
                self._remove_order(gid("Order", trace.external_id))
            else:
                self._remove("product_delete", "productDelete", input={"id": gid("Product", trace.external_id)})

    def _remove_order(self, order: str) -> None:
        """Shopify may delete no order that is open: it is archived then, or cancelled where nothing was shipped."""
        if "INVALID" in codes(self._ask("order_delete", id=order).get("orderDelete")):
            if table(self._ask("order_parcels", id=order).get("order")).get("fulfillments"):
                self._do("order_close", "orderClose", input={"id": order})
            else:
                self.cancel(number(order))
        self._remove("order_delete", "orderDelete", id=order)

    def _remove(self, name: str, field: str, **variables: Any) -> None:
        payload = table(self._ask(name, **variables).get(field))
        if not any("exist" in text(error.get("message")).lower() for error in payload.get("userErrors") or ()):
            refuse(payload)

    def _products(self, skus: Collection[str]) -> dict[str, str]:
        """SKU by id: those marked as a rehearsal's, and those of these SKUs; the newest too, which no search tells of
        yet."""
        rows = nodes(self._ask("products_found", query=None).get("products"))
        rows += nodes(self._ask("products_found", query=f"tag:{MARK}").get("products"))
        for sku in skus:
            rows += nodes(self._ask("products_found", query=f"sku:{sku}").get("products"))
        wanted = {
            number(row.get("id")): _sku(row) for row in rows if MARK in (row.get("tags") or ()) or _sku(row) in skus
        }
        gone = {number(row.get("id")): sku for sku, row in self._made.items() if sku in skus}
        known = (
            {product.external_id for product in self._platform.fetch_products(list(gone)).products} if gone else set()
        )
        return wanted | {key: sku for key, sku in gone.items() if key in known}

    def _product(self, sku: str) -> Json:
        if sku not in self._made:
            rows = nodes(self._ask("products_found", query=f"sku:{sku}").get("products"))
            found = next((row for row in rows if _sku(row) == sku), None)
            if found is None:
                raise NotFound(f"The store has no product {sku}.", field="sku")
            self._made[sku] = found
        return self._made[sku]

    def _variant(self, sku: str) -> Json:
        return nodes(self._product(sku).get("variants"))[0]

    def _ask(self, name: str, **variables: Any) -> Json:
        return self._client.send(name, document(name, FOLDER), variables)

    def _do(self, name: str, field: str, **variables: Any) -> Json:
        return refuse(self._ask(name, **variables).get(field))


def _part(row: Json) -> Json:
    """What is left of a fulfilment order; empty where nothing is."""
    units = [(line["id"], line["remainingQuantity"]) for line in nodes(row.get("lineItems"))]
    lines = [{"id": line, "quantity": count} for line, count in units if count]
    return {"fulfillmentOrderId": row["id"], "fulfillmentOrderLineItems": lines} if lines else {}


def _sku(row: Json) -> str:
    return next((text(item.get("sku")) for item in nodes(row.get("variants"))), "")
