"""Orders with their items and lines, in JSON:API. A line is one unit; what may become of it is told by its state."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from pydantic import BaseModel

from channel_adapters.zalando.sandbox.buying import DAY, currency_of
from channel_adapters.zalando.sandbox.market import Call, Document, Market, stamp
from channel_adapters.zalando.sandbox.protocol import (
    COPYRIGHT,
    JSON_API,
    Refused,
    answer,
    choice,
    is_uuid,
    moment,
    no_content,
    number,
)

MOVES = {
    "initial": ("reserved", "shipped", "canceled"),
    "reserved": ("shipped", "canceled"),
    "shipped": ("returned",),
    "returned": (),
    "canceled": (),
}
DONE = ("shipped", "returned", "canceled")
INCLUDES = ("order_transitions", "order_items", "order_lines", "order_lines.order_line_transitions", "shipments")
LOCALES = {"DE": "de-DE", "FR": "fr-FR", "PL": "pl-PL", "GB": "en-GB", "NL": "nl-NL", "CH": "de-CH"}
RETURN_REASONS = (0, 1, 2, 3, 4, 5, 6, 9, 10)
STAND_IN = "003403418039972556"


class OrderAttributes(BaseModel):
    tracking_number: str | None = None
    return_tracking_number: str | None = None
    merchant_order_id: str | None = None


class OrderData(BaseModel):
    type: str
    id: str
    attributes: OrderAttributes


class OrderUpdate(BaseModel):
    data: OrderData


class LineAttributes(BaseModel):
    status: str
    reason: int | None = None
    outbound_logistic_center_id: str | None = None


class LineData(BaseModel):
    type: str
    id: str
    attributes: LineAttributes


class LineUpdate(BaseModel):
    data: LineData


# Reading


def listing(call: Call) -> Response:
    market = call.market
    include = _include()
    size, page = number("page[size]", 50, 1, 1000), number("page[number]", 0, 0)
    found = [] if call.faulty("empty_list") is not None else _filtered(market)
    last = max(0, (len(found) - 1) // size)
    stuck = call.faulty("stuck_cursor") is not None
    shown = found[:size] if stuck else found[page * size : (page + 1) * size]
    links = {"self": _page_link(page), "first": _page_link(0), "last": _page_link(last)}
    if stuck or page < last:
        links["next"] = _page_link(page + 1)
    if page > 0:
        links["prev"] = _page_link(page - 1)
    body: Document = {"data": [_order(order) for order in shown], "links": links}
    body["meta"] = COPYRIGHT | {"number_of_results": len(found)}
    if include:
        body["included"] = [part for order in shown for part in _included(order, include)]
    return answer(body, media=JSON_API)


def _page_link(page: int) -> str:
    return f"{request.base_url}?page%5Bnumber%5D={page}"


def _include() -> tuple[str, ...]:
    asked = tuple(part for part in request.args.get("include", "").split(",") if part)
    if wrong := [part for part in asked if part not in INCLUDES]:
        raise Refused(400, "Bad Request", f"{wrong[0]} cannot be included", parameter="include")
    return asked


def _filtered(market: Market) -> list[Document]:
    status = choice("order_status", ("initial", "approved", "fulfilled"))
    kind = choice("order_type", ("PartnerFulfilled", "ZalandoFulfilled"))
    exported = choice("exported", ("true", "false"))
    number_, channel = request.args.get("order_number"), request.args.get("sales_channel_id")
    times = {
        name: moment(name) for name in ("created_after", "created_before", "last_updated_after", "last_updated_before")
    }
    sort = choice("sort", ("-modified_at", "modified_at", "-created_at", "created_at")) or "-modified_at"
    found = [
        order
        for order in market.docs.all("orders").values()
        if status in (None, order["status"])
        and kind in (None, order["type"])
        and exported in (None, str(order["exported"]).lower())
        and number_ in (None, order["number"])
        and channel in (None, order["channel"])
        and _within(order["created"], times["created_after"], times["created_before"])
        and _within(order["modified"], times["last_updated_after"], times["last_updated_before"])
    ]
    name = sort.lstrip("-").removesuffix("_at")
    return sorted(found, key=lambda order: order[name], reverse=sort.startswith("-"))


def _within(at: float, after: float | None, before: float | None) -> bool:
    return (after is None or at > after) and (before is None or at < before)


def get(call: Call) -> Response:
    order, include = _found(call), _include()
    body: Document = {"data": _order(order), "meta": COPYRIGHT, "links": {"self": request.base_url}}
    if include:
        body["included"] = _included(order, include)
    return answer(body, media=JSON_API)


def get_items(call: Call) -> Response:
    order, include = _found(call), _include()
    body: Document = {"data": [_item(order, item) for item in order["items"]], "meta": COPYRIGHT}
    if "order_lines" in include:
        body["included"] = [_line(item, line, order) for item in order["items"] for line in item["lines"]]
    return answer(body, media=JSON_API)


def get_line(call: Call) -> Response:
    order = _found(call)
    item, line = _found_line(call, order)
    return answer({"data": _line(item, line, order), "meta": COPYRIGHT}, media=JSON_API)


def _found(call: Call) -> Document:
    order: Document | None = call.market.docs.get("orders", call.path["order_id"])
    if order is None:
        raise Refused(404, "Not Found", "Merchant order was not found.")
    return order


def _found_line(call: Call, order: Document) -> tuple[Document, Document]:
    for item in order["items"]:
        for line in item["lines"]:
            if (item["key"], line["key"]) == (call.path["item_id"], call.path["line_id"]):
                return item, line
    raise Refused(404, "Not Found", "Merchant order, item or line was not found.")


def _order(order: Document) -> Document:
    lines = [line for item in order["items"] for line in item["lines"]]
    currency, country = currency_of(order), order["address"]["country_code"]
    attributes: Document = {
        "order_id": order["key"],
        "order_number": order["number"],
        "order_date": stamp(order["created"]),
        "sales_channel_id": order["channel"],
        "locale": LOCALES.get(country, "de-DE"),
        "customer_number": f"314{order['number'][-8:]}",
        "customer_email": order["email"],
        "order_type": order["type"],
        "status": order["status"],
        "exported": order["exported"],
        "shipment_number": STAND_IN,
        "shipping_address": order["address"],
        "billing_address": {**order["address"], "address_type": "HOME_ADDRESS"},
        "order_lines_count": len(lines),
        "order_lines_price_amount": round(sum(line["price"] for line in lines), 2),
        "order_lines_price_currency": currency,
        "delivery_end_date": stamp(order["created"] + 3 * DAY),
        "created_at": stamp(order["created"]),
        "modified_at": stamp(order["modified"]),
        "customer_phone": {"number": "+4930123456"},
    }
    attributes |= {name: order[name] for name in OrderAttributes.model_fields if order[name]}
    if order["shipping"] is not None:
        attributes["shipping_costs"] = {"amount": order["shipping"], "currency": currency}
    items = [{"type": "OrderItem", "id": item["key"]} for item in order["items"]]
    return _resource("Order", order["key"], attributes) | {"relationships": {"order_items": {"data": items}}}


def _resource(kind: str, key: str, attributes: Document, **meta: Any) -> Document:
    return {"type": kind, "id": key, "attributes": attributes, "meta": COPYRIGHT | meta}


def _included(order: Document, include: tuple[str, ...]) -> list[Document]:
    found = [_item(order, item) for item in order["items"]] if "order_items" in include else []
    if "order_lines" in include:
        found += [_line(item, line, order) for item in order["items"] for line in item["lines"]]
    return found


def _item(order: Document, item: Document) -> Document:
    states = [line["status"] for line in item["lines"]]
    attributes = {
        "order_item_id": item["key"],
        "order_id": order["key"],
        "article_id": f"SB{item['ean'][-6:]}A-Q110ONE000",
        "external_id": item["sku"],
        "description": item["name"] or f"Article {item['ean']}",
        "created_at": stamp(order["created"]),
        "modified_at": stamp(order["modified"]),
    } | {f"quantity_{status}": states.count(status) for status in MOVES}
    lines = [{"type": "OrderLine", "id": line["key"]} for line in item["lines"]]
    return _resource("OrderItem", item["key"], attributes) | {"relationships": {"order_lines": {"data": lines}}}


def _line(item: Document, line: Document, order: Document) -> Document:
    attributes = {
        "order_line_id": line["key"],
        "order_item_id": item["key"],
        "status": line["status"],
        "price": {"amount": line["price"], "currency": currency_of(order)},
        "created_at": stamp(order["created"]),
        "modified_at": stamp(order["modified"]),
    }
    if line["center"]:
        attributes["outbound_logistic_center_id"] = line["center"]
    return _resource("OrderLine", line["key"], attributes, possible_status_transitions=list(MOVES[line["status"]]))


# Changing


def change(call: Call) -> Response:
    """Of tracking numbers the first one stays. A number of the merchant's makes the order an exported one."""
    order, given = _found(call), call.body.data
    _require_same(given, "Order", order["key"])
    wanted = given.attributes
    if wanted.merchant_order_id is not None and not any(map(str.isalnum, wanted.merchant_order_id)):
        raise Refused(400, "Bad Request", "merchant_order_id is empty", pointer="/data/attributes/merchant_order_id")
    if call.faulty("not_applied") is None:
        _apply(call.market, order, wanted)
    return no_content(request.base_url)


