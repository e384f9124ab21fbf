"""Orders as the Fulfillment API tells them, their parcels and refunds."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from flask import Response, request
from pydantic import Field

from channel_adapters.ebay.sandbox.market import Call, Document, Market, stamp
from channel_adapters.ebay.sandbox.protocol import Problem, Strict, answer, nothing, number

MOST_IDS = 50
TWO_YEARS = 730 * 86400
COMBINATIONS = ({"NOT_STARTED", "IN_PROGRESS"}, {"FULFILLED", "IN_PROGRESS"})
REASONS = (
    "BUYER_CANCEL",
    "SELLER_CANCEL",
    "ITEM_NOT_RECEIVED",
    "BUYER_RETURN",
    "ITEM_NOT_AS_DESCRIBED",
    "OTHER_ADJUSTMENT",
    "SHIPPING_DISCOUNT",
)
_RANGE = re.compile(r"(creationdate|lastmodifieddate):\[([^.\]]*(?:\.\d+)?Z?)\.\.([^\]]*)\]")
_STATES = re.compile(r"orderfulfillmentstatus:\{([A-Z_|]+)\}")


class ShippedLine(Strict):
    line_item_id: str
    quantity: int = Field(default=1, ge=1)


class Shipment(Strict):
    line_items: list[ShippedLine] = Field(min_length=1)
    shipped_date: str | None = None
    shipping_carrier_code: str | None = None
    tracking_number: str | None = None


class Amount(Strict):
    value: str
    currency: str


class RefundItem(Strict):
    line_item_id: str
    refund_amount: Amount


class Refund(Strict):
    reason_for_refund: str
    comment: str = Field(default="", max_length=100)
    refund_items: list[RefundItem] = Field(default_factory=list)
    order_level_refund_amount: Amount | None = None


# Reading


def listing(call: Call) -> Response:
    if ids := request.args.get("orderIds"):
        return _by_id(call, ids.split(","))
    limit, start = number("limit", 50, 1, 200, 31100), number("offset", 0, 0, 10**6, 31000)
    found = [] if call.faulty("empty_list") is not None else _filtered(call)
    if call.faulty("stuck_cursor") is not None:
        here, total = found[:limit], 10**6
    else:
        here, total = found[start : start + limit], len(found)
    body: Document = {"href": request.url, "total": total, "limit": limit, "offset": start}
    if start + limit < total:
        body["next"] = f"{request.path}?limit={limit}&offset={start + limit}"
    return answer(body | {"orders": [shown(call.market, order, alone=False) for order in here]})


def _by_id(call: Call, ids: list[str]) -> Response:
    if len(ids) > MOST_IDS:
        raise Problem(400, 30900, f"Exceeded maximum number of order IDs (the current limit is {MOST_IDS} )")
    known = call.market.docs.all("orders")
    found = [shown(call.market, known[key], alone=False) for key in ids if key in known]
    return answer({"href": request.url, "total": len(found), "limit": 50, "offset": 0, "orders": found})


def _filtered(call: Call) -> list[Document]:
    """Where both times are given only that of creation counts. "Orders are returned according to creation date
    (oldest to newest)" (getOrders)."""
    given = request.args.get("filter", "")
    ranges = {name: (start, end) for name, start, end in _RANGE.findall(given)}
    name, field = ("creationdate", "created") if "creationdate" in ranges else ("lastmodifieddate", "changed")
    start, end = ranges.get(name, ("", ""))
    now = stamp(call.market.now())
    if start > now or end > now:
        raise Problem(400, 30850, "Start and end dates can't be in the future")
    if start and start < stamp(call.market.now() - TWO_YEARS):
        raise Problem(400, 30830, "Time range between start date and end date must be within '2' years.")
    states = _STATES.search(given)
    wanted = set(states[1].split("|")) if states else None
    if wanted is not None and wanted not in COMBINATIONS:
        raise Problem(400, 30700, "Invalid filter: orderfulfillmentstatus")
    orders = sorted(call.market.docs.all("orders").values(), key=lambda order: order["created"])
    return [
        order
        for order in orders
        if start <= stamp(order[field]) <= (end or now) and (wanted is None or shipping_state(order) in wanted)
    ]


