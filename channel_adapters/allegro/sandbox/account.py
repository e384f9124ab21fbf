"""The account: who it is, where it sells, its terms, carriers, and what Allegro thinks of it."""

from __future__ import annotations

from flask import Response

from bridge.ports.sandbox_consent import seller
from channel_adapters.allegro.sandbox.market import CURRENCIES, LANGUAGES, Call, Document, Market, stamp
from channel_adapters.allegro.sandbox.protocol import answer, not_found, number, one_of

USER_ID = "43210987"
RATES = "c5b2b6a0-0e5e-4a8a-9a39-1c2d3e4f5a61"
FULFILMENT_RATES = "c5b2b6a0-0e5e-4a8a-9a39-1c2d3e4f5a62"
FULFILMENT_POLICY = "d6c3c7b1-1f6f-4b9b-8b4a-2d3e4f5a6b72"
POLICY = "d6c3c7b1-1f6f-4b9b-8b4a-2d3e4f5a6b71"
IMPLIED_WARRANTY = "e7d4d8c2-2a7a-4c0c-9c5b-3e4f5a6b7c81"
WARRANTY = "f8e5e9d3-3b8b-4d1d-8d6c-4f5a6b7c8d91"
PRODUCER = "a9f6fae4-4c9c-4e2e-9e7d-5a6b7c8d9ea1"
PERSON = "bab7abf5-5dad-4f3f-8f8e-6b7c8d9eafb1"
# The first three and the last are the specification's; the rest are made up in its manner.
CARRIERS = (
    ("POCZTA_POLSKA", "Poczta Polska"),
    ("DHL", "DHL"),
    ("YUN_EXPRESS", "Yun Express"),
    ("INPOST", "InPost"),
    ("DPD", "DPD"),
    ("UPS", "UPS"),
    ("GLS", "GLS"),
    ("OTHER", None),
)


def me(call: Call) -> Response:
    who = seller(call.market, USER_ID)
    login = "sandbox_seller" if who == USER_ID else f"seller_{who}"
    body: Document = {"id": who, "login": login, "firstName": "Jan", "lastName": "Nowak"}
    body |= {"email": "seller@allegro.example", "baseMarketplace": {"id": call.market.options.base}}
    return answer(body | {"company": {"name": "Sandbox sp. z o.o.", "taxId": "5252674798"}, "features": []})


def marketplaces(_call: Call) -> Response:
    found = []
    for code, currency in CURRENCIES.items():
        languages = [{"code": LANGUAGES[code]}]
        places = {"offerCreation": languages, "offerDisplay": languages}
        money = {"base": {"code": currency}, "additional": []}
        countries = [{"code": code.removeprefix("allegro-").upper()}]
        found.append({"id": code, "languages": places, "currencies": money, "shippingCountries": countries})
    return answer({"marketplaces": found})


def reached(market: Market) -> list[str]:
    return list(dict.fromkeys([market.options.base, *market.options.reached]))


def shipping_rates(call: Call) -> Response:
    wanted = one_of("marketplace", list(CURRENCIES))
    own = {"id": RATES, "name": "Parcels", "features": {"managedByAllegro": False, "isFulfillment": False}}
    theirs = {"id": FULFILMENT_RATES, "name": "One Fulfillment", "features": {"isFulfillment": True}}
    places = [{"id": code} for code in reached(call.market)]
    found = [own | {"marketplaces": places}, theirs | {"marketplaces": places}]
    return answer({"shippingRates": found if wanted in (None, *reached(call.market)) else []})


