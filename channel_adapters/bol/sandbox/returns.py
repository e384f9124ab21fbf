"""Returns v10: announced by buyers, handled by the seller per RMA id; bol refunds on its own."""

from __future__ import annotations

from flask import Response

from channel_adapters.bol.sandbox.market import DAY, Call, Document, Market, stamp
from channel_adapters.bol.sandbox.orders import find_item
from channel_adapters.bol.sandbox.processes import Refused, accept
from channel_adapters.bol.sandbox.protocol import answer, not_found, query_choice, query_flag, query_number

PAGE = 50
# "Up to 90 days after shipping" (bol, returns documentation).
UNANNOUNCED_FOR = 90 * DAY

PROCESSING = {
    "RETURN_RECEIVED": "ACCEPTED",
    "EXCHANGE_PRODUCT": "ACCEPTED",
    "REPAIR_PRODUCT": "ACCEPTED",
    "STILL_APPROVED": "ACCEPTED",
    "CUSTOMER_KEEPS_PRODUCT_PAID": "ACCEPTED",
    "RETURN_DOES_NOT_MEET_CONDITIONS": "REJECTED",
}


def add_return(market: Market, parts: list[tuple[Document, Document, int, str]]) -> Document:
    """``parts``: order, item, quantity and the buyer's reason."""
    number = str(market.docs.next_id("return", 6001))
    document: Document = {"returnId": number, "registered": market.now(), "method": parts[0][1]["method"]}
    document["items"] = [_new_item(market, *part) for part in parts]
    market.docs.put("returns", number, document)
    market.index.add_return(document)
    return document


def _new_item(market: Market, order: Document, item: Document, quantity: int, reason: str) -> Document:
    body = {"rmaId": str(market.docs.next_id("rma", 86127131)), "orderId": order["orderId"]}
    body |= {name: item[name] for name in ("orderItemId", "ean", "title", "reference")}
    return body | {"expected": quantity, "reason": reason, "results": []}


def _handled(item: Document) -> bool:
    return bool(item["results"]) and sum(result["quantity"] for result in item["results"]) >= item["expected"]


def get_returns(call: Call) -> Response:
    page, handled = query_number("page", 1), query_flag("handled")
    method = query_choice("fulfilment-method", ("FBR", "FBB"))
    if call.faulty("empty_list") is not None:
        return answer({})
    if call.faulty("stuck_cursor") is not None:
        page = 1
    everything = list(call.market.docs.all("returns").values())
    found = [item for item in everything if method in (None, item["method"]) and _shown(item, handled)]
    if handled:
        found.reverse()
    shown = [_reduced(item, handled) for item in found[(page - 1) * PAGE : page * PAGE]]
    return answer({"returns": shown} if shown else {})


def _shown(document: Document, handled: bool | None) -> bool:
    return handled is None or any(_handled(item) == handled for item in document["items"])


def _reduced(document: Document, handled: bool | None) -> Document:
    items = [item for item in document["items"] if handled is None or _handled(item) == handled]
    return _head(document) | {"returnItems": [_item(item) for item in items]}


def _head(document: Document) -> Document:
    body = {"returnId": document["returnId"], "registrationDateTime": stamp(document["registered"])}
    return body | {"fulfilmentMethod": document["method"]}


def _item(item: Document) -> Document:
    body = {name: item[name] for name in ("rmaId", "orderId", "ean")}
    body |= {"expectedQuantity": item["expected"], "handled": _handled(item)}
    body["returnReason"] = {"mainReason": item["reason"], "customerComments": ""}
    return body | {"processingResults": item["results"]}


def get_return(call: Call) -> Response:
    document = call.market.docs.get("returns", call.path["return-id"])
    if document is None:
        raise not_found("Return")
    items = [_item(item) | {"title": item["title"]} | _customer(call.market, item) for item in document["items"]]
    return answer(_head(document) | {"returnItems": items})


def _customer(market: Market, item: Document) -> Document:
    details = dict(market.docs.all("orders")[item["orderId"]]["shipmentDetails"])
    for name in ("language", "pickupPointName"):
        details.pop(name, None)
    return {"customerDetails": details, "trackAndTrace": "3SRET" + item["rmaId"], "transporterName": "PostNL"}


def handle_return(call: Call) -> Response:
    rma = call.path["rma-id"]
    return accept(call, "HANDLE_RETURN_ITEM", rma, {"rma": rma} | call.body.wire())


def apply_handling(market: Market, payload: Document) -> str:
    document = market.docs.get("returns", market.index.return_of_rma.get(payload["rma"], ""))
    if document is None:
        raise Refused(f"Return item {payload['rma']} was not found.")
    item = next(item for item in document["items"] if item["rmaId"] == payload["rma"])
    if payload["handlingResult"] is None or payload["quantityReturned"] is None:
        raise Refused("handlingResult and quantityReturned are required.")
    if payload["quantityReturned"] > item["expected"]:
        raise Refused(f"At most {item['expected']} units can be handled.")
    _judge(market, item, payload["handlingResult"], payload["quantityReturned"])
    market.docs.put("returns", document["returnId"], document)
    return str(payload["rma"])


def _judge(market: Market, item: Document, handling: str, quantity: int) -> None:
    """A handled item may be handled anew: the later result replaces the earlier."""
    if _handled(item):
        item["results"].clear()
    result = {"quantity": quantity, "processingResult": PROCESSING[handling], "handlingResult": handling}
    item["results"].append(result | {"processingDateTime": stamp(market.now())})


def create_return(call: Call) -> Response:
    return accept(call, "CREATE_RETURN_ITEM", call.body.orderItemId, call.body.wire())


def apply_creation(market: Market, payload: Document) -> str:
    order, item = find_item(market, payload["orderItemId"])
    if payload["quantityReturned"] > item["shipped"]:
        raise Refused(f"Of order item {payload['orderItemId']} only {item['shipped']} units were shipped.")
    if item["shippedAt"] < market.now() - UNANNOUNCED_FOR:
        raise Refused("A return can be created up to 90 days after shipping.")
    document = add_return(market, [(order, item, payload["quantityReturned"], "Overig")])
    _judge(market, document["items"][0], payload["handlingResult"], payload["quantityReturned"])
    market.docs.put("returns", document["returnId"], document)
    return str(document["returnId"])
