"""The operations that public clients use, and no other."""

from __future__ import annotations

import secrets
from typing import Any

from flask import request

from channel_adapters.miinto.sandbox.gate import Failure, Listed, Operation
from channel_adapters.miinto.sandbox.market import Call, Document
from channel_adapters.miinto.sandbox.selling import accepted_order, shown_order, shown_transfer

MOST = 100


def create_channel(call: Call) -> Document:
    options, body = call.market.options, call.body
    if (body.get("identifier"), body.get("secret")) != (options.identifier, options.secret):
        raise Failure(401, "Unknown identifier or secret")
    key = f"M!t!Ch!v1!{call.market.docs.next_id('channel', 202044):010d}-{secrets.token_hex(7)}-1"
    token = secrets.token_hex(20)
    call.market.docs.put("channels", key, {"token": token, "until": call.market.now() + options.channel_seconds})
    rights: Document = {"__GLOBAL__": {"Store": {shop: {} for shop in options.shops}}}
    for shop, platform in options.shops.items():
        rights.setdefault(platform, {"ShopAdmin": {}})["ShopAdmin"][shop] = {}
    return {"id": key, "token": token, "data": {"accessorId": 202044}, "privileges": rights}


def get_shop(call: Call) -> Document:
    shop = _shop(call)
    return {"id": shop, "name": f"Sandbox boutique {shop.rpartition('-')[2]}"}


def _shop(call: Call) -> str:
    if call.path["shop"] not in call.market.options.shops:
        raise Failure(403, "This channel has no rights on the shop")
    return call.path["shop"]


def get_transfers(call: Call) -> Listed:
    return _page(call, "transfers", shown_transfer)


def get_orders(call: Call) -> Listed:
    return _page(call, "orders", shown_order)


def _page(call: Call, kind: str, show: Any) -> Listed:
    shop = _shop(call)
    wanted = request.args.getlist("status[]")
    found = [item for item in call.market.of_shop(kind, shop) if not wanted or item["status"] in wanted]
    limit, offset = _number("limit", 10), _number("offset", 0)
    if call.faulty("stuck_cursor") is not None:
        return Listed([show(item) for item in found[:limit]], 10**6)
    found = [] if call.faulty("empty_list") is not None else found
    return Listed([show(item) for item in found[offset : offset + limit]], len(found))


def _number(name: str, default: int) -> int:
    text = request.args.get(name, str(default))
    if not text.isdigit() or int(text) > 10**6 or (name == "limit" and int(text) > MOST):
        raise Failure(400, f"{name} is no number that can be used")
    return int(text)


def get_order(call: Call) -> Document:
    return shown_order(_found(call, "orders"))


def _found(call: Call, kind: str) -> Document:
    shop = _shop(call)
    item: Document | None = call.market.docs.get(kind, call.path["number"])
    if item is None or item["shop"] != shop:
        raise Failure(404, "Not found")
    return item


def update_transfer(call: Call) -> Document:
    transfer = _found(call, "transfers")
    if transfer["status"] != "pending":
        raise Failure(400, "The transfer is answered already")
    accepted, declined = (_keys(call.body.get(name)) for name in ("acceptedPositions", "declinedPositions"))
    if sorted([*accepted, *declined]) != sorted(item["id"] for item in transfer["positions"]):
        raise Failure(400, "Every position has to be accepted or declined")
    if call.faulty("not_applied") is not None:
        return {"newOrder": {"id": None}}
    new = accepted_order(call.market, transfer, accepted) if accepted else None
    transfer |= {"status": "accepted" if accepted else "declined"}
    call.market.docs.put("transfers", str(transfer["id"]), transfer)
    return {"newOrder": {"id": new["id"] if new else None}}


def _keys(given: Any) -> list[int]:
    if given is None:
        return []
    if not isinstance(given, list) or not all(
        isinstance(item, dict) and isinstance(item.get("id"), int) for item in given
    ):
        raise Failure(400, "Positions are objects with an id")
    return [item["id"] for item in given]


def get_product_map(call: Call) -> list[list[str]]:
    shop = request.args.get("unifiedLocationId", "")
    if shop not in call.market.options.shops:
        raise Failure(403, "This channel has no rights on the shop")
    if not call.market.options.mapped:
        return []
    items = call.market.docs.all("items").values()
    return [
        [item["row"]["c:style_id:string"], item["row"]["id"], item["row"]["gtin"], item["miinto_id"]] for item in items
    ]


def operations() -> tuple[Operation, ...]:
    shop = "/shops/<shop>"
    return (
        Operation("CreateChannel", "POST", "/channels", create_channel, signed=False),
        Operation("GetShop", "GET", shop, get_shop),
        Operation("GetTransfers", "GET", f"{shop}/transfers", get_transfers),
        Operation("UpdateTransfer", "PATCH", f"{shop}/transfers/<number>", update_transfer),
        Operation("GetOrders", "GET", f"{shop}/orders", get_orders),
        Operation("GetOrder", "GET", f"{shop}/orders/<number>", get_order),
        Operation("GetProductMap", "GET", "/productmaps", get_product_map, bare=True),
    )
