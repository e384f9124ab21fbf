"""The independent Shopify's refunds and cancellations."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.support.independent_shopify import Json
from tests.support.independent_shopify_ledger import ZERO
from tests.support.independent_shopify_orders import Orders


class Refunds(Orders):
    """``job_polls``: after how many more documents a job is done, whether they ask about it or not."""

    job_polls = 0

    def paid(self, order: Json) -> Decimal:
        return sum((x["amount"] for x in order["transactions"] if x["kind"] in ("SALE", "CAPTURE")), ZERO)

    def given_back(self, order: Json) -> Decimal:
        return sum((x["amount"] for x in order["transactions"] if x["kind"] == "REFUND"), ZERO)

    def refund(
        self, order: Json, units: dict[str, int], *, amount: Any = None, restock: str = "NO_RESTOCK", shipping: Any = 0,
        note: str | None = None, place: str | None = None, of: Json | None = None,
    ) -> Json:  # fmt: skip
        """What the merchant's admin does as well: units, and money by the order's first payment. ``of``: a return."""
        rows = []
        for key, count in units.items():
            line = self.get(key)
            assert line is not None
            tax = sum((item["amount"] for item in line["taxLines"]), ZERO) * count / line["quantity"]
            at = place or (line["at"]["id"] if line["at"] else None)
            rows.append(
                self.keep(
                    "RefundLineItem",
                    {
                        "lineItem": line, "quantity": count, "restockType": restock, "restocked": restock != "NO_RESTOCK",
                        "location": self.get(at) if restock != "NO_RESTOCK" else None, "priceSet": self.bag(order, line["unit"]),
                        "subtotalSet": self.bag(order, line["unit"] * count), "totalTaxSet": self.bag(order, tax),
                    },
                )
            )  # fmt: skip
            if of is None:
                self._put_back(line, count, restock, at)
        back = Decimal(str(amount)) if amount is not None else ZERO
        made = self.keep(
            "Refund",
            {
                "order": order, "note": note, "refundLineItems": rows, "amount": back, "transactions": [], "return": of,
                "totalRefundedSet": self.bag(order, back), "processedAt": self.stamp(), "refundShippingLines": [],
                "orderAdjustments": [], "duties": [], "staffMember": None, "shipping": Decimal(str(shipping)),
            },
        )  # fmt: skip
        if back:
            parent = order["transactions"][0] if order["transactions"] else None
            gateway = parent["gateway"] if parent else "manual"
            made["transactions"].append(self.transaction(order, back, "REFUND", gateway, parent))
        order["refunds"].append(made)
        self.touch(order)
        return made

    def _put_back(self, line: Json, units: int, restock: str, place: str | None) -> None:
        """CANCEL takes units out of what is to be sent, RETURN and NO_RESTOCK do not (shopify.dev, Refund)."""
        if restock == "CANCEL":
            left = units
            for item in self.to_send(line):
                taken = min(left, item["remainingQuantity"])
                item["remainingQuantity"] -= taken
                left -= taken
            self._uncommit(line, units, back=place)
        elif restock == "RETURN" and line["variant"] and place:
            level = self.level_at(line["variant"]["inventoryItem"], place)
            self.moved(
                level or self.level(line["variant"]["inventoryItem"], self.tables["Location"][place], 0),
                available=units,
            )

    def do_refundCreate(self, input: Json) -> Json:  # noqa: C901, PLR0911, PLR0912  one line for each refusal
        order = self.get(input["orderId"])
        if order is None:
            return self.wrong(["orderId"], "Order does not exist")
        if order["currencyCode"] != order["presentmentCurrencyCode"] and not input.get("currency"):
            return self.wrong(["currency"], "Currency is required for multi-currency orders")
        if input.get("currency") not in (None, order["presentmentCurrencyCode"]):
            return self.wrong(["currency"], "Currency must be the presentment currency")
        rows = input.get("refundLineItems") or []
        for item in rows:
            line = self.get(item["lineItemId"])
            if line is None or line["order"] is not order:
                return self.wrong(["refundLineItems"], "Line item does not exist")
            if item["quantity"] > self.of_LineItem_refundableQuantity(line):
                return self.wrong(["refundLineItems"], "Quantity cannot refund more items than were purchased")
            kind = item.get("restockType") or "NO_RESTOCK"
            if kind in ("RETURN", "CANCEL") and not item.get("locationId") and line["variant"]:
                return self.wrong(["refundLineItems"], "Location can't be blank")
            if kind == "CANCEL" and item["quantity"] > self.of_LineItem_unfulfilledQuantity(line):
                return self.wrong(["refundLineItems"], "Quantity cannot be cancelled, it is fulfilled")
        payments = input.get("transactions") or []
        amount = sum((Decimal(str(item["amount"])) for item in payments), ZERO)
        for item in payments:
            parent = self.get(item.get("parentId"))
            if parent is None or parent["kind"] not in ("SALE", "CAPTURE"):
                return self.wrong(["transactions"], "Parent transaction is invalid")
        if amount > self.paid(order) - self.given_back(order) and not input.get("allowOverRefunding"):
            return self.wrong(["transactions"], "Refund amount can't be greater than the amount paid")
        shipping = input.get("shipping") or {}
        charged = sum((item["price"] for item in order["shippingLines"]), ZERO)
        given = sum((item["shipping"] for item in order["refunds"]), ZERO)
        wanted = charged - given if shipping.get("fullRefund") else Decimal(str(shipping.get("amount") or 0))
        if wanted > charged - given:
            return self.wrong(["shipping"], "Shipping refund amount is more than what can be refunded")
        if not rows and not payments and not wanted:
            return self.wrong(None, "Refund must have at least one line item, shipping or transaction")
        kinds = {item.get("restockType") or "NO_RESTOCK" for item in rows} or {"NO_RESTOCK"}
        made: Json | None = None
        for kind in sorted(kinds):
            here = {x["lineItemId"]: x["quantity"] for x in rows if (x.get("restockType") or "NO_RESTOCK") == kind}
            places = {x["locationId"] for x in rows if x["lineItemId"] in here and x.get("locationId")}
            part = self.refund(
                order, here, amount=amount if made is None else 0, restock=kind, note=input.get("note"),
                shipping=wanted if made is None else 0, place=next(iter(places), None),
            )  # fmt: skip
            if made is None:
                made = part
            else:
                made["refundLineItems"] += part["refundLineItems"]
                order["refunds"].remove(part)
        return {"refund": made, "order": order, "userErrors": []}

    def of_Order_suggestedRefund(self, order: Json, refundLineItems: list[Json] | None = None, **_: Any) -> Json:
        """Where a location is not said, a suitable one is told: where the units were to be sent from, or came from."""
        rows = []
        for item in refundLineItems or []:
            line = self.get(item["lineItemId"])
            assert line is not None
            kind = item.get("restockType") or "NO_RESTOCK"
            place = self.get(item.get("locationId")) or (None if kind == "NO_RESTOCK" else line["at"])
            bag = self.bag(order, line["unit"] * item["quantity"])
            rows.append(
                {
                    "__typename": "RefundLineItem", "lineItem": line, "quantity": item["quantity"], "restockType": kind,
                    "location": place, "restocked": False, "priceSet": bag, "subtotalSet": bag, "totalTaxSet": bag,
                }
            )  # fmt: skip
        return {"__typename": "SuggestedRefund", "refundLineItems": rows}

    # -- cancelling -------------------------------------------------------------------------------------------

    def do_orderCancel(self, orderId: str, reason: str, restock: bool, **given: Any) -> Json:
        order = self.get(orderId)
        where = "orderCancelUserErrors"
        if order is None:
            return self.wrong(["orderId"], "Order does not exist", "NOT_FOUND", where) | {"userErrors": []}
        told = ""
        if order["cancelledAt"]:
            told = "Order has already been cancelled"
        elif any(item["status"] == "OPEN" for item in order["returns"]):
            told = "Cannot cancel an order with an active return"
        elif any(item["status"] == "SUCCESS" for item in order["fulfillments"]):
            told = "Cannot cancel an order with fulfilled items"
        elif len(given.get("staffNote") or "") > 255:
            told = "Staff note is too long"
        if told:
            return self.wrong(["orderId"], told, "INVALID", where) | {"userErrors": []}
        money = given.get("refund") or (given.get("refundMethod") or {}).get("originalPaymentMethodsRefund")
        job = self.keep("Job", {"done": False, "polls": self.job_polls})
        job["work"] = lambda: self.cancelled(
            order, reason, restock=restock, money=bool(money), note=given.get("staffNote")
        )
        self._advance(job)
        return {"job": job, "orderCancelUserErrors": [], "userErrors": []}

    def _advance(self, job: Json) -> None:
        if not job["done"] and job["polls"] <= 0:
            job["work"]()
            job["done"] = True
        job["polls"] -= 1

    def meanwhile(self) -> None:
        for job in self.known("Job"):
            self._advance(job)

    def root_job(self, id: str) -> Json | None:
        return self.get(id)

    def cancelled(
        self,
        order: Json,
        reason: str = "CUSTOMER",
        *,
        restock: bool = True,
        money: bool = True,
        note: str | None = None,
    ) -> None:
        units = {x["id"]: left for x in order["lines"] if (left := self.of_LineItem_unfulfilledQuantity(x))}
        amount = self.paid(order) - self.given_back(order) if money else 0
        if units or amount:
            self.refund(order, units, amount=amount, restock="CANCEL" if restock else "NO_RESTOCK")
        for item in (row for line in order["lines"] for row in self.to_send(line)):
            item["remainingQuantity"] = 0
        order["cancelledAt"], order["cancelReason"] = self.stamp(), reason
        order["cancellation"] = {"staffNote": note}
        order["closed"], order["closedAt"] = True, self.stamp()
        for at in order["fulfillmentOrders"]:
            at["status"], at["supportedActions"] = "CLOSED", []
        self.touch(order)

    # -- small changes ----------------------------------------------------------------------------------------

    def do_orderUpdate(self, input: Json) -> Json:
        order = self.get(input["id"])
        if order is None:
            return self.wrong(["id"], "Order does not exist")
        for item in input.get("metafields") or []:
            if wrong := self.metafield_fault("ORDER", item, order):
                return self.wrong(["metafields"], wrong)
            self.set_metafield("ORDER", order, item)
        for name in ("note", "tags", "customAttributes", "email", "phone", "poNumber"):
            if name in input:
                order[name] = input[name]
        self.touch(order)
        return {"order": order, "userErrors": []}

    def do_tagsAdd(self, id: str, tags: list[str]) -> Json:
        row = self.get(id)
        if row is None:
            return self.wrong(["id"], "Resource does not exist")
        row["tags"] = sorted({*row["tags"], *tags})
        self.touch(row)
        return {"node": row, "userErrors": []}

    def do_metafieldsSet(self, metafields: list[Json]) -> Json:
        made = []
        for item in metafields:
            row = self.get(item["ownerId"])
            if row is None:
                return self.wrong(["metafields"], "Owner does not exist", "INVALID")
            owner = "ORDER" if row["__typename"] == "Order" else row["__typename"].upper()
            if wrong := self.metafield_fault(owner, item, row):
                return self.wrong(["metafields"], wrong, "CAPABILITY_VIOLATION")
            made.append(self.set_metafield(owner, row, item))
            self.touch(row)
        return {"metafields": made, "userErrors": []}

    def do_orderDelete(self, orderId: str) -> Json:
        if self.get(orderId) is None:
            return self.wrong(["orderId"], "Order does not exist", "NOT_FOUND")
        del self.tables["Order"][orderId]
        return {"deletedId": orderId, "userErrors": []}
