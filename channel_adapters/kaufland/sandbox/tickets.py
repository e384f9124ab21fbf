"""Tickets: a buyer who wants to cancel opens one, the seller answers and closes it."""

from __future__ import annotations

from flask import Response
from pydantic import BaseModel, ConfigDict, Field

from channel_adapters.kaufland.sandbox.market import Call, Document, Market, stamp
from channel_adapters.kaufland.sandbox.protocol import (
    STOREFRONTS,
    Problem,
    fulfilments,
    no_content,
    not_found,
    page,
    several,
    since,
)

STATUSES = ("opened", "buyer_closed", "seller_closed", "both_closed", "customer_service_closed_final")
TOPICS = ("order_cancel", "order_other_question", "return_check_status")


class Message(BaseModel):
    model_config = ConfigDict(extra="forbid")
    text: str = Field(min_length=1, max_length=65535)
    interim_notice: bool = False


def open_ticket(market: Market, pieces: list[Document], topic: str, text: str) -> Document:
    number, now = market.docs.next_id("ticket"), market.now()
    ticket: Document = {"key": f"001{number:09d}", "pieces": [piece["key"] for piece in pieces], "topic": topic}
    ticket |= {"status": "opened", "created": now, "updated": now, "storefront": pieces[0]["storefront"]}
    ticket |= {"seller": True, "fulfillment_type": pieces[0]["fulfillment_type"]}
    ticket["messages"] = [{"role": "buyer", "text": text, "at": now}]
    market.docs.put("tickets", ticket["key"], ticket)
    return ticket


def shown(market: Market, ticket: Document) -> Document:
    order = market.docs.all("orders")[market.docs.all("pieces")[ticket["pieces"][0]]["order"]]
    body = {"id_ticket": ticket["key"], "ids_order_units": [int(key) for key in ticket["pieces"]]}
    body |= {"id_buyer": order["buyer"]["id_buyer"], "open_reason": "contact_other", "topic": ticket["topic"]}
    body |= {"ts_created_iso": stamp(ticket["created"]), "ts_updated_iso": stamp(ticket["updated"])}
    body |= {"status": ticket["status"], "is_seller_responsible": ticket["seller"]}
    return body | {"fulfillment_type": ticket["fulfillment_type"]}


def of_piece(market: Market, key: str) -> list[Document] | None:
    found = [shown(market, item) for item in market.docs.all("tickets").values() if key in item["pieces"]]
    return found or None


def listing(call: Call) -> Response:
    market, kinds, updated = call.market, fulfilments(), since("ts_updated_from_iso")
    states, codes = several("status", STATUSES, STATUSES), several("storefront", STOREFRONTS, STOREFRONTS)
    topics = several("topic", TOPICS, TOPICS)
    found = [
        ticket
        for ticket in market.docs.all("tickets").values()
        if ticket["status"] in states and ticket["storefront"] in codes and ticket["topic"] in topics
        if int(ticket["updated"]) >= updated and ticket["fulfillment_type"] in kinds
    ]
    return page(call, found, lambda ticket: shown(market, ticket), most=30)


def find(call: Call) -> Document:
    ticket: Document | None = call.market.docs.get("tickets", call.path["id_ticket"])
    if ticket is None:
        raise not_found("Ticket")
    return ticket


def details(market: Market, ticket: Document) -> Document:
    """All but the pieces it is about."""
    body = shown(market, ticket) | {"storefront": ticket["storefront"], "files": [], "buyer": None, "product": None}
    return body | {"messages": [_message(ticket, number) for number in range(len(ticket["messages"]))]}


def _message(ticket: Document, number: int) -> Document:
    message = ticket["messages"][number]
    body = {"id_ticket_message": number + 1, "id_ticket": ticket["key"], "text": message["text"]}
    return body | {"author": {"role": message["role"], "name": message["role"]}, "ts_created_iso": stamp(message["at"])}


def _require_open(ticket: Document) -> None:
    if ticket["status"] != "opened":
        raise Problem(400, "tickets/finally-closed", "The ticket is closed")


def answer(call: Call) -> Response:
    ticket = find(call)
    _require_open(ticket)
    if call.faulty("not_applied") is None:
        message = {"role": "seller", "text": call.body.text, "at": call.market.now()}
        _change(call.market, ticket, messages=[*ticket["messages"], message], seller=False)
    return Response(status=201)


def close(call: Call) -> Response:
    ticket = find(call)
    _require_open(ticket)
    if call.faulty("not_applied") is None:
        _change(call.market, ticket, status="seller_closed", seller=False)
    return no_content()


def _change(market: Market, ticket: Document, **changes: object) -> None:
    ticket |= {**changes, "updated": market.now()}
    market.docs.put("tickets", ticket["key"], ticket)
