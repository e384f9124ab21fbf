"""Catalog Items 2022-04-01: what is on Amazon, whoever sells it."""

from __future__ import annotations

from flask import Response, request

from channel_adapters.amazon.sandbox.listings import KINDS
from channel_adapters.amazon.sandbox.market import Call, Document
from channel_adapters.amazon.sandbox.protocol import answer, at_most, chosen, invalid, listed

LONG = {"EAN": 13, "UPC": 12, "GTIN": 14}


def search_catalogue(call: Call) -> Response:
    """Every EAN is in Amazon's catalogue, unless the control surface says otherwise."""
    wanted, sites = listed("identifiers"), listed("marketplaceIds")
    at_most(wanted, "identifiers", 20)
    if len(sites) != 1 or (wanted and request.args.get("identifiersType") not in (*KINDS, "GTIN")):
        raise invalid("One marketplaceIds and an identifiersType are required.")
    chosen("includedData", ("attributes", "classifications", "dimensions", "identifiers", "images", "productTypes",
                            "relationships", "salesRanks", "summaries", "vendorDetails"))  # fmt: skip
    known = [code for code in wanted if call.market.docs.get("not_in_catalogue", code) is None]
    kind = request.args.get("identifiersType", "EAN")
    items = [_catalogue_item(code, kind, sites[0]) for code in known if len(code) == LONG.get(kind, len(code))]
    return answer({"numberOfResults": len(items), "pagination": {}, "items": items})


def _catalogue_item(code: str, name: str, site: str) -> Document:
    kind = [{"identifier": code, "identifierType": name}]
    return {
        "asin": f"B0{int(code) % 10**8:08d}",
        "identifiers": [{"marketplaceId": site, "identifiers": kind}],
        "summaries": [{"marketplaceId": site, "itemName": f"Catalogue item {code}"}],
    }