def return_policies(_call: Call) -> Response:
    number("limit", 60, 1, 60)
    address = {"name": "Sandbox", "street": "Prosta 1", "postCode": "00-999", "city": "Warszawa", "countryCode": "PL"}
    policy: Document = {"id": POLICY, "seller": {"id": USER_ID}, "name": "14 days", "isFulfillment": False}
    policy |= {"availability": {"range": "FULL", "restrictionCause": None}, "withdrawalPeriod": "P14D"}
    policy |= {"returnCost": {"coveredBy": "BUYER"}, "address": address, "contact": None}
    options = ("cashOnDeliveryNotAllowed", "freeAccessoriesReturnRequired", "refundLoweredByReceivedDiscount")
    policy["options"] = dict.fromkeys((*options, "businessReturnAllowed", "collectBySellerOnly"), False)
    theirs = policy | {"id": FULFILMENT_POLICY, "name": "One Fulfillment", "isFulfillment": True}
    return answer({"count": 2, "returnPolicies": [policy, theirs]})


def implied_warranties(_call: Call) -> Response:
    number("limit", 60, 1, 60)
    return answer({"count": 1, "impliedWarranties": [{"id": IMPLIED_WARRANTY, "name": "Two years"}]})


def warranties(_call: Call) -> Response:
    number("limit", 60, 1, 60)
    return answer({"count": 1, "warranties": [{"id": WARRANTY, "name": "Maker's warranty"}]})


def responsible_producers(_call: Call) -> Response:
    number("limit", 1000, 1, 1000)
    address = {"countryCode": "PL", "street": "Prosta 1", "postalCode": "00-999", "city": "Warszawa"}
    data = {"tradeName": "Mugs sp. z o.o.", "address": address, "contact": {"email": "safety@mugs.example"}}
    found = [{"id": PRODUCER, "name": "Mugs", "producerData": data}]
    return answer({"responsibleProducers": found, "count": 1, "totalCount": 1})


def responsible_persons(_call: Call) -> Response:
    number("limit", 1000, 1, 1000)
    address = {"countryCode": "PL", "street": "Prosta 1", "postalCode": "00-999", "city": "Warszawa"}
    data = {"name": "Anna Nowak", "address": address, "contact": {"email": "anna@mugs.example"}}
    found = [{"id": PERSON, "name": "Anna", "personalData": data}]
    return answer({"responsiblePersons": found, "count": 1, "totalCount": 1})


def carriers(_call: Call) -> Response:
    found = [{"id": key} | ({"name": name} if name else {}) for key, name in CARRIERS]
    return answer({"carriers": found})


def quality(call: Call) -> Response:
    days = []
    for ago in (1, 0):
        day = stamp(call.market.now() - ago * 86400)[:10]
        metrics = [
            {"code": "RATINGS", "name": "Ratings", "score": 96 - ago, "maxScore": 100},
            {"code": "RETURNS", "name": "Returns", "score": 40, "maxScore": 50},
        ]
        body: Document = {"resultFor": day, "score": 412 - ago, "grade": "VERY_GOOD", "maxScore": 500}
        days.append(body | {"metrics": metrics})
    return answer({"quality": days})


def smart(_call: Call) -> Response:
    one_of("marketplaceId", list(CURRENCIES))
    condition = {"code": "RECOMMENDATIONS", "name": "Recommendations", "description": "Share of buyers", "value": 98.5}
    condition |= {"threshold": 98, "fulfilled": True, "required": True}
    classification = {"fulfilled": True, "lastChanged": "2026-01-15T08:00:00Z"}
    return answer({"classification": classification, "conditions": [condition], "excludedDeliveryMethods": []})


def ratings(call: Call) -> Response:
    if call.path["user_id"] != USER_ID:
        raise not_found("User")
    body: Document = {"recommended": {"unique": 97, "total": 120}, "notRecommended": {"unique": 3, "total": 4}}
    removed = {"total": 0, "byAdmin": 0, "byBuyer": 0, "byBuyerDueToCompensation": 0}
    statistics = {"received": {"total": 124}, "excluded": {"total": 0}, "removed": removed}
    body |= {"recommendedPercentage": "97,0", "statistics": statistics}
    return answer(body | {"user": {"createdAt": "2019-03-01"}})
