"""Documents as GraphQL shows them: plain values, and functions for what takes arguments or is rarely asked for."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from platform_adapters.shopify.sandbox.paging import Info, connection
from platform_adapters.shopify.sandbox.store import Doc, Store, gid, number


def by_id(row: Doc) -> tuple[Any, ...]:
    return (row["id"],)


def money(amount: Any, currency: str) -> Doc:
    side = {"amount": str(amount), "currencyCode": currency}
    return {"shopMoney": side, "presentmentMoney": side}


class Views:
    """Attributes of the store's documents in the words of the schema."""

    def __init__(self, store: Store) -> None:
        self.store = store

    # -- products ---------------------------------------------------------------------------------------------

    def product(self, doc: Doc) -> Doc:
        show: Doc = {"__typename": "Product", "id": gid("Product", doc["id"])}
        show["updatedAt"] = self.store.iso(doc["updated"])
        show |= {name: doc[name] for name in ("title", "descriptionHtml", "vendor", "productType", "status", "tags")}
        show |= {"category": {"fullName": doc["category"]} if doc.get("category") else None}
        address = f"https://{self.store.options.domain}/products/{doc['id']}"
        show["onlineStoreUrl"] = address if doc["status"] == "ACTIVE" else None
        show["featuredMedia"] = self.medium(doc["media"][0]) if doc["media"] else None
        show["media"] = self._list(doc["media"], self.medium)
        show["metafields"] = self._list(doc["metafields"], self.metafield)
        show["variants"] = self._list(doc["variants"], lambda variant: self.variant(doc, variant))
        return show

    def medium(self, doc: Doc) -> Doc:
        show: Doc = {"__typename": doc["kind"], "id": gid(doc["kind"], doc["id"])}
        if doc["kind"] == "MediaImage":
            show["image"] = {"url": doc["url"], "width": doc["width"], "height": doc["height"]}
        return show

    def metafield(self, doc: Doc) -> Doc:
        return {"__typename": "Metafield", **doc, "id": gid("Metafield", doc["id"])}

    def variant(self, product: Doc, doc: Doc) -> Doc:
        show: Doc = {"__typename": "ProductVariant", "id": gid("ProductVariant", doc["id"])}
        show |= {name: doc[name] for name in ("title", "sku", "barcode", "price", "compareAtPrice", "taxable")}
        units = sum(doc["levels"].values())
        sold = not doc["tracked"] or units > 0 or doc["policy"] == "CONTINUE"
        show["position"] = product["variants"].index(doc) + 1
        show |= {"inventoryPolicy": doc["policy"], "inventoryQuantity": units, "availableForSale": sold}
        show |= {"updatedAt": self.store.iso(doc["updated"]), "selectedOptions": doc["options"]}
        show |= {
            "image": {"url": doc["image"]} if doc.get("image") else None,
            "product": lambda info: self.product(product),
        }
        show["inventoryItem"] = lambda info: self.item(doc)
        return show

    def item(self, variant: Doc) -> Doc:
        weight = {"value": variant["weight"], "unit": variant["weightUnit"]} if variant.get("weight") else None
        cost = {"amount": variant["cost"], "currencyCode": self.store.options.currency} if variant.get("cost") else None
        show: Doc = {
            "__typename": "InventoryItem",
            "id": gid("InventoryItem", variant["item"]),
            "tracked": variant["tracked"],
        }
        show |= {"countryCodeOfOrigin": variant.get("origin"), "unitCost": cost, "measurement": {"weight": weight}}
        levels = [{"id": int(place), "units": units} for place, units in variant["levels"].items()]
        show["inventoryLevels"] = self._list(levels, lambda level: self.level(variant, level))
        return show

    def level(self, variant: Doc, level: Doc) -> Doc:
        def quantities(_info: Info, names: list[str]) -> list[Doc]:
            return [{"name": name, "quantity": level["units"] if name == "available" else 0} for name in names]

        found = f"gid://shopify/InventoryLevel/{level['id']}?inventory_item_id={variant['item']}"
        return {"id": found, "location": self.location_of(level["id"]), "quantities": quantities}

    def location_of(self, key: int) -> Doc:
        place = next((item for item in self.store.options.locations if item.id == key), None)
        show: Doc = {
            "__typename": "Location",
            "id": gid("Location", key),
            "name": place.name if place else "",
            "isActive": True,
        }
        return show | {"fulfillsOnlineOrders": bool(place and place.online)}

    # -- orders -----------------------------------------------------------------------------------------------

    def order(self, doc: Doc) -> Doc:
        currency = doc["currency"]
        show: Doc = {"__typename": "Order", "id": gid("Order", doc["id"]), "currencyCode": currency}
        show |= {name: doc[name] for name in ("name", "note", "tags", "sourceIdentifier", "customAttributes")}
        for name, key in (("createdAt", "created"), ("updatedAt", "updated"), ("cancelledAt", "cancelled")):
            show[name] = self.store.iso(doc[key])
        show["cancelReason"] = doc.get("cancel_reason")
        show |= {"displayFinancialStatus": financial(doc), "displayFulfillmentStatus": fulfilment(doc)}
        show |= {"totalPriceSet": money(doc["total"], currency), "totalRefundedSet": money(refunded(doc), currency)}
        show["lineItems"] = self._list(doc["lines"], lambda line: self.line(doc, line))
        show["fulfillments"] = lambda info, first=None, query=None: [
            self.fulfillment(doc, item) for item in doc["fulfillments"][:first]
        ]
        show["refunds"] = lambda info, first=None: [self.refund(doc, item) for item in doc["refunds"][:first]]
        show["transactions"] = lambda info, first=None, **_: [
            self.transaction(doc, item) for item in doc["transactions"][:first]
        ]
        show |= {"edited": False, "suggestedRefund": lambda _info, **given: self.suggested(doc, given)}
        parts = [] if doc["cancelled"] else [{"id": doc["id"]}]
        show["fulfillmentOrders"] = self._list(parts, lambda part: self.fulfillment_order(doc))
        return show

    def line(self, order: Doc, doc: Doc) -> Doc:
        show: Doc = {"__typename": "LineItem", "id": gid("LineItem", doc["id"]), "title": doc["title"]}
        show |= {
            "sku": doc["sku"],
            "quantity": doc["quantity"],
            "currentQuantity": doc["quantity"] - refunded_units(order, doc["id"]) - taken_back(order, doc["id"]),
            "unfulfilledQuantity": unshipped(order, doc),
        }
        if order["cancelled"]:
            show |= {"currentQuantity": 0, "unfulfilledQuantity": 0}
        known = self.store.variant(doc["variant"]) is not None
        show["variant"] = {"id": gid("ProductVariant", doc["variant"])} if known else None
        show["customAttributes"] = doc["properties"]
        total = Decimal(doc["price"]) * doc["quantity"] - Decimal(doc["discount"])
        show["discountedTotalSet"] = lambda info, withCodeDiscounts=False: money(total, order["currency"])  # noqa: N803
        return show

    def fulfillment(self, order: Doc, doc: Doc) -> Doc:
        show: Doc = {"__typename": "Fulfillment", "id": gid("Fulfillment", doc["id"]), "status": doc["status"]}
        show |= {"createdAt": self.store.iso(doc["created"]), "location": self.location_of(doc["location"])}
        info = {name: doc["tracking"].get(name) for name in ("company", "number", "url")}
        show["trackingInfo"] = lambda _info, first=None: [info] if any(info.values()) else []
        show["fulfillmentLineItems"] = self._list(doc["lines"], lambda line: self.part(order, line))
        return show

    def part(self, order: Doc, doc: Doc) -> Doc:
        line = next(item for item in order["lines"] if item["id"] == doc["line"])
        show: Doc = {
            "id": gid("FulfillmentLineItem", doc["id"]),
            "quantity": doc["quantity"],
            "lineItem": self.line(order, line),
        }
        return show | {"restockType": doc.get("restockType")}

    def refund(self, order: Doc, doc: Doc) -> Doc:
        show: Doc = {"__typename": "Refund", "id": gid("Refund", doc["id"]), "note": doc["note"]}
        show["refundLineItems"] = self._list(
            doc["lines"] if doc.get("shown", True) else [], lambda line: self.part(order, line)
        )
        return show

    def suggested(self, order: Doc, given: Doc) -> Doc:
        """Whatever an order claims is of the first location that sells, here."""
        known = {line["id"]: line for line in order["lines"]}
        places = [place.id for place in self.store.options.locations if place.online] or [0]
        rows = [
            {
                "lineItem": self.line(order, known[number(row["lineItemId"])]),
                "restockType": row.get("restockType"),
                "location": self.location_of(number(row.get("locationId")) or places[0]),
            }
            for row in given.get("refundLineItems") or ()
            if number(row["lineItemId"]) in known
        ]
        return {"__typename": "SuggestedRefund", "refundLineItems": rows}

    def transaction(self, order: Doc, doc: Doc) -> Doc:
        show: Doc = {"id": gid("OrderTransaction", doc["id"]), "kind": doc["kind"], "status": doc["status"]}
        return show | {"gateway": doc["gateway"], "amountSet": money(doc["amount"], order["currency"])}

    def fulfillment_order(self, order: Doc) -> Doc:
        rows = [{"id": line["id"], "left": unshipped(order, line)} for line in order["lines"]]
        show: Doc = {
            "id": gid("FulfillmentOrder", order["id"]),
            "status": "OPEN" if any(row["left"] for row in rows) else "CLOSED",
        }
        show["lineItems"] = self._list(
            rows, lambda row: {"id": gid("FulfillmentOrderLineItem", row["id"]), "remainingQuantity": row["left"]}
        )
        return show

    def _list(self, rows: list[Doc], show: Any) -> Any:
        def resolve(info: Info, **args: Any) -> Doc:
            return connection(info, rows, show, by_id, args)

        return resolve


