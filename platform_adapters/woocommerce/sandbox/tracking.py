"""Where a shop keeps parcels: core fulfilments (when the feature is on), and the two usual plugins' order meta."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from platform_adapters.woocommerce.sandbox.errors import WooError, invalid_id
from platform_adapters.woocommerce.sandbox.orders import Orders
from platform_adapters.woocommerce.sandbox.shop import Doc

PLUGIN_META = "_wc_shipment_tracking_items"


class Tracking:
    def __init__(self, orders: Orders) -> None:
        self.orders = orders
        self.shop = orders.shop

    # -- core fulfilments -------------------------------------------------------------------------------------

    def fulfillments(self, order: Doc) -> list[Doc]:
        found = [doc for doc in self.shop.all("fulfillments") if doc["entity_id"] == str(order["id"])]
        return [doc for doc in found if doc["date_deleted"] is None]

    def fulfillment(self, order: Doc, number: int) -> Doc:
        doc = next((doc for doc in self.fulfillments(order) if doc["id"] == number), None)
        if doc is None:
            raise WooError("woocommerce_rest_fulfillment_invalid_id", "Fulfillment not found.", 400)
        return doc

    def fulfill(self, order: Doc, body: Mapping[str, Any]) -> Doc:
        doc: Doc = {"id": self.shop.next_number("fulfillment"), "entity_type": "WC_Order"}
        doc |= {"entity_id": str(order["id"]), "status": "unfulfilled", "is_fulfilled": False}
        doc |= {"date_updated": None, "date_deleted": None, "meta_data": []}
        return self._save(order, doc, body)

    def change(self, order: Doc, doc: Doc, body: Mapping[str, Any]) -> Doc:
        """The metadata are replaced as a whole: what is not sent is gone."""
        return self._save(order, dict(doc), body)

    def withdraw(self, order: Doc, doc: Doc) -> Doc:
        deleted = doc | {"date_deleted": self._stamp()}
        self.shop.save("fulfillments", deleted)
        self.orders.settle(order, "order.updated")
        return deleted

    def _save(self, order: Doc, doc: Doc, body: Mapping[str, Any]) -> Doc:
        if body.get("meta_data") is not None:
            doc["meta_data"] = [self._meta(item) for item in body["meta_data"]]
        items = next((item["value"] for item in doc["meta_data"] if item["key"] == "_items"), None)
        if not items:
            raise WooError("woocommerce_rest_fulfillment_no_items", "The fulfillment has no items.", 400)
        if body.get("status") or "is_fulfilled" in body:
            done = body.get("status") == "fulfilled" or bool(body.get("is_fulfilled"))
            doc |= {"status": "fulfilled" if done else "unfulfilled", "is_fulfilled": done}
        if doc["is_fulfilled"] and not any(item["key"] == "_date_fulfilled" for item in doc["meta_data"]):
            doc["meta_data"].append(self._meta({"key": "_date_fulfilled", "value": self._stamp()}))
        doc["date_updated"] = self._stamp()
        self.shop.save("fulfillments", doc)
        # The fulfilment status is kept on the order too, and saving it sends order.updated.
        self.orders.settle(order, "order.updated")
        return doc

    def _meta(self, item: Mapping[str, Any]) -> Doc:
        number = item.get("id") or self.shop.next_number("fulfillment_meta")
        return {"id": number, "key": item.get("key"), "value": item.get("value")}

    def _stamp(self) -> str:
        return f"{self.shop.gmt(self.shop.now())}Z"

    # -- Shipment Tracking and Advanced Shipment Tracking ------------------------------------------------------

    def trackings(self, order: Doc) -> list[Doc]:
        return next((list(item["value"]) for item in order["meta_data"] if item["key"] == PLUGIN_META), [])

    def track(self, order: Doc, body: Mapping[str, Any], *, ast: bool = False) -> Doc:
        """Add a parcel as the plugin's route does; with ``ast`` it may name the lines it holds."""
        number = str(body.get("tracking_number") or "")
        if not number:
            text = "Missing parameter(s): tracking_number"
            raise WooError("rest_missing_callback_param", text, 400, params=["tracking_number"])
        item = {
            "tracking_provider": _provider(body),
            "custom_tracking_provider": body.get("custom_tracking_provider", ""),
        }
        item |= {"custom_tracking_link": body.get("custom_tracking_link", ""), "tracking_number": number}
        item |= {"date_shipped": self._shipped(body.get("date_shipped"))}
        salt = f"{item['tracking_provider']}-{number}{self.shop.now()}"
        item["tracking_id"] = hashlib.md5(salt.encode(), usedforsecurity=False).hexdigest()
        if ast and body.get("products_list"):
            item["products_list"] = body["products_list"]
        self.put_meta(order, PLUGIN_META, [*self.trackings(order), item])
        return item

    def untrack(self, order: Doc, tracking_id: str) -> Doc:
        items = self.trackings(order)
        found = next((item for item in items if item["tracking_id"] == tracking_id), None)
        if found is None:
            raise invalid_id("shipment_tracking")
        self.put_meta(order, PLUGIN_META, [item for item in items if item is not found])
        return found

    def put_meta(self, order: Doc, key: str, value: Any) -> None:
        order["meta_data"] = self.orders.products.merged_meta(order["meta_data"], [{"key": key, "value": value}])
        self.orders.settle(order, "order.updated")

    def shown(self, item: Doc) -> Doc:
        """As the plugin's route shows it, the date as a day."""
        day = datetime.fromtimestamp(int(item["date_shipped"]), self.shop.zone).date().isoformat()
        keys = ("tracking_id", "tracking_provider", "tracking_number")
        view = {key: item[key] for key in keys}
        if item["custom_tracking_provider"]:
            view["tracking_provider"] = item["custom_tracking_provider"]
        return view | {"tracking_link": item["custom_tracking_link"], "date_shipped": day}

    def _shipped(self, given: Any) -> str:
        """A day or a timestamp; stored as a timestamp in a string."""
        text = str(given or "")
        if text.isdigit():
            return text
        try:
            return str(int(datetime.fromisoformat(text).replace(tzinfo=self.shop.zone).timestamp()))
        except ValueError:
            return str(self.shop.now())


def _provider(body: Mapping[str, Any]) -> str:
    """The plugin keeps a slug of its known carriers."""
    return str(body.get("tracking_provider") or "").lower().replace(" ", "-")
