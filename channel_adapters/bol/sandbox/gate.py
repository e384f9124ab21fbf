"""The door: tokens, media types, budgets. Each operation of the API passes here before its handler runs."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask, Response, request
from pydantic import BaseModel
from werkzeug.exceptions import HTTPException

from channel_adapters.bol.sandbox.limits import Budget
from channel_adapters.bol.sandbox.market import Call, Handler, Market
from channel_adapters.bol.sandbox.protocol import JSON, V10, Problem, answer, read_body


@dataclass(frozen=True)
class Operation:
    """One operation of the specification: where it is, what it takes and gives, who does it."""

    name: str
    method: str
    path: str
    handler: Handler
    accept: str = V10
    body: type[BaseModel] | None = None
    content_type: str = V10
    open: bool = False


def mount(app: Flask, market: Market, operations: tuple[Operation, ...]) -> None:
    for operation in operations:
        app.add_url_rule(operation.path, operation.name, _view(market, operation), methods=[operation.method])
    app.add_url_rule("/token", "token", _token_view(market), methods=["POST"])
    app.register_error_handler(HTTPException, _unknown)


def _view(market: Market, operation: Operation) -> Callable[..., Response]:
    def throttled() -> Response:
        return Problem(429, "Too many requests, retry later.").response(operation.accept)

    def view(**path: str) -> Response:
        def serve() -> Response:
            with market.kit.transaction():
                return _serve(market, operation, path)

        return market.kit.respond(operation.name, serve, throttled=throttled)

    return view


def _serve(market: Market, operation: Operation, path: dict[str, str]) -> Response:
    market.settle()
    call = Call(market, operation.name, {name.replace("_", "-"): value for name, value in path.items()})
    budget: Budget | None = None
    try:
        if not operation.open:
            _require_token(call)
        budget = market.limiter.take(operation.name, market.now())
        if budget and not budget.allowed:
            raise Problem(429, "Too many requests, retry later.")
        _require_media(operation)
        if operation.body is not None:
            call.body = read_body(operation.body, request.get_data())
        response = operation.handler(call)
    except Problem as problem:
        response = problem.response(operation.accept)
    if budget:
        response.headers.update(market.limiter.headers(budget, market.now()))
    return response


def _require_token(call: Call) -> None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    expires = call.market.docs.get("tokens", token)
    if scheme != "Bearer" or expires is None or call.faulty("unauthorised") is not None:
        raise Problem(401, "The access token is missing or not valid.")
    if expires <= call.market.now():
        raise Problem(401, "The access token has expired.")


def _require_media(operation: Operation) -> None:
    """bol tells versions apart by media type alone, so a wrong one is refused rather than guessed."""
    accepted = [part.partition(";")[0].strip() for part in request.headers.get("Accept", "").split(",")]
    if not operation.open and operation.accept not in accepted:
        raise Problem(406, f"Accept must be {operation.accept}.", [("Accept", ", ".join(accepted))])
    given = request.headers.get("Content-Type", "").partition(";")[0].strip()
    if operation.body is not None and given != operation.content_type:
        raise Problem(415, f"Content-Type must be {operation.content_type}.", [("Content-Type", given)])


def _token_view(market: Market) -> Callable[[], Response]:
    def throttled() -> Response:
        return answer({"error": "too_many_requests"}, 429, JSON)

    def view() -> Response:
        def serve() -> Response:
            with market.kit.transaction():
                return _issue_token(market)

        return market.kit.respond("token", serve, throttled=throttled)

    return view


def _issue_token(market: Market) -> Response:
    call = Call(market, "token", {})
    given = request.authorization
    if given is None or given.type != "basic" or call.faulty("unauthorised") is not None:
        return _refused("invalid_client", 401)
    options = market.options
    expected = f"{options.client_id}:{options.client_secret}"
    if not secrets.compare_digest(f"{given.username}:{given.password}".encode(), expected.encode()):
        return _refused("invalid_client", 401)
    if request.values.get("grant_type") != "client_credentials":
        return _refused("unsupported_grant_type", 400)
    return answer(_new_token(market), 200, JSON)


def _new_token(market: Market) -> dict[str, str | int]:
    now = market.now()
    for token, expires in list(market.docs.all("tokens").items()):
        if expires <= now:
            market.docs.remove("tokens", token)
    token, lifetime = secrets.token_urlsafe(48), market.options.token_seconds
    market.docs.put("tokens", token, now + lifetime)
    return {"access_token": token, "token_type": "Bearer", "expires_in": lifetime, "scope": "RETAILER"}


def _refused(error: str, status: int) -> Response:
    texts = {"invalid_client": "Bad client credentials", "unsupported_grant_type": "Unsupported grant type"}
    return answer({"error": error, "error_description": texts[error]}, status, JSON)


def _unknown(error: HTTPException) -> Response:
    """Paths and methods outside of the API. Anything else (a bug of the sandbox) stays a plain 500."""
    return Problem(error.code or 500, error.name).response(V10)
