"""Returns: each piece that comes back is decided on its own."""

from __future__ import annotations

from flask import Response, request
from pydantic import BaseModel, ConfigDict, Field

from channel_adapters.kaufland.sandbox import orders, tickets
from channel_adapters.kaufland.sandbox.market import Call, Document, Market, stamp
from channel_adapters.kaufland.sandbox.protocol import (
    STOREFRONTS,
    Problem,
    choice,
    data,
    fulfilments,
    no_content,
    not_found,
    page,
    several,
    since,
)

STATUSES = ("return_requested", "label_generated", "package_sent", "package_received", "label_deleted")
UNIT_STATUSES = (
    "need_to_be_returned",
    "return_arrived",
    "return_accepted",
    "return_rejected",
    "return_closed",
    "return_in_repair",
    "return_in_clarification",
)
UNDECIDED = ("return_arrived", "return_in_repair", "return_in_clarification")


class Told(BaseModel):
    model_config = ConfigDict(extra="forbid")
    message: str = Field(min_length=1)


def add_return(market: Market, pieces: list[tuple[Document, str]], *, arrived: bool) -> Document:
    """``pieces`` with their reasons, all of one order."""
    first, now = pieces[0][0], market.now()
    back: Document = {"key": str(market.docs.next_id("return", 41001)), "storefront": first["storefront"]}
    back |= {"created": now, "updated": now, "fulfillment_type": first["fulfillment_type"]}
    back |= {"status": "package_received" if arrived else "label_generated", "units": []}
    for piece, reason in pieces:
        unit = {"key": str(market.docs.next_id("return_unit", 51001)), "return": back["key"], "piece": piece["key"]}
        unit |= {"status": UNIT_STATUSES[int(arrived)], "reason": reason, "note": None, "created": now, "updated": now}
        unit |= {"storefront": piece["storefront"], "fulfillment_type": piece["fulfillment_type"]}
        market.docs.put("return_units", unit["key"], unit)
        back["units"].append(unit["key"])
    market.docs.put("returns", back["key"], back)
    market.emit("return_new", f"/returns/{back['key']}", back["storefront"])
    return back


def arrive(market: Market, back: Document) -> None:
    back |= {"status": "package_received", "updated": market.now()}
    market.docs.put("returns", back["key"], back)
    for key in back["units"]:
        unit = market.docs.all("return_units")[key]
        if unit["status"] == "need_to_be_returned":
            _change(market, unit, "return_arrived")


def _shown(back: Document) -> Document:
    body = {"id_return": int(back["key"]), "ts_created_iso": stamp(back["created"]), "status": back["status"]}
    body |= {"ts_updated_iso": stamp(back["updated"]), "storefront": back["storefront"]}
    number = f"0034{int(back['key']):08d}"
    return body | {"tracking_provider": "DHL", "tracking_code": number, "fulfillment_type": back["fulfillment_type"]}


def listing(call: Call) -> Response:
    code, states, kinds = choice("storefront", STOREFRONTS), several("status", STATUSES, STATUSES), fulfilments()
    created, updated = since("ts_created_from_iso"), since("ts_updated_from_iso")
    found = [
        back
        for back in call.market.docs.all("returns").values()
        if code in (None, back["storefront"]) and back["status"] in states and back["fulfillment_type"] in kinds
        if int(back["created"]) >= created and int(back["updated"]) >= updated
    ]
    return page(call, found[::-1], _shown)


def get(call: Call) -> Response:
    back = call.market.docs.get("returns", call.path["id_return"])
    if back is None:
        raise not_found("Return")
    wanted = request.args.getlist("embedded")
    units = [orders.return_unit(call.market.docs.all("return_units")[key]) for key in back["units"]]
    return data(_shown(back) | ({"return_units": units} if "return_units" in wanted else {}))


def units(call: Call) -> Response:
    code, kinds = choice("storefront", STOREFRONTS), fulfilments()
    states, created = several("status", UNIT_STATUSES, UNIT_STATUSES), since("ts_created_from_iso")
    sort = choice("sort", orders.SORTS) or orders.SORTS[0]
    found = [
        unit
        for unit in call.market.docs.all("return_units").values()
        if code in (None, unit["storefront"]) and unit["status"] in states and unit["fulfillment_type"] in kinds
        if int(unit["created"]) >= created
    ]
    found.sort(key=lambda unit: unit["created" if sort == orders.SORTS[0] else "updated"], reverse=True)
    return page(call, found, orders.return_unit)


def _find(call: Call) -> Document:
    unit: Document | None = call.market.docs.get("return_units", call.path["id_return_unit"])
    if unit is None:
        raise not_found("Return unit")
    return unit


def unit(call: Call) -> Response:
    market, found = call.market, _find(call)
    wanted = [part for value in request.args.getlist("embedded") for part in value.split(",")]
    body = orders.return_unit(found) | {"return": _shown(market.docs.all("returns")[found["return"]])}
    if "order_unit" in wanted:
        body["order_unit"] = orders.shown(market, market.docs.all("pieces")[found["piece"]])
    if "tickets" in wanted:
        body["tickets"] = tickets.of_piece(market, found["piece"])
    return data(body)


def accept(call: Call) -> Response:
    """The refund follows by itself."""
    unit = _decide(call, "return_accepted")
    if unit is not None:
        piece = call.market.docs.all("pieces")[unit["piece"]]
        left = piece["price"] - sum(item["amount"] for item in piece["refunds"])
        refunds = [*piece["refunds"], {"amount": left, "reason": "return"}]
        call.market.change_piece(piece, status="returned_paid", refunds=refunds)
    return no_content()


def reject(call: Call) -> Response:
    return _with_ticket(call, "return_rejected")


def clarify(call: Call) -> Response:
    return _with_ticket(call, "return_in_clarification")


def repair(call: Call) -> Response:
    _decide(call, "return_in_repair")
    return no_content()


def _with_ticket(call: Call, status: str) -> Response:
    unit = _decide(call, status)
    if unit is not None:
        piece = call.market.docs.all("pieces")[unit["piece"]]
        ticket = tickets.open_ticket(call.market, [piece], "return_check_status", call.body.message)
        ticket["messages"][0]["role"] = "seller"
        ticket["seller"] = False
    return no_content()


def _decide(call: Call, status: str) -> Document | None:
    unit = _find(call)
    if unit["status"] not in UNDECIDED or unit["status"] == status:
        raise Problem(403, "returns/unit-wrong-status", f"The return unit is {unit['status']}")
    if call.faulty("not_applied") is not None:
        return None
    _change(call.market, unit, status)
    return unit


def _change(market: Market, unit: Document, status: str) -> None:
    unit |= {"status": status, "updated": market.now()}
    market.docs.put("return_units", unit["key"], unit)
    market.emit("return_unit_status_changed", f"/return-units/{unit['key']}", unit["storefront"])
