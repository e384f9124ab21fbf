"""Orders 2026-01-01, shipment confirmation v0, and what feeds do to orders.

An order document has ``raw``, which is the order as the API shows it with all datasets, and what is only known inside.
"""

# ruff: noqa: N815  names as the models spell them
from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

from flask import Response, request
from pydantic import Field

from channel_adapters.amazon.sandbox.market import Call, Document, Market
from channel_adapters.amazon.sandbox.protocol import (
    Strict,
    answer,
    at_most,
    chosen,
    denied,
    epoch,
    invalid,
    listed,
    moment,
    no_content,
    not_found,
    number,
    read_body,
    stamp,
)

STATUSES = (
    "PENDING_AVAILABILITY",
    "PENDING",
    "UNSHIPPED",
    "PARTIALLY_SHIPPED",
    "SHIPPED",
    "CANCELLED",
    "UNFULFILLABLE",
)
DATASETS = (
    "BUYER", "RECIPIENT", "PROCEEDS", "EXPENSE", "PROMOTION", "CANCELLATION", "FULFILLMENT", "PACKAGES", "TAX",
    "PAYMENT", "FULFILLMENT_ORDERS",
)  # fmt: skip
# Which parts of an order, and of its items, belong to which dataset; the rest is always there.
OF_ORDER = {"buyer": "BUYER", "recipient": "RECIPIENT", "proceeds": "PROCEEDS", "packages": "PACKAGES", "tax": "TAX",
            "fulfillment": "FULFILLMENT"}  # fmt: skip
OF_ITEM = {"proceeds": "PROCEEDS", "cancellation": "CANCELLATION", "fulfillment": "FULFILLMENT", "tax": "TAX"}
RESTRICTED = ("RECIPIENT", "BUYER", "TAX")


class ShipmentItem(Strict):
    orderItemId: str
    quantity: int = Field(ge=1)
    transparencyCodes: list[str] | None = None


class Package(Strict):
    packageReferenceId: str = Field(pattern="^[1-9][0-9]*$")
    carrierCode: str = Field(min_length=1)
    carrierName: str | None = None
    shippingMethod: str | None = None
    trackingNumber: str = Field(min_length=1)
    shipDate: str
    shipFromSupplySourceId: str | None = None
    orderItems: list[ShipmentItem] = Field(min_length=1)


class Confirmation(Strict):
    marketplaceId: str
    packageDetail: Package
    codCollectionMethod: str | None = None


# Reading


def search_orders(call: Call) -> Response:
    filters = _filters()
    included = _included(call)
    sites, by = listed("marketplaceIds"), chosen("fulfilledBy", ("MERCHANT", "AMAZON"))
    at_most(sites, "marketplaceIds", 50)
    states, size = chosen("fulfillmentStatuses", STATUSES), number("maxResultsPerPage", 100, 100)
    found = [order["raw"] for order in call.market.docs.all("orders").values() if _wanted(order, filters)]
    found = [raw for raw in found if not sites or raw["salesChannel"]["marketplaceId"] in sites]
    found = [raw for raw in found if not by or raw["fulfillment"]["fulfilledBy"] in by]
    found = [raw for raw in found if not states or raw["fulfillment"]["fulfillmentStatus"] in states]
    if call.faulty("empty_list") is not None:
        found = []
    start = _start(call)
    body: Document = {"orders": [view(raw, included) for raw in found[start : start + size]]}
    if start + size < len(found) or call.faulty("stuck_cursor") is not None:
        body["pagination"] = {"nextToken": f"p{start + size}"}
    return answer(
        body | {"lastUpdatedBefore" if filters[0] == "updated" else "createdBefore": stamp(call.market.now())}
    )


def _filters() -> tuple[str, float, float | None]:
    given = {name: moment(name) for name in ("createdAfter", "lastUpdatedAfter", "createdBefore", "lastUpdatedBefore")}
    if (given["createdAfter"] is None) == (given["lastUpdatedAfter"] is None):
        raise invalid("Exactly one of createdAfter and lastUpdatedAfter is required.")
    if given["createdAfter"] is not None:
        return "created", given["createdAfter"], given["createdBefore"]
    return "updated", given["lastUpdatedAfter"] or 0.0, given["lastUpdatedBefore"]


def _wanted(order: Document, filters: tuple[str, float, float | None]) -> bool:
    field, after, before = filters
    return bool(order[field] >= after and (before is None or order[field] <= before))


