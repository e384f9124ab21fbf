"""The door: tokens of Login with Amazon, and usage plans. Each operation passes here before its handler runs."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from bridge.ports import sandbox_consent as consent
from channel_adapters.amazon.sandbox.market import Call, Handler, Market
from channel_adapters.amazon.sandbox.protocol import Problem, answer, denied


@dataclass(frozen=True)
class Operation:
    """One operation of the models. ``open``: presigned addresses need no token; ``plan`` False: the handler looks at
    the usage plan itself, which depends on the body."""

    name: str
    method: str
    path: str
    handler: Handler
    open: bool = False
    plan: bool = True


def mount(app: Flask, market: Market, operations: tuple[Operation, ...]) -> None:
    for operation in operations:
        name = f"{operation.name}_{operation.method}_{operation.path}"
        app.add_url_rule(operation.path, name, _view(market, operation), methods=[operation.method])
    app.add_url_rule("/auth/o2/token", "token", _token_view(market), methods=["POST"])
    app.add_url_rule("/apps/authorize/consent", "authorize", _authorize_view(market), methods=["GET"])
    app.register_error_handler(HTTPException, _unknown)


def quota() -> Problem:
    return Problem(429, "QuotaExceeded", "You exceeded your quota for the requested resource.")


def spend(market: Market, operation: str) -> None:
    """The plan that a call is counted in is the one its answer tells."""
    g.plan = operation
    if not market.limiter.take(operation, market.now()):
        raise quota()


def _view(market: Market, operation: Operation) -> Callable[..., Response]:
    def view(**path: str) -> Response:
        def serve() -> Response:
            with market.kit.transaction():
                return _serve(market, operation, path)

        return market.kit.respond(operation.name, serve, throttled=lambda: quota().response())

    return view


def _serve(market: Market, operation: Operation, path: dict[str, str]) -> Response:
    market.settle()
    call = Call(market, operation.name, path)
    try:
        if not operation.open:
            _require_token(call)
        if operation.plan:
            spend(market, operation.name)
        response = operation.handler(call)
    except Problem as problem:
        response = problem.response()
    for name, value in market.limiter.headers(g.get("plan", operation.name)).items():
        response.headers.setdefault(name, value)
    return response


def _require_token(call: Call) -> None:
    token = request.headers.get("x-amz-access-token", "")
    expires = call.market.docs.get("tokens", token)
    if expires is None or call.faulty("unauthorised") is not None:
        raise denied("The access token you provided is revoked, malformed or invalid.")
    if expires <= call.market.now():
        raise denied("The access token you provided has expired.")


def _token_view(market: Market) -> Callable[[], Response]:
    def view() -> Response:
        def serve() -> Response:
            with market.kit.transaction():
                return _issue_token(market)

        return market.kit.respond("token", serve, throttled=lambda: answer({"error": "too_many_requests"}, 429))

    return view


def _authorize_view(market: Market) -> Callable[[], Response]:
    """Seller Central's page on which a seller agrees."""

    def view() -> Response:
        query, options = request.args, market.options
        back = query.get("redirect_uri", "") or consent.registered(market)
        if query.get("application_id") != options.application_id or back != (consent.registered(market) or back):
            return Response("MD1000: this application or its redirect URI is not known", 400, mimetype="text/plain")
        with market.kit.transaction():
            who = market.seller
            more = {"selling_partner_id": who, "mws_auth_token": ""}
            return consent.page(
                market,
                "Seller Central (sandbox)",
                who,
                back,
                seconds=options.code_seconds,
                code="spapi_oauth_code",
                **more,
            )

    return view


def _issue_token(market: Market) -> Response:
    """RFC 6749 as Login with Amazon does it: credentials in the form."""
    options, given = market.options, request.form
    if Call(market, "token", {}).faulty("unauthorised") is not None:
        return _refused("invalid_grant", "The request has an invalid grant parameter : refresh_token")
    kind = given.get("grant_type")
    if kind not in ("refresh_token", "authorization_code"):
        return _refused("unsupported_grant_type", "The authorization grant type is not supported.")
    if not _same(given.get("client_id"), options.client_id) or not _same(
        given.get("client_secret"), options.client_secret
    ):
        return _refused("invalid_client", "Client authentication failed", 401)
    if kind == "authorization_code":
        if not consent.redeemed(market, given.get("code", ""), given.get("redirect_uri", "")):
            return _refused("invalid_grant", "The request has an invalid grant parameter : code")
        refresh = "Atzr|" + secrets.token_urlsafe(40)
        market.docs.put("grants", refresh, market.now())
    else:
        refresh = given.get("refresh_token", "")
    if not _same(refresh, options.refresh_token) and market.docs.get("grants", refresh) is None:
        return _refused("invalid_grant", "The request has an invalid grant parameter : refresh_token")
    token, now = "Atza|" + secrets.token_urlsafe(40), market.now()
    for known, expires in list(market.docs.all("tokens").items()):
        if expires <= now:
            market.docs.remove("tokens", known)
    market.docs.put("tokens", token, now + options.token_seconds)
    body = {"access_token": token, "token_type": "bearer", "expires_in": options.token_seconds}
    return answer(body | {"refresh_token": refresh})


def _same(given: str | None, expected: str) -> bool:
    return secrets.compare_digest((given or "").encode(), expected.encode())


def _refused(error: str, description: str, status: int = 400) -> Response:
    return answer({"error": error, "error_description": description}, status)


def _unknown(error: HTTPException) -> Response:
    """Paths and methods outside of the API. Anything else (a bug of the sandbox) stays a plain 500."""
    return Problem(error.code or 500, error.name, error.name).response()
