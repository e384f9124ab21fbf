"""Listings Items 2021-08-01. What is sent is accepted at once and seen later (``accept_seconds``).

A listing is a document per SKU: ``sent`` are the attributes as they were sent, ``shown`` those that count. Quantity is
one for the SKU on all marketplaces, as ``fulfillment_availability`` has no marketplace; all else is per marketplace.
"""

# ruff: noqa: N815  names as the models spell them
from __future__ import annotations

import copy
import uuid
from collections.abc import Callable
from typing import Any, Literal

from flask import Response, request
from pydantic import Field

from channel_adapters.amazon.sandbox.checks import Values, issue, issues_of, patch_issues
from channel_adapters.amazon.sandbox.market import Call, Document, Market
from channel_adapters.amazon.sandbox.protocol import (
    Problem,
    Strict,
    answer,
    at_most,
    chosen,
    denied,
    invalid,
    listed,
    moment,
    not_found,
    number,
    read_body,
    stamp,
)

INCLUDED = (
    "summaries", "attributes", "issues", "offers", "fulfillmentAvailability", "procurement", "relationships",
    "productTypes",
)  # fmt: skip
KINDS = ("ASIN", "EAN", "FNSKU", "GTIN", "ISBN", "JAN", "MINSAN", "SKU", "UPC")
SELECTORS = ("marketplace_id", "language_tag", "currency", "audience", "fulfillment_channel_code")


class Patch(Strict):
    op: Literal["add", "replace", "merge", "delete"]
    path: str = Field(pattern="^/attributes/[a-z0-9_]+$")
    value: list[dict[str, Any]] | None = None


class PatchBody(Strict):
    productType: str
    patches: list[Patch] = Field(min_length=1)


class PutBody(Strict):
    productType: str
    requirements: Literal["LISTING", "LISTING_PRODUCT_ONLY", "LISTING_OFFER_ONLY"] = "LISTING"
    attributes: dict[str, Any]


# Requests


def _sites(call: Call, most: int | None = None) -> list[str]:
    if call.path["seller_id"] != call.market.seller:
        raise denied("The seller is not the one who authorised this application.")
    sites = listed("marketplaceIds")
    if not sites or (most is not None and len(sites) > most):
        raise invalid(f"marketplaceIds: {'at least one is' if not sites else f'at most {most} are'} required.")
    if wrong := [site for site in sites if site not in call.market.options.marketplaces]:
        raise invalid(f"marketplaceIds: {wrong[0]} is not one of the seller's.")
    return sites


def put_listing(call: Call) -> Response:
    site, body = _sites(call, 1)[0], read_body(PutBody)
    chosen("includedData", ("identifiers", "issues"))
    issues = issues_of(body.productType, site, body.attributes, body.requirements)
    if not issues and request.args.get("mode") != "VALIDATION_PREVIEW" and call.faulty("not_applied") is None:
        put(call.market, call.path["sku"], site, body.productType, body.attributes)
    return _accepted(call.path["sku"], issues)


def patch_listing(call: Call) -> Response:
    sites, body = _sites(call), read_body(PatchBody)
    document = call.market.docs.get("listings", call.path["sku"])
    if document is None or not set(sites) & set(document["sites"]):
        raise invalid(f"sku: {call.path['sku']} is not on these marketplaces.")
    patches = [patch.model_dump() for patch in body.patches]
    issues = patch_issues(document, sites, body.productType, patches)
    if not issues and call.faulty("not_applied") is None:
        apply_patches(call.market, document, patches)
    return _accepted(call.path["sku"], issues)


def delete_listing(call: Call) -> Response:
    site = _sites(call, 1)[0]
    document = call.market.docs.get("listings", call.path["sku"])
    if document is not None and site in document["sites"] and call.faulty("not_applied") is None:
        document["sites"][site]["ending"] = True
        _accept(call.market, document)
    return _accepted(call.path["sku"], [])


def _accepted(sku: str, issues: Values) -> Response:
    status = "INVALID" if issues else "ACCEPTED"
    return answer({"sku": sku, "status": status, "submissionId": str(uuid.uuid4()), "issues": issues})


def get_listing(call: Call) -> Response:
    sites, included = _sites(call), chosen("includedData", INCLUDED) or ["summaries"]
    document = call.market.docs.get("listings", call.path["sku"])
    if document is None or not _visible(document, sites):
        raise not_found(f"SKU {call.path['sku']}")
    return answer(view(document, sites, included))


