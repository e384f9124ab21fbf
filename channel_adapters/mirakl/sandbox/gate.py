"""The door: the key, the shop, the budgets; and how requests are read and answered."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, Response, request
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import HTTPException

from bridge.ports.manifest import Limit, load_manifest
from bridge.ports.sandbox import Limits
from bridge.ports.sandbox_control import Refusal
from channel_adapters.mirakl.sandbox.market import Call, Document, Handler, Market
from channel_adapters.mirakl.sandbox.options import Options


class Problem(Refusal):
    """An answer that is not a success. ``fields``: name and message of each field at fault."""

    def __init__(self, status: int, message: str, *, code: str = "", fields: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(status, message)
        self.code = code
        self.fields = fields

    def response(self) -> Response:
        body: Document = {"status": self.status, "message": str(self)}
        if self.code:
            body["code"] = self.code
        if self.fields:
            body["errors"] = [{"field": name, "message": message} for name, message in self.fields]
        return answer(body, self.status)


@dataclass(frozen=True)
class Operation:
    """One operation of the specification: where it is, who does it, what it takes."""

    name: str
    method: str
    path: str
    handler: Handler
    body: type[BaseModel] | None = None


@dataclass
class Limiter:
    """Fixed windows per operation. The caller holds the market still."""

    options: Options
    limits: Limits
    windows: dict[str, tuple[float, int]] = field(default_factory=dict)

    def wait(self, operation: str, now: float) -> float | None:
        """Seconds to wait, None when the call may be made."""
        rule = self._rule(operation)
        if rule is None:
            return None
        calls, seconds = rule
        ends, used = self.windows.get(operation, (0.0, 0))
        if ends <= now:
            ends, used = now + seconds, 0
        self.windows[operation] = (ends, used + 1)
        return max(1.0, ends - now) if used >= calls else None

    def _rule(self, operation: str) -> tuple[float, float] | None:
        limits = "published" if self.limits.is_asked else self.options.limits
        if limits is None:
            return None
        if limits == "published":
            known = _published().get(operation)
            rule = (known.calls, known.seconds) if known else None
        else:
            own = limits.get(operation)
            rule = (own[0], own[1]) if own else None
        calls = self.limits.calls(rule[0], rule[0]) if rule else None
        return (calls, rule[1]) if rule and calls is not None else None


@cache
def _published() -> dict[str, Limit]:
    return load_manifest(Path(__file__).parent.parent).limits


def mount(app: Flask, market: Market, operations: Sequence[Operation]) -> None:
    market.kit.limits.documented = True
    limiter = Limiter(market.options, market.kit.limits)
    market.kit.on_reset.append(limiter.windows.clear)
    for operation in operations:
        view = _view(market, operation, limiter)
        app.add_url_rule(operation.path, operation.name, view, methods=[operation.method])
    app.register_error_handler(HTTPException, lambda error: Problem(error.code or 500, error.name).response())


def _view(market: Market, operation: Operation, limiter: Limiter) -> Callable[..., Response]:
    def view(**path: str) -> Response:
        def serve() -> Response:
            with market.kit.transaction():
                return _serve(market, operation, limiter, path)

        return market.kit.respond(operation.name, serve, throttled=_throttled)

    return view


def _throttled() -> Response:
    return Problem(429, "Too many requests in the last hour.").response()


def _serve(market: Market, operation: Operation, limiter: Limiter, path: dict[str, str]) -> Response:
    market.settle()
    call = Call(market, operation.name, path)
    try:
        _require_key(call)
        if (wait := limiter.wait(operation.name, market.now())) is not None:
            response = _throttled()
            response.headers["Retry-After"] = str(int(wait) + 1)
            return response
        if operation.body is not None:
            call.body = read_body(operation.body)
        return operation.handler(call)
    except Problem as problem:
        return problem.response()


def _require_key(call: Call) -> None:
    """The bare key, without any scheme before it."""
    options = call.market.options
    given = request.headers.get("Authorization", "")
    if call.faulty("unauthorised") is not None or not secrets.compare_digest(given.encode(), options.api_key.encode()):
        raise Problem(401, "Unauthorized")
    shop = request.args.get("shop_id")
    if shop is not None and shop != str(options.shop_id):
        raise Problem(403, f"You are not authorized to access shop {shop}.")


def answer(body: Any, status: int = 200) -> Response:
    return Response(json.dumps(body), status, content_type="application/json")


def imported(import_id: Any, path: str) -> Response:
    response = answer({"import_id": import_id}, 201)
    response.headers["Location"] = f"{request.host_url.rstrip('/')}{path}/{import_id}"
    return response


def no_content() -> Response:
    return Response(status=204)


def file(content: str, kind: str) -> Response:
    return Response(content.encode(), 200, content_type=f"{kind}; charset=utf-8" if kind == "text/csv" else kind)


def read_body(model: type[BaseModel]) -> BaseModel:
    if not request.is_json:
        raise Problem(415, "Unsupported Media Type")
    try:
        return model.model_validate_json(request.get_data())
    except ValidationError as error:
        fields = [(".".join(map(str, item["loc"])), item["msg"]) for item in error.errors(include_url=False)]
        raise Problem(400, "Validation error", code="VALIDATION_ERROR", fields=fields) from None


def uploaded() -> str:
    """The text of the file of a form."""
    given = request.files.get("file")
    if given is None:
        raise Problem(400, "file: must not be null", fields=[("file", "must not be null")])
    try:
        return str(given.read(), "utf-8")
    except UnicodeDecodeError:
        raise Problem(400, "The file is not encoded in UTF-8.") from None


def number(name: str, default: int, maximum: int | None = None) -> int:
    text = request.args.get(name, str(default))
    if not text.isdigit() or (maximum is not None and int(text) > maximum):
        raise Problem(400, f"{name}: '{text}' is not valid.", fields=[(name, "is not valid")])
    return int(text)


def moment(name: str) -> float | None:
    text = request.args.get(name)
    if text is None:
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise Problem(400, f"{name}: '{text}' is no date.", fields=[(name, "is no date")]) from None
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()


def words(name: str) -> list[str]:
    """A comma-separated list."""
    return [part for part in request.args.get(name, "").split(",") if part]


def page_of(call: Call, found: list[Any]) -> list[Any]:
    """By offset, as the old resources do."""
    if call.faulty("empty_list") is not None:
        return []
    start, most = number("offset", 0), number("max", 10, 100)
    if call.faulty("stuck_cursor") is not None:
        start = 0
    return found[start : start + most]


def seek(call: Call, found: list[Any]) -> Document:
    """By token, as the newer resources do."""
    if call.faulty("empty_list") is not None:
        return {"data": []}
    token, most = request.args.get("page_token", "0"), number("limit", 10, 100)
    if not token.isdigit():
        raise Problem(400, "page_token is not valid.")
    start = 0 if call.faulty("stuck_cursor") is not None else int(token)
    body: Document = {"data": found[start : start + most]}
    if start + most < len(found):
        body["next_page_token"] = str(start + most)
    return body
