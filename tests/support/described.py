"""A marketplace made of nothing but its official description: every described answer is possible, drawn by chance.

What is optional is left out at times, what may be null is null at times, lists are empty, short or long, texts are anything
their pattern allows. Nothing here was written by whoever wrote an adapter.
"""

from __future__ import annotations

import json
import random
import re
import string
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from flask import Flask, Response, request

Json = dict[str, Any]
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
DEPTH = 7
TOKEN = {"access_token": "token", "refresh_token": "again", "token_type": "Bearer", "expires_in": 3600}
SAMPLES = {
    "date": "2026-11-20",
    "uuid": "7e1cbb8e-4a3c-4d0f-9c47-2b7f8f6d9d10",
    "uri": "https://example.com/one",
    "url": "https://example.com/one",
    "email": "buyer@example.com",
    "byte": "YWJj",
    "decimal": "12.34",
}


@dataclass(frozen=True)
class Operation:
    name: str
    method: str
    path: re.Pattern[str]
    literal: int
    raw: Json
    spec: Json


@dataclass
class Described:
    """``root`` by description: where its paths begin. ``asked`` are the operations that were called."""

    files: Mapping[Path, str]
    rng: random.Random
    hints: Mapping[str, str] = field(default_factory=dict)
    examples: bool = False  # the description's own, wherever it has one, and everything that is optional
    asked: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._operations = [item for file, root in self.files.items() for item in _operations(read(file), root)]

    def app(self) -> Flask:
        app = Flask("described")
        app.url_map.strict_slashes = False
        app.add_url_rule("/", "root", self._answer, methods=METHODS, defaults={"path": ""})
        app.add_url_rule("/<path:path>", "any", self._answer, methods=METHODS)
        return app

    def _answer(self, path: str) -> Response:
        if path.rsplit("/", 1)[-1] == "token":
            return Response(json.dumps(TOKEN), mimetype="application/json")
        fitting = [
            item for item in self._operations if item.method == request.method and item.path.fullmatch(path.strip("/"))
        ]
        if not fitting:
            return Response("{}", 404, mimetype="application/json")
        operation = max(fitting, key=lambda item: item.literal)
        self.asked.add(operation.name)
        return Generator(operation.spec, self.rng, self.hints, examples=self.examples).answer(operation.raw)


def read(file: Path) -> Json:
    text = file.read_text(encoding="utf-8")
    found: Json = json.loads(text) if file.suffix == ".json" else yaml.load(text, yaml.CSafeLoader)
    return found


def _operations(spec: Json, root: str) -> Iterator[Operation]:
    for path, methods in spec["paths"].items():
        for method, raw in methods.items():
            if method.upper() in METHODS:
                parts = re.split(r"\{[^}]*\}", (root + spec.get("basePath", "") + path).strip("/"))
                pattern = re.compile("[^/]+".join(map(re.escape, parts)))
                yield Operation(raw.get("operationId", path), method.upper(), pattern, len("".join(parts)), raw, spec)


