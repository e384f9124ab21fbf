"""What the independent Shopify tells of its orders: their sums, their states, and how they are found."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from tests.support.independent_shopify import Json, Rows, number
from tests.support.independent_shopify_catalogue import Catalogue, decimal, moment
from tests.support.independent_shopify_search import Asked

ZERO = Decimal(0)


class Ledger(Catalogue):
    # -- money ------------------------------------------------------------------------------------------------

    def bag(self, order: Json, amount: Any) -> Json:
        shop = Decimal(str(amount)) / order["rate"]
        return {
            "shopMoney": {"amount": decimal(shop), "currencyCode": order["currencyCode"]},
            "presentmentMoney": {"amount": decimal(amount), "currencyCode": order["presentmentCurrencyCode"]},
        }

    # -- metafields -------------------------------------------------------------------------------------------

    def space(self, named: str | None) -> str:
        """The app's own namespace is named $app, or not at all."""
        return re.sub(r"^\$app", "app--1", named or "$app")

    def definition(self, owner: str, item: Json) -> Json | None:
        return next(
            (
                row for row in self.known("MetafieldDefinition")
                if (row["ownerType"], row["namespace"], row["key"]) == (owner, self.space(item.get("namespace")), item["key"])
            ),
            None,
        )  # fmt: skip

    def metafield_fault(self, owner: str, item: Json, of: Json | None = None) -> str | None:
        definition = self.definition(owner, item)
        if definition is None:
            return None if item.get("type") else "Type can't be blank"
        if item.get("type") not in (None, definition["type"]["name"]):
            return "Type must be consistent with the definition's type"
        space = self.space(item.get("namespace"))
        if definition["unique"] and any(
            (row["namespace"], row["key"], row["value"]) == (space, item["key"], item["value"])
            and row["owner"] is not of
            for row in self.known("Metafield")
        ):
            return "Value must be unique"
        return None

    def set_metafield(self, owner: str, row: Json, item: Json) -> Json:
        definition = self.definition(owner, item)
        space = self.space(item.get("namespace"))
        held = next((x for x in row["metafields"] if (x["namespace"], x["key"]) == (space, item["key"])), None)
        if held is None:
            held = self.keep("Metafield", {"owner": row, "namespace": space, "key": item["key"], "ownerType": owner})
            row["metafields"].append(held)
        held |= {"value": item["value"], "jsonValue": item["value"], "definition": definition, "compareDigest": "1"}
        held["type"] = item.get("type") or (definition["type"]["name"] if definition else "single_line_text_field")
        return held

    def do_metafieldDefinitionCreate(self, definition: Json) -> Json:
        if self.definition(definition["ownerType"], definition):
            return self.wrong(["definition", "key"], "Key is in use for Order metafields.", "TAKEN")
        able = (definition.get("capabilities") or {}).get("uniqueValues") or {}
        row = self.keep(
            "MetafieldDefinition",
            definition | {
                "namespace": self.space(definition.get("namespace")), "unique": able.get("enabled", definition["type"] == "id"),
                "type": {"name": definition["type"], "category": "ID"}, "description": definition.get("description"),
            },
        )  # fmt: skip
        return {"createdDefinition": row, "userErrors": []}

    def root_metafieldDefinition(self, identifier: Json | None = None, id: str | None = None) -> Json | None:
        return self.definition(identifier["ownerType"], identifier) if identifier else self.get(id)

    def root_metafieldDefinitions(self, ownerType: str, **given: Any) -> list[Json]:
        rows = [row for row in self.known("MetafieldDefinition") if row["ownerType"] == ownerType]
        space, key = given.get("namespace"), given.get("key")
        rows = [row for row in rows if space is None or row["namespace"] == self.space(space)]
        return [row for row in rows if key is None or row["key"] == key]

    def of_Order_metafield(self, row: Json, key: str, namespace: str | None = None) -> Json | None:
        space = self.space(namespace)
        return next((x for x in row["metafields"] if (x["namespace"], x["key"]) == (space, key)), None)

    # -- reading ----------------------------------------------------------------------------------------------

    def root_order(self, id: str) -> Json | None:
        return self.shown(self.get(id))

    def root_orderByIdentifier(self, identifier: Json) -> Json | None:
        if "id" in identifier:
            return self.shown(self.get(identifier["id"]))
        wanted = identifier["customId"]
        space = self.space(wanted.get("namespace"))
        for row in self.known("Order"):
            for item in row["metafields"]:
                if (item["namespace"], item["key"], item["value"]) == (space, wanted["key"], wanted["value"]):
                    return self.shown(row)
        return None

    def root_orders(self, **given: Any) -> Rows:
        sorts = {"UPDATED_AT": "updatedAt", "CREATED_AT": "createdAt", "PROCESSED_AT": "processedAt"}
        found = self.searched("Order", given, self._order_asked, sorts)
        return Rows([row for row in found if self.shown(row)], found.at)

    def _order_asked(self, row: Json) -> Asked:
        live = self.get(row["id"]) or row
        state = ["cancelled"] if row["cancelledAt"] else ["closed"] if row["closed"] else ["open", "not_closed"]
        fields: dict[str, Sequence[Any]] = {
            "id": [number(row["id"])], "name": [row["name"], row["name"].lstrip("#")], "tag": row["tags"], "status": state,
            "updated_at": [moment(row["updatedAt"])], "created_at": [moment(row["createdAt"])], "email": [row["email"]],
            "processed_at": [moment(row["processedAt"])], "source_identifier": [row["sourceIdentifier"]],
            "source_name": [row["sourceName"]], "test": [row["test"]], "sku": [line["sku"] for line in row["lines"]],
            "fulfillment_status": [self.of_Order_displayFulfillmentStatus(live).lower()],
            "financial_status": [self.of_Order_displayFinancialStatus(live).lower()],
        }  # fmt: skip
        return fields

    def of_Order_lineItems(self, row: Json, **_: Any) -> Rows:
        return Rows(row["lines"], lambda line: number(line["id"]))

    def of_Order_displayFinancialStatus(self, row: Json) -> str:
        if not row["refunds"]:
            return str(row["status"] or ("PAID" if row["transactions"] else "PENDING"))
        back = sum((refund["amount"] for refund in row["refunds"]), ZERO)
        return "REFUNDED" if back >= self.total(row) else "PARTIALLY_REFUNDED" if back else str(row["status"])

    def of_Order_displayFulfillmentStatus(self, row: Json) -> str:
        left = sum(self.of_LineItem_unfulfilledQuantity(line) for line in row["lines"])
        parcels = [x for x in row["fulfillments"] if x["status"] == "SUCCESS"]
        if any(at["status"] == "ON_HOLD" for at in row["fulfillmentOrders"]) and not parcels:
            return "ON_HOLD"
        return "UNFULFILLED" if not parcels else "PARTIALLY_FULFILLED" if left else "FULFILLED"

    def total(self, row: Json) -> Decimal:
        lines = sum((line["unit"] * line["quantity"] for line in row["lines"]), ZERO) - row["discount"]
        lines += sum((item["price"] for item in row["shippingLines"]), ZERO)
        return lines if row["taxesIncluded"] else lines + self.tax(row)

    def tax(self, row: Json) -> Decimal:
        parts = [*row["lines"], *row["shippingLines"], {"taxLines": row["orderTaxes"]}]
        return sum((tax["amount"] for part in parts for tax in part["taxLines"]), ZERO)

    def of_Order_totalPriceSet(self, row: Json) -> Json:
        return self.bag(row, self.total(row))

    def of_Order_currentTotalPriceSet(self, row: Json) -> Json:
        gone = sum(
            (line["unit"] * (line["quantity"] - self.of_LineItem_currentQuantity(line)) for line in row["lines"]), ZERO
        )
        return self.bag(row, self.total(row) - gone)

    def of_Order_originalTotalPriceSet(self, row: Json) -> Json:
        return self.bag(row, self.total(row))

    def of_Order_totalTaxSet(self, row: Json) -> Json:
        return self.bag(row, self.tax(row))

    def of_Order_totalShippingPriceSet(self, row: Json) -> Json:
        return self.bag(row, sum((item["price"] for item in row["shippingLines"]), ZERO))

    def of_Order_totalRefundedSet(self, row: Json) -> Json:
        return self.bag(row, sum((refund["amount"] for refund in row["refunds"]), ZERO))

    def of_Order_totalReceivedSet(self, row: Json) -> Json:
        return self.bag(row, sum((x["amount"] for x in row["transactions"] if x["kind"] == "SALE"), ZERO))

    def of_Order_returnStatus(self, row: Json) -> str:
        states = {item["status"] for item in row["returns"]}
        for state, told in (("REQUESTED", "RETURN_REQUESTED"), ("OPEN", "IN_PROGRESS"), ("CLOSED", "RETURNED")):
            if state in states:
                return told
        return "NO_RETURN"

    def of_LineItem_unfulfilledQuantity(self, line: Json) -> int:
        rows = [x for at in line["order"]["fulfillmentOrders"] for x in at["lineItems"] if x["lineItem"] is line]
        return sum(item["remainingQuantity"] for item in rows)

    def refunded(self, line: Json) -> int:
        rows = [x for refund in line["order"]["refunds"] for x in refund["refundLineItems"] if x["lineItem"] is line]
        return sum(item["quantity"] for item in rows)

    def of_LineItem_currentQuantity(self, line: Json) -> int:
        return int(line["quantity"] - line["removed"] - self.refunded(line))

    def of_LineItem_refundableQuantity(self, line: Json) -> int:
        return self.of_LineItem_currentQuantity(line)

    def of_LineItem_nonFulfillableQuantity(self, line: Json) -> int:
        return int(line["removed"])

    def of_LineItem_originalUnitPriceSet(self, line: Json) -> Json:
        return self.bag(line["order"], line["unit"])

    def of_LineItem_discountedUnitPriceSet(self, line: Json) -> Json:
        return self.bag(line["order"], line["unit"])

    def of_LineItem_originalTotalSet(self, line: Json) -> Json:
        return self.bag(line["order"], line["unit"] * line["quantity"])

    def of_LineItem_discountedTotalSet(self, line: Json, withCodeDiscounts: bool = False) -> Json:
        """The discount of a code is spread over the lines by what they cost."""
        order, whole = line["order"], line["unit"] * line["quantity"]
        lines = sum((item["unit"] * item["quantity"] for item in order["lines"]), ZERO)
        share = order["discount"] * whole / lines if withCodeDiscounts and lines else ZERO
        return self.bag(order, whole - share)
