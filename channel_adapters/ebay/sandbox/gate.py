"""The door: tokens, headers, signatures. Each operation passes here before its handler runs."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import httpx
from cryptography.exceptions import InvalidSignature
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from bridge.ports import sandbox_consent as consent
from channel_adapters.ebay.sandbox.market import Call, Handler, Market
from channel_adapters.ebay.sandbox.options import SIGNING_JWE, SIGNING_KEY
from channel_adapters.ebay.sandbox.protocol import JSON, Problem, answer, read_body
from channel_adapters.ebay.signature import content_digest, signature_base

SKEW = 300
_INPUT = re.compile(r'sig1=(\((?:"[\w@-]+"\s?)+\);created=(\d+))')


@dataclass(frozen=True)
class Operation:
    """One operation: where it is, what it takes, who does it. ``token``: the seller's, the application's or either.
    ``old``: the Post-Order API, which calls tokens IAF. ``language``: Content-Language is required. ``signed``: a
    digital signature is demanded of sellers in the EU and the UK."""

    name: str
    method: str
    path: str
    handler: Handler
    body: Any = None
    token: Literal["user", "app", "any"] = "user"
    language: bool = False
    signed: bool = False

    @property
    def old(self) -> bool:
        return self.path.startswith("/post-order/")


def mount(app: Flask, market: Market, operations: tuple[Operation, ...]) -> None:
    app.add_url_rule("/identity/v1/oauth2/token", "token", _view(market, "token", _token), methods=["POST"])
    app.add_url_rule("/oauth2/authorize", "authorize", _view(market, "authorize", _authorize))
    for operation in operations:
        view = _view(market, operation.name, _serving(operation))
        app.add_url_rule(operation.path, operation.name, view, methods=[operation.method])
    app.register_error_handler(HTTPException, _unknown)


def _view(market: Market, name: str, act: Callable[[Call], Response]) -> Callable[..., Response]:
    def throttled() -> Response:
        return Problem(429, 2001, "Too many requests.").response()

    def view(**path: str) -> Response:
        def serve() -> Response:
            with market.kit.transaction():
                market.settle()
                try:
                    return act(Call(market, name, path))
                except Problem as problem:
                    return problem.response()

        return market.kit.respond(name, serve, throttled=throttled)

    return view


# Tokens


def _token(call: Call) -> Response:
    """OAuth: the seller's by refresh token, the application's by its own name."""
    options, given = call.market.options, request.authorization
    known = given is not None and given.type == "basic"
    right = (
        known and given is not None and (given.username, given.password) == (options.client_id, options.client_secret)
    )
    if call.faulty("unauthorised") is not None or not right:
        return _refused("invalid_client", "client authentication failed", 401)
    kind = request.form.get("grant_type")
    if kind == "authorization_code":
        return _for_code(call)
    if kind == "client_credentials":
        return _issued(call, "app")
    refresh = request.form.get("refresh_token", "")
    known = refresh == options.refresh_token or call.market.docs.get("grants", refresh) is not None
    if kind != "refresh_token" or not known:
        return _refused("invalid_grant", "the provided authorization refresh token is invalid", 400)
    return _issued(call, "user")


def _authorize(call: Call) -> Response:
    """The page on which a seller agrees. Which address a RuName stands for was entered at developer.ebay.com."""
    market, query = call.market, request.args
    back, options = consent.registered(market), market.options
    asked = (query.get("client_id"), query.get("redirect_uri"), query.get("response_type"))
    if asked != (options.client_id, options.runame, "code") or not back:
        return Response("The OAuth client or its redirect_uri is not known", 400, mimetype="text/plain")
    if "https://api.ebay.com/oauth/api_scope" not in query.get("scope", "").split():
        return Response("invalid_scope", 400, mimetype="text/plain")
    who, seconds = consent.seller(market, options.user_id), options.code_seconds
    return consent.page(market, "eBay (sandbox)", who, back, seconds=seconds, expires_in=str(int(seconds)))


def _for_code(call: Call) -> Response:
    market = call.market
    if not consent.redeemed(market, request.form.get("code", ""), request.form.get("redirect_uri", "")):
        return _refused(
            "invalid_grant", "the provided authorization grant code is invalid or was issued to another client", 400
        )
    refresh = f"v^1.1#refresh-{market.docs.next_id('token')}"
    market.put("grants", refresh, {"at": market.now()})
    return _issued(call, "user", refresh_token=refresh, refresh_token_expires_in=47304000)


def _refused(error: str, words: str, status: int) -> Response:
    return answer({"error": error, "error_description": words}, status)


def _issued(call: Call, kind: str, **more: Any) -> Response:
    """A renewal has no new refresh token with it."""
    market = call.market
    access = f"v^1.1#{kind}-{market.docs.next_id('token')}"
    seconds = market.options.token_seconds
    market.put("tokens", access, {"kind": kind, "ends": market.now() + seconds})
    name = "User Access Token" if kind == "user" else "Application Access Token"
    return answer({"access_token": access, "expires_in": int(seconds), "token_type": name} | more)


# Operations


def _serving(operation: Operation) -> Callable[[Call], Response]:
    def serve(call: Call) -> Response:
        _require_token(call, operation)
        if operation.signed and call.market.options.signatures:
            _require_signature(call.market)
        if operation.language and not re.fullmatch(r"[a-z]{2}-[A-Z]{2}", request.headers.get("Content-Language", "")):
            raise Problem(400, 25709, "Invalid value for header Content-Language.", fieldName="Content-Language")
        if operation.body is not None:
            if request.mimetype != JSON:
                raise Problem(415, 25709, "Invalid value for header Content-Type.", fieldName="Content-Type")
            call.body = read_body(operation.body, request.get_data())
        return operation.handler(call)

    return serve


def _require_token(call: Call, operation: Operation) -> None:
    scheme, _, access = request.headers.get("Authorization", "").partition(" ")
    known = call.market.docs.get("tokens", access)
    right = scheme == ("IAF" if operation.old else "Bearer")
    if call.faulty("unauthorised") is not None or not right or known is None or known["ends"] <= call.market.now():
        raise Problem(401, 1001, "Invalid access token. Check the value of the Authorization HTTP request header.")
    if operation.token not in ("any", known["kind"]):
        raise Problem(403, 1100, "Insufficient permissions to fulfill the request.")


def _require_signature(market: Market) -> None:
    """As the description says: the key first, then the digest, then what was signed."""
    given = request.headers
    if not given.get("x-ebay-signature-key"):
        raise Problem(400, 215001, "Missing x-ebay-signature-key header")
    if given["x-ebay-signature-key"] != SIGNING_JWE:
        raise Problem(400, 215003, "The JWE in x-ebay-signature-key is not valid")
    body = request.get_data()
    if body and given.get("content-digest") != content_digest(body):
        raise Problem(400, 215104, "Content-Digest does not match the payload")
    parts = _INPUT.fullmatch(given.get("signature-input", ""))
    if parts is None:
        raise Problem(400, 215110, "Signature-Input header is missing or malformed")
    if abs(market.now() - int(parts[2])) > SKEW:
        raise Problem(400, 215114, "The signature was created too long ago")
    _verify(parts[1], body)


def _verify(params: str, body: bytes) -> None:
    components = tuple(re.findall(r'"([\w@-]+)"', params))
    wanted = {"x-ebay-signature-key", "@method", "@path", "@authority"} | ({"content-digest"} if body else set())
    headers = {name: value for name, value in request.headers.items() if name.lower() != "content-length"}
    copy = httpx.Request(request.method, request.url, headers=headers)
    signed = request.headers.get("signature", "").removeprefix("sig1=:").removesuffix(":")
    try:
        SIGNING_KEY.public_key().verify(base64.b64decode(signed), signature_base(copy, components, params))
    except (InvalidSignature, ValueError):
        raise Problem(400, 215122, "Signature validation failed") from None
    if not wanted <= set(components):
        raise Problem(400, 215111, "Signature-Input does not name what has to be signed")


def _unknown(error: HTTPException) -> Response:
    """Paths and methods outside of the API. Anything else (a bug of the sandbox) stays a plain 500."""
    return Problem(error.code or 500, 2002, error.name).response()
