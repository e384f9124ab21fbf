"""The wire: envelopes, problems, and the reading of bodies and query parameters."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from flask import Response, request
from pydantic import TypeAdapter, ValidationError

from channel_adapters.kaufland.sandbox.market import Call, Document

JSON = "application/json"
STOREFRONTS = ("de", "cz", "sk", "pl", "at", "fr", "it")
FULFILMENTS = ("fulfilled_by_kaufland", "fulfilled_by_merchant")
Fault = tuple[str, str]
Body = TypeVar("Body")


class Problem(Exception):
    """An answer that is not a success: ``kind`` as in the specification's ProblemType, and the fields at fault."""

    def __init__(self, status: int, kind: str, message: str, errors: Sequence[Fault] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.message = message
        self.errors = errors

    def response(self) -> Response:
        errors = [{"field": name, "message": text} for name, text in self.errors]
        return answer(
            {
                "type": self.kind if ":" in self.kind else f"/problems/{self.kind}",
                "message": self.message,
                "errors": errors,
            },
            self.status,
        )


def invalid(field: str, message: str) -> Problem:
    return Problem(400, "validation-error", "Validation Failed", [(field, message)])


def not_found(what: str) -> Problem:
    return Problem(404, "not-found", f"{what} not found")


class NothingThere(Problem):
    """What the catalogue does not know: a message and nothing else (specification, NotFoundResponse)."""

    def __init__(self, what: str) -> None:
        super().__init__(404, "not-found", f"{what} not found")

    def response(self) -> Response:
        return answer({"message": self.message}, self.status)


def answer(body: Any, status: int = 200) -> Response:
    return Response(json.dumps(body), status, content_type=JSON)


def data(content: Any, status: int = 200) -> Response:
    return answer({"data": content}, status)


def no_content() -> Response:
    return Response(status=204)


def page(
    call: Call, found: Sequence[Document], show: Callable[[Document], Any], *, most: int = 100, default: int = 30
) -> Response:
    """One page of a list in its envelope."""
    limit, offset = number("limit", default, 1, most), number("offset", 0, 0)
    if call.faulty("stuck_cursor") is not None:
        total, part = 10**6, found[:limit]
    else:
        found = [] if call.faulty("empty_list") is not None else found
        total, part = len(found), found[offset : offset + limit]
    pagination = {"offset": offset, "limit": limit, "total": total}
    return answer({"data": [show(item) for item in part], "pagination": pagination})


def read_body(model: Any, raw: bytes) -> Any:
    """The request body as ``model``, or a 400 that names each field at fault."""
    try:
        return TypeAdapter(model).validate_json(raw)
    except ValidationError as error:
        faults = [(".".join(map(str, item["loc"])) or "body", item["msg"]) for item in error.errors(include_url=False)]
        raise Problem(400, "validation-error", "Validation Failed", faults) from None


def number(name: str, default: int, least: int, most: int | None = None) -> int:
    text = request.args.get(name)
    if text is None:
        return default
    if not text.lstrip("-").isdigit() or int(text) < least or (most is not None and int(text) > most):
        raise invalid(name, f"{text} is not a number of at least {least}" + (f" and at most {most}" if most else ""))
    return int(text)


def choice(name: str, choices: Sequence[str]) -> str | None:
    value = request.args.get(name)
    if value is not None and value not in choices:
        raise invalid(name, f"{value} is not one of {', '.join(choices)}")
    return value


def several(name: str, choices: Sequence[str], default: Sequence[str] = ()) -> list[str]:
    """A repeated parameter; the documentation also shows values separated by commas."""
    values = [part for value in request.args.getlist(name) for part in value.split(",") if part]
    if wrong := [value for value in values if value not in choices]:
        raise invalid(name, f"{wrong[0]} is not one of {', '.join(choices)}")
    return values or list(default)


def fulfilments() -> list[str]:
    return several("fulfillment_type", FULFILMENTS, ("fulfilled_by_merchant",))


def storefront(call: Call) -> str:
    """The required parameter; a storefront the seller has not set up is refused."""
    given = choice("storefront", STOREFRONTS)
    if given is None:
        raise invalid("storefront", "storefront is required")
    if given not in call.market.options.storefronts:
        raise Problem(403, "storefront-not-configured", f"Storefront {given} is not configured")
    return given


def since(name: str) -> float:
    text = request.args.get(name)
    if text is None:
        return 0.0
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise invalid(name, f"{text} is not in the format YYYY-MM-ddTHH:mm:ssZ") from None
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