def find(call: Call) -> Document:
    order: Document | None = call.market.docs.get("orders", call.path["order_id"])
    if order is None:
        raise Problem(404, 32100, f"Invalid Order Id: {call.path['order_id']}")
    return order


def get(call: Call) -> Response:
    return answer(shown(call.market, find(call), alone=True))


def shipped_units(order: Document, line: Document) -> int:
    return sum(part["quantity"] for parcel in order["parcels"] for part in parcel["lines"] if part["id"] == line["id"])


def line_state(order: Document, line: Document) -> str:
    units = shipped_units(order, line)
    return "NOT_STARTED" if units == 0 else "FULFILLED" if units >= line["quantity"] else "IN_PROGRESS"


def shipping_state(order: Document) -> str:
    states = {line_state(order, line) for line in order["lines"]}
    return states.pop() if len(states) == 1 else "IN_PROGRESS"


def shown(market: Market, order: Document, *, alone: bool) -> Document:
    """``alone``: only the order itself tells requests to cancel."""
    with_taxes = request.args.get("fieldGroups") == "TAX_BREAKDOWN"
    lines = [_line(order, line, with_taxes=with_taxes) for line in order["lines"]]
    body: Document = {"orderId": order["id"], "creationDate": stamp(order["created"]), "sellerId": "sandbox_seller"}
    body |= {"lastModifiedDate": stamp(order["changed"]), "orderFulfillmentStatus": shipping_state(order)}
    body |= {"orderPaymentStatus": payment_state(order), "buyer": order["buyer"], "lineItems": lines}
    body["cancelStatus"] = _cancel_status(market, order, alone=alone)
    body["fulfillmentStartInstructions"] = [order["instruction"]]
    body["fulfillmentHrefs"] = [f"/order/{order['id']}/shipping_fulfillment/{p['tracking']}" for p in order["parcels"]]
    body["paymentSummary"] = _payments(order)
    subtotal = sum((Decimal(line["cost"]) for line in order["lines"]), Decimal(0))
    body["pricingSummary"] = {"priceSubtotal": _amount(order, subtotal), "total": _amount(order, paid(order))}
    extras: Document = {"buyerCheckoutNotes": order["note"]} if order["note"] else {}
    extras |= {"ebayCollectAndRemitTax": True} if any(line["tax_by_ebay"] for line in order["lines"]) else {}
    return body | extras


def _amount(order: Document, value: Decimal | str) -> Document:
    return {"value": str(Decimal(value).quantize(Decimal("0.01"))), "currency": order["currency"]}


def _line(order: Document, line: Document, *, with_taxes: bool) -> Document:
    cost, less = Decimal(line["cost"]), Decimal(line["discount"])
    body: Document = {"lineItemId": line["id"], "legacyItemId": line["listing"], "title": line["title"]}
    body |= {"sku": line["sku"], "quantity": line["quantity"], "soldFormat": "FIXED_PRICE"}
    body |= {"listingMarketplaceId": order["site"], "purchaseMarketplaceId": order["site"]}
    body |= {"lineItemCost": _amount(order, cost), "lineItemFulfillmentStatus": line_state(order, line)}
    body |= {"discountedLineItemCost": _amount(order, cost - less)} if less else {}
    body["deliveryCost"] = {"shippingCost": _amount(order, line["shipping"])}
    body["appliedPromotions"] = [{"discountAmount": _amount(order, less), "promotionId": "1"}] if less else []
    body["total"] = _amount(order, line_total(line, with_taxes=with_taxes))
    tax = _amount(order, line["tax"])
    has_tax = Decimal(line["tax"]) > 0
    body["taxes"] = [{"amount": tax, "taxType": "VAT"}] if has_tax and with_taxes else []
    if line["tax_by_ebay"]:
        by_ebay = {"amount": tax, "taxType": "VAT", "collectionMethod": "NET"}
        body["ebayCollectAndRemitTaxes"] = [by_ebay]
    dates = {"shipByDate": stamp(order["created"] + 2 * 86400.0), "guaranteedDelivery": False}
    refunds = [_refund(order, item, with_state=False) for item in order["refunds"] if item["line"] == line["id"]]
    return body | {"lineItemFulfillmentInstructions": dates, "properties": {}, "refunds": refunds}


