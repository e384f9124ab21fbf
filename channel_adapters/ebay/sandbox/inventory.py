"""Inventory items and offers: created, published, changed in bulk, withdrawn. All at once, with a status per item."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, request
from pydantic import Field

from channel_adapters.ebay.sandbox.account import is_leaf, location_keys, policy_ids, required_aspects
from channel_adapters.ebay.sandbox.market import DAY, Call, Document, Market, currency_of, quantity_of
from channel_adapters.ebay.sandbox.protocol import Problem, Strict, answer, bulk, nothing, number, paged

MOST = 25
SKU_MAX, TITLE_MAX, TEXT_MAX = 50, 80, 4000
POLICY_ERRORS = {"fulfillment": 25007, "payment": 25008, "return": 25009}
READ_ONLY = {"offerId", "sku", "marketplaceId", "format", "listing", "status"}


class Amount(Strict):
    value: str = Field(pattern=r"^\d+(\.\d{1,2})?$")
    currency: str = Field(pattern=r"^[A-Z]{3}$")


class Sku(Strict):
    sku: str


class Skus(Strict):
    requests: list[Sku] = Field(min_length=1)


class Items(Strict):
    requests: list[dict[str, Any]] = Field(min_length=1)


class OfferNumber(Strict):
    offer_id: str


class OfferNumbers(Strict):
    requests: list[OfferNumber] = Field(min_length=1)


class ShipTo(Strict):
    quantity: int = Field(ge=0)


class OfferChange(Strict):
    offer_id: str
    available_quantity: int | None = Field(default=None, ge=0)
    price: Amount | None = None


class Change(Strict):
    sku: str | None = None
    ship_to_location_availability: ShipTo | None = None
    offers: list[OfferChange] = Field(default_factory=list, max_length=MOST)


class Changes(Strict):
    requests: list[Change] = Field(min_length=1)


# Items


def items(call: Call) -> Response:
    """``offset`` is the number of the page."""
    limit, page = number("limit", 25, 1, 200), number("offset", 0, 0, 10**6)
    found = [_shown_item(item) for item in call.market.docs.all("items").values()]
    if call.faulty("stuck_cursor") is not None:
        return answer({"total": 10**6, "limit": limit, "size": 1, "inventoryItems": found[:1], "next": request.url})
    found = [] if call.faulty("empty_list") is not None else found
    here = paged(found, page, limit)
    body: Document = {"total": len(found), "limit": limit, "size": len(here), "inventoryItems": here}
    more = (page + 1) * limit < len(found)
    return answer(body | ({"next": f"{request.path}?limit={limit}&offset={page + 1}"} if more else {}))


def _shown_item(item: Document) -> Document:
    shown = {name: value for name, value in item.items() if name != "changed"}
    ship = shown["availability"]["shipToLocationAvailability"]
    split = {"auction": 0, "fixedPrice": ship.get("quantity", 0)}
    return shown | {"availability": {"shipToLocationAvailability": {**ship, "allocationByFormat": split}}}


def items_of(call: Call) -> Response:
    entries: list[Document] = []
    for asked in call.body.requests[:MOST]:
        item = call.market.docs.get("items", asked.sku)
        if item is None:
            error = Problem(404, 25710, "We didn't find the resource/entity you are requesting.").as_error()
            entries.append({"statusCode": 404, "sku": asked.sku, "errors": [error]})
        else:
            entries.append({"statusCode": 200, "sku": asked.sku, "inventoryItem": _shown_item(item)})
    return bulk(entries)


def replace_items(call: Call) -> Response:
    wanted = call.body.requests
    skus = [item.get("sku") for item in wanted]
    if len(wanted) > MOST:
        raise Problem(400, 25727, f"The number of InventoryItems in the request cannot exceed {MOST}.")
    if len(set(skus)) < len(skus):
        raise Problem(400, 25734, "SKU should be unique in the request.")
    return bulk([_guarded(call, place, item, _replace) for place, item in enumerate(wanted, start=1)])


def _guarded(call: Call, place: int, wanted: Document, act: Callable[[Call, Document], Document]) -> Document:
    """One item of a batch: what goes wrong with it is its own result."""
    names = ("sku", "marketplaceId", "format", "offerId")
    named: Document = {name: wanted[name] for name in names if name in wanted}
    if (params := call.faulty_item(place, named)) is not None:
        status = int(params.get("status", 500))
        number_ = 25001 if status >= 500 else 25710 if status == 404 else 25002
        return named | {"statusCode": status, "errors": [Problem(status, number_, "It did not work.").as_error()]}
    try:
        return named | act(call, wanted)
    except Problem as problem:
        return named | {"statusCode": problem.status, "errors": [problem.as_error()]}


def _replace(call: Call, item: Document) -> Document:
    """The whole record: what is left out is gone."""
    sku, product = item.get("sku", ""), item.get("product", {})
    if not sku or len(sku) > SKU_MAX:
        raise Problem(400, 25707, "Invalid sku. sku has to be alphanumeric with upto 50 characters in length")
    if not item.get("locale"):
        raise Problem(400, 25709, "Invalid value for locale.", fieldName="locale")
    if len(product.get("title", "")) > TITLE_MAX:
        raise Problem(400, 25709, "Invalid value for title. At most 80 characters.", fieldName="title")
    if len(product.get("description", "")) > TEXT_MAX:
        raise Problem(400, 25709, "Invalid value for description. At most 4000 characters.", fieldName="description")
    if any(not url.startswith("https://") for url in product.get("imageUrls", [])):
        raise Problem(400, 25709, "Invalid value for imageUrls.", fieldName="imageUrls")
    known = call.market.docs.get("items", sku)
    if call.faulty("not_applied") is None:
        for offer in call.market.offers_of(sku):
            if offer["published"]:
                revise(call.market, offer)
        availability = item.get("availability") or {"shipToLocationAvailability": {}}
        call.market.put("items", sku, {**item, "availability": availability})
    return {"statusCode": 200 if known else 201}


def revise(market: Market, offer: Document) -> None:
    """Each listing can be revised so many times in a calendar day."""
    day = int(market.now() // DAY)
    used = offer["revisions"] if offer["revised_on"] == day else 0
    if used >= market.options.revisions:
        raise Problem(400, 25019, "Cannot revise the listing: it was revised too often today.")
    offer |= {"revised_on": day, "revisions": used + 1}
    market.put("offers", offer["id"], offer)


# Offers


def offers(call: Call) -> Response:
    sku = request.args.get("sku", "")
    if not sku:
        raise Problem(400, 25709, "Invalid value for sku.", fieldName="sku")
    limit, page = number("limit", 100, 1, 200), number("offset", 0, 0, 10**6)
    found = [] if call.faulty("empty_list") is not None else call.market.offers_of(sku)
    site, kind = request.args.get("marketplace_id"), request.args.get("format")
    found = [offer for offer in found if site in (None, offer["body"]["marketplaceId"])]
    found = [offer for offer in found if kind in (None, offer["body"]["format"])]
    if not found:
        raise Problem(404, 25713, "This Offer is not available.")
    here = [shown(call.market, offer) for offer in paged(found, page, limit)]
    return answer({"total": len(found), "size": len(here), "limit": limit, "href": request.path, "offers": here})


def shown(market: Market, offer: Document) -> Document:
    body = {**offer["body"], "offerId": offer["id"], "status": "PUBLISHED" if offer["published"] else "UNPUBLISHED"}
    if not offer["listing"]:
        return body
    state = "ACTIVE" if market.shown(offer) > 0 else "OUT_OF_STOCK"
    listing = {"listingId": offer["listing"], "listingStatus": state if offer["published"] else "ENDED"}
    listing |= {"soldQuantity": offer["sold"]} | ({"listingOnHold": True} if offer["held"] else {})
    return body | {"listing": listing}


def find(call: Call, offer_id: str) -> Document:
    offer: Document | None = call.market.docs.get("offers", offer_id)
    if offer is None:
        raise Problem(404, 25713, "This Offer is not available.")
    return offer


def get(call: Call) -> Response:
    return answer(shown(call.market, find(call, call.path["offer_id"])))


def create(call: Call) -> Response:
    if len(call.body.requests) > MOST:
        raise Problem(400, 25730, f"The number of offers in the request cannot exceed {MOST}")
    return bulk([_guarded(call, place, wanted, _create) for place, wanted in enumerate(call.body.requests, start=1)])


def _create(call: Call, wanted: Document) -> Document:
    market, sku = call.market, wanted.get("sku", "")
    if market.docs.get("items", sku) is None:
        raise Problem(400, 25702, f"{sku} could not be found or is not available in the system.")
    for other in market.offers_of(sku):
        if other["body"]["marketplaceId"] == wanted.get("marketplaceId"):
            raise Problem(400, 25002, "Offer entity already exists.", offerId=other["id"])
        raise Problem(400, 25002, "The same SKU can not be offered across multiple eBay marketplaces.")
    if call.faulty("not_applied") is not None:
        return {"statusCode": 201, "offerId": "1"}
    return {"statusCode": 201, "offerId": new_offer(market, wanted)["id"]}


def new_offer(market: Market, body: Document) -> Document:
    offer: Document = {"id": str(market.docs.next_id("offer", 8209815010)), "body": body, "published": False}
    offer |= {"listing": "", "sold": 0, "held": False, "revisions": 0, "revised_on": 0}
    market.put("offers", offer["id"], offer)
    return offer


def update(call: Call) -> Response:
    """The whole offer: what is left out is gone, but for what says which offer it is."""
    offer, given = find(call, call.path["offer_id"]), call.body
    if READ_ONLY & set(given):
        raise Problem(400, 25709, "Invalid value for offer.", fieldName=min(READ_ONLY & set(given)))
    identity = {name: value for name, value in offer["body"].items() if name in READ_ONLY}
    if call.faulty("not_applied") is None:
        if offer["published"]:
            require_publishable(call.market, identity | given)
            revise(call.market, offer)
        offer["body"] = identity | given
        call.market.put("offers", offer["id"], offer)
    return nothing()


def publish(call: Call) -> Response:
    if len(call.body.requests) > MOST:
        raise Problem(400, 25730, f"The number of offers in the request cannot exceed {MOST}")
    wanted = [request_.model_dump(by_alias=True) for request_ in call.body.requests]
    return bulk([_guarded(call, place, each, _publish) for place, each in enumerate(wanted, start=1)])


def _publish(call: Call, wanted: Document) -> Document:
    market, offer = call.market, find(call, wanted["offerId"])
    require_publishable(market, offer["body"])
    if market.shown(offer) < 1:
        raise Problem(400, 25004, "The offer has an invalid quantity.")
    if call.faulty("not_applied") is None:
        offer |= {"published": True, "listing": str(market.docs.next_id("listing", 287403994390))}
        market.put("offers", offer["id"], offer)
    return {"statusCode": 200, "listingId": offer["listing"] or "1"}


def require_publishable(market: Market, body: Document) -> None:
    """What has to be there before a listing can be."""
    site, policies = body["marketplaceId"], body.get("listingPolicies", {})
    for kind, error in POLICY_ERRORS.items():
        if policies.get(f"{kind}PolicyId") not in policy_ids(market, kind, site):
            raise Problem(400, error, f"The offer has invalid data in the associated {kind} policy.")
    if body.get("merchantLocationKey") not in location_keys(market):
        raise Problem(400, 25012, "Invalid inventory location.")
    if not is_leaf(body.get("categoryId", "")):
        raise Problem(400, 25005, "The offer has an invalid category ID.")
    price = body.get("pricingSummary", {}).get("price", {})
    if price.get("currency") != currency_of(site) or float(price.get("value", 0)) <= 0:
        raise Problem(400, 25003, "The offer has an invalid price.")
    _require_product(market, body)


def _require_product(market: Market, body: Document) -> None:
    """eBay's own catalogue adds picture and description to a GTIN that it knows."""
    product = (market.docs.get("items", body["sku"]) or {}).get("product", {})
    known = market.options.catalogue == "all" and any(product.get(name) for name in ("ean", "upc", "isbn", "epid"))
    if not product.get("title"):
        raise Problem(400, 25016, "The title value is invalid.", fieldName="title")
    if not known and not product.get("imageUrls"):
        raise Problem(400, 25014, "The offer has invalid pictures. At least one is required.")
    if not known and not (product.get("description") or body.get("listingDescription")):
        raise Problem(400, 25016, "The description value is invalid.", fieldName="description")
    for name in required_aspects(body["categoryId"]):
        if not product.get("aspects", {}).get(name):
            raise Problem(400, 25002, f"The item specific {name} is missing.", fieldName=name)


