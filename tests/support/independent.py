"""The ground of marketplaces written from their descriptions alone, by nobody who knows the adapters or their sandboxes.

Each is strict: what its description does not know (a path, a field, a media type) is refused, and what it answers is held
against the same description before it leaves.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from flask import Flask, Response, request
from openapi_schema_validator import OAS30Validator
from werkzeug.exceptions import HTTPException

from tests.support.described import read

Json = dict[str, Any]


class Refusal(Exception):
    """An answer that is no success."""

    def __init__(
        self, status: int, detail: str, violations: Sequence[str] = (), headers: Mapping[str, str] | None = None
    ):
        super().__init__(detail)
        self.status, self.detail, self.violations, self.headers = status, detail, list(violations), dict(headers or {})


@dataclass(frozen=True)
class Operation:
    name: str
    method: str
    template: str
    raw: Json
    description: Description

    @property
    def pattern(self) -> re.Pattern[str]:
        parts = re.split(r"\{[^}]*\}", self.template)
        return re.compile("([^/]+)".join(map(re.escape, parts)))

    def accepted(self) -> set[str]:
        """Media types in which it answers."""
        answers = (self.description.resolve(item) for item in self.raw["responses"].values())
        return {kind for answer in answers for kind in answer.get("content", {})}

    def taken(self) -> dict[str, Any]:
        """Media types in which it is asked, with their schemas."""
        body = self.description.resolve(self.raw.get("requestBody") or {})
        return {kind: item.get("schema", {}) for kind, item in body.get("content", {}).items()}


class Description:
    """An OpenAPI 3.0 document; references to other documents mean anything. No object has a field it does not name."""

    def __init__(self, spec: Json) -> None:
        self.spec = spec

    @classmethod
    def of(cls, file: Path) -> Description:
        return cls(read(file))

    def resolve(self, part: Any) -> Json:
        while isinstance(part, dict) and "$ref" in part:
            if not part["$ref"].startswith("#/"):
                return {}
            found: Any = self.spec
            for name in part["$ref"][2:].split("/"):
                found = found[name.replace("~1", "/").replace("~0", "~")]
            part = found
        return dict(part)

    def operations(self) -> Iterator[Operation]:
        for path, methods in self.spec["paths"].items():
            shared = methods.get("parameters", [])
            for method, raw in methods.items():
                if method in ("get", "post", "put", "patch", "delete") and not raw.get("deprecated"):
                    parameters = {"parameters": [*shared, *raw.get("parameters", [])]}
                    yield Operation(raw["operationId"], method.upper(), path, raw | parameters, self)

    def faults(self, schema: Any, value: Any) -> list[str]:
        checker = OAS30Validator(self._closed(schema), format_checker=OAS30Validator.FORMAT_CHECKER)
        return [
            f"{'.'.join(map(str, item.absolute_path)) or 'body'}: {item.message}" for item in checker.iter_errors(value)
        ]

    def _closed(self, schema: Any, inside: tuple[str, ...] = ()) -> Json:
        """The schema without references; every object knows its fields and no others. What contains itself may contain
        anything there."""
        name = schema.get("$ref", "") if isinstance(schema, dict) else ""
        if name in inside:
            return {}
        inside = (*inside, name) if name else inside
        schema = self.resolve(schema)
        alone = schema["allOf"][0] if len(schema.get("allOf", [])) == 1 else {}
        told = self._kinds(schema) or self._kinds(alone)
        if told and name not in told:
            return {"anyOf": [self._closed({"$ref": kind}, inside) for kind in told]}
        if parts := schema.get("allOf"):
            whole = {name: item for name, item in schema.items() if name != "allOf"}
            for part in (self._open(part, inside) for part in parts):
                whole["properties"] = part.get("properties", {}) | whole.get("properties", {})
                whole["required"] = [*part.get("required", []), *whole.get("required", [])]
                whole = part | whole
            schema = {name: item for name, item in whole.items() if item != []}
            if schema.get("nullable") and "enum" in schema:
                schema["enum"] = [*schema["enum"], None]
        made = {name: item for name, item in schema.items() if name not in ("discriminator", "example")}
        if "properties" in schema:
            made["properties"] = {name: self._closed(item, inside) for name, item in schema["properties"].items()}
            made.setdefault("additionalProperties", False)
        if isinstance(schema.get("additionalProperties"), dict):
            made["additionalProperties"] = self._closed(schema["additionalProperties"], inside)
        if "items" in schema:
            made["items"] = self._closed(schema["items"], inside)
        if choice := next((name for name in ("oneOf", "anyOf") if name in schema), None):
            # Alternatives that one discriminating field tells apart are of one shape otherwise.
            made["anyOf"] = [self._closed(item, inside) for item in schema[choice]]
            made.pop("oneOf", None)
        return made

    def _kinds(self, part: Any) -> list[str]:
        """What one field tells apart, where each is described on its own."""
        found = self.resolve(part)
        apart = not {"oneOf", "anyOf", "allOf"} & {*found}
        return [*found.get("discriminator", {}).get("mapping", {}).values()] if apart else []

    def _open(self, part: Any, inside: tuple[str, ...]) -> Json:
        return self._closed(part, inside) if "allOf" in self.resolve(part) else self.resolve(part)


@dataclass
class Independent:
    """A marketplace. ``refused``: what came and was against the description; ``asked``: each call by its operation's name;
    ``trouble``: by operation, what the next calls of it get; None an answer."""

    descriptions: Sequence[Description]
    refused: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    trouble: dict[str, list[Refusal | None]] = field(default_factory=dict)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def __post_init__(self) -> None:
        self._operations = [item for found in self.descriptions for item in found.operations()]
        self._offsets = 0

    def app(self) -> Flask:
        app = Flask("independent")
        app.add_url_rule("/<path:path>", "any", self._serve, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
        return app

    def moment(self, at: datetime) -> str:
        """In one after another of the forms that RFC 3339 allows."""
        self._offsets += 1
        at = at.astimezone(
            timezone((timedelta(hours=1), timedelta(0), timedelta(hours=-5, minutes=-30))[self._offsets % 3])
        )
        text = at.isoformat(timespec=("seconds", "milliseconds", "microseconds")[self._offsets % 3])
        return text.replace("+00:00", "Z")

    def _serve(self, path: str) -> Response:
        try:
            return self.answer("/" + path)
        except HTTPException as error:
            raise error from None
        except Refusal as refusal:
            if refusal.status in (400, 404, 405, 406, 415):
                self.refused.append(
                    f"{request.method} {request.full_path}: {refusal.status} {refusal.detail} {refusal.violations}"
                )
            return self.problem(refusal)

    def answer(self, path: str) -> Response:
        raise NotImplementedError

    def problem(self, refusal: Refusal) -> Response:
        raise NotImplementedError

    def operation(self, path: str) -> tuple[Operation, list[str]]:
        """What is asked, checked in everything the description says, and the parameters in the path."""
        fitting = [(item, match) for item in self._operations if (match := item.pattern.fullmatch(path))]
        if not fitting:
            raise Refusal(404, "no such path")
        fitting = [(item, match) for item, match in fitting if item.method == request.method]
        if not fitting:
            raise Refusal(405, "no such method here")
        operation, match = min(fitting, key=lambda one: one[0].template.count("{"))
        self.asked.append(operation.name)
        if (waiting := self.trouble.get(operation.name)) and (refusal := waiting.pop(0)):
            raise refusal
        self._check(operation)
        return operation, list(match.groups())

    def _check(self, operation: Operation) -> None:
        accepted = {part.partition(";")[0].strip() for part in request.headers.get("Accept", "").split(",")}
        if (known := operation.accepted()) and not accepted & known:
            raise Refusal(406, f"Accept {accepted}, known {known}")
        violations = list(self._query_faults(operation))
        if taken := operation.taken():
            if request.mimetype not in taken:
                raise Refusal(415, f"{request.mimetype}, taken {set(taken)}")
            violations += operation.description.faults(taken[request.mimetype], _given())
        elif request.get_data():
            violations.append("a body where none is described")
        if violations:
            raise Refusal(400, "does not meet the specification", violations)

    def _query_faults(self, operation: Operation) -> Iterator[str]:
        known = [operation.description.resolve(item) for item in operation.raw["parameters"]]
        query = {item["name"]: item for item in known if item["in"] == "query"}
        yield from (f"query {name}: unknown" for name in request.args if name not in query)
        for name, item in query.items():
            given = request.args.getlist(name)
            if not given:
                if item.get("required"):
                    yield f"query {name}: missing"
                continue
            schema = operation.description.resolve(item.get("schema", {}))
            value = _typed(schema, given, explode=item.get("explode", True))
            yield from (f"query {name}: {fault}" for fault in operation.description.faults(schema, value))

    def json(self, operation: Operation, status: int, body: Any, kind: str | None = None) -> Response:
        """An answer, held against its description: a wrong one is the fault of whoever wrote the marketplace."""
        answer = operation.description.resolve(operation.raw["responses"][str(status)])
        content = answer.get("content", {})
        if body is None:
            return Response(status=status)
        kind = kind or next(iter(content))
        if faults := operation.description.faults(content[kind].get("schema", {}), body):
            raise AssertionError(f"{operation.name} answers against its description: {faults}")
        return Response(json.dumps(body), status, mimetype=kind)


def _given() -> Any:
    """The body; a form's fields and files by their names."""
    if request.mimetype != "multipart/form-data":
        return request.get_json(force=True)
    told = {name: {"true": True, "false": False}.get(value, value) for name, value in request.form.items()}
    return told | {name: file.filename or "" for name, file in request.files.items()}


def _typed(schema: Json, given: list[str], *, explode: bool) -> Any:
    if schema.get("type") == "array":
        values = given if explode else [part for item in given for part in item.split(",")]
        return [_typed(schema.get("items", {}), [value], explode=True) for value in values]
    value = given[-1]
    if schema.get("type") == "integer":
        return int(value) if re.fullmatch(r"-?\d+", value) else value
    if schema.get("type") == "number":
        return float(value) if re.fullmatch(r"-?\d+(\.\d+)?", value) else value
    if schema.get("type") == "boolean":
        return {"true": True, "false": False}.get(value, value)
    return value
