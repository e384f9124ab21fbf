"""Checkout forms, the journal of their events, parcels, and the seller's own status."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from flask import Response, request

from channel_adapters.allegro.sandbox.account import CARRIERS, USER_ID
from channel_adapters.allegro.sandbox.market import DAY, Call, Document, Market, new_id, stamp
from channel_adapters.allegro.sandbox.protocol import (
    Problem,
    answer,
    invalid,
    moment,
    no_content,
    not_found,
    number,
    one_of,
    page,
    several,
    sorted_by,
)

STATUSES = ("BOUGHT", "FILLED_IN", "READY_FOR_PROCESSING", "CANCELLED")
FULFILMENT = (
    "NEW",
    "PROCESSING",
    "READY_FOR_SHIPMENT",
    "READY_FOR_PICKUP",
    "SENT",
    "PICKED_UP",
    "CANCELLED",
    "SUSPENDED",
    "RETURNED",
)
EVENTS = (
    "BOUGHT",
    "FILLED_IN",
    "READY_FOR_PROCESSING",
    "BUYER_CANCELLED",
    "FULFILLMENT_STATUS_CHANGED",
    "BUYER_MODIFIED",
    "AUTO_CANCELLED",
)
LONGEST_WAYBILL, LONGEST_CARRIER = 64, 30


def emit(market: Market, order: Document, kind: str) -> None:
    key = str(market.docs.next_id("event", 1678000000001))
    event = {"id": key, "order": order["id"], "type": kind, "at": market.now(), "about": _about(order)}
    market.docs.put("events", key, event)


def change(market: Market, order: Document, kind: str, **changes: object) -> None:
    """Something about the order changed: a new revision."""
    order |= {**changes, "revision": order["revision"] + 1, "updated": market.now()}
    market.docs.put("orders", order["id"], order)
    emit(market, order, kind)


def set_fulfilment(market: Market, order: Document, status: str) -> None:
    """The seller's own status makes no new time of change (seen by others)."""
    order |= {"fulfillment": status}
    market.docs.put("orders", order["id"], order)
    emit(market, order, "FULFILLMENT_STATUS_CHANGED")


# Reading


def find(call: Call) -> Document:
    order: Document | None = call.market.docs.get("orders", call.path["order_id"])
    if order is None:
        raise not_found("Order")
    return order


def get(call: Call) -> Response:
    return answer(shown(find(call)))


def listing(call: Call) -> Response:
    args = request.args
    status, fulfilment = one_of("status", STATUSES), one_of("fulfillment.status", FULFILMENT)
    sent = one_of("fulfillment.shipmentSummary.lineItemsSent", ("NONE", "SOME", "ALL"))
    provider = one_of("fulfillment.provider.id", ("SELLER", "ALLEGRO"))
    since, until = moment("updatedAt.gte"), moment("updatedAt.lte")
    found = [
        order
        for order in call.market.docs.all("orders").values()
        if status in (None, order["status"])
        and fulfilment in (None, order["fulfillment"])
        and provider in (None, order["provider"])
        and sent in (None, lines_sent(order))
        and (since is None or _milliseconds(order["updated"]) >= _milliseconds(since))
        and (until is None or order["updated"] <= until)
        and args.get("payment.id") in (None, order["payment"]["id"])
        and args.get("marketplace.id") in (None, order["marketplace"])
    ]
    keys = {"lineItems.boughtAt": lambda order: order["created"], "updatedAt": lambda order: order["updated"]}
    found = sorted_by(found, keys, "-lineItems.boughtAt")
    part = page(call, found, most=100, default=100)
    body = {"checkoutForms": [shown(order) for order in part], "count": len(part), "totalCount": len(found)}
    return answer(body)


def _milliseconds(epoch: float) -> int:
    return int(epoch * 1000)


def lines_sent(order: Document) -> str:
    sent = {item["id"] for shipment in order["shipments"] for item in shipment["lineItems"]}
    whole = all(line["id"] in sent for line in order["lines"])
    return "ALL" if whole else "SOME" if sent else "NONE"


def shown(order: Document) -> Document:
    """A CheckoutForm. What the buyer has not told yet is not there."""
    from channel_adapters.allegro.sandbox.buying import dispatch_times  # noqa: PLC0415  buyers need orders

    paid = order["status"] not in ("BOUGHT", "FILLED_IN")
    payment: Document = {"type": order["payment"]["type"], "id": order["payment"]["id"], "provider": "PAYU"}
    if order["payment"]["type"] == "CASH_ON_DELIVERY":
        payment["provider"] = "OFFLINE"
    elif paid:
        payment |= {"finishedAt": stamp(order["created"]), "paidAmount": total(order)}
    fulfilment: Document = {"status": order["fulfillment"], "provider": {"id": order["provider"]}}
    fulfilment["shipmentSummary"] = {"lineItemsSent": lines_sent(order)}
    body: Document = {"id": order["id"], "buyer": order["buyer"], "status": order["status"], "fulfillment": fulfilment}
    body |= {"lineItems": order["lines"], "surcharges": [], "marketplace": {"id": order["marketplace"]}}
    body |= {"summary": {"totalToPay": total(order)}, "updatedAt": stamp(order["updated"])}
    body |= {"revision": f"{order['revision']:08x}"} | ({"messageToSeller": order["note"]} if order["note"] else {})
    if order["status"] == "BOUGHT":
        return body
    delivery: Document = {"address": order["address"], "cost": order["cost"], "smart": False}
    delivery |= {"method": {"id": "1fa56f79-4b6a-4821-a6f2-ca9c16d5c925", "name": "Kurier"}}
    delivery |= {"time": dispatch_times(order), "calculatedNumberOfPackages": 1}
    if order["pickup"]:
        place = {"street": "Polna 3", "zipCode": "60-166", "city": "Poznań", "countryCode": "PL"}
        delivery["pickupPoint"] = {
            "id": "POZ08A",
            "name": "Paczkomat POZ08A",
            "description": "Stacja",
            "address": place,
        }
    return body | {"payment": payment, "delivery": delivery, "invoice": order["invoice"] or {"required": False}}