def line_total(line: Document, *, with_taxes: bool) -> Decimal:
    """What eBay collects is in it only with the breakdown of taxes."""
    added = Decimal(line["tax"]) if line["tax_by_ebay"] and with_taxes else Decimal(0)
    return Decimal(line["cost"]) - Decimal(line["discount"]) + Decimal(line["shipping"]) + added


def paid(order: Document) -> Decimal:
    return sum((line_total(line, with_taxes=True) for line in order["lines"]), Decimal(0))


def payment_state(order: Document) -> str:
    if not order["paid"]:
        return "PENDING"
    back = sum((Decimal(item["amount"]) for item in order["refunds"] if item["status"] != "FAILED"), Decimal(0))
    if order["cancelled"] or back >= due_seller(order):
        return "FULLY_REFUNDED"
    return "PARTIALLY_REFUNDED" if back > 0 else "PAID"


def due_seller(order: Document) -> Decimal:
    """What eBay collects is no seller's to pay back."""
    return sum((line_total(line, with_taxes=False) for line in order["lines"]), Decimal(0))


def _cancel_status(market: Market, order: Document, *, alone: bool) -> Document:
    cancels = market.cancels_of(order["id"])
    waiting = any(item["state"] in ("REQUESTED", "PENDING") for item in cancels)
    state = "CANCELED" if order["cancelled"] else "IN_PROGRESS" if waiting else "NONE_REQUESTED"
    body: Document = {"cancelState": state, "cancelRequests": [_request(item) for item in cancels] if alone else []}
    return body | ({"cancelledDate": stamp(order["cancelled"])} if order["cancelled"] else {})


def _request(item: Document) -> Document:
    state = "REQUESTED" if item["state"] == "PENDING" else item["state"]
    initiator = "Seller" if item["by_seller"] or item["state"] == "PENDING" else "Buyer"
    body: Document = {"cancelRequestId": item["id"], "cancelInitiator": initiator, "cancelReason": item["reason"]}
    body |= {"cancelRequestState": state, "cancelRequestedDate": stamp(item["at"])}
    return body | ({"cancelCompletedDate": stamp(item["completed"])} if item["completed"] else {})


def _payments(order: Document) -> Document:
    payment: Document = {"paymentMethod": "EBAY", "amount": _amount(order, paid(order))}
    payment |= {"paymentStatus": "PAID", "paymentDate": stamp(order["created"])} if order["paid"] else {}
    whole = [_refund(order, item, with_state=True) for item in order["refunds"] if not item["line"]]
    return {"totalDueSeller": _amount(order, paid(order)), "payments": [payment], "refunds": whole}


def _refund(order: Document, item: Document, *, with_state: bool) -> Document:
    body: Document = {"refundId": item["id"], "amount": _amount(order, item["amount"])}
    if item["status"] == "REFUNDED":
        body |= {"refundDate": stamp(item["at"]), "refundReferenceId": f"R{item['id']}"}
    return body | ({"refundStatus": item["status"]} if with_state else {})


# Parcels


def parcels(call: Call) -> Response:
    order = find(call)
    found = [
        {
            "fulfillmentId": parcel["tracking"] or "999",
            "lineItems": [{"lineItemId": part["id"], "quantity": part["quantity"]} for part in parcel["lines"]],
            "shippedDate": parcel["at"],
        }
        | ({"shipmentTrackingNumber": parcel["tracking"]} if parcel["tracking"] else {})
        | ({"shippingCarrierCode": parcel["carrier"]} if parcel["carrier"] else {})
        for parcel in order["parcels"]
    ]
    return answer({"fulfillments": found, "total": len(found)})