def search_listings(call: Call) -> Response:
    sites, included = _sites(call), chosen("includedData", INCLUDED) or ["summaries"]
    identifiers, kind = listed("identifiers"), request.args.get("identifiersType")
    at_most(identifiers, "identifiers", 20)
    if bool(identifiers) != (kind is not None) or (kind is not None and kind not in KINDS):
        raise invalid("identifiers and identifiersType go together.")
    size = number("pageSize", 10, 20)
    found = _matching(call.market, sites, identifiers, kind or "")
    if call.faulty("empty_list") is not None:
        found = []
    start = 0 if call.faulty("stuck_cursor") is not None else int(request.args.get("pageToken", "t0").removeprefix("t"))
    if start >= call.market.options.search_cap:
        raise invalid("pageToken: a query has at most 1000 results.")
    body: Document = {"numberOfResults": len(found), "pagination": {}}
    if start + size < len(found):
        body["pagination"]["nextToken"] = f"t{start + size}"
    body["items"] = [view(item, sites, included) for item in found[start : start + size]]
    return answer(body)


def _matching(market: Market, sites: list[str], identifiers: list[str], kind: str) -> list[Document]:
    since, is_down = moment("createdAfter"), request.args.get("sortOrder", "DESC") == "DESC"
    sort = (chosen("sortBy", ("sku", "createdDate", "lastUpdatedDate")) or ["lastUpdatedDate"])[0]
    question = (sort, is_down, tuple(sites))
    found = market.docs.listed("listings", question, lambda: _sorted(market, sites, sort, is_down=is_down))
    if identifiers:
        found = [document for document in found if set(identifiers) & identifiers_of(document, kind)]
    if since is not None:
        found = [document for document in found if document["created"] >= since]
    return found


def _sorted(market: Market, sites: list[str], sort: str, *, is_down: bool) -> list[Document]:
    keys: dict[str, Callable[[Document], Any]] = {
        "sku": lambda item: item["sku"],
        "createdDate": lambda item: (item["created"], item["sku"]),
        "lastUpdatedDate": lambda item: (item["updated"], item["sku"]),
    }
    found = [document for document in market.docs.all("listings").values() if _visible(document, sites)]
    return sorted(found, key=keys[sort], reverse=is_down)


def identifiers_of(document: Document, kind: str) -> set[str]:
    if kind == "SKU":
        return {document["sku"]}
    if kind == "ASIN":
        return {place["asin"] for place in document["sites"].values()}
    known = document["sent"].get("externally_assigned_product_identifier", [])
    return {item.get("value", "") for item in known if str(item.get("type", "ean")).upper() == kind}


def _visible(document: Document, sites: list[str]) -> bool:
    return any(site in document["shown_sites"] for site in sites)


# What is shown


def view(document: Document, sites: list[str], included: list[str]) -> Document:
    places = [site for site in sites if site in document["shown_sites"]]
    parts: dict[str, Callable[[], Any]] = {
        "summaries": lambda: [_summary(document, site) for site in places],
        "attributes": lambda: document["sent"],
        "issues": lambda: [issue for issue in document["issues"] if set(issue["marketplaceIds"]) & set(places)],
        "offers": lambda: [offer for site in places if (offer := _offer(document, site))],
        "fulfillmentAvailability": lambda: _availability(document),
        "productTypes": lambda: [
            {"marketplaceId": site, "productType": document["sites"][site]["productType"]} for site in places
        ],
    }
    return {"sku": document["sku"]} | {name: parts[name]() for name in included if name in parts}


def _summary(document: Document, site: str) -> Document:
    place = document["sites"][site]
    body = {"marketplaceId": site, "asin": place["asin"], "productType": place["productType"]}
    conditions = _of_site(document["shown"].get("condition_type", []), site)
    if conditions:
        body["conditionType"] = conditions[0]["value"]
    body["status"] = [*(["BUYABLE"] if buyable(document, site) else []), "DISCOVERABLE"]
    body["itemName"] = title_of(document, site)
    return body | {"createdDate": stamp(document["created"]), "lastUpdatedDate": stamp(document["updated"])}


def title_of(document: Document, site: str) -> str:
    names = _of_site(document["shown"].get("item_name", []), site)
    return str(names[0]["value"]) if names else f"Catalogue item {document['sites'][site]['asin']}"


def _offer(document: Document, site: str) -> Document | None:
    price = price_of(document, site)
    if price is None:
        return None
    body = {"marketplaceId": site, "offerType": "B2C", "price": {"currencyCode": price[1], "amount": f"{price[0]:.2f}"}}
    return body | {"audience": {"value": "ALL", "displayName": "Sell on Amazon"}}


def price_of(document: Document, site: str) -> tuple[float, str] | None:
    for offer in _of_site(document["shown"].get("purchasable_offer", []), site):
        for price in offer.get("our_price", []):
            return float(price["schedule"][0]["value_with_tax"]), offer.get("currency", "EUR")
    return None


def _availability(document: Document) -> Values:
    return [
        {"fulfillmentChannelCode": item["fulfillment_channel_code"]}
        | ({"quantity": item["quantity"]} if "quantity" in item else {})
        for item in document["shown"].get("fulfillment_availability", [])
    ]


