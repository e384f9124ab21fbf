"""The independent eBay's returns: the Post-Order API 2.8 as its reference describes it (developer.ebay.com/devzone/post-order).

One return is of one line item. It is asked for, approved or declined, sent, delivered, and ends with a refund, which sellers of
the EU sign. Amounts are numbers. Which numbers its errors have is not written down: what is refused is refused with 400.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from flask import Response, request

from tests.support.independent import Json
from tests.support.independent_ebay import answer, stamp
from tests.support.independent_ebay_ground import Ground

FILTERS = {"creation_date_range_from", "creation_date_range_to", "item_id", "limit", "offset", "order_id", "return_id",
           "return_state", "role", "sort", "states", "transaction_id"}  # fmt: skip
DECISIONS = {"APPROVE", "DECLINE", "OFFER_PARTIAL_REFUND", "PROVIDE_RMA"}
FEES = {"PURCHASE_PRICE", "ORIGINAL_SHIPPING", "RESTOCKING_FEE", "OTHER"}
OVER = {"CLOSED"}
OPTIONS = {
    "RETURN_REQUESTED": ("SELLER_APPROVE_REQUEST", "SELLER_DECLINE_REQUEST", "SELLER_ISSUE_REFUND"),
    "READY_FOR_SHIPPING": ("SELLER_ISSUE_REFUND",),
    "ITEM_SHIPPED": ("SELLER_MARK_AS_RECEIVED", "SELLER_ISSUE_REFUND"),
    "ITEM_DELIVERED": ("SELLER_ISSUE_REFUND",),
}
MOST = 200


def _in_state(one: Json, wanted: str) -> bool:
    if wanted.startswith("ALL_OPEN") or wanted == "CLOSED":
        return (one["state"] in OVER) == (wanted == "CLOSED")
    return bool(one["state"] == wanted)


FITTING: dict[str, Callable[[Json, str], bool]] = {
    "return_state": _in_state,
    "states": lambda one, value: one["state"] in value.split(","),
    "order_id": lambda one, value: bool(one["orderId"] == value),
    "return_id": lambda one, value: bool(one["returnId"] == value),
    "item_id": lambda one, value: bool(one["creationInfo"]["item"]["itemId"] == value),
    "transaction_id": lambda one, value: bool(one["creationInfo"]["item"]["transactionId"] == value),
    "creation_date_range_from": lambda one, value: bool(one["creationInfo"]["creationDate"]["value"] >= value),
    "creation_date_range_to": lambda one, value: bool(one["creationInfo"]["creationDate"]["value"] <= value),
}


class Wrong(Exception):
    """Refused, in the words of this older API."""


class Returning(Ground):
    """``returns``: by number, in the fields of ReturnSummaryType. ``refunds``: what was paid for each."""

    def __init__(self, specs: Path, client: tuple[str, str], refresh_token: str, key: Ed25519PublicKey) -> None:
        super().__init__(specs, client, refresh_token, key)
        self.returns: dict[str, Json] = {}
        self.refunds: dict[str, list[Json]] = {}
        self.said: list[tuple[str, Json]] = []
        self.pending = False  # refunds that take a while
        self._returned = itertools.count(5_100_000_001)

    def routes(self) -> list[tuple[str, str, Callable[..., Response]]]:
        base = "/post-order/v2/return"
        kept = [route for route in super().routes() if route[0] != f"{base}/search"]
        return [
            *kept,
            (f"{base}/search", "GET", lambda: self._guarded(self._search_returns)),
            (f"{base}/<key>", "GET", lambda key: self._guarded(lambda: self._return_of(key))),
            (f"{base}/<key>/decide", "POST", lambda key: self._guarded(lambda: self._decide_return(key))),
            (f"{base}/<key>/mark_as_received", "POST", lambda key: self._guarded(lambda: self._received(key))),
            (f"{base}/<key>/issue_refund", "POST", lambda key: self._guarded(lambda: self._pay_back(key))),
        ]

    def _guarded(self, act: Callable[[], Response]) -> Response:
        try:
            return act()
        except Wrong as wrong:
            error = {"errorId": 1622, "domain": "returnErrorDomain", "severity": "ERROR", "category": "REQUEST"}
            message = {"message": str(wrong), "parameter": []}
            return answer({"error": [error | message]}, 404 if "not found" in str(wrong) else 400)

    # What buyers do.

    def asks_back(
        self, order: str, line: Json, quantity: int = 1, *, ago: timedelta = timedelta(0), **more: str
    ) -> str:
        """``line`` of the order as it was sold; legacyItemId and transaction tell it."""
        key, moment = str(next(self._returned)), datetime.now(UTC) - ago
        item = {"itemId": line["legacyItemId"], "transactionId": line["lineItemId"], "returnQuantity": quantity}
        created: Json = {"item": item, "type": "MONEY_BACK", "reason": "WRONG_SIZE", "reasonType": "REMORSE"}
        created |= {"creationDate": {"value": stamp(moment)}, "comments": {"content": "Zu klein", "language": "de_DE"}}
        worth = float(Decimal(line["total"]["value"]) / line["quantity"] * quantity)
        self.returns[key] = {
            "returnId": key,
            "buyerLoginName": "mara",
            "sellerLoginName": "seller",
            "currentType": "MONEY_BACK",
            "state": "RETURN_REQUESTED",
            "status": "RETURN_REQUESTED",
            "orderId": order,
            "creationInfo": created | more,
            "sellerTotalRefund": {"estimatedRefundAmount": {"value": worth, "currency": "EUR"}},
            "sellerResponseDue": {
                "activityDue": "SELLER_APPROVE_REQUEST",
                "respondByDate": {"value": stamp(moment + timedelta(days=3))},
            },
        }
        return key

    def moves_on(self, key: str, state: str) -> None:
        self.returns[key] |= {"state": state, "status": state}

    def held(self, order: str) -> bool:
        """Of the line that comes back: another line of the order is free."""
        body = request.get_json()
        back = {one["creationInfo"]["item"]["transactionId"] for one in self.returns.values()
                if one["orderId"] == order and one["state"] not in OVER}  # fmt: skip
        named = {item["lineItemId"] for item in body.get("refundItems") or ()}
        return bool(back & named if named else back)

    # The API.

    def _summary(self, key: str) -> Json:
        found = self.returns[key]
        options = [{"actionType": name} for name in OPTIONS.get(found["state"], ())]
        return found | {"sellerAvailableOptions": options}

    def _known_return(self, key: str) -> Json:
        if key not in self.returns:
            raise Wrong(f"return {key} not found")
        return self.returns[key]

    def _search_returns(self) -> Response:
        """``offset`` is how many returns are passed over; the newest first, unless asked otherwise."""
        given = request.args
        if unknown := set(given) - FILTERS:
            raise Wrong(f"unknown parameters {unknown}")
        limit, offset = int(given.get("limit", "25")), int(given.get("offset", "0"))
        if not 1 <= limit <= MOST or offset < 0:
            raise Wrong(f"limit {limit}, offset {offset}")
        if given.get("creation_date_range_from", "9") < stamp(datetime.now(UTC) - timedelta(days=550)):
            raise Wrong("more than 18 months in the past")
        found = [self._summary(key) for key in self.returns]
        for name, value in given.items():
            fits = FITTING.get(name)
            found = [one for one in found if fits is None or fits(one, value)]
        newest = not given.get("sort", "-FILING_DATE").lstrip(" ").startswith(("+", "FILING"))
        found.sort(key=lambda one: str(one["creationInfo"]["creationDate"]["value"]), reverse=newest)
        page = found[offset : offset + limit]
        pages = -(-len(found) // limit)
        told = {"limit": limit, "offset": offset, "totalEntries": len(found), "totalPages": pages}
        return answer({"members": page, "total": len(page), "paginationOutput": told})

    def _return_of(self, key: str) -> Response:
        self._known_return(key)
        return answer({"summary": self._summary(key), "detail": {}})

    def _commented(self, allowed: set[str]) -> Json:
        body: Json = request.get_json()
        if unknown := set(body) - allowed - {"comments"}:
            raise Wrong(f"unknown fields {unknown}")
        comments = body.get("comments")
        if comments is not None and not (isinstance(comments, dict) and isinstance(comments.get("content"), str)):
            raise Wrong("comments is a Text with content")
        return body

    def _decide_return(self, key: str) -> Response:
        found, body = self._known_return(key), self._commented({"decision", "RMANumber", "partialRefundAmount"})
        if body.get("decision") not in DECISIONS:
            raise Wrong(f"decision {body.get('decision')}")
        if found["state"] != "RETURN_REQUESTED":
            raise Wrong(f"the return is {found['state']}")
        self.said.append((key, body))
        self.moves_on(key, "READY_FOR_SHIPPING" if body["decision"] == "APPROVE" else "CLOSED")
        return answer({"refundStatus": "OTHER"})

    def _received(self, key: str) -> Response:
        found = self._known_return(key)
        self._commented(set())
        if found["state"] != "ITEM_SHIPPED":
            raise Wrong(f"the return is {found['state']}")
        self.moves_on(key, "ITEM_DELIVERED")
        return Response(b"", 200)

    def _pay_back(self, key: str) -> Response:
        """Amounts are numbers; the parts make the total; not more than was paid."""
        self._signed()
        found, body = self._known_return(key), self._commented({"refundDetail"})
        if found["state"] in OVER:
            raise Wrong("the return is closed")
        detail = body.get("refundDetail") or {}
        parts, total = detail.get("itemizedRefundDetail"), detail.get("totalAmount") or {}
        if not isinstance(parts, list) or not parts or set(detail) - {"itemizedRefundDetail", "totalAmount"}:
            raise Wrong("refundDetail")
        amounts = []
        for part in parts:
            amount = part.get("refundAmount") or {}
            if part.get("refundFeeType") not in FEES or not isinstance(amount.get("value"), (int, float)):
                raise Wrong(f"itemizedRefundDetail {part}")
            amounts.append(Decimal(str(amount["value"])))
        if len({part["refundFeeType"] for part in parts}) < len(parts) or min(amounts) <= 0:
            raise Wrong("one part for each type of refund")
        if Decimal(str(total.get("value"))) != sum(amounts) or total.get("currency") != "EUR":
            raise Wrong("the parts are not the total")
        self.refunds.setdefault(key, []).append(body)
        state = "PENDING" if self.pending else "SUCCESS"
        if not self.pending:
            self.returns[key]["sellerTotalRefund"]["actualRefundAmount"] = total
            self.moves_on(key, "CLOSED")
        return answer({"refundStatus": state})
