"""The other half of eBay as its descriptions have it: orders, shipments, refunds and requests to cancel.

Post-Order has no official description; of it stands here what eBay's pages say in words (approve, reject, cancel).
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from flask import Response, request

from tests.support.independent import Description, Json
from tests.support.independent_ebay import Listings, Refused, answer, stamp

DATE = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
SPAN = re.compile(rf"\[({DATE})\.\.({DATE})?\]")
COVERED = ["content-digest", "x-ebay-signature-key", "@method", "@path", "@authority"]
STATUSES = ("{NOT_STARTED|IN_PROGRESS}", "{FULFILLED|IN_PROGRESS}")


class Ebay(Listings):
    """``key``: with which refunds and answers to requests have to be signed."""

    def __init__(self, specs: Path, client: tuple[str, str], refresh_token: str, key: Ed25519PublicKey) -> None:
        super().__init__(specs, client, refresh_token)
        self.fulfillment = Description.of(specs / "sell_fulfillment_v1_oas3.json")
        self.key = key
        self.orders: dict[str, Json] = {}
        self.breakdown: dict[str, Json] = {}  # the same order with fieldGroups=TAX_BREAKDOWN
        self.parcels: dict[str, list[Json]] = {}
        self.answered: list[tuple[str, str]] = []  # requests to cancel, and how
        self.pages: list[int] = []
        self.after_a_page: Callable[[Ebay], None] = lambda _: None  # what happens while a list is being read
        self._refunds = itertools.count(5_000_001)

    def routes(self) -> list[tuple[str, str, Callable[..., Response]]]:
        order, cancel = "/sell/fulfillment/v1/order", "/post-order/v2/cancellation"
        return [
            *super().routes(),
            (order, "GET", self._list),
            (f"{order}/<order>", "GET", self._get),
            (f"{order}/<order>/shipping_fulfillment", "GET", self._shipments),
            (f"{order}/<order>/shipping_fulfillment", "POST", self._ship),
            (f"{order}/<order>/issue_refund", "POST", self._refund),
            ("/post-order/v2/return/search", "GET", lambda: answer({"members": [], "total": 0})),
            (cancel, "POST", self._cancel),
            (
                f"{cancel}/check_eligibility",
                "POST",
                lambda: answer({"eligible": True, "eligibilityStatus": "ELIGIBLE"}),
            ),
            (f"{cancel}/<request_id>/approve", "POST", lambda request_id: self._decide(request_id, "approve")),
            (f"{cancel}/<request_id>/reject", "POST", lambda request_id: self._decide(request_id, "reject")),
        ]

    # What buyers do.

    def sold(self, order: Json, *, with_taxes: Json | None = None) -> None:
        """``order`` as the description has it; what every order has is filled in."""
        faults = self._faults("Order", order)
        assert not faults, faults
        self.orders[order["orderId"]] = {
            "orderFulfillmentStatus": "NOT_STARTED",
            "orderPaymentStatus": "PAID",
            "fulfillmentHrefs": [],
            "cancelStatus": {"cancelState": "NONE_REQUESTED", "cancelRequests": []},
            **order,
        }
        if with_taxes:
            self.breakdown[order["orderId"]] = with_taxes
        for line in order["lineItems"]:
            for offer in self.offers.values():
                if line.get("legacyItemId") == offer.get("listing", {}).get("listingId"):
                    offer["availableQuantity"] -= line["quantity"]
                    offer["listing"]["soldQuantity"] += line["quantity"]

    def ask_to_cancel(self, order: str, number: str) -> None:
        asked = {
            "cancelRequestId": number,
            "cancelInitiator": "Buyer",
            "cancelReason": "BUYER_CANCEL_ORDER",
            "cancelRequestState": "REQUESTED",
            "cancelRequestedDate": stamp(datetime.now(UTC)),
        }
        self.orders[order]["cancelStatus"] = {"cancelState": "IN_PROGRESS", "cancelRequests": [asked]}
        self._touch(order)

    def settle_refunds(self, order: str) -> None:
        """What was asked for is paid."""
        for refund in self.orders[order]["paymentSummary"]["refunds"]:
            refund |= {"refundStatus": "REFUNDED", "refundDate": stamp(datetime.now(UTC))}
        self._touch(order)

    def _touch(self, order: str) -> None:
        self.orders[order]["lastModifiedDate"] = stamp(datetime.now(UTC))

    # Orders.

    def _list(self) -> Response:
        size, offset = request.args.get("limit", "50"), request.args.get("offset", "0")
        if not size.isdigit() or not 1 <= int(size) <= 200:
            raise Refused(400, 31100, f"Invalid limit: {size}")
        if not offset.isdigit():
            raise Refused(400, 31000, f"Invalid offset: {offset}")
        if ids := request.args.get("orderIds"):
            wanted = ids.split(",")
            if len(wanted) > 50:
                raise Refused(400, 30900, "Exceeded maximum number of order IDs")
            found = [self._whole(order) for order in wanted if order in self.orders]
            return answer({"href": request.url, "total": len(found), "limit": 50, "offset": 0, "orders": found})
        found = [self._whole(order["orderId"]) for order in self._filtered(request.args.get("filter", ""))]
        first, many = int(offset), int(size)
        body: Json = {"href": request.url, "total": len(found), "limit": many, "offset": first}
        if first + many < len(found):
            body["next"] = re.sub(r"&?(limit|offset)=\d+", "", request.url) + f"&limit={many}&offset={first + many}"
        page = found[first : first + many]
        self.pages.append(first)
        self.after_a_page(self)
        for order in page:
            order["cancelStatus"]["cancelRequests"] = []
            order.get("buyer", {}).pop("taxIdentifier", None)
        return answer(body | {"orders": page})

    def _filtered(self, words: str) -> list[Json]:
        found = sorted(self.orders.values(), key=lambda order: str(order["creationDate"]))
        filters = dict(part.partition(":")[::2] for part in re.split(r",(?=[a-z]+:)", words) if part)
        for name, value in filters.items():
            if name in ("creationdate", "lastmodifieddate"):
                if name == "lastmodifieddate" and "creationdate" in filters:
                    continue
                first, last = _span(value)
                field = "creationDate" if name == "creationdate" else "lastModifiedDate"
                found = [order for order in found if first <= order[field] and (not last or order[field] <= last)]
            elif name == "orderfulfillmentstatus":
                if value not in STATUSES:
                    raise Refused(400, 30800, f"Invalid filter value {value} for filter {name}")
                found = [order for order in found if order["orderFulfillmentStatus"] in value[1:-1].split("|")]
            else:
                raise Refused(400, 30700, f"Invalid filter name: {name}")
        return found

    def _known(self, order: str) -> Json:
        if order not in self.orders:
            raise Refused(404, 32100, f"Invalid order ID: {order}")
        return self.orders[order]

    def _whole(self, order: str) -> Json:
        groups = request.args.get("fieldGroups")
        if groups not in (None, "TAX_BREAKDOWN"):
            raise Refused(400, 32800, f"Invalid field group: {groups}")
        found = deepcopy(self._known(order))
        return found | deepcopy(self.breakdown.get(order, {})) if groups else found

    def _get(self, order: str) -> Response:
        return answer(self._whole(order))

    # Shipments.

    def _shipments(self, order: str) -> Response:
        self._known(order)
        parcels = self.parcels.get(order, [])
        return answer({"fulfillments": parcels, "total": len(parcels)})

    def _ship(self, order: str) -> Response:
        known, body = self._known(order), self._sent("ShippingFulfillmentDetails")
        tracking, carrier = body.get("trackingNumber"), body.get("shippingCarrierCode")
        if bool(tracking) != bool(carrier) or not re.fullmatch("[A-Za-z0-9]*", tracking or ""):
            raise Refused(400, 32300, "Invalid shipment tracking number or carrier")
        shipped = body.get("shippedDate") or stamp(datetime.now(UTC))
        if not re.fullmatch(DATE, shipped) or shipped > stamp(datetime.now(UTC)):
            raise Refused(400, 32500, "Invalid shipped date")
        lines = body.get("lineItems") or [
            {"lineItemId": line["lineItemId"], "quantity": line["quantity"]} for line in known["lineItems"]
        ]
        if len({line["lineItemId"] for line in lines}) < len(lines):
            raise Refused(400, 32210, "Duplicate line item in the request")
        for line in lines:
            if _left(known, self.parcels.get(order, []), line["lineItemId"]) < line.get("quantity", 1):
                raise Refused(400, 32200, f"Invalid line item id: {line['lineItemId']}")
        number = tracking or "999"
        parcel = {"fulfillmentId": number, "lineItems": lines, "shippedDate": shipped}
        parcel |= {"shipmentTrackingNumber": tracking, "shippingCarrierCode": carrier} if tracking else {}
        self.parcels.setdefault(order, []).append(parcel)
        self._mark_shipped(order, f"{request.base_url}/{number}")
        return answer({}, 201, Location=f"{request.base_url}/{number}")

    def _mark_shipped(self, order: str, href: str) -> None:
        known, parcels = self.orders[order], self.parcels[order]
        known["fulfillmentHrefs"].append(href)
        for line in known["lineItems"]:
            left = _left(known, parcels, line["lineItemId"])
            state = "FULFILLED" if not left else "NOT_STARTED" if left == line["quantity"] else "IN_PROGRESS"
            line["lineItemFulfillmentStatus"] = state
        done = all(line["lineItemFulfillmentStatus"] == "FULFILLED" for line in known["lineItems"])
        known["orderFulfillmentStatus"] = "FULFILLED" if done else "IN_PROGRESS"
        self._touch(order)

    def _faults(self, schema: str, value: Json) -> list[str]:
        return self.fulfillment.faults(self.fulfillment.spec["components"]["schemas"][schema], value)

    def _sent(self, schema: str) -> Json:
        body = request.get_json()
        if faults := self._faults(schema, body):
            raise Refused(400, 32600, f"Invalid input data {faults[0]}")
        return dict(body)

    # Money back.

    def _refund(self, order: str) -> Response:
        self._signed()
        known, body = self._known(order), self._sent("IssueRefundRequest")
        if not re.fullmatch("[A-Z_]+", body.get("reasonForRefund", "")):
            raise Refused(400, 34903, "The refund reason must be specified.")
        if len(body.get("comment", "")) > 100:
            raise Refused(400, 34921, "The comment exceeds the length limit")
        items, whole = body.get("refundItems"), body.get("orderLevelRefundAmount")
        if bool(items) == bool(whole):
            raise Refused(400, 34905, "Either orderLevelRefundAmount or refundItems must be specified.")
        summary = known["paymentSummary"]
        if any(item["refundStatus"] == "PENDING" for item in summary["refunds"]):
            raise Refused(400, 34922, "Refund can't be issued while previous refund is processing.")
        if self.held(order):
            raise Refused(400, 34916, "Order refund can't be issued while a return, a case or a dispute is open.")
        number = str(next(self._refunds))
        amounts = [(item["lineItemId"], _paid_back(item["refundAmount"], known)) for item in items or ()]
        total = sum((amount for _, amount in amounts), _paid_back(whole, known) if whole else Decimal(0))
        before = sum(Decimal(item["amount"]["value"]) for item in summary["refunds"])
        if before + total > Decimal(known["pricingSummary"]["total"]["value"]):
            raise Refused(400, 34915, "The refund amount exceeds order amount.")
        currency = known["pricingSummary"]["total"]["currency"]
        for line_id, amount in amounts:
            line = next((line for line in known["lineItems"] if line["lineItemId"] == line_id), None)
            if line is None:
                raise Refused(400, 34914, "Can't find the item in the order.")
            line.setdefault("refunds", []).append(
                {"refundId": number, "amount": {"value": str(amount), "currency": currency}}
            )
        summary["refunds"].append(
            {"refundId": number, "refundStatus": "PENDING", "amount": {"value": str(total), "currency": currency}}
        )
        left = Decimal(known["pricingSummary"]["total"]["value"]) - before - total
        known["orderPaymentStatus"] = "PARTIALLY_REFUNDED" if left else "FULLY_REFUNDED"
        self._touch(order)
        return answer({"refundId": number, "refundStatus": "PENDING"})

    def held(self, order: str) -> bool:
        """Whether its money can be paid back elsewhere only."""
        return False

    def _signed(self) -> None:
        """As eBay's page on digital signatures has it: RFC 9421 over these five, RFC 9530 for the body."""
        found = re.fullmatch(r"(\w+)=(\((.*?)\);created=\d+.*)", request.headers.get("Signature-Input", ""))
        digest = base64.b64encode(hashlib.sha256(request.data).digest()).decode()
        named = re.findall(r'"([^"]+)"', found[3]) if found else []
        wanted = COVERED if request.data else COVERED[1:]
        values = {
            "content-digest": f"sha-256=:{digest}:",
            "x-ebay-signature-key": request.headers.get("x-ebay-signature-key", ""),
            "@method": request.method,
            "@path": request.path,
            "@authority": request.host,
        }
        base = "\n".join(
            [f'"{name}": {values[name]}' for name in wanted] + [f'"@signature-params": {found[2] if found else ""}']
        )
        given = re.fullmatch(r"\w+=:(.*):", request.headers.get("Signature", ""))
        try:
            if not (given and named == wanted):
                raise ValueError(named)
            self.key.verify(base64.b64decode(given[1]), base.encode())
        except (ValueError, InvalidSignature) as error:
            raise Refused(400, 215002, "Signature validation failed to fulfill the request.") from error

    # Cancelling.

    def _cancel(self) -> Response:
        body = request.get_json()
        known = self.orders.get(body.get("legacyOrderId", ""))
        if known is None or body.get("cancelReason") not in (
            "OUT_OF_STOCK_OR_CANNOT_FULFILL",
            "BUYER_ASKED_CANCEL",
            "ADDRESS_ISSUES",
        ):
            return answer({"error": [{"errorId": 1616, "message": "Invalid input"}]}, 400)
        self._cancelled(known["orderId"])
        return answer({"cancelId": "7001"}, 201)

    def _decide(self, request_id: str, how: str) -> Response:
        if how == "approve":
            self._signed()
        for number, order in self.orders.items():
            for asked in order["cancelStatus"]["cancelRequests"]:
                if asked["cancelRequestId"] == request_id and asked["cancelRequestState"] == "REQUESTED":
                    self.answered.append((request_id, how))
                    asked["cancelRequestState"] = "COMPLETED" if how == "approve" else "REJECTED"
                    if how == "approve":
                        self._cancelled(number)
                    else:
                        order["cancelStatus"]["cancelState"] = "NONE_REQUESTED"
                        self._touch(number)
                    return Response(b"", 200)
        return answer({"error": [{"errorId": 1510, "message": "Cancellation not found"}]}, 404)

    def _cancelled(self, order: str) -> None:
        status = self.orders[order]["cancelStatus"]
        status |= {"cancelState": "CANCELED", "cancelledDate": stamp(datetime.now(UTC))}
        self._touch(order)


