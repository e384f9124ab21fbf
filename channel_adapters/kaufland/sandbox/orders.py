"""Orders and their pieces: listed, marked as being fulfilled, sent, cancelled, refunded."""

from __future__ import annotations

from typing import Literal

from flask import Response, request
from pydantic import BaseModel, ConfigDict, Field

from channel_adapters.kaufland.sandbox import products, tickets
from channel_adapters.kaufland.sandbox.account import CARRIERS
from channel_adapters.kaufland.sandbox.market import CURRENCIES, Call, Document, Market, stamp
from channel_adapters.kaufland.sandbox.protocol import (
    STOREFRONTS,
    Problem,
    choice,
    data,
    fulfilments,
    invalid,
    no_content,
    not_found,
    page,
    several,
    since,
)

STATUSES = (
    "cancelled",
    "need_to_be_sent",
    "open",
    "received",
    "returned",
    "returned_paid",
    "sent",
    "sent_and_autopaid",
)
SORTS = ("ts_created:desc", "ts_updated:desc")
WITHOUT_TRACKING = ("Other", "Other Hauler")


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Sending(Strict):
    tracking_numbers: str
    carrier_code: str


class Cancelling(Strict):
    reason: Literal[
        "BuyerCancelled",
        "ShippingAddressUndeliverable",
        "WrongCatalogData",
        "GeneralAdjustment",
        "MerchandiseNotReceived",
        "NoInventory",
        "DelayedInventory",
        "WrongPrice",
        "NoReactionBuyer",
        "UndeliverableRegion",
    ]


class Refunding(Strict):
    amount: int = Field(ge=1)
    reason: Literal[
        "delivery_damage",
        "delivery_delay",
        "incomplete_delivery",
        "incorrect_delivery",
        "refund_postage_fee",
        "defect",
        "other_refund",
        "refund_return_postage_fee",
    ]


class Information(Strict):
    tracking_number: str
    carrier_code: str


class Shipment(Strict):
    id_order_unit: int
    shipment_information: Information


def _updated(market: Market, order: Document) -> float:
    return max(float(piece["updated"]) for piece in market.pieces_of(order["id"]))


def listing(call: Call) -> Response:
    market, code, kinds = call.market, choice("storefront", STOREFRONTS), fulfilments()
    created, updated = since("ts_created_from_iso"), since("ts_units_updated_from_iso")
    found = [
        order
        for order in market.docs.all("orders").values()
        if code in (None, order["storefront"]) and order["fulfillment_type"] in kinds
        if order["created"] >= created and int(_updated(market, order)) >= updated
    ]
    found.sort(key=lambda order: order["created"], reverse=True)
    return page(call, found, lambda order: _head(order) | _counts(market, order))


def _head(order: Document) -> Document:
    body = {"id_order": order["id"], "ts_created_iso": stamp(order["created"]), "storefront": order["storefront"]}
    return body | {"is_marketplace_deemed_supplier": order["deemed"], "fulfillment_type": order["fulfillment_type"]}


def _counts(market: Market, order: Document) -> Document:
    return {"order_units_count": len(order["pieces"]), "ts_units_updated_iso": stamp(_updated(market, order))}


def get(call: Call) -> Response:
    order = call.market.docs.get("orders", call.path["id_order"])
    if order is None:
        raise not_found("Order")
    wanted = [part for value in request.args.getlist("embedded") for part in value.split(",")]
    body = _head(order) | {"buyer": order["buyer"], "shipping_address": order["shipping"]}
    body["billing_address"] = order["billing"]
    body["order_units"] = [_in_order(call.market, piece) for piece in call.market.pieces_of(order["id"])]
    if "delivery" in wanted:
        body["delivery"] = {"pickup_location": order["pickup"]}
    if "order_invoices" in wanted:
        body["order_invoices"] = []
    return data(body)


def _in_order(market: Market, piece: Document) -> Document:
    """In an order its pieces carry their tickets, and neither addresses nor fulfilment."""
    left_out = ("buyer", "billing_address", "shipping_address", "fulfillment_type")
    body = {name: value for name, value in shown(market, piece).items() if name not in left_out}
    return body | {"tickets": tickets.of_piece(market, piece["key"])}


def shown(market: Market, piece: Document) -> Document:
    order = market.docs.all("orders")[piece["order"]]
    body = {"id_order_unit": int(piece["key"]), "id_order": piece["order"], "status": piece["status"]}
    body |= {"ts_created_iso": stamp(piece["created"]), "ts_updated_iso": stamp(piece["updated"])}
    body |= {"is_marketplace_deemed_supplier": order["deemed"], "currency": CURRENCIES.get(piece["storefront"], "EUR")}
    gross = piece["price"] + piece["shipping_rate"]
    net = round(gross * 100 / (100 + (piece["vat"] or 0)))
    names = ("price", "id_offer", "note", "storefront", "shipping_rate", "cancel_reason", "fulfillment_type", "vat")
    body |= {name: piece[name] for name in names} | {"revenue_gross": gross, "revenue_net": net}
    body |= {"unit_condition": piece["condition"], "delivery_time_min": 2, "delivery_time_max": 4}
    body |= {"delivery_time_expires_iso": stamp(piece["expires"]), "order_received_timestamp_iso": None}
    body |= {"buyer": order["buyer"], "billing_address": order["billing"], "shipping_address": order["shipping"]}
    return body | {"product": products.shown(market, piece["ean"], piece["storefront"]) | {"title": piece["title"]}}


