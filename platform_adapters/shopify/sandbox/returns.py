"""Returns: made of what has left, approved, processed with refund and shelf, cancelled, closed, opened again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from platform_adapters.shopify.sandbox.orders import CLAIMING, Orders
from platform_adapters.shopify.sandbox.refusal import Refusal
from platform_adapters.shopify.sandbox.store import Doc, Store, gid, number
from platform_adapters.shopify.sandbox.views import refunded_units

NOTE = 255
OVER = ("CANCELED", "DECLINED")
# A few of the library (ReturnReasonDefinition); a store may know others.
REASONS = (
    "changed-my-mind", "too-small", "too-big", "damaged-or-defective", "item-not-as-described", "arrived-late",
)  # fmt: skip
REASON_IDS = {gid("ReturnReasonDefinition", place): handle for place, handle in enumerate(REASONS, 1)}
PAYING = ("SALE", "CAPTURE")


class Returns:
    def __init__(self, store: Store, orders: Orders) -> None:
        self.store = store
        self.orders = orders

    def find(self, gid_: Any, field: str = "id") -> tuple[Doc, Doc]:
        for known in self.store.all("orders"):
            if any(doc["id"] == number(gid_) for doc in known["returns"]):
                order = self.orders.find(known["id"])
                return order, next(doc for doc in order["returns"] if doc["id"] == number(gid_))
        raise Refusal("Return does not exist.", [field], "NOT_FOUND")

    def create(self, given: Mapping[str, Any], status: str = "OPEN") -> Doc:
        order = self.orders.find(given["orderId"], "orderId")
        if not given["returnLineItems"]:
            raise Refusal("Return line items can't be blank", ["returnLineItems"], "BLANK")
        taken: dict[int, int] = {}
        lines = [self._line(order, row, place, taken) for place, row in enumerate(given["returnLineItems"])]
        doc: Doc = {"id": self.store.next_id("return"), "name": f"{order['name']}-R{len(order['returns']) + 1}"}
        doc |= {"order": order["id"], "status": status, "created": self.store.now(), "lines": lines, "shelf": []}
        order["returns"].append(doc)
        order["closed"] = None
        self._set_up(doc)
        self._save(order, doc, "returns/approve" if status == "OPEN" else "returns/request")
        return doc

    def _line(self, order: Doc, row: Mapping[str, Any], place: int, taken: dict[int, int]) -> Doc:
        field = ["returnLineItems", str(place)]
        part = next((item for item in _parts(order) if item["id"] == number(row["fulfillmentLineItemId"])), None)
        if part is None:
            raise Refusal("Fulfillment line item does not exist.", [*field, "fulfillmentLineItemId"], "NOT_FOUND")
        left = returnable(order).get(part["id"], 0) - taken.get(part["id"], 0)
        if not 0 < row["quantity"] <= left:
            raise Refusal("Return line item has an invalid quantity.", [*field, "quantity"], "INVALID")
        taken[part["id"]] = taken.get(part["id"], 0) + row["quantity"]
        note = row.get("returnReasonNote") or ""
        if len(note) > NOTE:
            text = "Return reason note is too long (maximum is 255 characters)"
            raise Refusal(text, [*field, "returnReasonNote"], "TOO_LONG")
        if row.get("returnReason") == "OTHER" and not note:
            raise Refusal("Return reason note can't be blank", [*field, "returnReasonNote"], "BLANK")
        reason = row.get("returnReasonDefinitionId")
        if reason and reason not in REASON_IDS:
            raise Refusal("Return reason definition does not exist.", [*field, "returnReasonDefinitionId"], "NOT_FOUND")
        doc = {"id": self.store.next_id("return line"), "part": part["id"], "line": part["line"]}
        doc |= {"quantity": row["quantity"], "processed": 0, "refunded": 0, "note": note}
        return doc | {"reason": REASON_IDS.get(reason or "", row.get("returnReason") or "UNKNOWN")}

    def _set_up(self, doc: Doc) -> None:
        """Its reverse fulfilment order, once it is approved."""
        if doc["status"] == "OPEN" and not doc["shelf"]:
            doc["shelf"] = [
                {"id": self.store.next_id("reverse"), "part": line["part"], "of": line["id"], "told": []}
                for line in doc["lines"]
            ]

    def approve(self, given: Mapping[str, Any]) -> Doc:
        order, doc = self.find(given["id"])
        self._move(order, doc, ("REQUESTED",), "OPEN", "returns/approve")
        self._set_up(doc)
        self._save(order, doc, "returns/update")
        return doc

    def close(self, gid_: Any) -> Doc:
        return self._move(*self.find(gid_), ("OPEN",), "CLOSED", "returns/close")

    def reopen(self, gid_: Any) -> Doc:
        return self._move(*self.find(gid_), ("CLOSED",), "OPEN", "returns/reopen")

    def cancel(self, gid_: Any) -> Doc:
        order, doc = self.find(gid_)
        if any(line["processed"] for line in doc["lines"]):
            raise Refusal("Return cannot be canceled once it has been processed.", ["id"], "INVALID_STATE")
        return self._move(order, doc, ("OPEN", "REQUESTED"), "CANCELED", "returns/cancel")

    def _move(self, order: Doc, doc: Doc, before: Sequence[str], after: str, topic: str) -> Doc:
        if doc["status"] not in before:
            raise Refusal(f"Return is {doc['status'].lower()}.", ["id"], "INVALID_STATE")
        doc["status"] = after
        self._save(order, doc, topic)
        return doc

    def remove(self, gid_: Any, rows: Sequence[Mapping[str, Any]]) -> Doc:
        order, doc = self.find(gid_, "returnId")
        if doc["status"] != "OPEN":
            raise Refusal("Return is not open.", ["returnId"], "INVALID_STATE")
        wanted = [(self._of(doc, row["returnLineItemId"], place), row["quantity"]) for place, row in enumerate(rows)]
        for place, (line, units) in enumerate(wanted):
            if not 0 < units <= line["quantity"] - line["processed"]:
                raise Refusal("Quantity is invalid.", ["returnLineItems", str(place), "quantity"], "INVALID")
        for line, units in wanted:
            line["quantity"] -= units
        doc["lines"] = [line for line in doc["lines"] if line["quantity"]]
        self._save(order, doc, "returns/update")
        return doc

    def _of(self, doc: Doc, gid_: Any, place: int) -> Doc:
        found: Doc | None = next((line for line in doc["lines"] if line["id"] == number(gid_)), None)
        if found is None:
            raise Refusal("Return line item does not exist.", ["returnLineItems", str(place), "id"], "NOT_FOUND")
        return found

    # -- processed --------------------------------------------------------------------------------------------

    def process(self, given: Mapping[str, Any]) -> Doc:
        order, doc = self.find(given["returnId"], "returnId")
        if doc["status"] != "OPEN":
            raise Refusal("Return is not open.", ["returnId"], "INVALID_STATE")
        rows = given.get("returnLineItems") or ()
        wanted = [(self._of(doc, row["id"], place), row) for place, row in enumerate(rows)]
        for place, (line, row) in enumerate(wanted):
            self._check(doc, line, row, place)
        transfer = (given.get("financialTransfer") or {}).get("issueRefund")
        paid = self._paid(order, transfer) if transfer else []
        if transfer:
            self._check_refundable(order, wanted)
        for line, row in wanted:
            line["processed"] += row["quantity"]
            line["refunded"] += row["quantity"] if transfer else 0
            self._shelve(order, doc, row.get("dispositions") or ())
        if transfer:
            self._refund(order, doc, wanted, paid, given.get("note"))
        if self.store.options.closes_returns and all(line["processed"] == line["quantity"] for line in doc["lines"]):
            doc["status"] = "CLOSED"
        self._save(order, doc, "returns/process")
        return doc

    def _check(self, doc: Doc, line: Doc, row: Mapping[str, Any], place: int) -> None:
        field = ["returnLineItems", str(place)]
        if not 0 < row["quantity"] <= line["quantity"] - line["processed"]:
            raise Refusal("Quantity is greater than the processable quantity.", [*field, "quantity"], "INVALID")
        for told in row.get("dispositions") or ():
            shelf = _shelf(doc, told["reverseFulfillmentOrderLineItemId"])
            if shelf is None:
                text = "Reverse fulfillment order line item does not exist."
                raise Refusal(text, [*field, "dispositions"], "NOT_FOUND")
            if not 0 < told["quantity"] <= _room(doc, shelf):
                raise Refusal("Disposition quantity is invalid.", [*field, "dispositions"], "INVALID")
            if told["dispositionType"] == "RESTOCKED" and not told.get("locationId"):
                raise Refusal("Location can't be blank", [*field, "dispositions", "locationId"], "BLANK")

    def _shelve(self, order: Doc, doc: Doc, rows: Sequence[Mapping[str, Any]]) -> None:
        for told in rows:
            shelf = _shelf(doc, told["reverseFulfillmentOrderLineItemId"])
            if shelf is None:
                continue
            shelf["told"].append({"id": self.store.next_id("disposition"), "quantity": told["quantity"]})
            line = next(item for item in order["lines"] if item["id"] == _line_of(doc, shelf))
            if told["dispositionType"] == "RESTOCKED" and order["behaviour"] in CLAIMING:
                self.orders.put_back(line, told["quantity"], number(told["locationId"]))

    def shelve(self, gid_: Any, place: int) -> None:
        """All its units, as reverseFulfillmentOrderDispose does before it is processed."""
        order, doc = self.find(gid_)
        where = {"dispositionType": "RESTOCKED", "locationId": place}
        rows = [
            {"reverseFulfillmentOrderLineItemId": row["id"], "quantity": _room(doc, row)} | where
            for row in doc["shelf"]
        ]
        self._shelve(order, doc, rows)
        self._save(order, doc, "reverse_fulfillment_orders/dispose")

    def _paid(self, order: Doc, transfer: Mapping[str, Any]) -> list[Doc]:
        found: list[Doc] = []
        for row in transfer["orderTransactions"]:
            known = next((item for item in order["transactions"] if item["id"] == number(row["parentId"])), None)
            if known is None or known["kind"] not in PAYING:
                raise Refusal("Parent transaction is invalid.", ["financialTransfer"], "INVALID")
            before = [item for item in (*order["transactions"], *found) if item.get("parent") == known["id"]]
            left = Decimal(known["amount"]) - sum((Decimal(item["amount"]) for item in before), Decimal(0))
            amount = Decimal(str(row["transactionAmount"]["amount"]))
            if not 0 < amount <= left and not transfer.get("allowOverRefunding"):
                raise Refusal("Amount exceeds what can be refunded.", ["financialTransfer"], "INVALID")
            doc = {"id": self.store.next_id("transaction"), "kind": "REFUND", "status": "SUCCESS"}
            found.append(doc | {"parent": known["id"], "gateway": known["gateway"], "amount": str(amount)})
        return found

    def _check_refundable(self, order: Doc, wanted: Sequence[tuple[Doc, Mapping[str, Any]]]) -> None:
        for place, (line, row) in enumerate(wanted):
            sold = next(item for item in order["lines"] if item["id"] == line["line"])
            if row["quantity"] > sold["quantity"] - refunded_units(order, sold["id"]):
                field = ["returnLineItems", str(place), "quantity"]
                raise Refusal("Quantity is greater than the refundable quantity.", field, "INVALID")

    def _refund(
        self, order: Doc, doc: Doc, wanted: Sequence[tuple[Doc, Mapping[str, Any]]], paid: list[Doc], note: Any
    ) -> None:
        """A refund of its own; where its units went is the return's matter."""
        rows = [
            {"id": self.store.next_id("refund line"), "line": line["line"], "quantity": row["quantity"],
             "restockType": "NO_RESTOCK", "location": None, "return": line["id"]}
            for line, row in wanted
        ]  # fmt: skip
        refund = {"id": self.store.next_id("refund"), "note": note, "created": self.store.now(), "lines": rows}
        refund |= {"return": doc["id"], "shown": self.store.options.lists_returned}
        order["refunds"].append(refund)
        order["transactions"] += paid
        self.store.fire("refunds/create", {"id": refund["id"], "order_id": order["id"]})

    def _save(self, order: Doc, doc: Doc, topic: str) -> None:
        self.store.fire(topic, {"id": doc["id"], "order_id": order["id"]})
        self.store.save_order(order)