def total(order: Document) -> Document:
    amount = Decimal(order["cost"]["amount"])
    for line in order["lines"]:
        amount += Decimal(line["price"]["amount"]) * line["quantity"]
        amount += Decimal(line.get("deposit", {}).get("price", {}).get("amount", "0")) * line["quantity"]
        for service in line["selectedAdditionalServices"]:
            amount += Decimal(service["price"]["amount"]) * service["quantity"]
    return {"amount": str(amount), "currency": order["currency"]}


# The journal


def events(call: Call) -> Response:
    types, limit = several("type", EVENTS), number("limit", 100, 1, 1000)
    after = request.args.get("from", "0")
    if not after.isdigit():
        raise Problem(422, "VALIDATION_ERROR", "from is no event", "from")
    oldest = call.market.now() - 60 * DAY
    found = [
        event
        for event in call.market.docs.all("events").values()
        if int(event["id"]) > int(after) and event["at"] >= oldest and (not types or event["type"] in types)
    ]
    if call.faulty("empty_list") is not None:
        found = []
    return answer({"events": [_event(event) for event in found[:limit]]})


def _event(event: Document) -> Document:
    return {"id": event["id"], "order": event["about"], "type": event["type"], "occurredAt": stamp(event["at"])}


def _about(order: Document) -> Document:
    """As it was then: the order itself may have changed since, or be gone."""
    named = ("id", "offer", "quantity", "originalPrice", "price", "boughtAt")
    lines = [{name: line[name] for name in named} for line in order["lines"]]
    buyer = {name: order["buyer"][name] for name in ("id", "email", "login", "guest", "preferences")}
    about: Document = {"seller": {"id": USER_ID}, "buyer": buyer, "lineItems": lines}
    about |= {"checkoutForm": {"id": order["id"], "revision": f"{order['revision']:08x}"}}
    return about | {"marketplace": {"id": order["marketplace"]}}


def event_stats(call: Call) -> Response:
    known = list(call.market.docs.all("events").values())
    return answer({"latestEvent": {"id": known[-1]["id"], "occurredAt": stamp(known[-1]["at"])}} if known else {})


# The seller's hand


def fulfil(call: Call) -> Response:
    order, status = find(call), call.body.get("status")
    revision = request.args.get("checkoutForm.revision")
    if revision is not None and revision != f"{order['revision']:08x}":
        raise Problem(409, "REVISION_CONFLICT", "Provided revision is outdated", "checkoutForm.revision")
    if status not in FULFILMENT or status == "RETURNED":
        raise invalid("status", f"{status} cannot be set")
    if order["status"] != "READY_FOR_PROCESSING":
        raise invalid("status", f"The order is {order['status']}")
    if call.faulty("not_applied") is None:
        set_fulfilment(call.market, order, status)
    return no_content()


def shipments(call: Call) -> Response:
    return answer({"shipments": find(call)["shipments"]})


def add_shipment(call: Call) -> Response:
    market, order, body = call.market, find(call), call.body
    known = {key for key, _ in CARRIERS}
    waybill, carrier = body.get("waybill"), body.get("carrierId")
    if not isinstance(waybill, str) or not 1 <= len(waybill) <= LONGEST_WAYBILL or carrier not in known:
        raise Problem(400, "VALIDATION_ERROR", "carrierId or waybill is not valid", "carrierId")
    if len(body.get("carrierName") or "") > LONGEST_CARRIER:
        raise Problem(400, "VALIDATION_ERROR", "carrierName is too long", "carrierName")
    mine = [line["id"] for line in order["lines"]]
    wanted = [item["id"] for item in body.get("lineItems") or []] or mine
    if set(wanted) - set(mine):
        raise invalid("lineItems", "A line does not belong to the order")
    if (
        sum(item["waybill"] == waybill for other in market.docs.all("orders").values() for item in other["shipments"])
        > 9
    ):
        raise Problem(409, "WAYBILL_USAGE", "Maximum waybill usage exceeded", "waybill")
    shipment: Mapping[str, object] = {
        "id": new_id(),
        "waybill": waybill,
        "carrierId": carrier,
        "lineItems": [{"id": key} for key in wanted],
        "createdAt": stamp(market.now()),
    }
    shipment = {**shipment, **({"carrierName": body["carrierName"]} if body.get("carrierName") else {})}
    if call.faulty("not_applied") is None:
        order["shipments"] = [*order["shipments"], shipment]
        change(market, order, "FULFILLMENT_STATUS_CHANGED")
        if market.options.auto_sent and lines_sent(order) == "ALL":
            set_fulfilment(market, order, "SENT")
    return answer(shipment, 201)
