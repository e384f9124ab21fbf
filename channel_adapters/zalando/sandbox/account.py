"""Who is asking, and where it may sell."""

from __future__ import annotations

from flask import Response, request

from channel_adapters.zalando.sandbox.market import CHANNELS, Call, Document
from channel_adapters.zalando.sandbox.protocol import Refused, answer

SCOPES = (
    "products/products/write",
    "products/stock/write",
    "products/price/write",
    "products/price/read",
    "orders/read",
    "orders/write",
)
OTHER_CHANNEL = "0e9d8c7b-6a59-4847-9635-24130f1e2d3c"


def me(call: Call) -> Response:
    options = call.market.options
    return answer({"client_id": options.client_id, "bpids": list(options.merchants), "scopes": list(SCOPES)})


def sales_channels(call: Call) -> Response:
    asked = [part for part in (request.args.get("merchant_ids") or "").split(",") if part]
    if not asked:
        raise Refused(400, "Bad Request", "merchant_ids is required", parameter="merchant_ids")
    if any(merchant not in call.market.options.merchants for merchant in asked):
        raise Refused(403, "Forbidden", "The privileges of the token are insufficient for this merchant.")
    options = call.market.options
    found = [_channel(code, True) for code in options.countries] + [_channel(code, False) for code in options.not_live]
    if request.args.get("zalando_only") != "true":
        found.append({"sales_channel_id": OTHER_CHANNEL, "country_name": "Austria", "country_code": "at", "live": True})
    return answer({"items": found})


def _channel(code: str, live: bool) -> Document:
    name, _, number = CHANNELS[code]
    return {"sales_channel_id": number, "country_name": name, "country_code": code, "live": live}


def logistic_centers(_call: Call) -> Response:
    address = {"street": "Schönhauser Allee 103", "city": "Berlin", "zip": "14265", "country_code": "DE"}
    center = {
        "logistic_center_id": "57be9d4a-28d6-4b83-94de-b784899cabc9",
        "name": "Main",
        "type": "OUTBOUND_WAREHOUSE",
    }
    return answer({"items": [center | {"address": address}]})