def withdraw(call: Call) -> Response:
    offer = find(call, call.path["offer_id"])
    if not offer["published"]:
        raise Problem(400, 25002, "The offer is not published.")
    if call.faulty("not_applied") is None:
        offer["published"] = False
        call.market.put("offers", offer["id"], offer)
    return answer({"listingId": offer["listing"]})


# Stock and price


def change(call: Call) -> Response:
    wanted, most = call.body.requests, call.market.options.most_skus
    if len(wanted) > most:
        raise Problem(400, 25002, f"At most {most} SKUs can be updated in one call.")
    return bulk([entry for place, each in enumerate(wanted, start=1) for entry in _changed(call, place, each)])


def _changed(call: Call, place: int, wanted: Change) -> list[Document]:
    """An entry for each offer; one for the item where it alone is changed."""
    ignored = call.faulty("not_applied") is not None
    given = {"sku": wanted.sku or ""}
    if (refused := call.faulty_item(place, given)) is not None:
        return [_fault(refused, given | {"offerId": offer.offer_id}) for offer in wanted.offers] or [
            _fault(refused, given)
        ]
    try:
        if not ignored:
            _change_item(call.market, wanted)
    except Problem as problem:
        return [given | {"statusCode": problem.status, "errors": [problem.as_error()]}]
    if not wanted.offers:
        return [given | {"statusCode": 200}]
    return [_change_offer(call, offer, ignored) for offer in wanted.offers]


