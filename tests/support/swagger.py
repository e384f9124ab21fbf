"""Every exchange held against official Swagger 2 descriptions. Stricter than Swagger itself: what is not described is a
fault, in queries, bodies and answers alike, unless a schema says outright that anything goes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
from jsonschema import Draft4Validator, FormatChecker
from referencing import Registry

from tests.support.openapi import Exchange

Json = dict[str, Any]
KEYWORDS = ("type", "enum", "minimum", "maximum", "minItems", "maxItems", "minLength", "maxLength", "pattern", "format")


@dataclass(frozen=True)
class Operation:
    """One operation of one description; ``path`` has templates in braces."""

    name: str
    method: str
    path: str
    raw: Json
    definitions: Json

    def matches(self, method: str, path: str) -> dict[str, str] | None:
        """The values of the templates, None when it is another operation."""
        parts, given = self.path.split("/"), path.split("/")
        if method != self.method or len(parts) != len(given):
            return None
        values = {}
        for part, value in zip(parts, given, strict=True):
            if part.startswith("{"):
                values[part.strip("{}")] = unquote(value)
            elif part != value:
                return None
        return values

    def parameters(self, place: str) -> dict[str, Json]:
        return {item["name"]: item for item in self.raw.get("parameters", ()) if item["in"] == place}


class Descriptions:
    """Several descriptions together; paths tell which one an exchange belongs to."""

    def __init__(self, files: Sequence[Path]) -> None:
        self.operations: list[Operation] = []
        for file in files:
            self.operations += _operations(json.loads(file.read_text(encoding="utf-8")))

    def find(self, method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
        for operation in self.operations:
            if (values := operation.matches(method, path)) is not None:
                return operation, values
        return None

    def check(self, request: httpx.Request, response: httpx.Response) -> Exchange:
        found = self.find(request.method, request.url.raw_path.decode().partition("?")[0])
        exchange = Exchange(request, response, found[0].name if found else "")
        if found is None:
            exchange.faults.append("no such operation in the descriptions")
            return exchange
        operation, values = found
        # What was refused as malformed need not be valid.
        if response.status_code not in (400, 401, 403, 415):
            exchange.faults += _request_faults(operation, values, request)
        exchange.faults += _response_faults(operation, response)
        return exchange


def _operations(spec: Json) -> Iterator[Operation]:
    definitions = _closed(spec["definitions"])
    base = spec.get("basePath", "").rstrip("/")
    for path, methods in spec["paths"].items():
        for method, raw in methods.items():
            if isinstance(raw, dict) and "operationId" in raw:
                full = raw | {"parameters": [*raw.get("parameters", ()), *methods.get("parameters", ())]}
                yield Operation(raw["operationId"], method.upper(), base + path, full, definitions)


def _closed(schema: Any) -> Any:
    """A copy in which objects with properties have no others."""
    if isinstance(schema, list):
        return [_closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    copied = {name: _closed(part) for name, part in schema.items()}
    properties = copied.get("properties")
    if isinstance(properties, dict) and properties and "additionalProperties" not in copied:
        copied["additionalProperties"] = False
    return copied


def _faults(schema: Json, definitions: Json, value: Any, where: str) -> list[str]:
    checker = Draft4Validator(
        {**schema, "definitions": definitions}, registry=Registry(), format_checker=FormatChecker(["date-time"])
    )
    errors = checker.iter_errors(value)
    return [f"{where} {'.'.join(map(str, error.absolute_path))}: {error.message[:300]}" for error in errors]


def _request_faults(operation: Operation, values: Mapping[str, str], request: httpx.Request) -> list[str]:
    faults: list[str] = []
    for name, about in operation.parameters("path").items():
        faults += _faults(_plain(about), {}, values.get(name), f"path {name}")
    faults += _query_faults(operation, request.url.params)
    bodies = list(operation.parameters("body").values())
    if bodies and (request.content or bodies[0].get("required")):
        faults += _faults(bodies[0]["schema"], operation.definitions, json.loads(request.content or b"null"), "body")
    elif request.content and not bodies:
        faults.append("a body that is not described")
    return faults


def _query_faults(operation: Operation, params: httpx.QueryParams) -> list[str]:
    known = operation.parameters("query")
    faults = [f"query {name} is not described" for name in params if name not in known]
    faults += [
        f"query {name} is required" for name, about in known.items() if about.get("required") and name not in params
    ]
    for name, about in known.items():
        if name in params:
            faults += _faults(_plain(about), {}, _value(about, params[name]), f"query {name}")
    return faults


def _plain(about: Json) -> Json:
    kept = {name: about[name] for name in KEYWORDS if name in about}
    return kept | ({"items": _plain(about["items"])} if "items" in about else {})


def _value(about: Json, given: str) -> Any:
    """Lists are csv, which is the default of Swagger 2."""
    if about.get("type") == "array":
        return [_value(about["items"], part) for part in given.split(",")]
    if about.get("type") == "integer" and re.fullmatch(r"-?\d+", given):
        return int(given)
    if about.get("type") == "boolean" and given in ("true", "false"):
        return given == "true"
    return given


def _response_faults(operation: Operation, response: httpx.Response) -> list[str]:
    described = operation.raw["responses"].get(str(response.status_code))
    if described is None:
        return [f"status {response.status_code} is not described"]
    schema = described.get("schema")
    if schema is None:
        return ["a body where none is described"] if response.content else []
    return _faults(schema, operation.definitions, response.json(), "answer")


def sandbox_pairs(file: Path, name: str, status: str = "200") -> list[tuple[Json, Json]]:
    """The request and response pairs that Amazon's own sandbox plays (``x-amzn-api-sandbox``) for an operation."""
    for operation in _operations(json.loads(file.read_text(encoding="utf-8"))):
        if operation.name == name:
            pairs = operation.raw["responses"][status].get("x-amzn-api-sandbox", {}).get("static", ())
            return [(pair["request"].get("parameters", {}), pair.get("response", {})) for pair in pairs]
    raise LookupError(name)
