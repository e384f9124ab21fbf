"""How the Mirakl that was written from its description alone answers: whole, in pages, and in faults."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Response, request

from tests.support.independent import Description, Independent, Json, Operation, Refusal


@dataclass
class Ground(Independent):
    """``spelled``: fields without a value are null, as in the official examples, or left out; ``between``: what happens
    once the next page was read."""

    spelled: bool = True
    between: Callable[[], None] | None = None

    def problem(self, refusal: Refusal) -> Response:
        body = {"status": refusal.status, "message": "; ".join([refusal.detail, *refusal.violations])}
        answer = Response(json.dumps(body), refusal.status, mimetype="application/json")
        answer.headers.update(refusal.headers)
        return answer

    def json(self, operation: Operation, status: int, body: Any, kind: str | None = None) -> Response:
        answer = super().json(operation, status, body, kind)
        if not self.spelled or body is None:
            return answer
        content = operation.description.resolve(operation.raw["responses"][str(status)])["content"]
        told = _spelled(operation.description, content[answer.mimetype]["schema"], body)
        return Response(json.dumps(told), status, mimetype=answer.mimetype)

    def full(self, operation: Operation, body: Json, status: int = 200) -> Response:
        """``body`` and, of what has to be told, the rest as nothing."""
        answer = operation.description.resolve(operation.raw["responses"][str(status)])["content"]["application/json"]
        return self.json(operation, status, self._filled(operation.description, answer["schema"], body))

    def _filled(self, description: Description, schema: Any, given: Any) -> Any:
        schema = whole(description, schema)
        if schema.get("type") == "array":
            return [self._filled(description, schema["items"], item) for item in given or []]
        if "properties" not in schema:
            return self._nothing(schema) if given is None else given
        known, given = schema["properties"], given or {}
        names = [name for name in known if name in schema.get("required", []) or name in given]
        return given | {name: self._filled(description, known[name], given.get(name)) for name in names}

    def _nothing(self, schema: Json) -> Any:
        if schema.get("format") == "date-time":
            return self.moment(self.now())
        return {"string": "", "integer": 0, "number": 0, "boolean": False, "object": {}}[schema["type"]]

    def paged(self, name: str, found: list[Json]) -> Json:
        """By offset, ten unless told. What moves meanwhile moves after the page was read."""
        begin, many = int(request.args.get("offset", 0)), int(request.args.get("max", 10))
        body = {name: found[begin : begin + many], "total_count": len(found)}
        if self.between:
            self.between()
            self.between = None
        return body

    def sought(self, found: list[Json]) -> Json:
        """By tokens, which nobody can make."""
        begin, many = int(request.args.get("page_token", "t0")[1:]), int(request.args.get("limit", 10))
        body: Json = {"data": found[begin : begin + many]}
        if begin + many < len(found):
            body["next_page_token"] = f"t{begin + many}"
        return body


def whole(description: Description, schema: Any) -> Json:
    """The schema with all its parts."""
    schema = description.resolve(schema)
    for part in schema.get("allOf", []):
        schema = whole(description, part) | {name: item for name, item in schema.items() if name != "allOf"}
    return schema


def _spelled(description: Description, schema: Any, value: Any) -> Any:
    schema = whole(description, schema)
    if isinstance(value, list):
        return [_spelled(description, schema.get("items", {}), item) for item in value]
    if not isinstance(value, dict) or "properties" not in schema:
        return value
    known = schema["properties"]
    nothing: Json = {name: None for name, item in known.items() if whole(description, item).get("type") != "array"}
    return nothing | {name: _spelled(description, known.get(name, {}), item) for name, item in value.items()}
