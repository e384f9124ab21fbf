"""The door: headers, signature, the budget of a second. Each operation passes here before its handler runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from channel_adapters.kaufland.sandbox.market import Call, Handler, Market
from channel_adapters.kaufland.sandbox.protocol import JSON, Problem, read_body
from channel_adapters.kaufland.signature import is_genuine

WINDOW = 300
HEADERS = ("Shop-Client-Key", "Shop-Timestamp", "Shop-Signature", "User-Agent")


@dataclass(frozen=True)
class Operation:
    """One operation of the specification: where it is, what it takes, who does it."""

    name: str
    method: str
    path: str
    handler: Handler
    body: Any = None


def mount(app: Flask, market: Market, operations: tuple[Operation, ...]) -> None:
    for operation in operations:
        app.add_url_rule(f"/v2{operation.path}", operation.name, _view(market, operation), methods=[operation.method])
    app.register_error_handler(HTTPException, _unknown)


def _view(market: Market, operation: Operation) -> Callable[..., Response]:
    def throttled() -> Response:
        return Problem(429, "about:blank", "Too many requests").response()

    def view(**path: str) -> Response:
        def serve() -> Response:
            with market.kit.transaction():
                return _serve(market, operation, path)

        return market.kit.respond(operation.name, serve, throttled=throttled)

    return view


def _serve(market: Market, operation: Operation, path: dict[str, str]) -> Response:
    market.settle()
    call = Call(market, operation.name, path)
    try:
        _require_signature(call)
        if not market.admits():
            raise Problem(429, "about:blank", "Too many requests")
        if operation.body is not None:
            _require_json()
            call.body = read_body(operation.body, request.get_data())
        return operation.handler(call)
    except Problem as problem:
        return problem.response()


def _require_signature(call: Call) -> None:
    options, given = call.market.options, request.headers
    if call.faulty("unauthorised") is not None:
        raise Problem(401, "invalid-credentials", "Invalid credentials")
    if missing := [name for name in HEADERS if not given.get(name)]:
        raise Problem(401, "missing-or-invalid-request-header", f"Header {missing[0]} is missing")
    if not given.get("Accept", "").startswith(JSON):
        raise Problem(400, "missing-or-invalid-request-header", f"Header Accept is not {JSON}")
    if given["Shop-Client-Key"] != options.client_key:
        raise Problem(401, "invalid-credentials", "Invalid credentials")
    timestamp = given["Shop-Timestamp"]
    if not timestamp.isdigit() or abs(call.market.now() - int(timestamp)) > WINDOW:
        raise Problem(401, "missing-or-invalid-request-header", "Header Shop-Timestamp is not the time of now")
    body, url = request.get_data(), _wire_url()
    if not is_genuine(given["Shop-Signature"], options.secret_key, request.method, url, body, timestamp):
        raise Problem(401, "corrupted-signature", "The signature does not match the request")


def _wire_url() -> str:
    """The URL as it came: nothing decoded and encoded again."""
    environ = request.environ
    target = environ.get("RAW_URI") or environ.get("REQUEST_URI") or request.full_path.rstrip("?")
    return f"{request.scheme}://{request.host}{target}"


def _require_json() -> None:
    if request.mimetype != JSON:
        raise Problem(400, "missing-or-invalid-request-header", f"Header Content-Type must be {JSON}")


def _unknown(error: HTTPException) -> Response:
    """Paths and methods outside of the API. Anything else (a bug of the sandbox) stays a plain 500."""
    kind = "not-found" if error.code == 404 else "about:blank"
    return Problem(error.code or 500, kind, error.name).response()
