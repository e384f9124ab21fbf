"""The rest of the API a seller leans on: economic operators, the retailer, service norms, rate limits."""

from __future__ import annotations

import re
import uuid
from datetime import date, datetime
from typing import Any

from flask import Response, request

from channel_adapters.bol.sandbox.market import AMSTERDAM, Call, Document, Market
from channel_adapters.bol.sandbox.options import OPERATOR_ID
from channel_adapters.bol.sandbox.protocol import (
    ECONOMIC_OPERATOR,
    JSON,
    answer,
    bad_request,
    not_found,
    query_choice,
    query_number,
    query_required,
)

# name: (condition, norm in percent or an average)
NORMS = {
    "CANCELLATIONS": ("<=", 0.02), "FULFILMENT": (">=", 0.93), "PHONE_AVAILABILITY": (">=", 0.9),
    "RESPONSE_TIME": (">=", 0.9), "CASE_ITEM_RATIO": ("<=", 0.05), "TRACK_AND_TRACE": (">=", 0.9),
    "RETURNS": (">=", 0.9), "REVIEWS": (">=", 8.0),
}  # fmt: skip


# id, name, subcategories; the first is the example of the specification.
CATEGORIES = (
    ("43646", "Auto & Motor", (("43647", "Auto-onderdelen", ()), ("43648", "Motoronderdelen", ()))),
    ("10505", "Wonen", (("10506", "Keuken", (("10507", "Mokken", ()),)), ("10508", "Verlichting", ()))),
)
LANGUAGES = ("nl", "nl-BE", "nl-NL", "fr-BE")


def seed_operator(market: Market) -> None:
    """Every seller here starts with one valid operator, so that offers can go live."""
    if market.docs.get("operators", OPERATOR_ID) is None:
        address = {
            "street": "Voorbeeldstraat",
            "houseNumber": "1",
            "postalCode": "1234AB",
            "city": "Utrecht",
            "country": "NL",
        }
        contact = {"emailAddress": "gpsr@voorbeeld.example", "phoneNumber": "+31201234567"}
        body = {
            "id": OPERATOR_ID,
            "name": "Voorbeeld Fabriek B.V.",
            "address": address,
            "contactInformation": contact,
        }
        market.docs.put("operators", OPERATOR_ID, body | {"status": "VALID"})


def get_operators(call: Call) -> Response:
    page, size = query_number("page", 1), query_number("page-size", 50, maximum=100)
    name = request.args.get("name", "").lower()
    found = [item for item in call.market.docs.all("operators").values() if name in item["name"].lower()]
    if call.faulty("empty_list") is not None:
        found = []
    paging = {"page": page, "pageSize": size, "totalElements": len(found)}
    return answer({"operators": found[(page - 1) * size : page * size], "page": paging}, media=ECONOMIC_OPERATOR)


def get_operator(call: Call) -> Response:
    return answer(_operator(call), media=ECONOMIC_OPERATOR)


def _operator(call: Call) -> Document:
    found: Document | None = call.market.docs.get("operators", call.path["id"])
    if found is None:
        raise not_found("Economic operator")
    return found


def create_operator(call: Call) -> Response:
    key = str(uuid.uuid4())
    return _save(call, {"id": key} | call.body.wire() | {"status": "VALID"})


def update_operator(call: Call) -> Response:
    return _save(call, _operator(call) | call.body.wire())


def _save(call: Call, operator: Document) -> Response:
    call.market.docs.put("operators", operator["id"], operator)
    return answer(operator, media=ECONOMIC_OPERATOR)


def delete_operator(call: Call) -> Response:
    operator = _operator(call)
    call.market.docs.remove("operators", operator["id"])
    return answer(operator, media=ECONOMIC_OPERATOR)


def get_retailer(call: Call) -> Response:
    own = str(call.market.options.retailer_id)
    if call.path["retailer-id"] not in ("current", own):
        raise not_found("Retailer")
    body = {
        "retailerId": own,
        "displayName": "Sandbox",
        "companyName": "Sandbox B.V.",
        "kvkNumber": "90005414",
    }
    return answer(body | {"vatNumber": "NL123456789B01", "registrationDate": "2015-06-17", "topRetailer": False})


def get_categories(call: Call) -> Response:
    """In Dutch, whatever language is asked for."""
    asked = request.headers.get("Accept-Language")
    if asked and asked not in LANGUAGES:
        raise bad_request("Accept-Language", f"Request contains invalid value(s): '{asked}'.")
    found = [] if call.faulty("empty_list") is not None else [_category(*item) for item in CATEGORIES]
    return answer({"categories": found})


def _category(key: str, name: str, children: tuple[Any, ...]) -> Document:
    shown: Document = {"categoryId": key, "categoryName": name}
    return shown | ({"subcategories": [_category(*child) for child in children]} if children else {})


def get_performance(call: Call) -> Response:
    name = query_choice("name", tuple(NORMS))
    if name is None:
        raise bad_request("name", "Required parameter is missing.")
    year, week = query_required("year"), query_required("week")
    if not re.fullmatch(r"\d\d", week):
        raise bad_request("week", "Week number in the ISO-8601 standard.")
    condition, norm = NORMS[name]
    missed, counted = _cancellations(call.market, year, week) if name == "CANCELLATIONS" else (0, 0)
    value = missed / counted if counted else (0.0 if condition == "<=" else max(norm, 1.0))
    details = {"period": {"year": year, "week": week}, "norm": {"condition": condition, "value": norm}}
    good = value <= norm if condition == "<=" else value >= norm
    score = {"conforms": good, "numerator": missed, "denominator": counted, "value": value}
    details["score"] = score | {"distanceToNorm": abs(value - norm)}
    kind = "AVERAGE" if name == "REVIEWS" else "PERCENTAGE"
    return answer({"performanceIndicators": [{"name": name, "type": kind, "details": details}]})


def _cancellations(market: Market, year: str, week: str) -> tuple[int, int]:
    """Items cancelled by the seller or expired, and all items, of the orders placed in that week."""
    try:
        first = date.fromisocalendar(int(year), int(week), 1)
    except ValueError:
        raise bad_request("week", f"{year} week {week} does not exist.") from None
    missed = counted = 0
    for order in market.docs.all("orders").values():
        placed = datetime.fromtimestamp(order["placed"], AMSTERDAM).date()
        if placed.isocalendar()[:2] == first.isocalendar()[:2]:
            counted += len(order["items"])
            missed += sum(bool(item["cancelled"]) and not item["cancellationRequest"] for item in order["items"])
    return missed, counted


def get_rate_limits(call: Call) -> Response:
    return answer([rule.public() for rule in call.market.limiter.rules], media=JSON)
