"""The merchant's hands in the store, for a rehearsal: against the sandbox, or a staging store."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from decimal import Decimal

from bridge.ports.adapter import Connection
from bridge.ports.errors import NotFound
from bridge.ports.platform import Trace
from platform_adapters.magento.client import MagentoClient
from platform_adapters.magento.companion import Companion
from platform_adapters.magento.criteria import Filter
from platform_adapters.magento.facts import Facts
from platform_adapters.magento.orders import OVER
from platform_adapters.magento.platform import MANIFEST, MagentoPlatform
from platform_adapters.magento.reading import Json, dicts, number, text
from platform_adapters.magento.stock import Stock

MARK = "Storebridge rehearsal"
DEFAULT_SET = 4  # the attribute set that every store has from the beginning
CARRIER = "custom"


class MagentoRehearsal:
    """Makes, changes and ships as a merchant would, and takes away what Magento lets go: an order cannot be deleted by
    its interface, and stays as cancelled."""

    def __init__(self, connection: Connection) -> None:
        self._client = MagentoClient(connection)
        self._facts = Facts(self._client, connection.settings, connection.clock)
        wishes = {**connection.settings, "stock_writes": True}
        companion = Companion(self._client, connection.clock)
        self._stock = Stock(
            self._client, connection.transport, wishes, connection.clock, MANIFEST.concurrency, companion
        )
        self._platform = MagentoPlatform(connection)
        self._codes = tuple(connection.settings.get("gtin_attributes") or ())

    def create_product(self, sku: str, gtin: str, title: str, price: str, stock: int) -> str:
        shop = self._facts.shop
        body: Json = {
            "sku": sku,
            "name": title,
            "price": Decimal(price),
            "attribute_set_id": DEFAULT_SET,
            "type_id": "simple",
        }
        body |= {"status": 1, "visibility": 4, "weight": Decimal("0.5")}
        words = {"description": f"{MARK}.", **dict.fromkeys(self._codes[:1], gtin)}
        body["custom_attributes"] = [{"attribute_code": code, "value": value} for code, value in words.items()]
        body["extension_attributes"] = {"website_ids": [shop.website_id]}
        made = self._client.save_product(body)
        self._stock.write(made, stock, shop)
        return text(made.get("id"))

    def set_stock(self, sku: str, quantity: int) -> None:
        """As the admin's page of the product does, which saves the product too: stock alone moves no date."""
        self._stock.write(self._product(sku), quantity, self._facts.shop)
        words = {"attribute_code": "description", "value": f"{MARK}, {quantity} in stock."}
        self._client.save_product({"sku": sku, "custom_attributes": [words]})

    def change_title(self, sku: str, title: str) -> None:
        self._client.save_product({"sku": sku, "name": title})

    def stock_of(self, sku: str) -> int:
        return self._stock.readings([self._product(sku)], self._facts.shop)[sku].on_hand or 0

    def ship(self, order_id: str, carrier: str, tracking: str) -> None:
        track = {"track_number": tracking, "title": carrier, "carrier_code": CARRIER}
        sent = self._client.shipments((Filter("order_id", "eq", order_id),))
        if sent and tracking:
            shipment = text(sent[-1].get("entity_id"))
            self._client.add_track({**track, "order_id": order_id, "parent_id": shipment})
            return
        self._client.ship(order_id, {"notify": False, "tracks": [track] if tracking else []})

    def cancel(self, order_id: str) -> None:
        self._platform.cancel_order(order_id, f"{MARK}.")

    def traces(self, skus: Collection[str], refs: Collection[str]) -> list[Trace]:
        orders = self._platform.find_orders(list(refs)).values() if refs else ()
        found = [Trace("order", row.external_id, row.number) for row in orders if row.status not in OVER]
        products = [row for sku in skus for row in self._products(sku)]
        return found + [Trace("product", text(row.get("id")), text(row.get("sku"))) for row in products]

    def remove(self, trace: Trace) -> None:
        with suppress(NotFound):
            if trace.kind == "order":
                self._platform.cancel_order(trace.external_id, f"{MARK}.")
            else:
                self._client.delete_product(trace.name)

    def _product(self, sku: str) -> Json:
        rows = self._products(sku)
        if not rows:
            raise NotFound(f"The store has no product {sku}.", field="sku")
        return rows[0]

    def _products(self, sku: str) -> list[Json]:
        rows = self._client.products((Filter("sku", "eq", sku),), scope=self._facts.shop.view).rows
        return [row for row in dicts(rows) if number(row.get("id")) and text(row.get("sku")).lower() == sku.lower()]
