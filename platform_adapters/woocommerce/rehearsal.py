"""The merchant's hands in the store, for a rehearsal: against the sandbox, or a staging store."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from typing import Any

from bridge.ports.adapter import Connection
from bridge.ports.errors import NotFound
from bridge.ports.platform import Trace
from platform_adapters.woocommerce.client import Json, WooClient
from platform_adapters.woocommerce.mapping import BIN
from platform_adapters.woocommerce.orders import marketplace_ref
from platform_adapters.woocommerce.parcels import PLUGIN_META
from platform_adapters.woocommerce.reading import meta

MARK = "_storebridge_rehearsal"


class WooRehearsal:
    """Makes, changes and ships as a merchant would, and takes everything away again."""

    def __init__(self, connection: Connection) -> None:
        self._client = WooClient(connection)
        self._sources = connection.settings.get("tracking_sources") or ()
        self._made: dict[str, str] = {}

    def prepare(self) -> None:
        """Nothing more is needed than the key may do that the store was connected with."""

    def create_product(self, sku: str, gtin: str, title: str, price: str, stock: int) -> str:
        body: Json = {"name": title, "sku": sku, "global_unique_id": gtin, "regular_price": price}
        body |= {"manage_stock": True, "stock_quantity": stock, "description": "A rehearsal of Storebridge."}
        body["meta_data"] = [{"key": MARK, "value": "yes"}]
        number = str(self._client.create_product(body)["id"])
        self._made[sku] = number
        return number

    def set_stock(self, sku: str, quantity: int) -> None:
        self._client.write_product(self._number(sku), {"manage_stock": True, "stock_quantity": quantity})

    def change_title(self, sku: str, title: str) -> None:
        self._client.write_product(self._number(sku), {"name": title})

    def stock_of(self, sku: str) -> int:
        return int(self._client.product(self._number(sku))["stock_quantity"])

    def ship(self, order_id: str, carrier: str, tracking: str) -> None:
        """Tracking as the Shipment Tracking plugin keeps it, and the order completed."""
        if not tracking:
            self._client.update_order(order_id, {"status": "completed"})
            return
        item: dict[str, Any] = {"tracking_provider": carrier, "custom_tracking_provider": ""}
        item |= {"custom_tracking_link": "", "tracking_number": tracking, "date_shipped": "", "tracking_id": tracking}
        known = meta(self._client.order(order_id), PLUGIN_META) or []
        field = {"key": PLUGIN_META, "value": [*known, item]}
        self._client.update_order(order_id, {"status": "completed", "meta_data": [field]})

    def cancel(self, order_id: str) -> None:
        self._client.update_order(order_id, {"status": "cancelled"})

    def traces(self, skus: Collection[str], refs: Collection[str]) -> list[Trace]:
        """What is named here is deleted, so no filter of the store is believed: each row is looked at again."""
        products = self._products(skus)
        rows = [row for number in products for row in self._orders(product=number) if _is_sold(row, number)]
        # One whose product was deleted before it arrived is found by its reference alone, among the newest.
        rows += [row for row in self._orders() if marketplace_ref(row) in refs] if refs else []
        orders = {str(row["id"]): None for row in rows}
        found = [Trace("order", number) for number in orders]
        return found + [Trace("product", number, sku) for number, sku in products.items()]

    def kept(self, refs: Collection[str]) -> list[str]:
        return []

    def remove(self, trace: Trace) -> None:
        with suppress(NotFound):
            if trace.kind == "order":
                self._client.delete_order(trace.external_id, force=True)
            else:
                self._client.delete_product(trace.external_id)

    def _products(self, skus: Collection[str]) -> dict[str, str]:
        """SKU by id. The search may run behind where a plugin does it; a SKU is looked up in the database."""
        marked = self._client.products(search="Storebridge", status="any").rows
        rows = [row for row in marked if meta(row, MARK)]
        rows += [row for sku in skus for row in self._client.products(sku=sku).rows if row.get("sku") == sku]
        return {str(row["id"]): str(row.get("sku")) for row in rows}

    def _orders(self, **filters: str) -> list[Json]:
        """The newest, those in the bin too."""
        return [row for status in ("any", BIN) for row in self._client.orders(status=status, **filters).rows]

    def _number(self, sku: str) -> str:
        if sku in self._made:
            return self._made[sku]
        rows = [row for row in self._client.products(sku=sku).rows if row.get("sku") == sku]
        if not rows:
            raise NotFound(f"The store has no product {sku}.", field="sku")
        return str(rows[0]["id"])


def _is_sold(order: Json, product: str) -> bool:
    """An order of a marketplace that holds this product."""
    lines = order.get("line_items") or ()
    return bool(marketplace_ref(order)) and any(str(line.get("product_id")) == product for line in lines)