def _span(value: str) -> tuple[str, str]:
    found = SPAN.fullmatch(value)
    if not found:
        raise Refused(400, 30810, "Invalid date format")
    now = datetime.now(UTC)
    first, last = found[1], found[2] or ""
    if max(first, last) > stamp(now + timedelta(seconds=1)):
        raise Refused(400, 30850, "Start and end dates can't be in the future")
    if first < stamp(now - timedelta(days=730)):
        raise Refused(400, 30830, "Time range between start date and end date must be within '2' years.")
    if last and first > last:
        raise Refused(400, 30840, "Start date should be before end date")
    return first, last


def _left(order: Json, parcels: list[Json], line_id: str) -> int:
    bought = next((int(line["quantity"]) for line in order["lineItems"] if line["lineItemId"] == line_id), 0)
    sent = (line for parcel in parcels for line in parcel["lineItems"] if line["lineItemId"] == line_id)
    return bought - sum(int(line.get("quantity", 1)) for line in sent)


def _paid_back(amount: Any, order: Json) -> Decimal:
    if not amount or not amount.get("value"):
        raise Refused(400, 34906, "The amount value must be specified.")
    if amount.get("currency") != order["pricingSummary"]["total"]["currency"]:
        raise Refused(400, 34909, "The amount currency isn't correct.")
    if not re.fullmatch(r"\d+(\.\d\d?)?", amount["value"]) or not Decimal(amount["value"]):
        raise Refused(400, 34907, "The amount value must be positive and within two decimals.")
    return Decimal(amount["value"])
