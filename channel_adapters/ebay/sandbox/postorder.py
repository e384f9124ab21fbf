"""The Post-Order API: cancellations and returns, as developer.ebay.com/devzone/post-order describes them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

from flask import Response, request
from pydantic import Field

from channel_adapters.ebay.sandbox import orders
from channel_adapters.ebay.sandbox.market import DAY, Call, Document, Market, stamp
from channel_adapters.ebay.sandbox.protocol import OldProblem, Strict, answer, nothing


class Moment(Strict):
    value: str


class Cancellation(Strict):
    legacy_order_id: str
    cancel_reason: Literal["OUT_OF_STOCK_OR_CANNOT_FULFILL", "BUYER_ASKED_CANCEL", "ADDRESS_ISSUES", "ORDER_UNPAID"]
    buyer_paid: bool | None = None
    buyer_paid_date: Moment | None = None


class Rejection(Strict):
    shipment_date: Moment | None = None
    tracking_number: str | None = None


class Words(Strict):
    content: str
    language: str | None = None


class Decision(Strict):
    decision: Literal["APPROVE", "DECLINE", "OFFER_PARTIAL_REFUND", "OFFER_RETURN", "PROVIDE_RMA"]
    comments: Words | None = None
    keep_original_item: bool = False


class Received(Strict):
    comments: Words | None = None


class Number(Strict):
    value: Decimal
    currency: str


class Part(Strict):
    refund_amount: Number
    refund_fee_type: Literal["PURCHASE_PRICE", "ORIGINAL_SHIPPING", "OTHER"]


class Detail(Strict):
    itemized_refund_detail: list[Part] = Field(min_length=1)
    total_amount: Number


class ReturnRefund(Strict):
    refund_detail: Detail
    comments: Words | None = None


# Cancellations


def new_cancel(market: Market, order: Document, state: str, reason: str, *, by_seller: bool) -> Document:
    now = market.now()
    cancel: Document = {"id": str(market.docs.next_id("cancel", 5000212001)), "order": order["id"], "state": state}
    cancel |= {"reason": reason, "by_seller": by_seller, "at": now, "completed": None, "due": 0.0}
    market.put("cancels", cancel["id"], cancel)
    market.touch(order)
    return cancel


def create(call: Call) -> Response:
    market, given = call.market, call.body
    order = market.docs.get("orders", given.legacy_order_id)
    if order is None:
        raise OldProblem(404, 1642, "Order not found.")
    why = "CANCELLATION_EXIST" if market.cancels_of(order["id"]) else ""
    why = "LINEITEM_SHIPPED" if order["parcels"] else why
    if why:
        result = {"eligible": False, "failureReason": why, "legacyOrderId": order["id"]}
        return answer({"orderEligibilityResult": result})
    if call.faulty("not_applied") is not None:
        return answer({"cancelId": "1"})
    cancel = new_cancel(market, order, "PENDING", given.cancel_reason, by_seller=True)
    market.cancel_soon(cancel)
    return answer({"cancelId": cancel["id"]})


def _waiting(call: Call) -> Document:
    cancel: Document | None = call.market.docs.get("cancels", call.path["cancel_id"])
    if cancel is None:
        raise OldProblem(404, 1613, "The cancel request could not be found.")
    if cancel["state"] != "REQUESTED":
        raise OldProblem(409, 1651, f"The cancel request is {cancel['state']}.")
    return cancel


def approve(call: Call) -> Response:
    cancel = _waiting(call)
    if call.faulty("not_applied") is None:
        call.market.cancel_soon(cancel)
    return nothing(200)


def reject(call: Call) -> Response:
    cancel = _waiting(call)
    if call.faulty("not_applied") is None:
        cancel |= {"state": "REJECTED", "completed": call.market.now()}
        call.market.put("cancels", cancel["id"], cancel)
        call.market.touch(call.market.docs.all("orders")[cancel["order"]])
    return nothing(200)


# Returns


def new_return(market: Market, order: Document, line: Document, quantity: int, **given: Any) -> Document:
    key = str(market.docs.next_id("return", 5000310001))
    back: Document = {"id": key, "order": order["id"], "line": line["id"], "quantity": quantity, "at": market.now()}
    back |= {"status": "RETURN_REQUESTED", "reason": "NO_LONGER_NEED_ITEM", "comment": "", "decision": None} | given
    market.put("returns", key, back)
    return back


def search(call: Call) -> Response:
    if request.args.get("role", "SELLER") != "SELLER":
        raise OldProblem(400, 1609, "The role is not valid.")
    since, limit = request.args.get("creation_date_range_from", ""), int(request.args.get("limit", 25))
    wanted = request.args.get("order_id")
    found = [
        back
        for back in sorted(call.market.docs.all("returns").values(), key=lambda back: back["at"])
        if wanted in (None, back["order"]) and stamp(back["at"]) >= since
    ]
    found = [] if call.faulty("empty_list") is not None else found
    here = found if call.faulty("stuck_cursor") is not None else found[: min(limit, 200)]
    pages = {"offset": 0, "limit": limit, "totalPages": -(-len(found) // limit), "totalEntries": len(found)}
    return answer(
        {"members": [shown(call.market, back) for back in here], "total": len(here), "paginationOutput": pages}
    )


def shown(market: Market, back: Document) -> Document:
    order = market.docs.all("orders")[back["order"]]
    line = next(line for line in order["lines"] if line["id"] == back["line"])
    item = {"itemId": line["listing"], "transactionId": line["id"], "returnQuantity": back["quantity"]}
    about: Document = {"item": item, "type": "MONEY_BACK", "reason": back["reason"], "reasonType": "REMORSE"}
    about |= {"creationDate": _moment(back["at"])} | (
        {"comments": {"content": back["comment"]}} if back["comment"] else {}
    )
    body: Document = {
        "returnId": back["id"],
        "orderId": back["order"],
        "state": back["status"],
        "status": back["status"],
    }
    body |= {"buyerLoginName": order["buyer"]["username"], "currentType": "MONEY_BACK", "creationInfo": about}
    if back["status"] != "CLOSED":
        body["sellerResponseDue"] = {"activityDue": "SELLER_RESPONSE", "respondByDate": _moment(back["at"] + 3 * DAY)}
    return body | {"sellerAvailableOptions": [{"actionType": option} for option in options(back)]}


def _moment(at: float) -> Document:
    return {"value": stamp(at), "formattedValue": stamp(at)}


def options(back: Document) -> tuple[str, ...]:
    return {
        "RETURN_REQUESTED": ("SELLER_APPROVE_REQUEST", "SELLER_DECLINE_REQUEST", "SELLER_ISSUE_REFUND"),
        "READY_FOR_SHIPPING": ("SELLER_ISSUE_REFUND", "SELLER_MARK_AS_RECEIVED"),
        "ITEM_SHIPPED": ("SELLER_ISSUE_REFUND", "SELLER_MARK_AS_RECEIVED"),
        "ITEM_DELIVERED": ("SELLER_ISSUE_REFUND",),
    }.get(back["status"], ())


def _find(call: Call) -> Document:
    back: Document | None = call.market.docs.get("returns", call.path["return_id"])
    if back is None:
        raise OldProblem(404, 1101, "The return could not be found.")
    return back


def get(call: Call) -> Response:
    """Without a field group only the detail is told, and no summary."""
    summary = shown(call.market, _find(call))
    return answer({"summary": summary} if request.args.get("fieldgroups") == "SUMMARY" else {"detail": {}})


def decide(call: Call) -> Response:
    back, word = _find(call), call.body.decision
    needed = "SELLER_APPROVE_REQUEST" if word == "APPROVE" else "SELLER_DECLINE_REQUEST"
    if word not in ("APPROVE", "DECLINE") or needed not in options(back):
        raise OldProblem(400, 1115, f"{word} is not possible for this return.")
    _change(call, back, status="READY_FOR_SHIPPING" if word == "APPROVE" else "CLOSED", decision=word)
    return nothing(200)


def receive(call: Call) -> Response:
    back = _find(call)
    if "SELLER_MARK_AS_RECEIVED" not in options(back):
        raise OldProblem(400, 1116, "The item cannot be marked as received.")
    _change(call, back, status="ITEM_DELIVERED")
    return nothing(200)


def _change(call: Call, back: Document, **changes: Any) -> None:
    if call.faulty("not_applied") is None:
        back |= changes
        call.market.put("returns", back["id"], back)


def refund(call: Call) -> Response:
    back, detail = _find(call), call.body.refund_detail
    if "SELLER_ISSUE_REFUND" not in options(back):
        raise OldProblem(400, 1117, "No refund is possible for this return.")
    kinds = [part.refund_fee_type for part in detail.itemized_refund_detail]
    if len(set(kinds)) < len(kinds):
        raise OldProblem(400, 1118, "Each type of refund has one part.")
    parts = sum((part.refund_amount.value for part in detail.itemized_refund_detail), Decimal(0))
    if parts != detail.total_amount.value:
        raise OldProblem(400, 1118, "The parts of the refund do not add up.")
    amount = orders.Amount(value=str(parts), currency=detail.total_amount.currency)
    order = call.market.docs.all("orders")[back["order"]]
    if call.faulty("not_applied") is None:
        orders.pay_back(call.market, order, [(back["line"], amount)], at_once=True)
    _change(call, back, status="CLOSED")
    return answer({"refundStatus": "SUCCESS"})
