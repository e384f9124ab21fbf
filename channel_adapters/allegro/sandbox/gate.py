"""The door: single-use refresh tokens, media types, the name of the application, the budget of a minute."""

from __future__ import annotations

import base64
import json
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from bridge.ports import sandbox_consent as consent
from bridge.ports.sandbox_control import Refusal
from channel_adapters.allegro.sandbox.account import USER_ID
from channel_adapters.allegro.sandbox.market import Call, Document, Handler, Market
from channel_adapters.allegro.sandbox.protocol import PUBLIC, Denied, Problem, answer

# ``RegisteredAppName/1.2.3 (+https://info-page)``, demanded since July 2026.
AGENT = re.compile(r"^[A-Za-z0-9._-]+/[0-9A-Za-z.+-]+ \(\+https?://[^\s()]+\)$")
LOCALES = ("en-US", "pl-PL", "uk-UA", "sk-SK", "cs-CZ", "hu-HU")


@dataclass(frozen=True)
class Operation:
    """One operation of the specification: where it is, who does it, what it takes and gives."""

    name: str
    method: str
    path: str
    handler: Handler
    body: bool = False
    media: str = PUBLIC


def mount(app: Flask, market: Market, operations: Sequence[Operation]) -> None:
    for operation in operations:
        app.add_url_rule(operation.path, operation.name, _view(market, operation), methods=[operation.method])
    app.add_url_rule("/auth/oauth/token", "token", _token_view(market), methods=["POST"])
    app.add_url_rule("/auth/oauth/authorize", "authorize", _authorize_view(market), methods=["GET"])
    app.register_error_handler(HTTPException, _unknown)


def _unknown(error: HTTPException) -> Response:
    return Problem(error.code or 500, error.name, error.name).response()


def _throttled() -> Response:
    return Problem(429, "TooManyRequests", "Too many requests for this client id").response()


def _view(market: Market, operation: Operation) -> Callable[..., Response]:
    def view(**path: str) -> Response:
        def serve() -> Response:
            with market.kit.transaction():
                return _serve(market, operation, path)

        return market.kit.respond(operation.name, serve, throttled=_throttled)

    return view


def _serve(market: Market, operation: Operation, path: dict[str, str]) -> Response:
    market.settle()
    call = Call(market, operation.name, path)
    try:
        _require_token(call)
        _require_agent()
        if not market.admits():
            return _throttled()
        _require_media(operation)
        if operation.body:
            call.body = _read(operation)
        return operation.handler(call)
    except Refusal as problem:
        return _in_its_type(problem.response(), operation)


def _in_its_type(response: Response, operation: Operation) -> Response:
    """Errors of a beta resource are of the beta type as well."""
    if response.mimetype == PUBLIC:
        response.content_type = operation.media
    return response


def _require_token(call: Call) -> None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    expires = call.market.docs.get("tokens", token) if scheme == "Bearer" else None
    if expires is None or expires <= call.market.now() or call.faulty("unauthorised") is not None:
        raise Denied("invalid_token", "The access token expired or is not valid")


def _require_agent() -> None:
    if not AGENT.match(request.headers.get("User-Agent", "")):
        raise Problem(403, "UserAgent", "The User-Agent does not name the application in the demanded form")


def _require_media(operation: Operation) -> None:
    if request.headers.get("Accept", "") != operation.media:
        raise Problem(406, "NotAcceptableException", f"Acceptable is {operation.media}")
    language = request.headers.get("Accept-Language")
    if language is not None and language not in LOCALES:
        raise Problem(406, "NotAcceptableException", f"Accept-Language: {language} is not supported")


def _read(operation: Operation) -> Document:
    if request.mimetype != operation.media:
        raise Problem(415, "HttpMediaTypeNotSupportedException", f"Content-Type must be {operation.media}")
    try:
        body = json.loads(request.get_data())
    except ValueError:
        raise Problem(400, "JsonParseException", "The body is not JSON") from None
    if not isinstance(body, dict):
        raise Problem(400, "JsonParseException", "The body is not an object")
    return body


def _token_view(market: Market) -> Callable[[], Response]:
    def view() -> Response:
        def serve() -> Response:
            with market.kit.transaction():
                try:
                    return _issue(market)
                except Denied as error:
                    return error.response()

        return market.kit.respond("token", serve, throttled=_throttled)

    return view


def _authorize_view(market: Market) -> Callable[[], Response]:

    def view() -> Response:
        query = request.args
        if query.get("client_id") != market.options.client_id or query.get("response_type") != "code":
            return Response("Unknown application", 400, mimetype="text/plain")
        back = query.get("redirect_uri", "")
        if not back or back != (consent.registered(market) or back):
            return Response("This redirect address is not registered", 400, mimetype="text/plain")
        with market.kit.transaction():
            who = consent.seller(market, USER_ID)
            return consent.page(market, "Allegro (sandbox)", who, back, seconds=market.options.code_seconds)

    return view


def _issue(market: Market) -> Response:
    """A refresh token is good for one use. Within ``reuse_seconds`` it is taken again; later the consent is lost."""
    _require_application(market)
    if market.faulty("token", "unauthorised") is not None:
        raise Denied("invalid_grant", "Invalid refresh token", 400)
    if request.form.get("grant_type") == "authorization_code":
        return _for_code(market)
    if request.form.get("grant_type") != "refresh_token":
        raise Denied("unsupported_grant_type", "Unsupported grant type", 400)
    given, now = request.form.get("refresh_token", ""), market.now()
    used = market.docs.get("used", given)
    known = given == market.options.refresh_token or market.docs.get("grants", given) is not None
    if not known or (used is not None and now - used > market.options.reuse_seconds):
        raise Denied("invalid_grant", "Invalid refresh token", 400)
    if used is None:
        market.docs.put("used", given, now)
    return _pair(market)


def _for_code(market: Market) -> Response:
    if not consent.redeemed(market, request.form.get("code", ""), request.form.get("redirect_uri", "")):
        raise Denied("invalid_grant", "Invalid authorization code", 400)
    return _pair(market)


def _pair(market: Market) -> Response:
    now = market.now()
    access, refresh = secrets.token_urlsafe(40), secrets.token_urlsafe(40)
    market.docs.put("tokens", access, now + market.options.token_seconds)
    market.docs.put("grants", refresh, now)
    body = {"access_token": access, "token_type": "bearer", "expires_in": market.options.token_seconds}
    return answer(body | {"refresh_token": refresh, "scope": "allegro:api:sale:offers:write"}, media="application/json")


def _require_application(market: Market) -> None:
    options = market.options
    expected = base64.b64encode(f"{options.client_id}:{options.client_secret}".encode()).decode()
    if not secrets.compare_digest(request.headers.get("Authorization", "").encode(), f"Basic {expected}".encode()):
        raise Denied("invalid_client", "Bad client credentials")