def _require_same(given: OrderData | LineData, kind: str, key: str) -> None:
    if given.type != kind:
        raise Refused(400, "Bad Request", f"type has to be {kind}", pointer="/data/type")
    if given.id != key:
        raise Refused(400, "Bad Request", "id is not the one of the address", pointer="/data/id")


def _apply(market: Market, order: Document, wanted: OrderAttributes) -> None:
    if wanted.merchant_order_id:
        order |= {"merchant_order_id": wanted.merchant_order_id, "exported": True}
    if wanted.tracking_number and not order["tracking_number"]:
        order |= {"tracking_number": wanted.tracking_number, "tracked_at": market.now()}
    if wanted.return_tracking_number and not order["return_tracking_number"]:
        order["return_tracking_number"] = wanted.return_tracking_number
    save(market, order)


def save(market: Market, order: Document) -> None:
    """After a change. An order is fulfilled when nothing of it is left to be done."""
    states = [line["status"] for item in order["items"] for line in item["lines"]]
    if all(state in DONE for state in states):
        order["status"] = "fulfilled"
    market.docs.put("orders", order["key"], order | {"modified": market.now()})


def move_line(call: Call) -> Response:
    order = _found(call)
    _, line = _found_line(call, order)
    _require_same(call.body.data, "OrderLine", line["key"])
    wanted = call.body.data.attributes
    if wanted.status not in MOVES:
        raise Refused(400, "Bad Request", f"{wanted.status} is no status", pointer="/data/attributes/status")
    if wanted.reason is not None and wanted.reason not in RETURN_REASONS:
        raise Refused(400, "Bad Request", f"{wanted.reason} is no reason", pointer="/data/attributes/reason")
    if wanted.outbound_logistic_center_id and not is_uuid(wanted.outbound_logistic_center_id):
        raise Refused(400, "Bad Request", "No UUID", pointer="/data/attributes/outbound_logistic_center_id")
    if wanted.status == line["status"]:
        raise Refused(409, "Conflict", f"The order line is {line['status']} already.")
    unpaid = wanted.status == "shipped" and order["status"] == "initial"
    if wanted.status not in MOVES[line["status"]] or unpaid or order["type"] != "PartnerFulfilled":
        raise Refused(403, "Forbidden", f"An order line that is {line['status']} cannot become {wanted.status}.")
    if call.faulty("not_applied") is None:
        line |= {"reason": wanted.reason, "center": wanted.outbound_logistic_center_id}
        move(call.market, order, line, wanted.status)
    return no_content(request.base_url)


def move(market: Market, order: Document, line: Document, status: str) -> None:
    """A parcel whose number came later than this, or just before it, travels without one. Stock is what the merchant
    says it is: what is cancelled comes back by the next update."""
    line["status"] = status
    if status == "shipped":
        known = order["tracked_at"]
        line["tracked"] = known is not None and market.now() - known >= market.options.apart_seconds
    save(market, order)
