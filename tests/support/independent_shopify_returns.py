"""The independent Shopify's returns: requested, opened, processed, cancelled and closed.

The refund of a return lists its units in ``refundLineItems``, with the return beside them: so do the bodies of refunds
that merchants' stores sent (``"return": {"id": …}, "refund_line_items": [{"restock_type": "return", …}]``, kept in public
test data of several connectors). What is processed without money has no refund at all.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.support.independent_shopify import Json, Rows, gid
from tests.support.independent_shopify_ledger import ZERO
from tests.support.independent_shopify_money import Refunds

# The first of the library (Shopify/product-taxonomy, data/return_reasons.yml), and a handful more.
REASONS = (
    (1, "unknown", "Unknown"), (2, "changed-my-mind", "Changed my mind"), (3, "item-not-as-described", "Item not as described"),
    (4, "received-the-wrong-item", "Received the wrong item"), (5, "other-reason", "Other"),
    (6, "damaged-or-defective", "Damaged or defective"), (7, "too-small", "Too small"), (8, "too-big", "Too big"),
    (9, "style", "Style"), (10, "color", "Color"), (24, "arrived-late", "Arrived late"), (56, "comfort", "Comfort"),
)  # fmt: skip
LEGACY = {
    "unknown": "UNKNOWN", "changed-my-mind": "UNWANTED", "item-not-as-described": "NOT_AS_DESCRIBED",
    "received-the-wrong-item": "WRONG_ITEM", "damaged-or-defective": "DEFECTIVE", "too-small": "SIZE_TOO_SMALL",
    "too-big": "SIZE_TOO_LARGE", "style": "STYLE", "color": "COLOR",
}  # fmt: skip


class Returns(Refunds):
    def reasons(self) -> list[Json]:
        return [
            {
                "__typename": "ReturnReasonDefinition", "id": gid("ReturnReasonDefinition", key), "handle": handle,
                "name": name, "deleted": False,
            }
            for key, handle, name in REASONS
        ]  # fmt: skip

    def root_returnReasonDefinitions(self, **given: Any) -> list[Json]:
        wanted, ids = given.get("handles"), given.get("ids")
        rows = [row for row in self.reasons() if not wanted or row["handle"] in wanted]
        return [row for row in rows if not ids or row["id"] in ids]

    def root_return(self, id: str) -> Json | None:
        return self.get(id)

    # -- opening ----------------------------------------------------------------------------------------------

    def do_returnCreate(self, returnInput: Json) -> Json:
        return self._open(returnInput, "OPEN")

    def do_returnRequest(self, input: Json) -> Json:
        return self._open(input, "REQUESTED")

    def returnable(self, sent: Json) -> int:
        """Units of a fulfilment line that no return has and nobody has refunded."""
        order = sent["lineItem"]["order"]
        taken = sum(
            item["quantity"] for row in order["returns"] if row["status"] not in ("CANCELED", "DECLINED")
            for item in row["lines"] if item["fulfillmentLineItem"] is sent
        )  # fmt: skip
        alone = sum(
            item["quantity"] for refund in order["refunds"] if refund["return"] is None
            for item in refund["refundLineItems"] if item["lineItem"] is sent["lineItem"] and item["restockType"] != "CANCEL"
        )  # fmt: skip
        return int(sent["quantity"] - taken - alone)

    def root_returnableFulfillments(self, orderId: str, **_: Any) -> list[Json]:
        order = self.get(orderId)
        found = []
        for parcel in order["fulfillments"] if order else []:
            if parcel["status"] == "SUCCESS":
                rows = [
                    {"fulfillmentLineItem": x, "quantity": self.returnable(x)} for x in parcel["fulfillmentLineItems"]
                ]
                rows = [row for row in rows if row["quantity"]]
                key = parcel["id"].replace("/Fulfillment/", "/ReturnableFulfillment/")
                found.append({"id": key, "fulfillment": parcel, "returnableFulfillmentLineItems": rows})
        return [row for row in found if row["returnableFulfillmentLineItems"]]

    def _open(self, given: Json, status: str) -> Json:
        order = self.get(given["orderId"])
        if order is None:
            return self.wrong(["returnInput", "orderId"], "Order not found.", "NOT_FOUND")
        for at, item in enumerate(given["returnLineItems"]):
            where = ["returnInput", "returnLineItems", str(at)]
            sent = self.get(item["fulfillmentLineItemId"])
            if sent is None or sent["__typename"] != "FulfillmentLineItem":
                return self.wrong([*where, "fulfillmentLineItemId"], "Fulfillment line item not found.", "NOT_FOUND")
            if not 0 < item["quantity"] <= self.returnable(sent):
                told = "Return line item has an invalid quantity."
                return self.wrong([*where, "quantity"], told, "INVALID")
            if len(item.get("returnReasonNote") or "") > 255:
                return self.wrong([*where, "returnReasonNote"], "Note is too long.", "TOO_LONG")
            definition = item.get("returnReasonDefinitionId")
            if not definition and not item.get("returnReason"):
                return self.wrong(where, "Return reason can't be blank.", "BLANK")
            if definition and definition not in {row["id"] for row in self.reasons()}:
                return self.wrong([*where, "returnReasonDefinitionId"], "Return reason not found.", "NOT_FOUND")
            if item.get("returnReason") == "OTHER" and not item.get("returnReasonNote"):
                return self.wrong([*where, "returnReasonNote"], "Note can't be blank.", "BLANK")
        return {"return": self.returned(order, given["returnLineItems"], status), "userErrors": []}

    def returned(self, order: Json, rows: list[Json], status: str = "OPEN") -> Json:
        made = self.keep(
            "Return",
            {
                "order": order, "name": f"{order['name']}-R{len(order['returns']) + 1}", "status": status, "lines": [],
                "closedAt": None, "decline": None, "exchangeLineItems": [], "refunds": [], "reverseFulfillmentOrders": [],
                "returnShippingFees": [], "requestApprovedAt": None, "transactions": [], "staffMember": None,
                "suggestedRefund": None,
            },
        )  # fmt: skip
        for item in rows:
            sent = self.get(item["fulfillmentLineItemId"])
            known = {row["id"]: row for row in self.reasons()}
            reason = known.get(item.get("returnReasonDefinitionId", ""))
            legacy = LEGACY.get(reason["handle"], "OTHER") if reason else item.get("returnReason", "UNKNOWN")
            made["lines"].append(
                self.keep(
                    "ReturnLineItem",
                    {
                        "fulfillmentLineItem": sent, "quantity": item["quantity"], "processedQuantity": 0,
                        "refundedQuantity": 0, "returnReason": legacy, "returnReasonDefinition": reason,
                        "returnReasonNote": item.get("returnReasonNote") or "", "customerNote": item.get("customerNote"),
                        "restockingFee": None, "return": made,
                    },
                )
            )  # fmt: skip
        if status == "OPEN":
            self._reverse(made)
        order["returns"].append(made)
        order["closed"], order["closedAt"] = False, None
        self.touch(order)
        return made

    def _reverse(self, made: Json) -> None:
        lines = [
            self.keep(
                "ReverseFulfillmentOrderLineItem",
                {
                    "fulfillmentLineItem": row["fulfillmentLineItem"], "totalQuantity": row["quantity"], "dispositions": [],
                    "remainingQuantity": row["quantity"],
                },
            )
            for row in made["lines"]
        ]  # fmt: skip
        order = self.keep("ReverseFulfillmentOrder", {"status": "OPEN", "lineItems": lines, "order": made["order"]})
        made["reverseFulfillmentOrders"] = [order]

    def do_returnApproveRequest(self, input: Json) -> Json:
        row = self.get(input["id"])
        if row is None or row["status"] != "REQUESTED":
            return self.wrong(["input", "id"], "Return is not requested.", "INVALID_STATE")
        row["status"], row["requestApprovedAt"] = "OPEN", self.stamp()
        self._reverse(row)
        self.touch(row["order"])
        return {"return": row, "userErrors": []}

    def do_returnDeclineRequest(self, input: Json) -> Json:
        row = self.get(input["id"])
        if row is None or row["status"] != "REQUESTED":
            return self.wrong(["input", "id"], "Return is not requested.", "INVALID_STATE")
        row["status"] = "DECLINED"
        self.touch(row["order"])
        return {"return": row, "userErrors": []}

    # -- processing -------------------------------------------------------------------------------------------

    def do_returnProcess(self, input: Json) -> Json:  # noqa: C901, PLR0911  one line for each refusal
        row = self.get(input["returnId"])
        if row is None:
            return self.wrong(["input", "returnId"], "Return not found.", "NOT_FOUND")
        if row["status"] != "OPEN":
            return self.wrong(["input", "returnId"], "Return is not open.", "INVALID_STATE")
        order = row["order"]
        wanted: list[tuple[Json, Json]] = []
        for at, item in enumerate(input.get("returnLineItems") or []):
            where = ["input", "returnLineItems", str(at)]
            line = self.get(item["id"])
            if line is None or line["return"] is not row:
                return self.wrong([*where, "id"], "Return line item not found.", "NOT_FOUND")
            if not 0 < item["quantity"] <= self.of_ReturnLineItem_processableQuantity(line):
                return self.wrong([*where, "quantity"], "Quantity is more than can be processed.", "INVALID")
            for part in item.get("dispositions") or []:
                turned = self.get(part["reverseFulfillmentOrderLineItemId"])
                if turned is None or part["quantity"] > turned["remainingQuantity"]:
                    return self.wrong([*where, "dispositions"], "Disposition is invalid.", "INVALID")
                if part["dispositionType"] == "RESTOCKED" and not part.get("locationId"):
                    return self.wrong([*where, "dispositions"], "Location can't be blank.", "BLANK")
            wanted.append((line, item))
        money = (input.get("financialTransfer") or {}).get("issueRefund")
        amount = sum(
            (Decimal(str(x["transactionAmount"]["amount"])) for x in (money or {}).get("orderTransactions", [])), ZERO
        )
        for item in (money or {}).get("orderTransactions", []):
            parent = self.get(item["parentId"])
            if parent is None or parent["kind"] not in ("SALE", "CAPTURE"):
                return self.wrong(["input", "financialTransfer"], "Parent transaction not found.", "NOT_FOUND")
            if item["transactionAmount"]["currencyCode"] != order["presentmentCurrencyCode"]:
                return self.wrong(["input", "financialTransfer"], "Currency must be presentment.", "INVALID")
        if amount > self.paid(order) - self.given_back(order) and not (money or {}).get("allowOverRefunding"):
            return self.wrong(["input", "financialTransfer"], "Refund exceeds what was paid.", "INVALID")
        self.processed(row, {line["id"]: item["quantity"] for line, item in wanted}, amount, note=input.get("note"),
                       dispositions=[part for _, item in wanted for part in item.get("dispositions") or []],
                       money=money is not None)  # fmt: skip
        return {"return": row, "userErrors": []}

    def processed(
        self, row: Json, units: dict[str, int], amount: Any, *, money: bool = True, note: str | None = None,
        dispositions: list[Json] | None = None,
    ) -> None:  # fmt: skip
        back: dict[str, int] = {}
        for key, count in units.items():
            line = self.get(key)
            assert line is not None
            line["processedQuantity"] += count
            if money:
                line["refundedQuantity"] += count
            sold = line["fulfillmentLineItem"]["lineItem"]
            back[sold["id"]] = back.get(sold["id"], 0) + count
        for part in dispositions or []:
            turned = self.get(part["reverseFulfillmentOrderLineItemId"])
            assert turned is not None
            turned["remainingQuantity"] -= part["quantity"]
            turned["dispositions"].append(self.keep("ReverseFulfillmentOrderDisposition", {
                "quantity": part["quantity"], "type": part["dispositionType"]}))  # fmt: skip
            variant = turned["fulfillmentLineItem"]["lineItem"]["variant"]
            if part["dispositionType"] == "RESTOCKED" and variant:
                level = self.level_at(variant["inventoryItem"], part["locationId"])
                if level is not None:
                    self.moved(level, available=part["quantity"])
        if money:
            kind = "RETURN" if any(x["dispositionType"] == "RESTOCKED" for x in dispositions or []) else "NO_RESTOCK"
            made = self.refund(row["order"], back, amount=amount, restock=kind, note=note, of=row)
            row["refunds"].append(made)
        if not any(self.of_ReturnLineItem_processableQuantity(line) for line in row["lines"]):
            row["status"], row["closedAt"] = "CLOSED", self.stamp()
        self.touch(row["order"])

    def do_removeFromReturn(self, returnId: str, returnLineItems: list[Json] | None = None, **_: Any) -> Json:
        row = self.get(returnId)
        if row is None or row["status"] not in ("OPEN", "REQUESTED"):
            return self.wrong(["returnId"], "Return is not open.", "INVALID_STATE")
        for item in returnLineItems or []:
            line = self.get(item["returnLineItemId"])
            if line is None or item["quantity"] > line["quantity"] - line["processedQuantity"]:
                return self.wrong(["returnLineItems"], "Quantity is more than can be removed.", "INVALID")
        for item in returnLineItems or []:
            line = self.get(item["returnLineItemId"])
            assert line is not None
            line["quantity"] -= item["quantity"]
            for turned in (x for order in row["reverseFulfillmentOrders"] for x in order["lineItems"]):
                if turned["fulfillmentLineItem"] is line["fulfillmentLineItem"]:
                    turned["remainingQuantity"] -= item["quantity"]
                    turned["totalQuantity"] -= item["quantity"]
        row["lines"] = [line for line in row["lines"] if line["quantity"]]
        self.touch(row["order"])
        return {"return": row, "userErrors": []}

    def do_returnCancel(self, id: str, **_: Any) -> Json:
        row = self.get(id)
        if row is None:
            return self.wrong(["id"], "Return not found.", "NOT_FOUND")
        if row["status"] != "OPEN" or any(line["processedQuantity"] for line in row["lines"]):
            return self.wrong(["id"], "Return is not cancelable.", "INVALID_STATE")
        return self._ended(row, "CANCELED")

    def do_returnClose(self, id: str) -> Json:
        row = self.get(id)
        if row is None or row["status"] != "OPEN":
            return self.wrong(["id"], "Return is not open.", "INVALID_STATE")
        return self._ended(row, "CLOSED")

    def _ended(self, row: Json, status: str) -> Json:
        row["status"], row["closedAt"] = status, self.stamp()
        self.touch(row["order"])
        return {"return": row, "userErrors": []}

    # -- fields -----------------------------------------------------------------------------------------------

    def of_Return_returnLineItems(self, row: Json, **_: Any) -> Rows:
        return Rows(row["lines"])

    def of_Return_totalQuantity(self, row: Json) -> int:
        return sum(line["quantity"] for line in row["lines"])

    def of_ReturnLineItem_processableQuantity(self, line: Json) -> int:
        return int(line["quantity"] - line["processedQuantity"])

    def of_ReturnLineItem_unprocessedQuantity(self, line: Json) -> int:
        return int(line["quantity"] - line["processedQuantity"])

    def of_ReturnLineItem_refundableQuantity(self, line: Json) -> int:
        return int(line["quantity"] - line["refundedQuantity"])