def refunded_units(order: Doc, line: int) -> int:
    return sum(row["quantity"] for refund in order["refunds"] for row in refund["lines"] if row["line"] == line)


def taken_back(order: Doc, line: int) -> int:
    """Processed in a return, without a refund."""
    rows = (row for doc in order["returns"] for row in doc["lines"] if row["line"] == line)
    return sum(row["processed"] - row["refunded"] for row in rows)


def unshipped(order: Doc, line: Mapping[str, Any]) -> int:
    sent = sum(
        row["quantity"]
        for item in order["fulfillments"]
        if item["status"] == "SUCCESS"
        for row in item["lines"]
        if row["line"] == line["id"]
    )
    taken_back = sum(
        row["quantity"]
        for refund in order["refunds"]
        for row in refund["lines"]
        if row["line"] == line["id"] and row["restockType"] == "CANCEL"
    )
    return max(0, int(line["quantity"] - sent - taken_back))


def fulfilment(order: Doc) -> str:
    if not any(item["status"] == "SUCCESS" for item in order["fulfillments"]):
        return "UNFULFILLED"
    return "PARTIALLY_FULFILLED" if any(unshipped(order, line) for line in order["lines"]) else "FULFILLED"


def refunded(order: Doc) -> Decimal:
    rows = (row for row in order["transactions"] if row["kind"] == "REFUND")
    return sum((Decimal(row["amount"]) for row in rows), Decimal(0))


def financial(order: Doc) -> str:
    back = refunded(order)
    if not back:
        return str(order["financial"])
    return "REFUNDED" if back >= Decimal(order["total"]) else "PARTIALLY_REFUNDED"
