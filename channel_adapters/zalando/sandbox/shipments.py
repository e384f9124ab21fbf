"""Orders that are split: each shipment has its own lines, number and weight. A pilot of Zalando's."""

from __future__ import annotations

from flask import Response, request
from pydantic import BaseModel, Field

from channel_adapters.zalando.sandbox.market import Call, Document, stamp
from channel_adapters.zalando.sandbox.orders import save
from channel_adapters.zalando.sandbox.protocol import JSON_API, Refused, answer, no_content

NAMES = ("merchant_specified_shipment_id", "tracking_number", "return_tracking_number", "outbound_logistic_center_id")


class Line(BaseModel):
    order_line_id: str


class Weight(BaseModel):
    value: int
    unit: str


class New(BaseModel):
    order_lines: list[Line] = Field(min_length=1)
    weight: Weight
    merchant_specified_shipment_id: str | None = None
    tracking_number: str | None = None
    return_tracking_number: str | None = None
    outbound_logistic_center_id: str | None = None


class Change(BaseModel):
    weight: Weight | None = None
    merchant_specified_shipment_id: str | None = None
    tracking_number: str | None = None
    return_tracking_number: str | None = None
    outbound_logistic_center_id: str | None = None
    status: str | None = None


def listing(call: Call) -> Response:
    return answer({"shipments": [_shown(item) for item in _order(call)["shipments"]]}, media=JSON_API)


def _order(call: Call) -> Document:
    order: Document | None = call.market.docs.get("orders", call.path["order_id"])
    if order is None:
        raise Refused(404, "Not Found", "Merchant order was not found.")
    return order


def _shown(shipment: Document) -> Document:
    body = {"shipment_id": shipment["key"], "status": shipment["status"], "created_at": stamp(shipment["at"])}
    body["order_lines"] = [{"order_line_id": key} for key in shipment["lines"]]
    return body | {name: shipment[name] for name in (*NAMES, "weight") if shipment.get(name)}


def create(call: Call) -> Response:
    """Lines leave the shipment they were in."""
    order, wanted = _order(call), call.body
    lines = {line["key"]: line for item in order["items"] for line in item["lines"]}
    keys = [line.order_line_id for line in wanted.order_lines]
    if unknown := [key for key in keys if key not in lines]:
        raise Refused(400, "Bad Request", f"{unknown[0]} is no line of the order", pointer="/order_lines")
    if wanted.weight.unit != "g" or wanted.weight.value <= 0:
        raise Refused(400, "Bad Request", "weight has to be in g", pointer="/weight")
    if any(lines[key]["status"] not in ("initial", "reserved") for key in keys):
        raise Refused(403, "Forbidden", "An order line is shipped or cancelled already.")
    for other in order["shipments"]:
        other["lines"] = [key for key in other["lines"] if key not in keys]
    shipment: Document = {"key": call.market.new_uuid("shipment"), "lines": keys, "status": "initial", "made": True}
    shipment |= {"at": call.market.now(), "weight": wanted.weight.model_dump()}
    shipment |= {name: getattr(wanted, name) for name in NAMES}
    order["shipments"] = [item for item in order["shipments"] if item["lines"]] + [shipment]
    save(call.market, order)
    return answer({"shipment_id": shipment["key"]}, 201, JSON_API)


def change(call: Call) -> Response:
    order, wanted = _order(call), call.body
    shipment = next((item for item in order["shipments"] if item["key"] == call.path["shipment_id"]), None)
    if shipment is None:
        raise Refused(404, "Not Found", "Merchant order or shipment was not found.")
    if shipment["status"] == "shipped" or wanted.status not in (None, "shipped", "canceled"):
        raise Refused(403, "Forbidden", f"A shipment that is {shipment['status']} cannot be changed like this.")
    if call.faulty("not_applied") is None:
        shipment |= {name: value for name in NAMES if (value := getattr(wanted, name)) is not None}
        _move(call, order, shipment, wanted.status)
    return no_content(request.base_url)


def _move(call: Call, order: Document, shipment: Document, status: str | None) -> None:
    """Its lines go with it."""
    if status is not None:
        shipment["status"] = status
        for item in order["items"]:
            for line in item["lines"]:
                if line["key"] in shipment["lines"] and line["status"] == "reserved":
                    line |= {"status": status, "tracked": bool(shipment["tracking_number"])}
    save(call.market, order)
