"""eBay's official descriptions, one for each API, and where we know them to be wrong or silent."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.support.mirakl_spec import only
from tests.support.openapi import Description, Exchange

Json = dict[str, Any]
FILES = {
    "/sell/inventory/v1": "sell_inventory_v1_oas3.json",
    "/sell/fulfillment/v1": "sell_fulfillment_v1_oas3.json",
    "/sell/account/v1": "ebay-account-openapi-original.yml",
    "/commerce/taxonomy/v1": "ebay-taxonomy-openapi-original.yml",
    "/commerce/notification/v1": "ebay-notification-openapi-original.yml",
    "/commerce/identity/v1": "ebay-identity-openapi-original.yml",
}
# Held against their descriptions where the folder has them.
WHERE_AT_HAND = {
    "/sell/analytics/v1": "sell_analytics_v1_oas3.json",
    "/developer/key_management/v1": "developer_key_management_v1_oas3.json",
}
# OAuth's own, and an API that has pages for people only: method, path -> what a request and an answer have to look like.
NO_DESCRIPTION = ("/identity/v1/oauth2/token", "/post-order/v2")
METHODS = ("get", "put", "post", "delete")
# Named for hardly any operation; developer.ebay.com, HTTP status codes, has them for all.
EVERYWHERE = ("400", "401", "403", "404", "409", "415", "429", "500")


class EbaySpecification:
    """Only the operations asked for, with the schemas they need."""

    def __init__(self, folder: Path, operations: Iterable[str]) -> None:
        wanted = set(operations)
        found = FILES | {root: name for root, name in WHERE_AT_HAND.items() if (folder / name).is_file()}
        self._descriptions = {root: Description(_read(folder / name, wanted, root)) for root, name in found.items()}

    def operations(self) -> set[str]:
        return {name for description in self._descriptions.values() for name in description.operations()}

    def check(self, request: httpx.Request, response: httpx.Response) -> Exchange:
        """Request and answer against the description. What the API refused as malformed need not be valid."""
        path = request.url.path
        if path.startswith(NO_DESCRIPTION):
            return _undescribed(request, response)
        root = next((root for root in self._descriptions if path.startswith(root)), "")
        exchange = Exchange(request, response)
        if not root:
            if not path.startswith(tuple(WHERE_AT_HAND)):
                exchange.faults.append("no such API in the descriptions")
            return exchange
        return self._described(self._descriptions[root], root, exchange)

    def _described(self, description: Description, root: str, exchange: Exchange) -> Exchange:
        request, response = exchange.request, exchange.response
        path = request.url.path.removeprefix(root)
        exchange.operation = description.operation(request.method, path) or ""
        if not exchange.operation:
            exchange.faults.append("no such operation in the description")
            return exchange
        if response.status_code not in (400, 415):
            exchange.faults += description.faults_of_request(request)
        exchange.faults += description.faults_of_response(request, response) if response.content else []
        exchange.faults += _refusal_faults(response, "errors") if response.status_code >= 400 else []
        return exchange


def _refusal_faults(response: httpx.Response, name: str) -> list[str]:
    """Refusals have no schema of their own: a list of errors with number and words."""
    body = response.json()
    errors = body.get(name) if isinstance(body, dict) else None
    good = isinstance(errors, list) and errors and all(item.get("errorId") and item.get("message") for item in errors)
    return [] if good else [f"{response.status_code} without {name}"]


def _undescribed(request: httpx.Request, response: httpx.Response) -> Exchange:
    exchange = Exchange(request, response, "undescribed")
    if request.url.path.startswith("/post-order/v2"):
        exchange.faults += [] if request.headers.get("Authorization", "").startswith("IAF ") else ["not IAF"]
        exchange.faults += _refusal_faults(response, "error") if response.status_code in (400, 404, 409) else []
        return exchange
    kind = request.headers.get("content-type", "")
    exchange.faults += [] if kind == "application/x-www-form-urlencoded" else [f"a token asked for as {kind}"]
    name = "access_token" if response.is_success else "error"
    exchange.faults += [] if response.json().get(name) else [f"no {name}"]
    return exchange


def _read(path: Path, operations: set[str], root: str) -> Json:
    words = path.read_text(encoding="utf-8")
    spec: Json = json.loads(words) if path.suffix == ".json" else yaml.load(words, yaml.CSafeLoader)
    paths = {
        way: {key: part for key, part in methods.items() if key in METHODS} for way, methods in spec["paths"].items()
    }
    spec = only({**spec, "paths": paths}, operations) | {"servers": [{"url": root}]}
    _mend(spec)
    _close(spec)
    return spec


def _mend(spec: Json) -> None:
    """Item specifics are called text and shown as an object; a part of a batch that failed has the schema of the rest;
    the metrics of seller standards have the name, and so the schema, of those of customer service."""
    for schema in spec["components"]["schemas"].values():
        aspects = schema.get("properties", {}).get("aspects")
        if aspects is not None and aspects.get("type") == "string":
            values = {"type": "array", "items": {"type": "string", "maxLength": 50}}
            schema["properties"]["aspects"] = {"type": "object", "additionalProperties": values}
        if "standardsLevel" in schema.get("properties", {}):
            schema["properties"]["metrics"]["items"] = {"type": "object"}
    for methods in spec["paths"].values():
        for operation in methods.values():
            operation.pop("security", None)  # tokens are looked at by the sandbox
            answers = operation["responses"]
            if "207" in answers and "200" in answers:
                answers["207"] = answers["200"]
            for status in EVERYWHERE:
                answers.setdefault(status, {"description": "refused"})


def _close(part: Any) -> None:
    """The descriptions require nothing and forbid nothing, and so would catch no slip of a name: fields that are not
    named are refused."""
    if isinstance(part, dict):
        if isinstance(part.get("properties"), dict) and part.get("type") == "object":
            part.setdefault("additionalProperties", False)
        for inner in part.values():
            _close(inner)
    elif isinstance(part, list):
        for inner in part:
            _close(inner)