def _start(call: Call) -> int:
    token = request.args.get("paginationToken")
    if token is None or call.faulty("stuck_cursor") is not None:
        return 0
    if not token.removeprefix("p").isdigit():
        raise invalid("paginationToken: unknown.")
    return int(token.removeprefix("p"))


def _included(call: Call) -> list[str]:
    included, roles = chosen("includedData", DATASETS), call.market.options.roles
    if roles is not None and (wrong := [name for name in included if name in RESTRICTED and name not in roles]):
        raise denied(f"The application has no role for {wrong[0]}.")
    return included


def view(raw: Document, included: list[str]) -> Document:
    body = {name: part for name, part in raw.items() if name not in OF_ORDER or OF_ORDER[name] in included}
    items = [
        {name: part for name, part in item.items() if name not in OF_ITEM or OF_ITEM[name] in included}
        for item in raw["orderItems"]
    ]
    return body | {"orderItems": items}


def get_order(call: Call) -> Response:
    order = call.market.docs.get("orders", call.path["order_id"])
    if order is None:
        raise not_found(f"Order {call.path['order_id']}")
    return answer({"order": view(order["raw"], _included(call))})


# Changing


def items_of(order: Document) -> list[Document]:
    return list(order["raw"]["orderItems"])


def left_of(item: Document) -> int:
    return int(item["fulfillment"]["quantityUnfulfilled"])


def touch(market: Market, order: Document) -> None:
    """Work out the status anew and keep the order."""
    raw, now = order["raw"], market.now()
    sent = sum(item["fulfillment"]["quantityFulfilled"] for item in raw["orderItems"])
    left = sum(left_of(item) for item in raw["orderItems"])
    if not order.get("pending"):
        state = ("PARTIALLY_SHIPPED" if sent else "UNSHIPPED") if left else "SHIPPED" if sent else "CANCELLED"
        raw["fulfillment"]["fulfillmentStatus"] = state
    order["updated"], raw["lastUpdatedTime"] = now, stamp(now)
    market.docs.put("orders", raw["orderId"], order)


def confirm_shipment(call: Call) -> Response:
    body, market = read_body(Confirmation), call.market
    order = market.docs.get("orders", call.path["order_id"])
    if order is None:
        raise not_found(f"Order {call.path['order_id']}")
    package = body.packageDetail
    if package.carrierCode == "Other" and not package.carrierName:
        raise invalid("carrierName is required when carrierCode is Other.")
    at = epoch("shipDate", package.shipDate)
    if at < order["created"] - 1 or at > market.now() + 60:
        raise invalid("shipDate is before the order or in the future.")
    if body.marketplaceId != order["raw"]["salesChannel"]["marketplaceId"]:
        raise invalid("marketplaceId is not the order's.")
    if order.get("pending"):
        raise invalid("The order is pending.")
    if call.faulty("not_applied") is None:
        _ship(market, order, package)
    return no_content()


def _ship(market: Market, order: Document, package: Package) -> None:
    """By its reference a package is added or changed."""
    known = next(
        (one for one in order["raw"]["packages"] if one["packageReferenceId"] == package.packageReferenceId), None
    )
    items = {item["orderItemId"]: item for item in items_of(order)}
    before = {part["orderItemId"]: part["quantity"] for part in known["packageItems"]} if known else {}
    for part in package.orderItems:
        item = items.get(part.orderItemId)
        if item is None:
            raise invalid(f"orderItemId {part.orderItemId} is not in the order.")
        if part.quantity > left_of(item) + before.get(part.orderItemId, 0):
            raise invalid("PackageToUpdateNotFound: more than is left to ship.")
    for key, quantity in before.items():
        _move(items[key], -quantity)
    for part in package.orderItems:
        _move(items[part.orderItemId], part.quantity)
    body = {
        "packageReferenceId": package.packageReferenceId,
        "createdTime": stamp(market.now()),
        "packageStatus": {"status": "SHIPPED"},
        "carrier": package.carrierName or package.carrierCode,
        "shipTime": stamp(epoch("shipDate", package.shipDate)),
        "trackingNumber": package.trackingNumber,
        "packageItems": [{"orderItemId": part.orderItemId, "quantity": part.quantity} for part in package.orderItems],
    }
    packages = [one for one in order["raw"]["packages"] if one is not known]
    order["raw"]["packages"] = [*packages, body]
    touch(market, order)


