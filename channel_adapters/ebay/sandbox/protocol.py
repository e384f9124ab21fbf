"""The wire: errors, and the reading of bodies and query parameters."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from flask import Response, request
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from channel_adapters.ebay.sandbox.market import Document

JSON = "application/json"


class Strict(BaseModel):
    """A body as eBay takes it: names in camel case, and no other ones."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, populate_by_name=True)


class Problem(Exception):
    """An answer that is not a success: eBay's number of the error, and the parameters that explain it."""

    def __init__(self, status: int, number: int, message: str, **parameters: str) -> None:
        super().__init__(message)
        self.status = status
        self.number = number
        self.message = message
        self.parameters = parameters

    def as_error(self) -> Document:
        category = "APPLICATION" if self.status >= 500 else "REQUEST"
        body: Document = {"errorId": self.number, "domain": "API_SANDBOX", "category": category}
        body |= {"message": self.message, "longMessage": self.message}
        given = [{"name": name, "value": value} for name, value in self.parameters.items()]
        return body | ({"parameters": given} if given else {})

    def response(self) -> Response:
        return answer({"errors": [self.as_error()]}, self.status)


class OldProblem(Problem):
    """The Post-Order API has another envelope."""

    def response(self) -> Response:
        error: Document = {"errorId": self.number, "domain": "returnErrorDomain", "severity": "ERROR"}
        error |= {"category": "REQUEST", "message": self.message, "parameter": [], "httpStatusCode": self.status}
        return answer({"error": [error]}, self.status)


def answer(body: Any, status: int = 200, **headers: str) -> Response:
    return Response(json.dumps(body), status, content_type=JSON, headers=headers)


def nothing(status: int = 204, **headers: str) -> Response:
    response = Response(status=status, headers=headers)
    response.headers.pop("Content-Type", None)
    return response


def read_body(model: Any, raw: bytes) -> Any:
    """The request body as ``model``, or a 400 that names the first field at fault."""
    try:
        return TypeAdapter(model).validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(map(str, first["loc"])) or "body"
        raise Problem(400, 25709, f"Invalid value for {name}. {first['msg']}", fieldName=name) from None


def number(name: str, default: int, least: int, most: int, code: int = 25706) -> int:
    word = request.args.get(name)
    if word is None:
        return default
    if not word.isdigit() or not least <= int(word) <= most:
        raise Problem(400, code, f"Invalid {name}: {word}")
    return int(word)


def paged(found: Sequence[Document], page: int, limit: int) -> list[Document]:
    return list(found[page * limit : (page + 1) * limit])


def bulk(entries: list[Document]) -> Response:
    """207 as soon as one of them is no success."""
    good = all(200 <= entry["statusCode"] < 300 for entry in entries)
    return answer({"responses": entries}, 200 if good else 207)
