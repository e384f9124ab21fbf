"""Orders as Magento keeps them: what is posted is saved as it is sent; shipping, invoicing, crediting and cancelling
are its own."""

from __future__ import annotations

from typing import Any

from platform_adapters.magento.sandbox.errors import MagentoError, no_entity
from platform_adapters.magento.sandbox.inventory import DEFAULT, Inventory
from platform_adapters.magento.sandbox.shop import VIEW_ID, Doc, Shop

OVER = ("complete", "closed", "canceled")


class Orders:
    def __init__(self, shop: Shop, inventory: Inventory) -> None:
        self.shop = shop
        self.inventory = inventory

    def save(self, given: Any) -> Doc:
        """Nothing is looked up and nothing added up. The number is unique within a store view."""
        if not isinstance(given, dict):
            raise MagentoError(400, '"%fieldName" is required. Enter and try again.', {"fieldName": "entity"})
        if given.get("entity_id"):
            doc = self.one(given["entity_id"])
            return self._keep(doc | {name: value for name, value in given.items() if name != "items"})
        if not given.get("payment"):
            raise MagentoError(400, "Please provide payment for the order.")
        return self._new(dict(given))

    def place(self, lines: list[tuple[Doc, int]]) -> Doc:
        """As a shopper does: with a reservation for each line."""
        order_id = self.shop.next_id("order")
        items = [self._bought(product, quantity) for product, quantity in lines]
        total = round(sum(item["row_total"] for item in items), 2)
        currency = self.shop.options.currency
        body = {"order_currency_code": currency, "base_currency_code": currency, "grand_total": total, "items": items}
        body |= {
            "subtotal": total,
            "shipping_amount": 0,
            "payment": {"method": "checkmo"},
            "customer_email": "s@x.example",
        }
        for product, quantity in lines:
            self.inventory.placed(product["sku"], quantity, order_id)
        return self._new(body | {"state": "new", "status": "pending"}, order_id)

    def add(self, body: Doc, order_id: int) -> Doc:
        """An order of this id, with the store's next number; its reservations are made already."""
        return self._new(body, order_id)

    def one(self, key: Any) -> Doc:
        doc = self.shop.get("orders", str(key))
        if doc is None:
            raise no_entity()
        return doc

    def ship(self, key: str, body: Doc) -> str:
        """Without items everything that is open; more than is open is cut without a word."""
        order = self.one(key)
        wanted = self._wanted(order, body.get("items"), _to_ship)
        if order["state"] in ("canceled", "closed") or not wanted:
            refused = "" if wanted else "\nYou can't create a shipment without products."
            raise MagentoError(
                400,
                f"Shipment Document Validation Error(s):\nThe order does not allow a shipment to be created.{refused}",
            )
        source = _source(body)
        for item, quantity in wanted:
            self.inventory.shipped(item["sku"], quantity, source, order["entity_id"])
            self._count(item, "qty_shipped", quantity)
        shipment = self._document("shipment", order, wanted, body)
        tracks = [self._track(shipment, track) for track in body.get("tracks") or ()]
        shipment |= {"tracks": tracks, "packages": [], "extension_attributes": {"source_code": source}}
        self.shop.put("shipments", shipment["entity_id"], shipment)
        self._settle(order)
        return str(shipment["entity_id"])

    def add_track(self, given: Doc) -> Doc:
        """Neither the shipment's date nor the order's moves."""
        shipment = self.shop.get("shipments", str(given.get("parent_id")))
        if shipment is None:
            raise no_entity()
        track = self._track(shipment, given)
        shipment["tracks"].append(track)
        self.shop.put("shipments", shipment["entity_id"], shipment)
        return track

    def invoice(self, key: str) -> str:
        order = self.one(key)
        wanted = self._wanted(order, None, _to_invoice)
        if not wanted or order["state"] in OVER:
            raise MagentoError(
                400,
                "Invoice Document Validation Error(s):\nThe invoice can't be created without products. Add products "
                "and try again.\nThe order does not allow an invoice to be created.",
            )
        for item, quantity in wanted:
            self._count(item, "qty_invoiced", quantity)
        fixed = sum(item.get("weee_tax_applied_row_amount") or 0 for item in order["items"])
        order["total_invoiced"] = order["total_paid"] = order["grand_total"] + fixed
        order["total_due"] = 0
        invoice = self._document("invoice", order, wanted, {})
        self.shop.put("invoices", invoice["entity_id"], invoice)
        self._keep(order)
        self._settle(order)
        return str(invoice["entity_id"])

    def refund(self, key: str, body: Doc) -> str:
        """Shipping that is not named is refunded with it."""
        order = self.one(key)
        if not order.get("total_invoiced"):
            raise MagentoError(
                400, "Creditmemo Document Validation Error(s):\nThe order does not allow a creditmemo to be created."
            )
        items = {item["item_id"]: item for item in order["items"]}
        wanted = [(items.get(row["order_item_id"]), float(row["qty"])) for row in body.get("items") or ()]
        if any(item is None or quantity > _to_refund(item) for item, quantity in wanted):
            raise MagentoError(
                400,
                "Creditmemo Document Validation Error(s):\nThe quantity to refund must not be greater than the "
                "unrefunded quantity.",
            )
        real = [(item, quantity) for item, quantity in wanted if item is not None and quantity]
        arguments = body.get("arguments") or {}
        left = order.get("shipping_incl_tax", order.get("shipping_amount", 0)) - order.get("shipping_refunded", 0)
        shipping = float(arguments.get("shipping_amount", left))
        back = (arguments.get("extension_attributes") or {}).get("return_to_stock_items") or ()
        more = float(arguments.get("adjustment_positive") or 0) - float(arguments.get("adjustment_negative") or 0)
        if not wanted:  # as CreditmemoFactory::createByOrder does
            real = [(item, _to_refund(item)) for item in order["items"]]
        return self._credit(order, real, shipping, back, body, more)

    def cancel(self, key: str) -> bool:
        order = self.one(key)
        if order["state"] in OVER or not any(_to_invoice(item) for item in order["items"]):
            return False
        for item in order["items"]:
            quantity = min(_to_ship(item), _to_invoice(item))
            self._count(item, "qty_canceled", quantity)
            if quantity:
                self.inventory.released(item["sku"], quantity, "order_canceled", order["entity_id"])
        order["state"] = order["status"] = "canceled"
        self._keep(order)
        return True

    def comment(self, key: str, given: Doc) -> bool:
        """A comment moves no date."""
        order = self.one(key)
        rows = order.setdefault("status_histories", [])
        rows.append({**given, "entity_id": len(rows) + 1, "created_at": self.shop.now()})
        self.shop.put("orders", order["entity_id"], order)
        return True

    # -- inside -----------------------------------------------------------------------------------------------

    def _new(self, body: Doc, order_id: int | None = None) -> Doc:
        order_id = order_id or self.shop.next_id("order")
        number = body.setdefault("increment_id", f"{order_id:09}")
        view = body.setdefault("store_id", VIEW_ID)
        if any((doc["increment_id"], doc["store_id"]) == (number, view) for doc in self.shop.all("orders")):
            raise MagentoError(400, "Unique constraint violation found")
        now = self.shop.now()
        body = {"created_at": now, "state": None, "status_histories": [], **body}
        body |= {"entity_id": order_id, "updated_at": now, "protect_code": f"{order_id:032x}"}
        items = []
        for given in body.get("items") or ():
            own = {
                "item_id": self.shop.next_id("order_item"),
                "order_id": order_id,
                "created_at": now,
                "updated_at": now,
            }
            items.append(given | own)
        body["items"] = items
        return self._keep({name: value for name, value in body.items() if value is not None or name == "state"})

    def _bought(self, product: Doc, quantity: int) -> Doc:
        price = product["price"]
        item = {"sku": product["sku"], "product_id": product["id"], "product_type": "simple", "name": product["name"]}
        item |= {"qty_ordered": quantity, "price": price, "row_total": round(price * quantity, 2)}
        return item | {"row_total_incl_tax": item["row_total"], "qty_shipped": 0, "qty_canceled": 0, "qty_refunded": 0}

    def _wanted(self, order: Doc, rows: Any, left: Any) -> list[tuple[Doc, float]]:
        """Lines and units, none beyond what is left."""
        if not rows:
            return [(item, left(item)) for item in order["items"] if left(item) > 0]
        items = {item["item_id"]: item for item in order["items"]}
        found = [(items.get(row["order_item_id"]), float(row["qty"])) for row in rows]
        return [(item, min(units, left(item))) for item, units in found if item is not None and left(item) > 0]

    def _credit(
        self, order: Doc, wanted: list[tuple[Doc, float]], shipping: float, back: Any, body: Doc, more: float = 0
    ) -> str:
        amount = shipping + more
        for item, quantity in wanted:
            lying = min(quantity, max(0, item.get("qty_shipped", 0) - item.get("qty_refunded", 0)))
            if item["item_id"] in back:
                self._back(item, lying, quantity - lying, order["entity_id"])
            self._count(item, "qty_refunded", quantity)
            amount += item["row_total_incl_tax"] * quantity / item["qty_ordered"]
        memo = self._document("creditmemo", order, wanted, body) | {"grand_total": round(amount, 2), "state": 2}
        self.shop.put("creditmemos", memo["entity_id"], memo)
        order["shipping_refunded"] = order.get("shipping_refunded", 0) + shipping
        order["total_refunded"] = round(order.get("total_refunded", 0) + amount, 2)
        if order["total_refunded"] >= order["grand_total"] - 0.0001:
            order["state"] = order["status"] = "closed"
        self._keep(order)
        return str(memo["entity_id"])

    def _back(self, item: Doc, shipped: float, unshipped: float, order_id: int) -> None:
        if shipped:
            self.inventory.returned(item["sku"], shipped, self._left_from(order_id))
        if unshipped:
            self.inventory.released(item["sku"], unshipped, "creditmemo_created", order_id)

    def _left_from(self, order_id: int) -> str:
        """The source of an order's newest shipment."""
        rows = [row for row in self.shop.all("shipments") if row["order_id"] == order_id]
        newest = max(rows, key=lambda row: int(row["entity_id"]), default=None)
        return str(newest["extension_attributes"]["source_code"]) if newest else DEFAULT

    def _document(self, kind: str, order: Doc, wanted: list[tuple[Doc, float]], body: Doc) -> Doc:
        now, key = self.shop.now(), self.shop.next_id(kind)
        items = [
            {"order_item_id": item["item_id"], "qty": units, "sku": item["sku"], "name": item.get("name"),
             "product_id": item.get("product_id"), "price": item.get("price"), "parent_id": key}
            for item, units in wanted
        ]  # fmt: skip
        given = body.get("comment")
        comments = [given | {"parent_id": key, "created_at": now, "is_customer_notified": 0}] if given else []
        doc: Doc = {"entity_id": key, "increment_id": f"{key:09}", "order_id": order["entity_id"], "items": items}
        return doc | {"created_at": now, "updated_at": now, "store_id": order["store_id"], "comments": comments}

    def _track(self, shipment: Doc, given: Doc) -> Doc:
        now = self.shop.now()
        own = {"entity_id": self.shop.next_id("track"), "parent_id": shipment["entity_id"], "created_at": now}
        return {"description": None, **given, **own, "order_id": shipment["order_id"], "updated_at": now}

    def _count(self, item: Doc, name: str, units: float) -> None:
        """Of a line whatever happens moves the date."""
        item[name] = (item.get(name) or 0) + units
        item["updated_at"] = self.shop.now()

    def _settle(self, order: Doc) -> None:
        """Invoiced and shipped whole is complete. A shipment that changes no state moves no date."""
        whole = all(not _to_ship(item) and not _to_invoice(item) for item in order["items"])
        before, after = order["state"], "complete" if whole else "processing"
        order["state"] = order["status"] = after
        self.shop.put("orders", order["entity_id"], order)
        if before != after:
            self._keep(order)

    def _keep(self, order: Doc) -> Doc:
        order["updated_at"] = self.shop.now()
        return self.shop.put("orders", order["entity_id"], order)


def _to_ship(item: Doc) -> float:
    gone = sum(item.get(name) or 0 for name in ("qty_shipped", "qty_refunded", "qty_canceled"))
    return max(0.0, float(item["qty_ordered"]) - gone)


def _to_invoice(item: Doc) -> float:
    return max(0.0, float(item["qty_ordered"]) - (item.get("qty_invoiced") or 0) - (item.get("qty_canceled") or 0))


def _to_refund(item: Doc) -> float:
    return max(0.0, float(item.get("qty_invoiced") or 0) - (item.get("qty_refunded") or 0))


def _source(body: Doc) -> str:
    beside = (body.get("arguments") or {}).get("extension_attributes") or {}
    return str(beside.get("source_code") or DEFAULT)
