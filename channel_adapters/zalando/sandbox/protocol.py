"""The wire: the two kinds of answers and of errors, and the reading of bodies and query parameters."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

from flask import Response, request
from pydantic import TypeAdapter, ValidationError

JSON = "application/json"
JSON_API = "application/vnd.api+json"
PROBLEM = "application/problem+json"
COPYRIGHT = {"copyright": "Zalando SE Copyright notice of the sandbox"}


class Refused(Exception):
    """An answer that is not a success. Each API writes it its own way; ``pointer`` is the field at fault."""

    def __init__(self, status: int, title: str, detail: str = "", *, pointer: str = "", parameter: str = "") -> None:
        super().__init__(detail or title)
        self.status = status
        self.title = title
        self.detail = detail or title
        self.pointer = pointer
        self.parameter = parameter


class Style(Protocol):
    """How an API speaks: the media type of its bodies, and its errors."""

    media: str

    def error(self, fault: Refused) -> Response: ...


class Plain:
    """JSON, and problems of RFC 7807."""

    media = JSON

    def error(self, fault: Refused) -> Response:
        body = {"type": "about:blank", "title": fault.title, "status": fault.status, "detail": fault.detail}
        return answer(body, fault.status, PROBLEM)


class Errors:
    """JSON, and errors in a list (Sales Channels API)."""

    media = JSON

    def error(self, fault: Refused) -> Response:
        return answer(_errors(fault), fault.status, JSON)


class JsonApi:
    """JSON:API both ways; a budget that is used up has a body of its own."""

    media = JSON_API

    def error(self, fault: Refused) -> Response:
        body = {"message": fault.detail} if fault.status == 429 else _errors(fault)
        return answer(body, fault.status, JSON_API)


def _errors(fault: Refused) -> dict[str, Any]:
    error: dict[str, Any] = {"status": str(fault.status), "code": str(fault.status), "title": fault.title}
    error["detail"] = fault.detail
    source = {"pointer": fault.pointer, "parameter": fault.parameter}
    if named := {name: value for name, value in source.items() if value}:
        error["source"] = named
    return {"errors": [error]}


def too_many(limit: str) -> Refused:
    return Refused(429, "Too Many Requests", f"Rate limit exceeded: {limit}")


def answer(body: Any, status: int = 200, media: str = JSON) -> Response:
    return Response(json.dumps(body), status, content_type=media)


def no_content(location: str = "") -> Response:
    return Response(status=204, headers={"Location": location} if location else {})


def read_body(model: Any, raw: bytes) -> Any:
    """The request body as ``model``, or a 400 that names the first field at fault."""
    try:
        return TypeAdapter(model).validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        pointer = "/" + "/".join(map(str, first["loc"]))
        raise Refused(400, "Bad Request", f"{pointer}: {first['msg']}", pointer=pointer) from None


def number(name: str, default: int, least: int, most: int | None = None) -> int:
    text = request.args.get(name)
    if text is None:
        return default
    if not text.isdigit() or int(text) < least or (most is not None and int(text) > most):
        raise Refused(400, "Bad Request", f"{name}: {text} is no number that can be", parameter=name)
    return int(text)


def choice(name: str, choices: Sequence[str]) -> str | None:
    value = request.args.get(name)
    if value is not None and value not in choices:
        raise Refused(400, "Bad Request", f"{name}: {value} is not one of {', '.join(choices)}", parameter=name)
    return value


def moment(name: str) -> float | None:
    text = request.args.get(name)
    if text is None:
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(400, "Bad Request", f"{name}: {text} is not a date-time", parameter=name) from None
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()


def is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def is_gtin13(text: str) -> bool:
    if len(text) != 13 or not text.isdigit():
        return False
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(text[:12]))
    return -total % 10 == int(text[12])
