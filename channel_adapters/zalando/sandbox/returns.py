"""Returns that buyers announced, and orders of buyers who want to be forgotten: in pages by cursor."""

from __future__ import annotations

import base64
from urllib.parse import quote

from flask import Response, request

from channel_adapters.zalando.sandbox.market import Call, Document, Market, stamp
from channel_adapters.zalando.sandbox.protocol import JSON_API, Refused, answer, moment, number


def listing(call: Call) -> Response:
    market = call.market
    after, before, limit = moment("after"), moment("before"), number("limit", 50, 1, 1000)
    found = [
        item
        for item in market.docs.all("returns").values()
        if (after is None or item["at"] >= after) and (before is None or item["at"] < before)
    ]
    found = [] if call.faulty("empty_list") is not None else sorted(found, key=lambda item: -item["at"])
    stuck = call.faulty("stuck_cursor") is not None
    start = 0 if stuck else _start()
    links = {"self": request.url}
    if stuck or len(found) > start + limit:
        cursor = base64.urlsafe_b64encode(str(0 if stuck else start + limit).encode()).decode()
        links["next"] = f"{request.base_url}?limit={limit}&cursor={quote(cursor)}"
    return answer(
        {"data": [_shown(market, item) for item in found[start : start + limit]], "links": links}, media=JSON_API
    )


def forgotten(call: Call) -> Response:
    limit, start = number("limit", 1000, 1, 1000), _start()
    found = [item for item in call.market.docs.all("orders").values() if item.get("forgotten")]
    items = [
        {"merchant_id": call.path["merchant"], "order_id": item["key"], "order_number": item["number"]}
        | {"sales_channel_id": item["channel"], "requested_at": stamp(item["forgotten"])}
        for item in found[start : start + limit]
    ]
    body: Document = {"items": items}
    if len(found) > start + limit:
        body["cursor"] = {"next": base64.urlsafe_b64encode(str(start + limit).encode()).decode()}
    return answer(body)


def _start() -> int:
    cursor = request.args.get("cursor")
    try:
        return int(base64.urlsafe_b64decode(cursor)) if cursor else 0
    except ValueError:
        raise Refused(400, "Bad Request", "cursor is not one of ours", parameter="cursor") from None


def _shown(market: Market, back: Document) -> Document:
    order = market.docs.all("orders")[back["order"]]
    lines = [
        {"order_line_id": line["line"], "order_item_id": line["item"], "return_reason": line["reason"]}
        for line in back["lines"]
    ]
    part = {"order_id": order["key"], "order_number": order["number"], "order_lines": lines}
    if order["merchant_order_id"]:
        part["merchant_order_id"] = order["merchant_order_id"]
    return {
        "announced_return_id": back["key"],
        "sales_channel_id": order["channel"],
        "return_tracking_number": back["tracking"],
        "type": "ZALANDO_ONLINE_CREATED",
        "orders": [part],
        "return_registered_at": stamp(back["at"]),
    }
