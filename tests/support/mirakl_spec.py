"""Mirakl's official description of the seller API, and where we know it to be wrong or silent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import httpx

from tests.support.openapi import Description, Exchange

Json = dict[str, Any]
REFERENCE = "#/components/schemas/"

# Where the description is wrong, by operation: text found in the fault -> who says otherwise.
KNOWN_WRONG = {
    # "Indicate if shipping and billing details are displayed before order acceptance" (PC01): they may be absent.
    "OR11": ("'shipping_address' is a required property", "'billing_address' is a required property"),
}
# Answers the description names for no operation; the developer portal's general notes do.
UNDESCRIBED = {400, 401, 403, 404, 415, 429}


class MiraklSpecification:
    """Only the operations asked for, with the schemas they need: the whole has 2.6 MB."""

    def __init__(self, folder: Path, operations: Iterable[str]) -> None:
        path = folder / "mirakl-mmp-seller-openapi.json"
        spec: Json = json.loads(path.read_text(encoding="utf-8"))
        wanted = only(spec, set(operations))
        _read_forms_as_text(wanted)
        _read_lists_as_lists(wanted)
        self._description = Description(wanted)

    def operations(self) -> set[str]:
        return self._description.operations()

    def check(self, request: httpx.Request, response: httpx.Response) -> Exchange:
        """Request and answer against the description. What the API refused as malformed need not be valid."""
        path = request.url.path
        exchange = Exchange(request, response, self._description.operation(request.method, path) or "")
        if not exchange.operation:
            exchange.faults.append("no such operation in the description")
            return exchange
        if response.status_code not in (400, 415):
            exchange.faults += self._description.faults_of_request(request)
        exchange.faults += self._answer_faults(exchange)
        return exchange

    def _answer_faults(self, exchange: Exchange) -> list[str]:
        request, response = exchange.request, exchange.response
        if str(response.status_code) in self._description.statuses(request.method, request.url.path):
            faults = self._description.faults_of_response(request, response)
            return [fault for fault in faults if not _is_known(exchange.operation, fault)]
        if response.status_code in UNDESCRIBED:
            body = response.json()
            return [] if body.get("message") and body.get("status") == response.status_code else ["no message"]
        return [f"status {response.status_code} is not in the description"]


def _is_known(operation: str, fault: str) -> bool:
    """All that is wrong with it is known: each fault of the schema ends in one of these texts."""
    known = KNOWN_WRONG.get(operation, ())
    told = [part for part in fault.split(" | ")[1:] if not part.startswith("Value ")]
    return bool(known and told) and all(any(text in part for text in known) for part in told)


def _read_forms_as_text(spec: Json) -> None:
    """The parts of a form are text: a boolean is the word for it, which the validator does not know."""
    form = spec["paths"].get("/api/products/imports", {}).get("post", {}).get("requestBody", {}).get("content", {})
    schema = form.get("multipart/form-data", {}).get("schema", {})
    name = schema.get("$ref", "").removeprefix(REFERENCE)
    properties = spec["components"]["schemas"].get(name, schema).get("properties", {})
    if "operator_format" in properties:
        properties["operator_format"] = {"type": "string", "enum": ["true", "false"]}


def _read_lists_as_lists(spec: Json) -> None:
    """ "A comma-separated list of order state's codes": its schema is one of those codes."""
    for parameter in spec["paths"].get("/api/orders", {}).get("get", {}).get("parameters", []):
        if parameter["name"] == "order_state_codes":
            code = f"({'|'.join(parameter['schema'].pop('enum'))})"
            parameter["schema"]["pattern"] = f"^{code}(,{code})*$"


def only(spec: Json, operations: set[str]) -> Json:
    """A description of these operations alone."""
    paths: Json = {}
    for path, methods in spec["paths"].items():
        wanted = {name: entry for name, entry in methods.items() if entry.get("operationId") in operations}
        if wanted:
            paths[path] = wanted
    schemas = spec["components"]["schemas"]
    needed: set[str] = set()
    waiting = list(references(paths))
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += references(schemas[name])
    kept = {name: schema for name, schema in schemas.items() if name in needed}
    components = {**spec["components"], "schemas": kept}
    rest = {name: part for name, part in spec.items() if name != "servers"}  # each operator has an address of its own
    return {**rest, "paths": paths, "components": components}


def references(part: Any) -> Iterator[str]:
    """Schemas that are named in it, also as what a discriminator maps to."""
    if isinstance(part, str) and part.startswith(REFERENCE):
        yield part.removeprefix(REFERENCE)
    elif isinstance(part, dict):
        for inner in part.values():
            yield from references(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from references(inner)
