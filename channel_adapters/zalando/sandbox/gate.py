"""The door: tokens, media types, merchants, the budgets of a minute. Each operation passes here before its handler."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from channel_adapters.zalando.sandbox.market import Call, Handler, Market
from channel_adapters.zalando.sandbox.protocol import Plain, Refused, Style, answer, is_uuid, read_body, too_many


@dataclass(frozen=True)
class Operation:
    """One operation: where it is, what it takes, who does it. ``limit``: calls of a minute."""

    name: str
    method: str
    path: str
    handler: Handler
    style: Style = field(default_factory=Plain)
    body: Any = None
    limit: int = 2000


def mount(app: Flask, market: Market, operations: tuple[Operation, ...]) -> None:
    for operation in operations:
        app.add_url_rule(operation.path, operation.name, _view(market, operation), methods=[operation.method])
    app.add_url_rule("/auth/token", "token", _token_view(market), methods=["POST"])
    app.register_error_handler(HTTPException, _unknown)


def _view(market: Market, operation: Operation) -> Callable[..., Response]:
    def throttled() -> Response:
        return operation.style.error(too_many("a fault on request"))

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
        _require_token(call)
        _require_media(operation)
        _require_ids(market, path)
        if not market.admits(operation.name, operation.limit):
            raise too_many(f"{operation.limit} per minute")
        if operation.body is not None:
            call.body = read_body(operation.body, request.get_data())
        return operation.handler(call)
    except Refused as fault:
        response = operation.style.error(fault)
        if fault.status == 429:
            response.headers["Retry-After"] = str(60 - int(market.now()) % 60)
            response.headers["X-Rate-Limit"] = f"{market.kit.limits.calls(operation.limit, operation.limit):g}"
        return response


def _require_token(call: Call) -> None:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    known = call.market.docs.get("tokens", token)
    if call.faulty("unauthorised") is not None:
        raise Refused(401, "Unauthorized", "The token is not valid any more.")
    if kind != "Bearer" or known is None or known["ends"] <= call.market.now():
        raise Refused(401, "Unauthorized", "Full authentication is required to access this resource.")


def _require_media(operation: Operation) -> None:
    media, accepted = operation.style.media, request.accept_mimetypes
    if accepted and not accepted[media]:
        raise Refused(406, "Not Acceptable", f"This API answers with {media}.")
    if operation.body is not None and request.mimetype != media:
        raise Refused(415, "Unsupported Media Type", f"This API takes {media}.")


def _require_ids(market: Market, path: dict[str, str]) -> None:
    if (merchant := path.get("merchant")) is not None and merchant not in market.options.merchants:
        raise Refused(403, "Forbidden", "The privileges of the token are insufficient for this merchant.")
    for name in ("order_id", "item_id", "line_id", "shipment_id"):
        if name in path and not is_uuid(path[name]):
            raise Refused(400, "Bad Request", f"{name} is not a UUID", parameter=name)


# Tokens


def _token_view(market: Market) -> Callable[[], Response]:
    def view() -> Response:
        def serve() -> Response:
            with market.kit.transaction():
                return _token(market)

        return market.kit.respond("token", serve, throttled=lambda: Plain().error(too_many("tokens")))

    return view


def _token(market: Market) -> Response:
    """Client credentials by HTTP Basic, the grant as a form. Nothing is refreshed."""
    options = market.options
    if market.faulty("token", "unauthorised") is not None or _basic() != (options.client_id, options.client_secret):
        return answer({"error": "invalid_client", "error_description": "Bad client credentials"}, 401)
    if request.form.get("grant_type") != "client_credentials":
        return answer({"error": "unsupported_grant_type", "error_description": "Unsupported grant type"}, 400)
    number = market.docs.next_id("token")
    token = f"sandbox.token.{number}"
    market.docs.put("tokens", token, {"ends": market.now() + options.token_seconds})
    body = {
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": options.token_seconds,
        "scope": "access_token_only",
    }
    return answer(body)


def _basic() -> tuple[str, str] | None:
    kind, _, given = request.headers.get("Authorization", "").partition(" ")
    if kind != "Basic":
        return None
    try:
        name, _, secret = base64.b64decode(given, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return name, secret


def _unknown(error: HTTPException) -> Response:
    """Paths and methods outside of the API. Anything else (a bug of the sandbox) stays a plain 500."""
    return Plain().error(Refused(error.code or 500, error.name))
