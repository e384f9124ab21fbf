"""Offers v11: written at once, checked against bol's policy a little later."""

from __future__ import annotations

import base64
import uuid
from typing import Any

from flask import Response, request
from stdnum import ean as ean_number
from stdnum import isbn

from channel_adapters.bol.sandbox.availability import corrected_stock, is_known, is_live, reasons, verdict
from channel_adapters.bol.sandbox.market import Call, Document, Market, product_key, stamp
from channel_adapters.bol.sandbox.protocol import (
    V11,
    Problem,
    answer,
    bad_request,
    moment,
    no_content,
    not_found,
    query_flag,
    query_number,
)

PAGE = 50
# The specification allows page-size from 1, but a page answered is never below 25 (schema PageSize).
SMALLEST_PAGE_TOLD = 25


def create_offer(call: Call) -> Response:
    body = call.body.wire()
    body["ean"] = _ean(body["ean"])
    offer = new_offer(call.market, body)
    if product_key(offer) in call.market.index.offer_by_product:
        raise Problem(409, f"An offer for EAN {offer['ean']} in this condition exists already.")
    if call.faulty("not_applied") is None:
        add_offer(call.market, offer)
    return answer({"offerId": offer["offerId"]}, 201, V11)


def _ean(text: str) -> str:
    """An EAN with a valid check digit; an ISBN-10 becomes the EAN of that book."""
    if len(text) == 10 and isbn.is_valid(text):
        return str(isbn.to_isbn13(text))
    if not ean_number.is_valid(text):
        raise bad_request("ean", f"'{text}' is not a valid EAN.")
    return text


def new_offer(market: Market, body: Document) -> Document:
    offer: Document = {"offerId": str(uuid.uuid4()), "ean": body["ean"], "condition": body["condition"]}
    offer |= {"onHold": False, "stock": {"amount": 0, "managedByRetailer": False}, "countries": ["NL", "BE"]}
    _merge(market, offer, body)
    return offer | {"verdict": [], "fresh": True, "live": False, "turn": market.docs.next_id("offer")}


def add_offer(market: Market, offer: Document) -> None:
    market.index.add_offer(offer)
    _changed(market, offer)


def _merge(market: Market, offer: Document, body: Document) -> None:
    renamed = {"onHoldByRetailer": "onHold"}
    plain = (
        "reference",
        "unknownProductTitle",
        "economicOperatorId",
        "onHoldByRetailer",
        "pricing",
        "fulfilment",
    )
    for name in plain:
        if name in body:
            offer[renamed.get(name, name)] = body[name]
    if "countryAvailabilities" in body:
        offer["countries"] = [item["countryCode"] for item in body["countryAvailabilities"]]
    if is_known(market, offer["ean"]):
        offer.pop("unknownProductTitle", None)
    if "stock" in body:
        offer["stock"] = offer["stock"] | body["stock"]


def update_offer(call: Call) -> Response:
    offer = _offer(call)
    if call.faulty("not_applied") is None:
        market, body = call.market, call.body.wire()
        if "reference" in body:
            market.index.remove_offer(offer)
        _merge(market, offer, body)
        market.index.add_offer(offer)
        _changed(market, offer)
    return no_content()


def delete_offer(call: Call) -> Response:
    offer = _offer(call)
    if call.faulty("not_applied") is None:
        call.market.index.remove_offer(offer)
        call.market.docs.remove("offers", offer["offerId"])
    return no_content()


def _changed(market: Market, offer: Document) -> None:
    """Any update starts a new count of orders (see corrected_stock) and a new policy check."""
    offer["updated"] = offer["modified"] = market.now()
    offer["checkDue"] = offer["updated"] + market.options.policy_seconds
    offer["checked"] = False
    market.docs.put("offers", offer["offerId"], offer)
    market.schedule(offer["checkDue"], "policy", offer["offerId"])
    note_live(market, offer)


def schedule_checks(market: Market) -> None:
    """The checks that were due when the sandbox was stopped."""
    for offer in market.docs.all("offers").values():
        if not offer["checked"]:
            market.schedule(offer["checkDue"], "policy", offer["offerId"])


