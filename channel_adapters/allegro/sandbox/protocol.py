"""The wire: media types, errors, and the reading of query parameters."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from flask import Response, request

from bridge.ports.sandbox_control import Refusal
from channel_adapters.allegro.sandbox.market import Call, Document

PUBLIC = "application/vnd.allegro.public.v1+json"
BETA = "application/vnd.allegro.beta.v1+json"


def error(code: str, message: str, path: str | None = None, **metadata: str) -> Document:
    body: Document = {"code": code, "message": message, "userMessage": message, "details": None, "path": path}
    return body | ({"metadata": metadata} if metadata else {})


class Problem(Refusal):
    """An answer that is not a success."""

    def __init__(self, status: int, code: str, message: str, path: str | None = None, **metadata: str) -> None:
        super().__init__(status, message)
        self.errors = [error(code, message, path, **metadata)]

    def response(self) -> Response:
        return answer({"errors": self.errors}, self.status)


class Denied(Refusal):
    """Authorisation says it in its own words (RFC 6749)."""

    def __init__(self, error: str, description: str, status: int = 401) -> None:
        super().__init__(status, description)
        self.error = error

    def response(self) -> Response:
        return answer({"error": self.error, "error_description": str(self)}, self.status, "application/json")


class Refused(Problem):
    """Several errors at once."""

    def __init__(self, errors: Sequence[Document], status: int = 422) -> None:
        super().__init__(status, "", "refused")
        self.errors = list(errors)


def invalid(path: str, message: str, code: str = "ConstraintViolationException") -> Problem:
    return Problem(422, code, message, path)


def not_found(what: str) -> Problem:
    return Problem(404, "NotFoundException", f"{what} not found")


def answer(body: Any, status: int = 200, media: str = PUBLIC, headers: Mapping[str, str] | None = None) -> Response:
    response = Response(json.dumps(body), status, content_type=media)
    response.headers["trace-id"] = "sandbox"
    response.headers.update(headers or {})
    return response


def no_content() -> Response:
    return Response(status=204)


def number(name: str, default: int, least: int, most: int | None = None) -> int:
    text = request.args.get(name)
    if text is None:
        return default
    if not text.isdigit() or int(text) < least or (most is not None and int(text) > most):
        raise Problem(422, "VALIDATION_ERROR", f"{name}: {text} is not allowed", name)
    return int(text)


def page(call: Call, found: Sequence[Any], *, most: int, default: int, furthest: int | None = None) -> list[Any]:
    limit, offset = number("limit", default, 1, most), number("offset", 0, 0, furthest)
    if call.faulty("empty_list") is not None:
        return []
    offset = 0 if call.faulty("stuck_cursor") is not None else offset
    return list(found[offset : offset + limit])


def moment(name: str) -> float | None:
    text = request.args.get(name)
    if text is None:
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise Problem(422, "VALIDATION_ERROR", f"{name}: {text} is no date", name) from None
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()


def one_of(name: str, choices: Sequence[str]) -> str | None:
    value = request.args.get(name)
    if value is not None and value not in choices:
        raise Problem(422, "VALIDATION_ERROR", f"{name}: {value} is not one of {', '.join(choices)}", name)
    return value


def several(name: str, choices: Sequence[str] | None = None, most: int | None = None) -> list[str]:
    """A repeated parameter."""
    values = request.args.getlist(name)
    wrong = [value for value in values if choices is not None and value not in choices]
    if wrong or (most is not None and len(values) > most):
        raise Problem(422, "VALIDATION_ERROR", f"{name}: {wrong or len(values)} is not allowed", name)
    return values


def sorted_by(found: list[Document], keys: Mapping[str, Callable[[Document], Any]], default: str) -> list[Document]:
    """By the parameter ``sort``, whose minus turns it around."""
    wanted = one_of("sort", [*keys, *(f"-{key}" for key in keys)]) or default
    return sorted(found, key=keys[wanted.lstrip("-")], reverse=wanted.startswith("-"))
