"""Refunds of payments, claims for commission, and customer returns."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from flask import Response, request

from channel_adapters.allegro.sandbox.market import Call, Document, Market, new_id, stamp
from channel_adapters.allegro.sandbox.protocol import BETA, Problem, answer, invalid, moment, not_found, number, page

REASONS = (
    "REFUND",
    "COMPLAINT",
    "PRODUCT_NOT_AVAILABLE",
    "PAID_VALUE_TOO_LOW",
    "OVERPAID",
    "CANCELLED_BY_BUYER",
    "NOT_COLLECTED",
)
REJECTIONS = (
    "REFUND_REJECTED",
    "NEW_ITEM_SENT",
    "ITEM_FIXED",
    "MISSING_PART_SENT",
    "ITEM_MISMATCH",
    "BUSINESS_PURCHASE",
    "NO_RETURN_RIGHT",
)


def refund(call: Call) -> Response:
    """The same command gives the same refund."""
    market, body = call.market, call.body
    command = body.get("commandId") or new_id()
    known = next((item for item in market.docs.all("refunds").values() if item["command"] == command), None)
    if known is not None:
        return answer(_refund(known))
    order = market.docs.get("orders", (body.get("order") or {}).get("id", ""))
    if order is None or order["payment"]["id"] != (body.get("payment") or {}).get("id"):
        raise not_found("Payment")
    if order["payment"]["type"] == "CASH_ON_DELIVERY" or order["status"] in ("BOUGHT", "FILLED_IN"):
        raise invalid("payment", "The payment cannot be refunded")
    if body.get("reason") not in REASONS:
        raise invalid("reason", f"{body.get('reason')} is no reason")
    amount = _value(market, order, body)
    made: Document = {"id": new_id(), "command": command, "order": order["id"], "payment": order["payment"]["id"]}
    made |= {"reason": body["reason"], "status": "IN_PROGRESS", "created": market.now(), "total": amount}
    made |= {name: body.get(name) or [] for name in ("lineItems", "deposits")}
    made |= {name: body.get(name) for name in ("delivery", "additionalServices")}
    if call.faulty("not_applied") is None:
        market.docs.put("refunds", made["id"], made)
        market.schedule(market.now() + market.options.refund_seconds, "refund", made["id"])
        market.settle()
    return answer(_refund(made))


def _value(market: Market, order: Document, body: Document) -> Document:
    """What is to be paid back; more than was paid is refused."""
    lines, amount = {line["id"]: line for line in order["lines"]}, Decimal(0)
    for place, item in enumerate(body.get("lineItems") or []):
        line, path = lines.get(item.get("id")), f"lineItems[{place}]"
        if line is None:
            raise invalid(f"{path}.id", "The line does not belong to the order")
        if item.get("type") == "QUANTITY":
            units = item.get("quantity")
            if not isinstance(units, int) or not 1 <= units <= line["quantity"] - refunded_units(market, line["id"]):
                raise invalid(f"{path}.quantity", "That many units cannot be refunded")
            amount += units * Decimal(line["price"]["amount"])
        else:
            part = _money(item.get("value"), order, f"{path}.value")
            if part > Decimal(line["price"]["amount"]) * line["quantity"] - _paid_of(market, line):
                raise invalid(f"{path}.value", "That is more than was paid for the goods")
            amount += part
    amount += _beside(market, order, lines, body)
    if body.get("delivery"):
        amount += _money(body["delivery"].get("value"), order, "delivery.value")
    if amount <= 0:
        raise invalid("lineItems", "Nothing is to be refunded")
    return {"amount": str(amount), "currency": order["currency"]}


def _paid_of(market: Market, line: Document) -> Decimal:
    """What was paid back of the goods of a line."""
    found = [
        item for made in market.docs.all("refunds").values() for item in made["lineItems"] if item["id"] == line["id"]
    ]
    each = Decimal(line["price"]["amount"])
    parts = (
        item["quantity"] * each if item["type"] == "QUANTITY" else Decimal(item["value"]["amount"]) for item in found
    )
    return sum(parts, Decimal(0))


def _beside(market: Market, order: Document, lines: dict[str, Document], body: Document) -> Decimal:
    """Deposits on packaging, and services: each no more than was paid for it."""
    before = [made for made in market.docs.all("refunds").values() if made["order"] == order["id"]]
    amount = Decimal(0)
    for place, item in enumerate(body.get("deposits") or []):
        line, part = lines.get(item.get("lineItemId")), _money(item.get("totalValue"), order, f"deposits[{place}]")
        gone = [other for made in before for other in made["deposits"] if other["lineItemId"] == item["lineItemId"]]
        paid_ = Decimal(line["deposit"]["price"]["amount"]) * line["quantity"] if line and "deposit" in line else 0
        if part > paid_ - sum(Decimal(other["totalValue"]["amount"]) for other in gone):
            raise invalid(f"deposits[{place}]", "That is more than was paid as a deposit")
        amount += part
    if body.get("additionalServices"):
        part = _money(body["additionalServices"].get("value"), order, "additionalServices.value")
        bought = [item for line in lines.values() for item in line["selectedAdditionalServices"]]
        left = sum(Decimal(item["price"]["amount"]) * item["quantity"] for item in bought)
        gone = [made["additionalServices"]["value"] for made in before if made["additionalServices"]]
        if part > left - sum(Decimal(item["amount"]) for item in gone):
            raise invalid("additionalServices.value", "That is more than was paid for services")
        amount += part
    return amount


def _money(value: Any, order: Document, path: str) -> Decimal:
    try:
        amount = Decimal(value["amount"])
    except (TypeError, KeyError, InvalidOperation):
        raise invalid(path, "an amount is expected") from None
    if value.get("currency") != order["currency"] or amount <= 0:
        raise invalid(path, f"an amount in {order['currency']} is expected")
    return amount


def refunded_units(market: Market, line_id: str, reasons: tuple[str, ...] = REASONS) -> int:
    return sum(
        item["quantity"]
        for made in market.docs.all("refunds").values()
        if made["reason"] in reasons
        for item in made["lineItems"]
        if item["id"] == line_id and item["type"] == "QUANTITY"
    )


def paid(market: Market, key: str) -> None:
    """The money is there; a return whose goods were paid back is finished."""
    made = market.docs.all("refunds")[key]
    market.docs.put("refunds", key, made | {"status": "SUCCESS"})
    for back in market.docs.all("returns").values():
        if back["order"] == made["order"] and made["reason"] in ("REFUND", "COMPLAINT"):
            market.docs.put("returns", back["id"], back | {"status": "FINISHED"})


def pending(market: Market) -> None:
    for key, made in market.docs.all("refunds").items():
        if made["status"] == "IN_PROGRESS":
            market.schedule(made["created"] + market.options.refund_seconds, "refund", key)


def _refund(made: Document) -> Document:
    body: Document = {"id": made["id"], "payment": {"id": made["payment"]}, "order": {"id": made["order"]}}
    body |= {"reason": made["reason"], "status": made["status"], "createdAt": stamp(made["created"])}
    body |= {"totalValue": made["total"], "lineItems": made["lineItems"]}
    more = {name: made[name] for name in ("delivery", "deposits", "additionalServices") if made.get(name)}
    return body | more


def refunds(call: Call) -> Response:
    if not call.market.options.payments_allowed:
        raise Problem(403, "AccessDenied", "The scope allegro:api:payments:read is missing")
    args = request.args
    found = [
        made
        for made in call.market.docs.all("refunds").values()
        if args.get("id") in (None, made["id"])
        and args.get("order.id") in (None, made["order"])
        and args.get("payment.id") in (None, made["payment"])
    ]
    part = page(call, found, most=100, default=50)
    return answer({"refunds": [_refund(made) for made in part], "count": len(part), "totalCount": len(found)})


# Commission


def claim(call: Call) -> Response:
    line_id, units = (call.body.get("lineItem") or {}).get("id"), call.body.get("quantity")
    lines = [line for order in call.market.docs.all("orders").values() for line in order["lines"]]
    line = next((line for line in lines if line["id"] == line_id), None)
    if line is None or not isinstance(units, int) or not 1 <= units <= line["quantity"]:
        raise invalid("lineItem", "The purchase does not exist, or has not that many units")
    made = {"id": new_id(), "line": line, "quantity": units, "created": call.market.now()}
    call.market.docs.put("claims", made["id"], made)
    return answer({"id": made["id"]}, 201)


def claims(call: Call) -> Response:
    wanted = request.args.get("lineItem.offer.id")
    found = [made for made in call.market.docs.all("claims").values() if wanted in (None, made["line"]["offer"]["id"])]
    part = page(call, found, most=100, default=25)
    return answer({"refundClaims": [_claim(made) for made in part], "count": len(part)})


def _claim(made: Document) -> Document:
    line = made["line"]
    about = {"id": line["id"], "quantity": line["quantity"], "boughtAt": line["boughtAt"]}
    body: Document = {"id": made["id"], "status": "IN_PROGRESS", "quantity": made["quantity"], "type": "MANUAL"}
    body |= {"commission": {"amount": 1.23, "currency": "PLN"}, "buyer": {"id": "5000"}}
    return body | {"createdAt": stamp(made["created"]), "lineItem": about | {"offer": {"id": line["offer"]["id"]}}}


# Returns


def add_return(market: Market, order: Document, items: list[Document], status: str) -> Document:
    back: Document = {"id": new_id(), "order": order["id"], "created": market.now(), "status": status}
    back |= {"items": items, "buyer": order["buyer"], "marketplace": order["marketplace"], "rejection": None}
    market.docs.put("returns", back["id"], back)
    return back


def returns(call: Call) -> Response:
    since, wanted = moment("createdAt.gte"), request.args.get("status")
    number("limit", 100, 1, 1000)
    found = [
        back
        for back in call.market.docs.all("returns").values()
        if (since is None or back["created"] >= since) and wanted in (None, back["status"])
        if request.args.get("orderId") in (None, back["order"])
    ]
    found.sort(key=lambda back: back["created"], reverse=True)
    part = page(call, found, most=1000, default=100)
    return answer({"count": len(found), "customerReturns": [shown(back) for back in part]}, media=BETA)


def _find(call: Call) -> Document:
    back: Document | None = call.market.docs.get("returns", call.path["return_id"])
    if back is None:
        raise not_found("Customer return")
    return back


def customer_return(call: Call) -> Response:
    return answer(shown(_find(call)), media=BETA)


def shown(back: Document) -> Document:
    parcel: Document = {"createdAt": stamp(back["created"]), "waybill": "R0001", "carrierId": "INPOST"}
    parcel |= {"transportingWaybill": None, "transportingCarrierId": None}
    body: Document = {"id": back["id"], "isFulfillment": False, "createdAt": stamp(back["created"])}
    body |= {"referenceNumber": f"{back['id'][:4].upper()}/2026", "orderId": back["order"], "items": back["items"]}
    body |= {"buyer": {"email": back["buyer"]["email"], "login": back["buyer"]["login"]}, "status": back["status"]}
    body |= {"parcels": [parcel], "marketplaceId": back["marketplace"]}
    return body | ({"rejection": back["rejection"]} if back["rejection"] else {})


def reject(call: Call) -> Response:
    back, given = _find(call), call.body.get("rejection") or {}
    if given.get("code") not in REJECTIONS or len(given.get("reason") or "") > 250:
        raise Problem(400, "VALIDATION_ERROR", "The rejection is not valid", "rejection")
    if given["code"] == "REFUND_REJECTED" and not given.get("reason"):
        raise Problem(400, "VALIDATION_ERROR", "A reason is required", "rejection.reason")
    if back["rejection"] is not None or back["status"] == "FINISHED":
        raise invalid("rejection", "The return is decided already")
    if call.faulty("not_applied") is None:
        rejection = {"code": given["code"], "reason": given.get("reason", ""), "createdAt": stamp(call.market.now())}
        back |= {"rejection": rejection, "status": "REJECTED"}
        call.market.docs.put("returns", back["id"], back)
    return answer(shown(back), media=BETA)
