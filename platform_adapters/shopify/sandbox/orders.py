"""Orders: made as they are told, moving the stock they are to claim; cancelled, refunded, fulfilled, deleted."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from decimal import Decimal
from typing import Any, cast

from platform_adapters.shopify.sandbox.refusal import Refusal
from platform_adapters.shopify.sandbox.store import Doc, Store, number
from platform_adapters.shopify.sandbox.views import refunded_units, unshipped

CLAIMING = ("DECREMENT_IGNORING_POLICY", "DECREMENT_OBEYING_POLICY")
PER_MINUTE = 5  # of a development store (orderCreate's description in the schema)
NOTE = 255
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


class Orders:
    def __init__(self, store: Store) -> None:
        self.store = store

    def find(self, gid_: Any, field: str = "id") -> Doc:
        found = self.store.get("orders", number(gid_))
        if found is None:
            raise Refusal("Order does not exist", [field], "NOT_FOUND")
        return deepcopy(found) if self.store.dry else found

    # -- made -------------------------------------------------------------------------------------------------

    def create(self, given: Mapping[str, Any], options: Mapping[str, Any]) -> Doc:
        self._check(given)
        behaviour = options.get("inventoryBehaviour", "BYPASS")
        lines = [self._line(item, place) for place, item in enumerate(given.get("lineItems") or ())]
        if not lines:
            raise Refusal("Line items must have at least one line item", ["order", "lineItems"], "INVALID")
        now = self.store.now()
        order = blank(
            self.store.next_id("order"),
            given.get("name") or self._name(),
            str(given.get("currency") or self.store.options.currency),
            now,
        )
        order["lines"] = lines
        self._discount(order, given)
        shipping = [Decimal(_amount(row["priceSet"])) for row in given.get("shippingLines") or ()]
        net = sum((Decimal(line["price"]) * line["quantity"] - Decimal(line["discount"]) for line in lines), Decimal(0))
        taxes = self._taxes(given, lines)
        order["total"] = str(net + sum(shipping, Decimal(0)) + (Decimal(0) if given.get("taxesIncluded") else taxes))
        order["customAttributes"] = list(given.get("customAttributes") or ())
        order["metafields"] = {row["key"]: row["value"] for row in given.get("metafields") or ()}
        for name in ("sourceIdentifier", "note", "email"):
            order[name] = given.get(name)
        for name in ("shippingAddress", "billingAddress", "poNumber", "processedAt"):
            order[name] = given.get(name)
        order |= {"tags": sorted(given.get("tags") or ()), "financial": given.get("financialStatus") or "PENDING"}
        order |= {"taxLines": str(taxes), "raw": _kept(given), "behaviour": behaviour}
        order["transactions"] = [self._payment(row) for row in given.get("transactions") or ()]
        self.store.save("orders", order)
        if behaviour in CLAIMING:
            self._claim(order, -1)
        self.store.save_order(order, "orders/create")
        return order

    def _check(self, given: Mapping[str, Any]) -> None:
        if self.store.options.development:
            recent = [row for row in self.store.all("orders") if row["created"] > self.store.now() - 60]
            if len(recent) >= PER_MINUTE:
                raise Refusal("Too many attempts. Please try again later.", ["order"], "INVALID")
        for place, row in enumerate(given.get("metafields") or ()):
            if not self._has_definition(row):
                continue
            if any(known["metafields"].get(row["key"]) == row["value"] for known in self.store.all("orders")):
                field = ["order", "metafields", str(place), "value"]
                raise Refusal("Value must be unique amongst all orders", field, "INVALID")
        if given.get("taxLines") and any(line.get("taxLines") for line in given.get("lineItems") or ()):
            raise Refusal(
                "Tax lines can be specified on the order or on line items, not both", ["order", "taxLines"], "INVALID"
            )
        email = given.get("email")
        if email and not _EMAIL.fullmatch(email):
            raise Refusal("Email is invalid", ["order", "email"], "INVALID")

    def _has_definition(self, row: Mapping[str, Any]) -> bool:
        return self.store.docs.get("definitions", f"ORDER/{row.get('namespace')}/{row.get('key')}") is not None

    def _line(self, item: Mapping[str, Any], place: int) -> Doc:
        field = ["order", "lineItems", str(place)]
        if item["quantity"] < 1:
            raise Refusal("Quantity must be greater than 0", [*field, "quantity"], "INVALID")
        key = number(item.get("variantId"))
        found = self.store.variant(key) if item.get("variantId") else None
        if item.get("variantId") and found is None:
            raise Refusal("Variant does not exist", [*field, "variantId"], "INVALID")
        price = _amount(item["priceSet"]) if item.get("priceSet") else (found[1]["price"] if found else "0.00")
        line: Doc = {"id": self.store.next_id("line"), "variant": key, "quantity": item["quantity"], "price": price}
        line |= {"title": item.get("title") or (found[0]["title"] if found else ""), "discount": "0"}
        line["sku"] = item.get("sku") or (found[1]["sku"] if found else None)
        line["properties"] = [{"key": row["name"], "value": row["value"]} for row in item.get("properties") or ()]
        return line | {"requiresShipping": item.get("requiresShipping", False), "taxLines": item.get("taxLines") or []}

    def _discount(self, order: Doc, given: Mapping[str, Any]) -> None:
        """A fixed amount off, spread from the first line on."""
        code = (given.get("discountCode") or {}).get("itemFixedDiscountCode")
        left = Decimal(_amount(code["amountSet"])) if code else Decimal(0)
        for line in order["lines"]:
            part = min(left, Decimal(line["price"]) * line["quantity"])
            line["discount"], left = str(part), left - part

    def _taxes(self, given: Mapping[str, Any], lines: Sequence[Doc]) -> Decimal:
        rows = [tax for line in lines for tax in line["taxLines"]]
        rows += [tax for line in given.get("shippingLines") or () for tax in line.get("taxLines") or ()]
        rows += list(given.get("taxLines") or ())
        return sum((Decimal(_amount(row["priceSet"])) for row in rows if row.get("priceSet")), Decimal(0))

    def _payment(self, row: Mapping[str, Any]) -> Doc:
        doc = {
            "id": self.store.next_id("transaction"),
            "kind": row.get("kind", "SALE"),
            "status": row.get("status", "SUCCESS"),
        }
        return doc | {"gateway": row.get("gateway"), "amount": _amount(row["amountSet"]), "parent": None}

    def _name(self) -> str:
        return f"#{self.store.docs.next_id('order name', 1001)}"

    def _claim(self, order: Doc, sign: int) -> None:
        for line in order["lines"]:
            units = line["quantity"] - refunded_units(order, line["id"])
            self.put_back(line, sign * units)

    def put_back(self, line: Doc, units: int, location: int | None = None) -> None:
        """On the shelf; or off it, where units are below zero."""
        found = self.store.variant(line["variant"])
        if found is None or not units:
            return
        places = [place.id for place in self.store.options.locations if place.online] or [0]
        self.store.move(found[1]["item"], location or places[0], units)

    # -- afterwards -------------------------------------------------------------------------------------------

    def cancel(self, order: Doc, given: Mapping[str, Any]) -> Doc:
        """The job; it is done at once, or by ``settle`` when its time has come."""
        if order["cancelled"] or order.get("cancelling"):
            raise Refusal("Cannot cancel an order that has already been canceled", ["orderId"], "INVALID")
        if any(item["status"] == "SUCCESS" for item in order["fulfillments"]):
            raise Refusal("Cannot cancel a fulfilled order", ["orderId"], "INVALID")
        if any(item["status"] in ("OPEN", "REQUESTED") for item in order["returns"]):
            raise Refusal("Cannot cancel an order with active returns", ["orderId"], "INVALID")
        if len(given.get("staffNote") or "") > NOTE:
            raise Refusal("Staff note is too long", ["staffNote"], "INVALID")
        order["cancelling"] = {"due": self.store.now() + self.store.options.cancel_seconds, "given": dict(given)}
        self.store.save("orders", order)
        self.settle(order)
        return {"id": f"gid://shopify/Job/{order['id']}", "done": bool(order["cancelled"])}

    def settle(self, order: Doc) -> None:
        waiting = order.get("cancelling")
        if not waiting or waiting["due"] > self.store.now() or order["cancelled"]:
            return
        given = waiting["given"]
        if given.get("restock") and order["behaviour"] in CLAIMING:
            self._claim(order, 1)
        if (given.get("refundMethod") or {}).get("originalPaymentMethodsRefund"):
            self._pay_back(order)
        order["cancelled"], order["cancelling"] = self.store.now(), None
        order["cancel_reason"] = given.get("reason") or "OTHER"
        self.store.save_order(order, "orders/cancelled")
        self.store.save_order(order)

    def _pay_back(self, order: Doc) -> None:
        sale = next((row for row in order["transactions"] if row["kind"] == "SALE"), None)
        if sale is not None:
            back = {
                "id": self.store.next_id("transaction"),
                "kind": "REFUND",
                "status": "SUCCESS",
                "parent": sale["id"],
            }
            order["transactions"].append(back | {"gateway": sale["gateway"], "amount": sale["amount"]})

    def refund(self, given: Mapping[str, Any]) -> Doc:
        order = self.find(given["orderId"], "orderId")
        rows = [self._refund_row(order, row, place) for place, row in enumerate(given.get("refundLineItems") or ())]
        paid = [self._back(order, row) for row in given.get("transactions") or ()]
        refund = {
            "id": self.store.next_id("refund"),
            "note": given.get("note"),
            "created": self.store.now(),
            "lines": rows,
        }
        order["refunds"].append(refund)
        order["transactions"] += paid
        self.store.save("orders", order)
        for row in rows:
            if row["restockType"] != "NO_RESTOCK" and order["behaviour"] in CLAIMING:
                line = next(item for item in order["lines"] if item["id"] == row["line"])
                self.put_back(line, row["quantity"], row["location"])
        self.store.fire("refunds/create", {"id": refund["id"], "order_id": order["id"]})
        self.store.save_order(order)
        return refund

    def _refund_row(self, order: Doc, row: Mapping[str, Any], place: int) -> Doc:
        field = ["refundLineItems", str(place)]
        line = next((item for item in order["lines"] if item["id"] == number(row["lineItemId"])), None)
        if line is None:
            raise Refusal("Line item does not exist", [*field, "lineItemId"])
        if not 0 < row["quantity"] <= line["quantity"] - refunded_units(order, line["id"]):
            raise Refusal("Refund quantity cannot refund more items than were purchased", [*field, "quantity"])
        kind = row.get("restockType") or "NO_RESTOCK"
        if kind == "RETURN" and not row.get("locationId"):
            raise Refusal("Location must be present when restocking", [*field, "locationId"])
        if kind == "CANCEL" and row["quantity"] > unshipped(order, line):
            raise Refusal("Quantity cannot cancel more items than are unfulfilled", [*field, "quantity"])
        doc = {"id": self.store.next_id("refund line"), "line": line["id"], "quantity": row["quantity"]}
        return doc | {"restockType": kind, "location": number(row.get("locationId")) or None}

    def _back(self, order: Doc, row: Mapping[str, Any]) -> Doc:
        parent = next((item for item in order["transactions"] if item["id"] == number(row.get("parentId"))), None)
        if parent is None or parent["gateway"] != row["gateway"]:
            raise Refusal("Transaction's parent or gateway is invalid", ["transactions"])
        doc = {
            "id": self.store.next_id("transaction"),
            "kind": row["kind"],
            "status": "SUCCESS",
            "parent": parent["id"],
        }
        return doc | {"gateway": row["gateway"], "amount": str(row["amount"])}

    def fulfil(self, given: Mapping[str, Any]) -> Doc:
        rows = given["lineItemsByFulfillmentOrder"]
        order = self.find(rows[0]["fulfillmentOrderId"] if rows else None, "fulfillment")
        wanted = {
            number(item["id"]): item["quantity"] for row in rows for item in row.get("fulfillmentOrderLineItems") or ()
        }
        return self.ship(order, wanted, given.get("trackingInfo") or {})

    def ship(self, order: Doc, wanted: Mapping[int, int], tracking: Mapping[str, Any]) -> Doc:
        """``wanted`` are units by line; none at all: everything that is left."""
        left = {line["id"]: unshipped(order, line) for line in order["lines"]}
        units = dict(wanted) or {line: count for line, count in left.items() if count}
        if order["cancelled"] or not units or any(count > left.get(line, 0) for line, count in units.items()):
            raise Refusal("Invalid fulfillment order line item quantity requested.", ["fulfillment"])
        lines = [
            {"id": self.store.next_id("part"), "line": line, "quantity": count}
            for line, count in units.items()
            if count
        ]
        doc: Doc = {"id": self.store.next_id("fulfillment"), "status": "SUCCESS", "created": self.store.now()}
        doc |= {"tracking": dict(tracking), "location": self.store.options.locations[0].id, "lines": lines}
        order["fulfillments"].append(doc)
        self.store.save("orders", order)
        self.store.fire("fulfillments/create", {"id": doc["id"], "order_id": order["id"]})
        self.store.save_order(order)
        return doc

    def track(self, gid_: Any, given: Mapping[str, Any]) -> Doc:
        parcels = [(order, doc) for order in self.store.all("orders") for doc in order["fulfillments"]]
        for order, doc in parcels:
            if doc["id"] == number(gid_):
                doc["tracking"] = dict(given["trackingInfoInput"])
                self.store.fire("fulfillments/update", {"id": doc["id"], "order_id": order["id"]})
                self.store.save_order(order)
                return cast("Doc", doc)
        raise Refusal("Fulfillment does not exist.", ["fulfillmentId"])

    def close(self, gid_: Any) -> Doc:
        order = self.find(gid_)
        order["closed"] = order.get("closed") or self.store.now()
        self.store.save_order(order)
        return order

    def delete(self, gid_: Any) -> None:
        order = self.find(gid_, "orderId")
        if not (self.store.options.lets_open_go or order["cancelled"] or order.get("closed")):
            raise Refusal("Order must be archived or canceled before it is deleted", ["orderId"], "INVALID")
        self.store.remove("orders", order["id"])
        self.store.fire("orders/delete", {"id": order["id"]})


def blank(key: int, name: str, currency: str, now: float) -> Doc:
    order: Doc = {"id": key, "name": name, "currency": currency, "created": now, "updated": now, "cancelled": None}
    order |= {"cancelling": None, "lines": [], "total": "0.00", "fulfillments": [], "refunds": [], "transactions": []}
    order |= {"sourceIdentifier": None, "note": None, "email": None, "tags": [], "customAttributes": []}
    return order | {"metafields": {}, "financial": "PAID", "behaviour": CLAIMING[0], "returns": []}


def _amount(bag: Mapping[str, Any]) -> str:
    return str((bag.get("presentmentMoney") or bag["shopMoney"])["amount"])


def _kept(given: Mapping[str, Any]) -> Doc:
    """What was sent, for those who want to look at it."""
    return {name: value for name, value in given.items() if name not in ("lineItems", "transactions")}
