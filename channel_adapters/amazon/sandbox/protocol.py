"""The wire: Amazon's error body, JSON answers, and the reading of queries and bodies."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Any, TypeVar

from flask import Response, request
from pydantic import BaseModel, ConfigDict, ValidationError

from bridge.ports.sandbox_control import Refusal

Body = TypeVar("Body", bound=BaseModel)


class Strict(BaseModel):
    """A body in which unknown fields are an error, as in the models (in Amazon's spelling)."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Problem(Refusal):
    """An answer that is not a success."""

    def __init__(self, status: int, code: str, message: str, details: str = "") -> None:
        super().__init__(status, message)
        self.code = code
        self.message = message
        self.details = details

    def response(self) -> Response:
        error = {"code": self.code, "message": self.message, "details": self.details}
        return answer({"errors": [error]}, self.status)


def invalid(details: str) -> Problem:
    return Problem(400, "InvalidInput", "The request has invalid input.", details)


def not_found(what: str) -> Problem:
    return Problem(404, "NotFound", f"{what} was not found.")


def denied(details: str) -> Problem:
    return Problem(403, "Unauthorized", "Access to requested resource is denied.", details)


def answer(body: Any, status: int = 200) -> Response:
    response = Response(json.dumps(body), status, content_type="application/json")
    response.headers["x-amzn-RequestId"] = str(uuid.uuid4())
    return response


def no_content() -> Response:
    response = Response(status=204)
    response.headers["x-amzn-RequestId"] = str(uuid.uuid4())
    return response


def read_body(model: type[Body]) -> Body:
    try:
        return model.model_validate_json(request.get_data())
    except ValidationError as error:
        words = [f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors(include_url=False)]
        raise invalid("; ".join(words)) from None


def listed(name: str) -> list[str]:
    """A query value of ``collectionFormat: csv``."""
    return [part for value in request.args.getlist(name) for part in value.split(",") if part]


def chosen(name: str, allowed: tuple[str, ...]) -> list[str]:
    found = listed(name)
    if wrong := [value for value in found if value not in allowed]:
        raise invalid(f"{name}: '{wrong[0]}' is not one of {', '.join(allowed)}.")
    return found


def number(name: str, default: int, maximum: int) -> int:
    value = request.args.get(name, str(default))
    if not value.isdigit() or not 1 <= int(value) <= maximum:
        raise invalid(f"{name}: '{value}' must be between 1 and {maximum}.")
    return int(value)


def moment(name: str) -> float | None:
    value = request.args.get(name)
    return None if value is None else epoch(name, value)


def epoch(name: str, value: str) -> float:
    try:
        read = datetime.fromisoformat(value)
    except ValueError:
        raise invalid(f"{name}: '{value}' is not an ISO 8601 date and time.") from None
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()


def stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def at_most(values: list[str], name: str, maximum: int) -> None:
    if len(values) > maximum:
        raise invalid(f"{name}: at most {maximum} values.")