def units(call: Call) -> Response:
    market, code, kinds = call.market, choice("storefront", STOREFRONTS), fulfilments()
    created, updated = since("ts_created_from_iso"), since("ts_updated_from_iso")
    states, sku = several("status", STATUSES, STATUSES), request.args.get("id_offer")
    sort = choice("sort", SORTS) or SORTS[0]
    found = [
        piece
        for piece in market.docs.all("pieces").values()
        if code in (None, piece["storefront"]) and piece["fulfillment_type"] in kinds and piece["status"] in states
        if piece["created"] >= created and int(piece["updated"]) >= updated and sku in (None, piece["id_offer"])
    ]
    found.sort(key=lambda piece: piece["created" if sort == SORTS[0] else "updated"], reverse=True)
    return page(call, found, lambda piece: shown(market, piece))


def _find(call: Call, key: str | None = None) -> Document:
    piece: Document | None = call.market.docs.get("pieces", key or call.path["id_order_unit"])
    if piece is None:
        raise not_found("Order unit")
    return piece


def unit(call: Call) -> Response:
    market, piece = call.market, _find(call)
    wanted = [part for value in request.args.getlist("embedded") for part in value.split(",")]
    body = shown(market, piece)
    if "tickets" in wanted:
        body["tickets"] = tickets.of_piece(market, piece["key"])
    if "return_unit" in wanted:
        backs = (unit for unit in market.docs.all("return_units").values() if unit["piece"] == piece["key"])
        body["return_unit"] = next((return_unit(back) for back in backs), None)
    return data(body)


def ticket(call: Call) -> Response:
    market, found = call.market, tickets.find(call)
    wanted = [part for value in request.args.getlist("embedded") for part in value.split(",")]
    pieces = [market.docs.all("pieces")[key] for key in found["pieces"]]
    shown_pieces = [shown(market, piece) for piece in pieces] if "order_units" in wanted else []
    return data(tickets.details(market, found) | {"order_units": shown_pieces})


def return_unit(back: Document) -> Document:
    names = ("status", "note", "reason", "storefront", "fulfillment_type")
    body = {"id_return_unit": int(back["key"]), "id_return": int(back["return"]), "id_order_unit": int(back["piece"])}
    return body | {"ts_created_iso": stamp(back["created"])} | {name: back[name] for name in names}


def _require(piece: Document, *states: str) -> None:
    if piece["status"] not in states:
        words = f"The order unit is {piece['status']}"
        raise Problem(403, "action-not-allowed", words, [("status", words)])


def _require_payment(call: Call, piece: Document) -> None:
    if not call.market.docs.all("orders")[piece["order"]]["paid"]:
        raise Problem(403, "order-units/missing-payment", "The payment is missing")


def fulfil(call: Call) -> Response:
    piece = _find(call)
    _require(piece, "open")
    _require_payment(call, piece)
    if call.faulty("not_applied") is None:
        call.market.change_piece(piece, status="need_to_be_sent")
    return no_content()


def send(call: Call) -> Response:
    piece, given = _find(call), call.body
    _require_carrier(given.carrier_code, given.tracking_numbers)
    _require(piece, "open", "need_to_be_sent")
    _require_payment(call, piece)
    if call.faulty("not_applied") is None:
        numbers = [part.strip() for part in given.tracking_numbers.split(",")]
        shipments = [{"carrier": given.carrier_code, "tracking": number} for number in numbers]
        call.market.change_piece(piece, status="sent", shipments=piece["shipments"] + shipments)
    return no_content()


def _require_carrier(carrier: str, tracking: str) -> None:
    """The exact spelling, and a number for all but the two others."""
    if carrier not in CARRIERS:
        raise invalid("carrier_code", f"{carrier} is not a carrier")
    if not tracking.strip() and carrier not in WITHOUT_TRACKING:
        raise invalid("tracking_numbers", "A tracking number is required")


def add_shipment(call: Call) -> Response:
    given = call.body.shipment_information
    piece = _find(call, str(call.body.id_order_unit))
    _require_carrier(given.carrier_code, given.tracking_number)
    _require(piece, "sent", "received", "sent_and_autopaid")
    if call.faulty("not_applied") is None:
        shipment = {"carrier": given.carrier_code, "tracking": given.tracking_number}
        call.market.change_piece(piece, shipments=[*piece["shipments"], shipment])
    return no_content()


def cancel(call: Call) -> Response:
    piece = _find(call)
    if piece["status"] not in ("open", "need_to_be_sent"):
        raise Problem(403, "order-units/cancel-not-possible", f"The order unit is {piece['status']}")
    if call.faulty("not_applied") is None:
        call.market.change_piece(piece, status="cancelled", cancel_reason=call.body.reason)
    return no_content()


def refund(call: Call) -> Response:
    piece, given = _find(call), call.body
    if piece["status"] in ("open", "need_to_be_sent", "cancelled"):
        raise invalid("status", f"The order unit is {piece['status']}")
    paid = sum(item["amount"] for item in piece["refunds"])
    if paid + given.amount > piece["price"] + piece["shipping_rate"]:
        raise invalid("amount", "More than the buyer paid")
    if call.faulty("not_applied") is None:
        refunds = [*piece["refunds"], {"amount": given.amount, "reason": given.reason}]
        call.market.change_piece(piece, refunds=refunds)
    return no_content()


def expire(market: Market, order: Document) -> None:
    """Not sent in time: Kaufland cancels and refunds."""
    for piece in market.pieces_of(order["id"]):
        if piece["status"] in ("open", "need_to_be_sent"):
            market.change_piece(piece, status="cancelled", cancel_reason="DelayedInventory")