def ship(call: Call) -> Response:
    order, given = find(call), call.body
    ids = [line.line_item_id for line in given.line_items]
    if len(set(ids)) < len(ids):
        raise Problem(400, 32210, "Duplicate line item in the request")
    if bool(given.tracking_number) != bool(given.shipping_carrier_code):
        raise Problem(400, 32300, "Invalid shipment tracking number or carrier")
    if given.tracking_number and not given.tracking_number.isalnum():
        raise Problem(400, 32300, "Invalid shipment tracking number or carrier")
    known = {line["id"]: line for line in order["lines"]}
    for part in given.line_items:
        line = known.get(part.line_item_id)
        if line is None:
            raise Problem(400, 32200, f"Invalid line item id: {part.line_item_id}")
        if shipped_units(order, line) + part.quantity > line["quantity"] or order["cancelled"]:
            raise Problem(400, 32600, "Invalid input data")
    lines = [{"id": part.line_item_id, "quantity": part.quantity} for part in given.line_items]
    at = given.shipped_date or stamp(call.market.now())
    parcel = {"tracking": given.tracking_number, "carrier": given.shipping_carrier_code, "at": at, "lines": lines}
    if call.faulty("not_applied") is None:
        call.market.touch(order, parcels=[*order["parcels"], parcel])
    return nothing(201, Location=f"{request.base_url}/{given.tracking_number or '999'}")


# Refunds


def refund(call: Call) -> Response:
    order, given = find(call), call.body
    if given.reason_for_refund not in REASONS:
        raise Problem(400, 34904, "The refund reason is not valid.")
    if not given.refund_items and given.order_level_refund_amount is None:
        raise Problem(400, 34905, "Either orderLevelRefundAmount or refundItems must be specified.")
    if any(
        back["order"] == order["id"] and back["status"] != "CLOSED" for back in call.market.docs.all("returns").values()
    ):
        raise Problem(400, 34916, "A post-transaction case exists on this order, seller refund can't be triggered.")
    if any(item["status"] == "PENDING" for item in order["refunds"]):
        raise Problem(400, 34922, "Refund can't be issued while previous refund is processing.")
    wanted = [(item.line_item_id, item.refund_amount) for item in given.refund_items]
    wanted += [("", given.order_level_refund_amount)] if given.order_level_refund_amount else []
    return answer({"refundId": pay_back(call.market, order, wanted), "refundStatus": "PENDING"})


def pay_back(market: Market, order: Document, wanted: list[tuple[str, Any]], *, at_once: bool = False) -> str:
    """The number of the refund. Raises Problem."""
    known = {line["id"] for line in order["lines"]}
    before = sum((Decimal(item["amount"]) for item in order["refunds"] if item["status"] != "FAILED"), Decimal(0))
    total = sum((Decimal(amount.value) for _, amount in wanted), Decimal(0))
    if any(line and line not in known for line, _ in wanted):
        raise Problem(400, 34914, "Can't find the item in the order.")
    if any(amount.currency != order["currency"] for _, amount in wanted):
        raise Problem(400, 34909, "The amount currency isn't correct.")
    if total <= 0 or before + total > due_seller(order):
        raise Problem(400, 34915, "The refund amount exceeds order amount.")
    for line in order["lines"]:
        mine = [item for item in order["refunds"] if item["line"] == line["id"] and item["status"] != "FAILED"]
        own = [Decimal(item["amount"]) for item in mine]
        own += [Decimal(amount.value) for key, amount in wanted if key == line["id"]]
        if sum(own, Decimal(0)) > line_total(line, with_taxes=False):
            raise Problem(409, 34924, "The item refund amount exceeds the item remaining amount.")
    key, due = str(market.docs.next_id("refund", 5000000001)), market.now() + market.options.refund_seconds
    made = [
        {"id": key, "line": line, "amount": amount.value, "status": "PENDING", "due": due} for line, amount in wanted
    ]
    if at_once:
        made = [item | {"status": "REFUNDED", "at": market.now()} for item in made]
    market.touch(order, refunds=[*order["refunds"], *made])
    market.schedule(due, "refund", order["id"])
    return key