def _fault(params: Document, named: Document) -> Document:
    status = int(params.get("status", 500))
    code = 25001 if status >= 500 else 25710 if status == 404 else 25002
    return named | {"statusCode": status, "errors": [Problem(status, code, "It did not work.").as_error()]}


def _change_item(market: Market, wanted: Change) -> None:
    if wanted.ship_to_location_availability is None:
        return
    item = market.docs.get("items", wanted.sku or "")
    if item is None:
        raise Problem(404, 25710, "We didn't find the resource/entity you are requesting.")
    item["availability"]["shipToLocationAvailability"]["quantity"] = wanted.ship_to_location_availability.quantity
    market.put("items", item["sku"], item)


def _change_offer(call: Call, wanted: OfferChange, ignored: bool) -> Document:
    market = call.market
    try:
        offer = find(call, wanted.offer_id)
        named = {"offerId": offer["id"], "sku": offer["body"]["sku"]}
        if not offer["published"]:
            raise Problem(400, 25713, "This Offer is not available : it is not published.")
        if wanted.price is not None and wanted.price.currency != currency_of(offer["body"]["marketplaceId"]):
            raise Problem(400, 25003, "The offer has an invalid price.")
        if not ignored:
            revise(market, offer)
            if wanted.available_quantity is not None:
                offer["body"]["availableQuantity"] = wanted.available_quantity
            if wanted.price is not None:
                offer["body"]["pricingSummary"] = {"price": wanted.price.model_dump(by_alias=True)}
            market.put("offers", offer["id"], offer)
    except Problem as problem:
        return {"offerId": wanted.offer_id, "statusCode": problem.status, "errors": [problem.as_error()]}
    return named | {"statusCode": 200}


def sold(market: Market, offer: Document, quantity: int) -> None:
    """A sale lowers both quantities."""
    item = market.docs.all("items")[offer["body"]["sku"]]
    left = max(0, (quantity_of(item) or 0) - quantity)
    item["availability"]["shipToLocationAvailability"]["quantity"] = left
    market.put("items", item["sku"], item)
    own = offer["body"].get("availableQuantity")
    if own is not None:
        offer["body"]["availableQuantity"] = max(0, own - quantity)
    offer["sold"] += quantity
    market.put("offers", offer["id"], offer)
