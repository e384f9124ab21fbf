"""Orders v10: the reduced list with its filters, the detail, cancelling and expiry."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Response, request

from channel_adapters.bol.sandbox.availability import open_units
from channel_adapters.bol.sandbox.market import DAY, Call, Document, Market, local_date, noon, stamp
from channel_adapters.bol.sandbox.offers import note_live
from channel_adapters.bol.sandbox.processes import Refused, accept
from channel_adapters.bol.sandbox.protocol import (
    answer,
    bad_request,
    not_found,
    query_choice,
    query_flag,
    query_number,
)

PAGE = 50
HISTORY = 92 * DAY
# "With status ALL, handled orders stay only 48 hours" (bol, order documentation).
HANDLED_KEPT = 2 * DAY

ItemFilter = dict[str, Any]


def get_orders(call: Call) -> Response:
    page, wanted = query_number("page", 1), _filter(call.market)
    if call.faulty("empty_list") is not None:
        return answer({})
    if call.faulty("stuck_cursor") is not None:
        page = 1
    skip, found = (page - 1) * PAGE, []
    for order in reversed(call.market.docs.all("orders").values()):
        items = [item for item in order["items"] if _matches(item, wanted)]
        if not items:
            continue
        if skip:
            skip -= 1
            continue
        found.append(_reduced(order, items))
        if len(found) == PAGE:
            break
    # An empty list is left out altogether (picqer/bol-retailer-php-client, known quirks).
    return answer({"orders": found} if found else {})


def _filter(market: Market) -> ItemFilter:
    now = market.now()
    wanted: ItemFilter = {"status": query_choice("status", ("OPEN", "SHIPPED", "ALL"), "OPEN")}
    wanted["method"] = query_choice("fulfilment-method", ("FBR", "FBB", "ALL"), "FBR")
    minutes = query_number("change-interval-minute", 0, maximum=60)
    wanted["since"] = now - minutes * 60 if minutes else None
    wanted["day"] = _change_date(now)
    wanted["handled_since"] = None if wanted["day"] else now - HANDLED_KEPT
    wanted["labels_only"] = query_flag("vvb-only") is True
    return wanted


def _change_date(now: float) -> str | None:
    text = request.args.get("latest-change-date")
    if text is None:
        return None
    try:
        day = date.fromisoformat(text).isoformat()
    except ValueError:
        raise bad_request("latest-change-date", f"'{text}' is not a date (YYYY-MM-DD).") from None
    if noon(day) < now - HISTORY:
        raise bad_request("latest-change-date", "Up to 3 months of history is supported.")
    return day


def _matches(item: Document, wanted: ItemFilter) -> bool:
    handled = item["handled"]
    if wanted["status"] == "OPEN" and handled:
        return False
    if wanted["status"] == "SHIPPED" and not (handled and item["shipped"]):
        return False
    if handled and wanted["handled_since"] and handled < wanted["handled_since"]:
        return False
    if wanted["since"] and item["changed"] < wanted["since"]:
        return False
    if wanted["day"] and local_date(item["changed"]) != wanted["day"]:
        return False
    return wanted["method"] in ("ALL", item["method"]) and not (wanted["labels_only"] and not item.get("label"))


def _reduced(order: Document, items: list[Document]) -> Document:
    body = {"orderId": order["orderId"], "orderPlacedDateTime": stamp(order["placed"])}
    return body | {"orderItems": [_reduced_item(item) for item in items]}


def _reduced_item(item: Document) -> Document:
    body = {"orderItemId": item["orderItemId"], "ean": item["ean"], "fulfilmentMethod": item["method"]}
    body["fulfilmentStatus"] = "HANDLED" if item["handled"] else "OPEN"
    return body | _progress(item)


def _progress(item: Document) -> Document:
    body = {
        "quantity": item["quantity"],
        "quantityShipped": item["shipped"],
        "quantityCancelled": item["cancelled"],
    }
    return body | {
        "cancellationRequest": item["cancellationRequest"],
        "latestChangedDateTime": stamp(item["changed"]),
    }


def get_order(call: Call) -> Response:
    order = call.market.docs.get("orders", call.path["order-id"])
    if order is None:
        raise not_found("Order")
    body = {name: order[name] for name in ("orderId", "pickupPoint", "shipmentDetails", "billingDetails")}
    body["orderPlacedDateTime"] = stamp(order["placed"])
    return answer(body | {"orderItems": [_item(item) for item in order["items"]]})


def _item(item: Document) -> Document:
    discount = sum(part["amount"] for part in item["discounts"])
    body: Document = {"orderItemId": item["orderItemId"], "fulfilment": _fulfilment(item)}
    body["offer"] = {name: item[name] for name in ("offerId", "reference") if item[name] is not None}
    body["product"] = {"ean": item["ean"], "title": item["title"]}
    body |= {"unitPrice": item["unitPrice"], "discounts": item["discounts"], "commission": item["commission"]}
    body["totalPrice"] = round(item["unitPrice"] * item["quantity"] - discount, 2)
    return body | {"additionalServices": []} | _progress(item)


def _fulfilment(item: Document) -> Document:
    party = "BOL" if item["method"] == "FBB" or item.get("label") else "RETAILER"
    body = {
        "method": item["method"],
        "distributionParty": party,
        "latestDeliveryDate": item["latestDeliveryDate"],
    }
    return body | {"expiryDate": item["expiryDate"], "timeFrameType": "REGULAR"}


def cancel_order_item(call: Call) -> Response:
    wanted = call.body.orderItems[0]
    return accept(call, "CANCEL_ORDER", wanted.orderItemId, wanted.orderItemId)


def cancel_item(market: Market, item_id: str) -> str:
    """The work of a cancellation: everything of the item that is still open."""
    order, item = find_item(market, item_id)
    if open_units(item) == 0:
        raise Refused(f"Order item {item_id} has been handled already.")
    cancel_open(market, order, [item])
    return item_id


def find_item(market: Market, item_id: str) -> tuple[Document, Document]:
    order = market.docs.get("orders", market.index.order_of_item.get(item_id, ""))
    if order is None:
        raise Refused(f"Order item {item_id} was not found.")
    return order, next(item for item in order["items"] if item["orderItemId"] == item_id)


def cancel_open(market: Market, order: Document, items: list[Document]) -> None:
    for item in items:
        item["cancelled"] += open_units(item)
    touch(market, order, items)


def touch(market: Market, order: Document, items: list[Document]) -> None:
    """Record that these items changed: list filters, handled state and what the offer may sell follow."""
    now = market.now()
    for item in items:
        item["changed"] = now
        if item["handled"] is None and open_units(item) == 0:
            item["handled"] = now
    market.docs.put("orders", order["orderId"], order)
    for item in items:
        if offer := market.docs.get("offers", item["offerId"] or ""):
            note_live(market, offer)


def expire(market: Market, order_id: str, *, at_once: bool = False) -> None:
    """Items not handled by their expiry date are cancelled by bol."""
    order = market.docs.get("orders", order_id)
    if order is None:
        return
    today = local_date(market.now())
    late = [item for item in order["items"] if open_units(item) and (at_once or item["expiryDate"] < today)]
    if late:
        for item in late:
            item["expired"] = True
        cancel_open(market, order, late)


def request_cancellation(market: Market, order: Document, items: list[Document]) -> None:
    """The buyer asks; only the seller's answer changes anything."""
    for item in items:
        item["cancellationRequest"] = True
    touch(market, order, items)
    market.emit("ORDER", "ORDER_ITEM_CANCELLATION_REQUEST", order["orderId"])
