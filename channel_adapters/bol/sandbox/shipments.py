"""Shipments and transports v10."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from channel_adapters.bol.sandbox.availability import open_units
from channel_adapters.bol.sandbox.market import Call, Document, Market, stamp
from channel_adapters.bol.sandbox.orders import find_item, touch
from channel_adapters.bol.sandbox.processes import Refused, accept
from channel_adapters.bol.sandbox.protocol import (
    answer,
    bad_request,
    not_found,
    query_choice,
    query_number,
)

PAGE = 50
# The specification has a free string; these are the codes in use (python-bol-retailer-api).
TRANSPORTERS = frozenset({
    "TNT", "TNT-EXTRA", "TNT_BRIEF", "BRIEFPOST", "DHL", "DHLFORYOU", "DHL_DE", "DHL-GLOBAL-MAIL", "DPD-NL", "DPD-BE",
    "BPOST_BE", "BPOST_BRIEF", "GLS", "UPS", "FEDEX_NL", "FEDEX_BE", "DYL", "TSN", "TRANSMISSION", "PARCEL-NL",
    "PACKS", "COURIER", "RJP", "OTHER",
})  # fmt: skip


def create_shipment(call: Call) -> Response:
    return accept(call, "CREATE_SHIPMENT", call.body.orderItems[0].orderItemId, call.body.wire())


def ship(market: Market, payload: Document) -> str:
    """The work: all items of the request, or a refusal and none of them."""
    transport = _transport(market, payload)
    found = [find_item(market, line["orderItemId"]) for line in payload["orderItems"]]
    _require_one_order(found)
    order = found[0][0]
    parts = []
    for line, (_, item) in zip(payload["orderItems"], found, strict=True):
        quantity = line.get("quantity") or open_units(item)
        if quantity == 0 or quantity > open_units(item):
            raise Refused(f"Order item {item['orderItemId']} has {open_units(item)} left to ship, not {quantity or 1}.")
        parts.append((item, quantity))
    _record(market, order, parts, payload, transport)
    return str(payload["orderItems"][0]["orderItemId"])


def _require_one_order(found: list[tuple[Document, Document]]) -> None:
    if len({order["orderId"] for order, _ in found}) > 1:
        raise Refused("All order items of a shipment must belong to the same order.")
    if len({item["orderItemId"] for _, item in found}) < len(found):
        raise Refused("An order item can be in a shipment only once.")


def _transport(market: Market, payload: Document) -> Document:
    if label_id := payload.get("shippingLabelId"):
        label = market.docs.get("labels", label_id)
        if label is None:
            raise Refused(f"Shipping label {label_id} was not found.")
        return {
            "transporterCode": "TNT",
            "trackAndTrace": label["trackAndTrace"],
            "shippingLabelId": label_id,
        }
    transport: Document = payload["transport"]
    _require_transporter(transport["transporterCode"])
    return transport


def _require_transporter(code: str | None) -> None:
    if code is not None and code not in TRANSPORTERS:
        raise Refused(f"Transporter code {code} is unknown.")


def _record(market: Market, order: Document, parts: list[Any], payload: Document, transport: Document) -> None:
    now, number = market.now(), str(market.docs.next_id("shipment", 541757635))
    shipment: Document = {
        "shipmentId": number,
        "orderId": order["orderId"],
        "date": now,
        "transport": transport,
    }
    shipment["transportId"] = str(market.docs.next_id("transport", 312778947))
    shipment["reference"] = payload.get("shipmentReference") or ""
    shipment["method"] = parts[0][0]["method"]
    shipment["items"] = [{"orderItemId": item["orderItemId"], "quantity": quantity} for item, quantity in parts]
    for item, quantity in parts:
        item["shipped"] += quantity
        item["shippedAt"] = now
        item["label"] = "shippingLabelId" in transport
    market.docs.put("shipments", number, shipment)
    market.index.add_shipment(shipment)
    touch(market, order, [item for item, _ in parts])


def get_shipments(call: Call) -> Response:
    page, order_id = query_number("page", 1), request.args.get("order-id")
    method = query_choice("fulfilment-method", ("FBR", "FBB"))
    if order_id is not None and method is not None:
        raise bad_request("order-id", "Only valid without fulfilment-method.")
    if call.faulty("empty_list") is not None:
        return answer({})
    if call.faulty("stuck_cursor") is not None:
        page = 1
    everything = reversed(list(call.market.docs.all("shipments").values()))
    if order_id is not None:
        found = [item for item in everything if item["orderId"] == order_id]
    else:
        found = [item for item in everything if item["method"] == (method or "FBR")]
    shown = [_reduced(call.market, item) for item in found[(page - 1) * PAGE : page * PAGE]]
    return answer({"shipments": shown} if shown else {})


def _reduced(market: Market, shipment: Document) -> Document:
    items = [find_item(market, part["orderItemId"])[1] for part in shipment["items"]]
    body = _head(market, shipment) | {"transport": {"transportId": shipment["transportId"]}}
    return body | {"shipmentItems": [{"orderItemId": item["orderItemId"], "ean": item["ean"]} for item in items]}


def _head(market: Market, shipment: Document) -> Document:
    order = market.docs.all("orders")[shipment["orderId"]]
    body = {"shipmentId": shipment["shipmentId"], "shipmentDateTime": stamp(shipment["date"])}
    body["shipmentReference"] = shipment["reference"]
    return body | {"order": {"orderId": order["orderId"], "orderPlacedDateTime": stamp(order["placed"])}}


def get_shipment(call: Call) -> Response:
    shipment = call.market.docs.get("shipments", call.path["shipment-id"])
    if shipment is None:
        raise not_found("Shipment")
    order = call.market.docs.all("orders")[shipment["orderId"]]
    body = _head(call.market, shipment)
    body |= {name: order[name] for name in ("pickupPoint", "shipmentDetails", "billingDetails")}
    body["transport"] = {"transportId": shipment["transportId"]} | _given(shipment["transport"])
    body["shipmentItems"] = [_item(call.market, part) for part in shipment["items"]]
    return answer(body)


def _given(transport: Document) -> Document:
    return {name: value for name, value in transport.items() if value is not None}


def _item(market: Market, part: Document) -> Document:
    _, item = find_item(market, part["orderItemId"])
    body: Document = {
        "orderItemId": item["orderItemId"],
        "quantity": item["quantity"],
        "unitPrice": item["unitPrice"],
    }
    body |= {"quantityShipped": part["quantity"], "commission": item["commission"]}
    body["fulfilment"] = {"method": item["method"], "latestDeliveryDate": item["latestDeliveryDate"]}
    body["offer"] = {name: item[name] for name in ("offerId", "reference") if item[name] is not None}
    return body | {"product": {"ean": item["ean"], "title": item["title"]}}


def add_transport_information(call: Call) -> Response:
    transport_id = call.path["transport-id"]
    return accept(call, "CHANGE_TRANSPORT", transport_id, {"id": transport_id} | call.body.wire())


def change_transport(market: Market, payload: Document) -> str:
    shipment = market.docs.get("shipments", market.index.shipment_of_transport.get(payload["id"], ""))
    if shipment is None:
        raise Refused(f"Transport {payload['id']} was not found.")
    _require_transporter(payload.get("transporterCode"))
    shipment["transport"] |= _given({name: payload.get(name) for name in ("transporterCode", "trackAndTrace")})
    market.docs.put("shipments", shipment["shipmentId"], shipment)
    return str(payload["id"])