class Generator:
    """Values that a schema allows."""

    def __init__(self, spec: Json, rng: random.Random, hints: Mapping[str, str], *, examples: bool = False) -> None:
        self._examples = examples
        self._spec = spec
        self._rng = rng
        self._hints = hints

    def answer(self, operation: Json) -> Response:
        good = [(code, raw) for code, raw in operation["responses"].items() if str(code).startswith("2")]
        code, raw = self._rng.choice(good)
        raw = self._resolved(raw)
        status = int(code) if str(code).isdigit() else 200
        content = raw.get("content") or ({"application/json": raw} if "schema" in raw else {})
        if not content or status == 204:
            return Response(b"", status, {"Location": "/elsewhere/1"})
        kind, about = next(iter(content.items()))
        if "json" not in kind and kind != "*/*":
            return Response(b"", status, mimetype=kind)
        known = about.get("example") if self._examples else None
        body = known if isinstance(known, (dict, list)) else self.value(about.get("schema") or {}, 0)
        return Response(json.dumps(body), status, mimetype=kind if "json" in kind else "application/json")

    def value(self, schema: Any, depth: int) -> Any:
        if not isinstance(schema, dict):
            return None
        schema = self._flat(schema)
        if self._examples and schema.get("example") is not None:
            return schema["example"]
        if not self._examples and self._rng.random() < 0.15 and (schema.get("nullable") or "null" in _types(schema)):
            return None
        if "const" in schema:
            return schema["const"]
        if values := [item for item in schema.get("enum") or () if item is not None]:
            return self._rng.choice(values)
        kinds = [kind for kind in _types(schema) if kind != "null"]
        kind = self._rng.choice(kinds) if kinds else "object" if "properties" in schema else ""
        make = {
            "object": self._object, "array": self._array, "string": self._string, "integer": self._integer,
            "number": self._number, "boolean": lambda *_: self._rng.random() < 0.5,
        }.get(kind)  # fmt: skip
        return make(schema, depth) if make else {}

    def _object(self, schema: Json, depth: int) -> Json:
        required = set(schema.get("required") or ())
        kept = {
            name: part
            for name, part in (schema.get("properties") or {}).items()
            if name in required or (depth < DEPTH and (self._examples or self._rng.random() < 0.7))
        }
        made = {name: self._named(name, part, depth + 1) for name, part in kept.items()}
        more = schema.get("additionalProperties")
        if isinstance(more, dict) and depth < DEPTH and not made:
            made = {name: self.value(more, depth + 1) for name in ("one", "two")[: self._rng.randint(0, 2)]}
        return made

    def _named(self, name: str, schema: Json, depth: int) -> Any:
        """Mostly what such a field holds in life, where the schema only says that it is text."""
        made = self.value(schema, depth)
        known = self._hints.get(name.lower())
        return known if known is not None and isinstance(made, str) and self._rng.random() < 0.9 else made

    def _array(self, schema: Json, depth: int) -> list[Any]:
        least = min(int(schema.get("minItems") or 0), 5)
        many = 0 if depth >= DEPTH else 1 if self._examples else self._rng.choice((0, 1, 1, 2, 3))
        return [self.value(schema.get("items") or {}, depth + 1) for _ in range(max(least, many))]

    def _string(self, schema: Json, _depth: int) -> str:
        form = str(schema.get("format") or "")
        if form.startswith("date-time"):
            moment = datetime(2026, 11, 20, 10, tzinfo=UTC) + timedelta(seconds=self._rng.randint(0, 500_000))
            return moment.isoformat().replace("+00:00", self._rng.choice(("Z", "+00:00")))
        if form in SAMPLES:
            return SAMPLES[form]
        if schema.get("example") and isinstance(schema["example"], str) and self._rng.random() < 0.7:
            return str(schema["example"])
        longest = min(int(schema.get("maxLength") or 12), 40)
        least = min(int(schema.get("minLength") or 0), longest)
        letters = string.ascii_letters + string.digits + " -äŁ€"
        return "".join(self._rng.choices(letters, k=self._rng.randint(least, longest)))

    def _integer(self, schema: Json, _depth: int) -> int:
        low = int(schema.get("minimum") or 0)
        return self._rng.randint(low, max(low, int(min(schema.get("maximum") or 5000, 10**9))))

    def _number(self, schema: Json, depth: int) -> float:
        return self._integer(schema, depth) + self._rng.choice((0, 0.5, 0.99))

    def _flat(self, schema: Json) -> Json:
        """References followed, allOf joined, one of oneOf and anyOf chosen."""
        for _ in range(20):
            schema = self._resolved(schema)
            if "allOf" in schema:
                schema = _joined(schema, "allOf", [self._flat(part) for part in schema["allOf"]])
            elif choice := next((name for name in ("oneOf", "anyOf") if schema.get(name)), None):
                schema = _joined(schema, choice, [self._flat(self._rng.choice(schema[choice]))])
            else:
                return schema
        return {}

    def _resolved(self, schema: Json) -> Json:
        for _ in range(20):
            if "$ref" not in schema:
                return schema
            reference = str(schema["$ref"])
            if not reference.startswith("#/"):
                return {}
            found: Any = self._spec
            for part in reference[2:].split("/"):
                found = found.get(part.replace("~1", "/").replace("~0", "~"), {}) if isinstance(found, dict) else {}
            schema = found
        return {}


def _types(schema: Json) -> list[str]:
    found = schema.get("type")
    return list(found) if isinstance(found, list) else [found] if found else []


def _joined(schema: Json, left_out: str, parts: Iterable[Json]) -> Json:
    joined: Json = {name: part for name, part in schema.items() if name != left_out}
    for part in parts:
        properties = {**joined.get("properties", {}), **part.get("properties", {})}
        required = [*(joined.get("required") or ()), *(part.get("required") or ())]
        joined = {**part, **joined}
        if properties:
            joined |= {"properties": properties}
        if required:
            joined |= {"required": required}
    return joined
