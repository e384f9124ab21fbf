"""The wire: media types, bol's Problem body, and the reading of request bodies and query parameters."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from flask import Response, request
from pydantic import BaseModel, ValidationError

V10 = "application/vnd.retailer.v10+json"
V10_PDF = "application/vnd.retailer.v10+pdf"
V11 = "application/vnd.retailer.v11+json"
ECONOMIC_OPERATOR = "application/vnd.economic-operator.v1+json"
JSON = "application/json"

TITLES = {
    400: "Error validating request. Consult the bol.com API documentation for more information.",
    401: "Unauthorized Request",
    404: "Not found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    409: "Conflict",
    415: "Unsupported Media Type",
    429: "Too many requests",
}

Violation = tuple[str, str]
Body = TypeVar("Body", bound=BaseModel)


class Problem(Exception):
    """An answer that is not a success, with the fields at fault."""

    def __init__(self, status: int, detail: str, violations: Sequence[Violation] = ()) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.violations = violations

    def response(self, media: str) -> Response:
        body = {
            "type": "https://api.bol.com/problems",
            "title": TITLES.get(self.status, "Error"),
            "status": self.status,
            "detail": self.detail,
            "host": "sandbox",
            "instance": request.base_url,
            "violations": [{"name": name, "reason": reason} for name, reason in self.violations],
        }
        return answer(body, self.status, media)


def bad_request(name: str, reason: str) -> Problem:
    return Problem(400, "Bad request", [(name, reason)])


def not_found(what: str) -> Problem:
    return Problem(404, f"{what} not found.")


def answer(body: Any, status: int = 200, media: str = V10) -> Response:
    return Response(json.dumps(body), status, content_type=media)


def no_content() -> Response:
    return Response(status=204)


def read_body(model: type[Body], raw: bytes) -> Body:
    """The request body as ``model``, or a 400 that names each field at fault."""
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        violations = [(_path(item["loc"]), item["msg"]) for item in error.errors(include_url=False)]
        raise Problem(400, "Bad request", violations) from None


def _path(location: tuple[int | str, ...]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return text.removeprefix(".") or "body"


def query_number(name: str, default: int, *, minimum: int = 1, maximum: int | None = None) -> int:
    text = request.args.get(name)
    if text is None:
        return default
    if not text.lstrip("-").isdigit():
        raise bad_request(name, f"'{text}' is not a whole number.")
    number = int(text)
    if number < minimum or (maximum is not None and number > maximum):
        bounds = f"at least {minimum}" if maximum is None else f"between {minimum} and {maximum}"
        raise bad_request(name, f"{number} must be {bounds}.")
    return number


def query_choice(name: str, choices: Sequence[str], default: str | None = None) -> str | None:
    value = request.args.get(name, default)
    if value is not None and value not in choices:
        allowed = ", ".join(choices)
        raise bad_request(name, f"Request contains invalid value(s): '{value}', allowed values: {allowed}.")
    return value


def query_flag(name: str) -> bool | None:
    value = query_choice(name, ("true", "false"))
    return None if value is None else value == "true"


def query_required(name: str) -> str:
    value = request.args.get(name)
    if not value:
        raise bad_request(name, "Required parameter is missing.")
    return value


def moment(name: str, text: str) -> float:
    """An ISO 8601 time as epoch seconds; without an offset it is UTC."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise bad_request(name, f"'{text}' is not an ISO 8601 date and time.") from None
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