def quantity_of(document: Document) -> int:
    found = document["shown"].get("fulfillment_availability", [])
    return int(sum(item.get("quantity", 0) for item in found if item["fulfillment_channel_code"] == "DEFAULT"))


def buyable(document: Document, site: str) -> bool:
    blocked = any(issue["severity"] == "ERROR" and site in issue["marketplaceIds"] for issue in document["issues"])
    return (
        site in document["shown_sites"] and quantity_of(document) > 0 and bool(price_of(document, site)) and not blocked
    )


def take(market: Market, document: Document, units: int) -> None:
    """Sold: Amazon lowers the quantity by itself."""
    for item in document["shown"].get("fulfillment_availability", []):
        if item["fulfillment_channel_code"] == "DEFAULT":
            item["quantity"] = max(0, item.get("quantity", 0) - units)
    market.docs.put("listings", document["sku"], document)


def _of_site(values: Values, site: str) -> Values:
    return [item for item in values if item.get("marketplace_id", site) == site]


# Changes


def put(market: Market, sku: str, site: str, product_type: str, attributes: Document) -> None:
    now = market.now()
    document = market.docs.get("listings", sku) or _new(sku, now)
    place = document["sites"].setdefault(site, {"asin": f"B0{market.docs.next_id('asin', 10000001):08d}"})
    place |= {"productType": product_type, "ending": False}
    for name in list(document["sent"]):
        document["sent"][name] = [
            item for item in document["sent"][name] if item.get("marketplace_id") not in (site, None)
        ]
    for name, values in attributes.items():
        document["sent"][name] = [*document["sent"].get(name, []), *values]
    _accept(market, document)


def _new(sku: str, now: float) -> Document:
    return {
        "sku": sku, "created": now, "updated": now, "sites": {}, "sent": {}, "shown": {}, "shown_sites": [],
        "issues": [], "planned": [], "due": None,
    }  # fmt: skip


def apply_patches(market: Market, document: Document, patches: list[Document]) -> None:
    for patch in patches:
        name, given = patch["path"].removeprefix("/attributes/"), patch["value"] or []
        known = document["sent"].get(name, [])
        document["sent"][name] = _PATCHES[patch["op"]](known, given)
    _accept(market, document)


def _selector(item: Document) -> tuple[Any, ...]:
    return tuple(item.get(name) for name in SELECTORS)


def _place(item: Document) -> Any:
    return item.get("marketplace_id")


def _replaced(known: Values, given: Values) -> Values:
    """Everything of the marketplaces that are given: what is not given is dropped, which has bitten many."""
    places = {_place(item) for item in given}
    return [item for item in known if _place(item) not in places] + copy.deepcopy(given)


def _merged(known: Values, given: Values) -> Values:
    merged = copy.deepcopy(known)
    for item in given:
        same = next((one for one in merged if _selector(one) == _selector(item)), None)
        if same is None:
            merged.append(copy.deepcopy(item))
        else:
            same |= copy.deepcopy(item)
    return merged


def _deleted(known: Values, given: Values) -> Values:
    gone = {_selector(item) for item in given}
    return [item for item in known if _selector(item) not in gone] if given else []


_PATCHES: dict[str, Callable[[Values, Values], Values]] = {
    "add": _merged, "replace": _replaced, "merge": _merged, "delete": _deleted,
}  # fmt: skip


def _accept(market: Market, document: Document) -> None:
    document["due"] = market.now() + market.options.accept_seconds
    market.docs.put("listings", document["sku"], document)
    if market.options.accept_seconds <= 0:
        show(market, document["sku"])
    else:
        market.schedule(document["due"], "listings", document["sku"])


def show(market: Market, sku: str) -> None:
    """What was accepted counts from now on."""
    document = market.docs.get("listings", sku)
    if document is None or document["due"] is None or document["due"] > market.now():
        return
    document["sites"] = {site: place for site, place in document["sites"].items() if not place["ending"]}
    if not document["sites"]:
        market.docs.remove("listings", sku)
        return
    document["shown"], document["shown_sites"] = copy.deepcopy(document["sent"]), list(document["sites"])
    document["issues"], document["updated"], document["due"] = list(document["planned"]), market.now(), None
    market.docs.put("listings", sku, document)


def plan_issue(market: Market, sku: str, plan: Document) -> None:
    """What Amazon finds out later (pictures, rights, prices)."""
    document = market.docs.get("listings", sku)
    if document is None:
        raise Problem(404, "NotFound", f"There is no listing {sku}.")
    body = issue(plan["code"], plan["message"], plan["attributes"], plan["category"], plan["severity"])
    body["marketplaceIds"] = list(document["sites"])
    document["planned"] = [body] if plan["message"] else []
    document["issues"] = list(document["planned"])
    market.docs.put("listings", sku, document)
