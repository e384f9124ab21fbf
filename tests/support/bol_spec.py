"""bol's official descriptions, and where we know them to be wrong or silent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import yaml
from jsonschema import Draft4Validator

from tests.support.openapi import Description, Exchange, without_outside_refs

V10 = "application/vnd.retailer.v10+json"
V11 = "application/vnd.retailer.v11+json"
ECONOMIC_OPERATOR = "application/vnd.economic-operator.v1+json"

PROBLEM: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "violations"],
    "properties": {
        "type": {"type": "string", "enum": ["https://api.bol.com/problems"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "host": {"type": "string", "nullable": True},
        "instance": {"type": "string", "format": "uri", "nullable": True},
        "violations": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "reason"],
                "properties": {"name": {"type": "string"}, "reason": {"type": "string"}},
            },
        },
    },
}

# Where the description is wrong, by operation: text found in the fault -> who says otherwise.
KNOWN_WRONG = {
    # "Empty lists are omitted: no orders = {}" (picqer/bol-retailer-php-client, known quirks).
    "get-orders": "'orders' is a required property",
    "get-shipments": "'shipments' is a required property",
    "get-returns": "'returns' is a required property",
    "get-push-notification-subscriptions": "'subscriptions' is a required property",
    # bol's own demo pages (v4 and v10 PRODUCT_CONTENT) send values without a unit.
    "post-product-content": "'unitId' is a required property",
}

# Statuses of the whole API that the descriptions name for few operations or none: the body is a Problem all the same.
EVERYWHERE = {400, 401, 404, 405, 406, 409, 415, 429}


def _outside(media: str) -> Any:
    """What stands in ../common: error answers are Problems, the other models are not published with the rest."""

    def replace(reference: str) -> Any:
        if "/responses/" in reference:
            return {"description": reference, "content": {media: {"schema": PROBLEM}}}
        return {}

    return replace


def _drop_null_default(offers: Any) -> None:
    """The filter for-sale is a boolean with default null, which no validator accepts."""
    for parameter in offers["paths"]["/retailer/offers"]["get"]["parameters"]:
        if parameter["name"] == "for-sale":
            parameter["schema"].pop("default", None)


class BolSpecification:
    """All of them together: which one an exchange belongs to is told by path and media type, as with bol."""

    def __init__(self, folder: Path) -> None:
        offers = yaml.safe_load((folder / "offers-v11.yaml").read_text(encoding="utf-8"))
        _drop_null_default(offers)
        operators = yaml.safe_load((folder / "economic-operators-v1.yaml").read_text(encoding="utf-8"))
        self.offers = Description(without_outside_refs(offers, _outside(V11)))
        self.operators = Description(without_outside_refs(operators, _outside(ECONOMIC_OPERATOR)))
        self.retailer = Description(json.loads((folder / "retailer-v10.json").read_text(encoding="utf-8")))
        self.shared = Description(json.loads((folder / "shared-v10.json").read_text(encoding="utf-8")))

    def description(self, path: str) -> Description:
        if path.startswith("/shared/"):
            return self.shared
        if path.startswith("/retailer/economic-operator"):
            return self.operators
        return self.offers if path.startswith("/retailer/offers") else self.retailer

    def check(self, request: httpx.Request, response: httpx.Response) -> Exchange:
        """Request and answer against the description. What the API refused as malformed need not be valid."""
        path = request.url.path
        description = self.description(path)
        exchange = Exchange(request, response, description.operation(request.method, path) or "")
        if not exchange.operation:
            exchange.faults.append("no such operation in the description")
            return exchange
        if response.status_code not in (400, 401, 406, 415):
            exchange.faults += self._serious(exchange.operation, description.faults_of_request(request))
        exchange.faults += self._serious(exchange.operation, self._response_faults(description, exchange))
        return exchange

    def _response_faults(self, description: Description, exchange: Exchange) -> list[str]:
        request, response = exchange.request, exchange.response
        if str(response.status_code) in description.statuses(request.method, request.url.path):
            return description.faults_of_response(request, response)
        if response.status_code in EVERYWHERE:
            return _problem_faults(response)
        return [f"status {response.status_code} is not in the description"]

    def _serious(self, operation: str, faults: list[str]) -> list[str]:
        known = KNOWN_WRONG.get(operation)
        return [fault for fault in faults if known is None or known not in fault]


def _problem_faults(response: httpx.Response) -> list[str]:
    media = response.headers.get("content-type", "")
    faults = [error.message for error in Draft4Validator(PROBLEM).iter_errors(response.json())]
    return faults if media in (V10, V11, ECONOMIC_OPERATOR) else [*faults, f"a Problem as {media}"]