def _parts(order: Doc) -> Iterator[Doc]:
    """Fulfilment lines of what has left."""
    for parcel in order["fulfillments"]:
        if parcel["status"] == "SUCCESS":
            yield from parcel["lines"]


def returnable(order: Doc) -> dict[int, int]:
    """Units that can be returned still, by fulfilment line: what has left, is in no return, and was not refunded
    without one."""
    left = {part["id"]: part["quantity"] for part in _parts(order)}
    for doc in order["returns"]:
        for line in doc["lines"] if doc["status"] not in OVER else ():
            left[line["part"]] = left.get(line["part"], 0) - line["quantity"]
    for refund in order["refunds"]:
        for row in refund["lines"]:
            if "return" not in row and row["restockType"] != "CANCEL":
                _take(order, left, row["line"], row["quantity"])
    return {part: max(0, units) for part, units in left.items()}


def _take(order: Doc, left: dict[int, int], line: int, units: int) -> None:
    for part in _parts(order):
        here = min(units, left[part["id"]]) if part["line"] == line else 0
        if here > 0:
            left[part["id"]] -= here
            units -= here


def _shelf(doc: Doc, gid_: Any) -> Doc | None:
    return next((item for item in doc["shelf"] if item["id"] == number(gid_)), None)


def _line_of(doc: Doc, shelf: Doc) -> int | None:
    return next((line["line"] for line in doc["lines"] if line["id"] == shelf["of"]), None)


def _room(doc: Doc, shelf: Doc) -> int:
    return total(doc, shelf) - sum(int(told["quantity"]) for told in shelf["told"])


def total(doc: Doc, shelf: Doc) -> int:
    return next((int(line["quantity"]) for line in doc["lines"] if line["id"] == shelf["of"]), 0)


def status_of(order: Doc) -> str:
    """Of all its returns together (OrderReturnStatus)."""
    rows = [doc for doc in order["returns"] if doc["status"] not in OVER]
    if not rows:
        return "NO_RETURN"
    if any(doc["status"] == "OPEN" for doc in rows):
        return "IN_PROGRESS"
    return "RETURN_REQUESTED" if all(doc["status"] == "REQUESTED" for doc in rows) else "RETURNED"