def _move(item: Document, units: int) -> None:
    item["fulfillment"]["quantityFulfilled"] += units
    item["fulfillment"]["quantityUnfulfilled"] -= units


# Feeds


def cancel(market: Market, message: ET.Element) -> str | None:
    """An acknowledgement of failure; what is wrong with it in words."""
    order = market.docs.get("orders", (message.findtext(".//AmazonOrderID") or "").strip())
    if order is None:
        return "The order was not found."
    if message.findtext(".//StatusCode") != "Failure":
        return None
    items = {item["orderItemId"]: item for item in items_of(order)}
    for part in message.iter("Item"):
        item = items.get(part.findtext("AmazonOrderItemCode") or "")
        if item is None or left_of(item) == 0 or item["fulfillment"]["quantityFulfilled"]:
            return "The item cannot be cancelled any more."
        cancel_item(item, "MERCHANT", part.findtext("CancelReason") or "")
    touch(market, order)
    return None


def cancel_item(item: Document, who: str, reason: str) -> None:
    item["fulfillment"]["quantityUnfulfilled"] = 0
    execution = {"cancelledBy": who, "cancelReason": reason}
    item["cancellation"] = item.get("cancellation", {}) | {"cancellationExecution": execution}


def refund(market: Market, message: ET.Element) -> str | None:
    order = market.docs.get("orders", (message.findtext(".//AmazonOrderID") or "").strip())
    if order is None:
        return "The order was not found."
    known = {item["orderItemId"]: item for item in items_of(order)}
    for part in message.iter("AdjustedItem"):
        item = known.get(part.findtext("AmazonOrderItemCode") or "")
        if item is None:
            return "The item was not found."
        amounts = {c.findtext("Type") or "": float(c.findtext("Amount") or 0) for c in part.iter("Component")}
        paid = float(item["proceeds"]["proceedsTotal"]["amount"])
        done = sum(sum(one["amounts"].values()) for one in order["refunds"] if one["line_id"] == item["orderItemId"])
        if done + sum(amounts.values()) > paid + 0.001:
            return "The refund is larger than what was paid."
        if any(amount > most_of(item, kind) + 0.001 for kind, amount in amounts.items()):
            return "A component of the refund is larger than what was paid for it."
        entry: dict[str, Any] = {"line_id": item["orderItemId"], "amounts": amounts}
        entry |= {"ref": part.findtext("MerchantAdjustmentItemID"), "reason": part.findtext("AdjustmentReason")}
        order["refunds"].append(entry | {"return_id": _return_paid(market, order, item["orderItemId"])})
    touch(market, order)
    return None


COMPONENTS = {"Principal": ("ITEM",), "GiftWrap": ("GIFT_WRAP",), "Shipping": ("SHIPPING",)}


def most_of(item: Document, kind: str) -> float:
    """What the buyer has paid of a component: taxes by themselves where they came on top of the prices."""
    parts = {part["type"]: float(part["subtotal"]["amount"]) for part in item["proceeds"]["breakdowns"]}
    plain = sum(parts.values()) - 2 * parts.get("DISCOUNT", 0)
    on_top = abs(float(item["proceeds"]["proceedsTotal"]["amount"]) - plain) < 0.001
    if kind in ("Tax", "ShippingTax", "GiftWrapTax"):
        return parts.get("TAX", 0) if on_top else 0
    return sum(parts.get(name, 0) for name in COMPONENTS.get(kind, ()))


def _return_paid(market: Market, order: Document, line_id: str) -> str | None:
    """The return a refund is for: the oldest of this line that is not refunded yet."""
    paid = {(entry["line_id"], entry["return_id"]) for entry in order["refunds"]}
    mine = [back for back in market.docs.all("returns").values() if back["order_id"] == order["raw"]["orderId"]]
    told = [back["return_id"] for back in mine if any(line["line_id"] == line_id for line in back["lines"])]
    return next((key for key in told if (line_id, key) not in paid), None)


def refunds_of(order: Document, document: Document, line: Document) -> list[Document]:
    """What was paid back for this line of a return."""
    wanted = (line["line_id"], document["return_id"])
    return [entry for entry in order["refunds"] if (entry["line_id"], entry["return_id"]) == wanted]
