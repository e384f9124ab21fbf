"""The merchant's hands in the store, for a rehearsal: against the sandbox, or a staging store."""

from __future__ import annotations

from typing import Any

from bridge.ports.adapter import Connection
from bridge.ports.errors import NotFound
from platform_adapters.woocommerce.client import Json, WooClient
from platform_adapters.woocommerce.mapping import meta
from platform_adapters.woocommerce.orders import ORDER_META
from platform_adapters.woocommerce.parcels import PLUGIN_META

MARK = "_storebridge_rehearsal"


class WooRehearsal:
    """Makes, changes and ships as a merchant would, and takes everything away again."""

    def __init__(self, connection: Connection) -> None:
        self._client = WooClient(connection)
        self._sources = connection.settings.get("tracking_sources") or ()
        self._made: dict[str, str] = {}
        self._orders: set[str] = set()

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
        item: dict[str, Any] = {"tracking_provider": carrier, "custom_tracking_provider": ""}
        item |= {"custom_tracking_link": "", "tracking_number": tracking, "date_shipped": "", "tracking_id": tracking}
        known = meta(self._client.order(order_id), PLUGIN_META) or []
        field = {"key": PLUGIN_META, "value": [*known, item]}
        self._client.update_order(order_id, {"status": "completed", "meta_data": [field]})
        self._orders.add(order_id)

    def cancel(self, order_id: str) -> None:
        self._client.update_order(order_id, {"status": "cancelled"})
        self._orders.add(order_id)

    def remove_everything(self) -> list[str]:
        """Orders that hold one of the products made here, then the products; those of an earlier run that broke
        off too."""
        removed = []
        for sku, number in {**self._left_over(), **self._made}.items():
            for order in self._orders_with(number):
                self._client.delete_order(order, force=True)
                removed.append(f"order {order}")
            try:
                self._client.delete_product(number)
            except NotFound:
                continue
            removed.append(f"product {sku} ({number})")
        self._made.clear()
        return removed

    def _orders_with(self, product: str) -> list[str]:
        found: list[str] = []
        for status in ("any", "trash"):
            rows = self._client.orders(product=product, status=status).rows
            found += [str(row["id"]) for row in rows if meta(row, ORDER_META)]
        return found

    def _left_over(self) -> dict[str, str]:
        rows = self._client.products(search="Storebridge", status="any").rows
        return {str(row.get("sku")): str(row["id"]) for row in rows if meta(row, MARK)}

    def _number(self, sku: str) -> str:
        if sku in self._made:
            return self._made[sku]
        rows = self._client.products(sku=sku).rows
        if not rows:
            raise NotFound(f"The store has no product {sku}.", field="sku")
        return str(rows[0]["id"])
