"""Sellers v1: where the account takes part."""

from __future__ import annotations

from flask import Response

from channel_adapters.amazon.sandbox.market import Call, Document
from channel_adapters.amazon.sandbox.protocol import answer

PLACES = {
    "A1PA6795UKMFR9": ("Amazon.de", "DE", "EUR", "de_DE", "www.amazon.de"),
    "A13V1IB3VIYZZH": ("Amazon.fr", "FR", "EUR", "fr_FR", "www.amazon.fr"),
    "A1805IZSGTT6HS": ("Amazon.nl", "NL", "EUR", "nl_NL", "www.amazon.nl"),
    "A1F83G8C2ARO7P": ("Amazon.co.uk", "UK", "GBP", "en_GB", "www.amazon.co.uk"),
    "ATVPDKIKX0DER": ("Amazon.com", "US", "USD", "en_US", "www.amazon.com"),
}


def participations(call: Call) -> Response:
    return answer({"payload": [_place(site, site in call.market.options.marketplaces) for site in PLACES]})


def _place(site: str, takes_part: bool) -> Document:
    name, country, currency, language, domain = PLACES[site]
    marketplace = {"id": site, "name": name, "countryCode": country, "domainName": domain}
    marketplace |= {"defaultCurrencyCode": currency, "defaultLanguageCode": language}
    participation = {"isParticipating": takes_part, "hasSuspendedListings": False}
    return {"marketplace": marketplace, "participation": participation, "storeName": "Sandbox Store"}
