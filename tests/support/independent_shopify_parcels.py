"""Where the independent Shopify's orders are sent from, and what has left, in parcels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.support.independent_shopify import Json
from tests.support.independent_shopify_ledger import Ledger


class Parcels(Ledger):
    """A line's ``claimed``: units it has taken from its location's available stock."""

    # -- stock and where it is sent from ----------------------------------------------------------------------

    def _short(self, line: Json) -> bool:
        variant = line["variant"]
        if variant is None or variant["inventoryPolicy"] == "CONTINUE" or not variant["inventoryItem"]["tracked"]:
            return False
        levels = [level for level in variant["inventoryItem"]["levels"] if level["location"]["fulfillsOnlineOrders"]]
        return max((level["states"]["available"] for level in levels), default=0) < line["quantity"]

    def route(self, order: Json, *, claim: bool) -> None:
        """A fulfilment order for each location: the first that stocks enough, else the first that stocks any, else the
        shop's own."""
        for line in order["lines"]:
            place = self.places[0]
            if line["variant"] is not None:
                levels = [x for x in line["variant"]["inventoryItem"]["levels"] if x["location"]["isActive"]]
                enough = [x for x in levels if x["states"]["available"] >= line["quantity"]]
                if level := next(iter(enough or levels), None):
                    place = level["location"]
                    if claim and line["variant"]["inventoryItem"]["tracked"]:
                        self.moved(level, available=-line["quantity"], committed=line["quantity"])
                        line["claimed"] = line["quantity"]
            line["at"] = place
            self.to_fulfil(order, line, place, line["quantity"])

    def to_fulfil(self, order: Json, line: Json, place: Json, units: int) -> Json:
        found = next((x for x in order["fulfillmentOrders"] if x["place"] is place and x["status"] == "OPEN"), None)
        if found is None:
            found = self.keep(
                "FulfillmentOrder",
                {
                    "order": order, "orderId": order["id"], "orderName": order["name"], "place": place, "status": "OPEN",
                    "requestStatus": "UNSUBMITTED", "lineItems": [], "fulfillmentHolds": [], "deliveryMethod": None,
                    "supportedActions": [{"action": "CREATE_FULFILLMENT"}, {"action": "HOLD"}, {"action": "MOVE"}],
                    "assignedLocation": {"name": place["name"], "location": place, "countryCode": "NL"},
                    "orderProcessedAt": order["processedAt"], "fulfillments": [],
                },
            )  # fmt: skip
            order["fulfillmentOrders"].append(found)
        item = self.keep(
            "FulfillmentOrderLineItem",
            {
                "lineItem": line, "totalQuantity": units, "remainingQuantity": units, "sku": line["sku"],
                "requiresShipping": line["requiresShipping"], "productTitle": line["title"], "warnings": [],
                "variant": line["variant"],
            },
        )  # fmt: skip
        found["lineItems"].append(item)
        return found

    def do_fulfillmentCreate(self, fulfillment: Json, message: str | None = None) -> Json:
        wanted: list[tuple[Json, int]] = []
        orders: list[Json] = []
        for part in fulfillment["lineItemsByFulfillmentOrder"]:
            order = self.get(part["fulfillmentOrderId"])
            if order is None or order["status"] not in ("OPEN", "IN_PROGRESS"):
                return self.wrong(["fulfillment"], "Fulfillment order is not open.")
            orders.append(order)
            units = {item["id"]: item["quantity"] for item in part.get("fulfillmentOrderLineItems") or []}
            for item in order["lineItems"]:
                count = units.get(item["id"], 0) if units else item["remainingQuantity"]
                if count > item["remainingQuantity"]:
                    return self.wrong(["fulfillment"], "Invalid fulfillment order line item quantity requested.")
                wanted.append((item, count))
        if len({item["place"]["id"] for item in orders}) > 1 or len({item["orderId"] for item in orders}) > 1:
            return self.wrong(["fulfillment"], "All fulfillment orders must have the same assigned location.")
        tracking = fulfillment.get("trackingInfo") or {}
        made = self.sent(orders[0]["order"], {x["lineItem"]["id"]: n for x, n in wanted if n}, orders[0], **tracking)
        return {"fulfillment": made, "userErrors": []}

    def do_fulfillmentTrackingInfoUpdate(
        self, fulfillmentId: str, trackingInfoInput: Json, notifyCustomer: bool = False
    ) -> Json:
        row = self.get(fulfillmentId)
        if row is None:
            return self.wrong(["fulfillmentId"], "Fulfillment does not exist.")
        row["trackingInfo"] = _tracking(**trackingInfoInput)
        row["updatedAt"] = self.stamp()
        self.touch(row["order"])
        return {"fulfillment": row, "userErrors": []}

    def sent(self, order: Json, units: Mapping[str, int], at: Json | None = None, **tracking: Any) -> Json:
        """A parcel: units by line. ``numbers`` and ``urls`` may be several: one shipment of several packages."""
        rows: list[Json] = []
        for key, count in units.items():
            line = self.get(key)
            assert line is not None
            left, places = count, [at] if at else order["fulfillmentOrders"]
            for item in (x for place in places for x in place["lineItems"] if x["lineItem"] is line):
                taken = min(left, item["remainingQuantity"])
                item["remainingQuantity"] -= taken
                left -= taken
            assert left == 0, "more is sent than is left"
            rows.append(self.keep("FulfillmentLineItem", {"quantity": count, "lineItem": line}))
            self._uncommit(line, count)
        for place in order["fulfillmentOrders"]:
            if not any(item["remainingQuantity"] for item in place["lineItems"]):
                place["status"], place["supportedActions"] = "CLOSED", []
        count = len(order["fulfillments"]) + 1
        made = self.keep(
            "Fulfillment",
            {
                "order": order, "status": "SUCCESS", "displayStatus": "FULFILLED", "name": f"{order['name']}-F{count}",
                "trackingInfo": _tracking(**tracking), "fulfillmentLineItems": rows, "totalQuantity": sum(units.values()),
                "location": (at or order["fulfillmentOrders"][0])["place"], "service": None, "deliveredAt": None,
                "requiresShipping": True, "inTransitAt": None, "estimatedDeliveryAt": None, "events": [],
            },
        )  # fmt: skip
        order["fulfillments"].append(made)
        if all(self.of_LineItem_unfulfilledQuantity(line) == 0 for line in order["lines"]):
            order["closed"], order["closedAt"] = True, self.stamp()
        self.touch(order)
        return made

    def unsent(self, made: Json) -> None:
        """The merchant cancels a parcel: its units are to be sent again."""
        made["status"], made["displayStatus"], made["updatedAt"] = "CANCELLED", "CANCELED", self.stamp()
        order = made["order"]
        order["closed"], order["closedAt"] = False, None
        for row in made["fulfillmentLineItems"]:
            self.to_fulfil(order, row["lineItem"], made["location"], row["quantity"])
        self.touch(order)

    def hold(self, at: Json) -> None:
        at["status"], at["supportedActions"] = "ON_HOLD", [{"action": "RELEASE_HOLD"}]
        self.touch(at["order"])

    def split(self, at: Json, line: Json, units: int, place: Json) -> Json:
        """Units of a fulfilment order are moved to another location."""
        item = next(x for x in at["lineItems"] if x["lineItem"] is line)
        item["remainingQuantity"] -= units
        item["totalQuantity"] -= units
        made = self.to_fulfil(at["order"], line, place, units)
        self.touch(at["order"])
        return made

    def to_send(self, line: Json) -> list[Json]:
        return [row for at in line["order"]["fulfillmentOrders"] for row in at["lineItems"] if row["lineItem"] is line]

    def _uncommit(self, line: Json, units: int, back: str | None = None) -> None:
        """Units leave what is committed where they were to be sent from; ``back``: the location at which they are
        available again."""
        variant = line["variant"]
        if variant is None or variant["inventoryItem"]["id"] not in self.tables["InventoryItem"]:
            return
        item = variant["inventoryItem"]
        level, shelf = self.level_at(item, line["at"]["id"]), self.level_at(item, back) if back else None
        if level is None or not item["tracked"]:
            return
        claimed = min(units, line["claimed"])
        line["claimed"] -= claimed
        self.moved(level, committed=-claimed)
        if shelf is not None:
            self.moved(shelf, available=units)

    def edited(self, order: Json, line: Json, *, down_to: int) -> None:
        """The merchant edits the order: units that are not sent are taken out; no refund says so."""
        out = line["quantity"] - line["removed"] - down_to
        line["removed"] += out
        order["edited"] = True
        for item in self.to_send(line):
            taken = min(out, item["remainingQuantity"])
            item["remainingQuantity"] -= taken
            out -= taken
        self._uncommit(line, line["claimed"] - down_to, back=line["at"]["id"])
        self.touch(order)


def _tracking(company: str | None = None, **given: Any) -> list[Json]:
    numbers = given.get("numbers") or ([given["number"]] if given.get("number") else [])
    urls = given.get("urls") or ([given["url"]] if given.get("url") else [])
    count = max(len(numbers), len(urls), 1 if company else 0)
    numbers, urls = [*numbers, *[None] * count], [*urls, *[None] * count]
    return [{"company": company, "number": numbers[at], "url": urls[at]} for at in range(count)]