def check_policy(market: Market, offer_id: str) -> None:
    offer = market.docs.get("offers", offer_id)
    if offer is None or offer["checkDue"] > market.now():
        return
    offer |= {"verdict": verdict(market, offer), "fresh": False, "checked": True}
    market.docs.put("offers", offer_id, offer)
    note_live(market, offer)


def recheck_product(market: Market, ean: str) -> None:
    """The content of a product changed: its offers are judged anew."""
    for (offered, _), offer_id in list(market.index.offer_by_product.items()):
        if offered == ean:
            market.schedule(market.now(), "policy", offer_id)


def note_live(market: Market, offer: Document) -> None:
    """Tell subscribers when an offer comes on sale or goes off."""
    live = is_live(market, offer)
    if live != offer["live"]:
        offer["live"] = live
        market.docs.put("offers", offer["offerId"], offer)
        resource = "OFFER_FOR_SALE" if live else "OFFER_NOT_FOR_SALE"
        market.emit(resource, resource.removeprefix("OFFER_"), offer["offerId"])


def _offer(call: Call) -> Document:
    offer_id = call.path["offer-id"]
    try:
        uuid.UUID(offer_id)
    except ValueError:
        raise bad_request("offer-id", f"'{offer_id}' is not a valid offer id.") from None
    offer: Document | None = call.market.docs.get("offers", offer_id)
    if offer is None:
        raise not_found(f"Offer {offer_id}")
    return offer


def get_offer(call: Call) -> Response:
    return answer(_wire(call.market, _offer(call)), media=V11)


def get_not_for_sale_reasons(call: Call) -> Response:
    offer = _offer(call)
    found = reasons(call.market, offer)
    countries = [{"countryCode": country, "reasons": found} for country in offer["countries"]]
    return answer({"offerId": offer["offerId"], "countries": countries}, media=V11)


def get_offers(call: Call) -> Response:
    size = query_number("page-size", PAGE, maximum=100)
    told: Document = {"pageSize": size} if size >= SMALLEST_PAGE_TOLD else {}
    if call.faulty("empty_list") is not None:
        return answer({"offers": [], "page": told}, media=V11)
    stuck = call.faulty("stuck_cursor") is not None
    found = _matching(call.market, 0 if stuck else _cursor())
    page = found[:size]
    if page and (stuck or len(found) > size):
        told["nextCursor"] = base64.urlsafe_b64encode(str(page[-1]["turn"]).encode()).decode()
    return answer({"offers": [_wire(call.market, offer) for offer in page], "page": told}, media=V11)


def _cursor() -> int:
    """The turn of the last offer of the page before: what is deleted or added in between moves nothing."""
    cursor = request.args.get("cursor") or ""
    try:
        return int(base64.urlsafe_b64decode(cursor) or 0)
    except ValueError:
        raise bad_request("cursor", "The cursor is not valid.") from None


def _matching(market: Market, after: int) -> list[Document]:
    ids, eans, since = set(request.args.getlist("offer-ids")), set(request.args.getlist("eans")), _since()
    reference, for_sale = request.args.get("reference"), query_flag("for-sale")
    return [
        offer
        for offer in market.docs.all("offers").values()
        if offer["turn"] > after
        and (not ids or offer["offerId"] in ids)
        and (not eans or offer["ean"] in eans)
        and (reference is None or offer.get("reference") == reference)
        and (since is None or offer["modified"] >= since)
        and (for_sale is None or is_live(market, offer) == for_sale)
    ]


def _since() -> float | None:
    text = request.args.get("last-modified-date-time")
    return None if text is None else moment("last-modified-date-time", text)


def _wire(market: Market, offer: Document) -> Document:
    live = is_live(market, offer)
    body: dict[str, Any] = {name: offer[name] for name in ("offerId", "ean", "condition", "pricing", "fulfilment")}
    for name in ("reference", "economicOperatorId", "unknownProductTitle"):
        if name in offer:
            body[name] = offer[name]
    body["lastModifiedDateTime"] = stamp(offer["modified"])
    body["onHoldByRetailer"] = offer["onHold"]
    body["stock"] = offer["stock"] | {"correctedStock": corrected_stock(market, offer)}
    body["countryAvailabilities"] = [{"countryCode": code, "forSale": live} for code in offer["countries"]]
    body["product"] = {"bolProductId": f"93{int(offer['ean'][:12]):014d}"}
    return body
