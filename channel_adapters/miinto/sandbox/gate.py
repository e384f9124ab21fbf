"""The door: envelopes, channels and signatures. Each operation passes here before its handler runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from channel_adapters.miinto.sandbox.market import Call, Handler, Market
from channel_adapters.miinto.signature import AUTH_TYPE, FLAVOUR, is_genuine, sign

WINDOW = 300
VERSION = "2.6"
HEADERS = ("ID", "Signature", "Timestamp", "Seed", "Type")


class Failure(Exception):
    """An answer that is not a success."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Operation:
    """``signed`` False: the auth service, which gives the channel."""

    name: str
    method: str
    path: str
    handler: Handler
    signed: bool = True
    bare: bool = False


def mount(app: Flask, market: Market, operations: tuple[Operation, ...]) -> None:
    for operation in operations:
        app.add_url_rule(operation.path, operation.name, _view(market, operation), methods=[operation.method])
    app.register_error_handler(HTTPException, lambda error: failure(error.code or 500, error.name))


def failure(status: int, message: str) -> Response:
    return answer({"meta": {"status": "failure", "version": VERSION, "message": message}, "data": None}, status)


def answer(body: Any, status: int = 200) -> Response:
    return Response(json.dumps(body), status, content_type="application/json")


def _view(market: Market, operation: Operation) -> Callable[..., Response]:
    def view(**path: str) -> Response:
        def serve() -> Response:
            with market.kit.transaction():
                return _serve(market, operation, path)

        return market.kit.respond(operation.name, serve, throttled=lambda: failure(429, "Too many requests"))

    return view


def _serve(market: Market, operation: Operation, path: dict[str, str]) -> Response:
    call = Call(market, operation.name, path)
    try:
        if call.faulty("unauthorised") is not None:
            raise Failure(401, "Unauthorized")
        if operation.signed:
            _require_signature(market)
        if operation.method in ("POST", "PATCH"):
            call.body = _body()
        found = operation.handler(call)
    except Failure as error:
        status = 200 if error.status == 401 and market.options.gentle else error.status
        return failure(status, str(error))
    if operation.bare:
        return answer(found)
    meta = {"status": "success", "version": VERSION}
    if isinstance(found, Listed):
        return answer({"meta": {**meta, "totalItemCount": found.total}, "data": found.items})
    return answer({"meta": meta, "data": found})


@dataclass(frozen=True)
class Listed:
    items: list[Any]
    total: int


def _body() -> Any:
    try:
        found = json.loads(request.get_data() or b"null")
    except ValueError:
        found = None
    if request.mimetype != "application/json" or not isinstance(found, dict):
        raise Failure(400, "The body has to be a JSON object")
    return found


def _require_signature(market: Market) -> None:
    given = {name: request.headers.get(f"Miinto-Api-Auth-{name}", "") for name in HEADERS}
    if missing := [name for name in HEADERS if not given[name]]:
        raise Failure(401, f"Header Miinto-Api-Auth-{missing[0]} is missing")
    if given["Type"] != AUTH_TYPE or request.headers.get("Miinto-Api-Control-Flavour") != FLAVOUR:
        raise Failure(401, "Unknown type of signature or flavour")
    channel = market.docs.get("channels", given["ID"])
    if channel is None or channel["until"] < market.now():
        raise Failure(401, "The channel is unknown or has ended")
    if not given["Timestamp"].isdigit() or abs(market.now() - int(given["Timestamp"])) > WINDOW:
        raise Failure(401, "The timestamp is not the time of now")
    expected = sign(
        channel["token"],
        given["ID"],
        given["Timestamp"],
        given["Seed"],
        method=request.method,
        host=request.host.partition(":")[0],
        path=_wire_path(),
        query=request.query_string.decode(),
        body=request.get_data(),
    )
    if not is_genuine(given["Signature"], expected):
        raise Failure(401, "The signature does not match the request")


def _wire_path() -> str:
    """As it came: nothing decoded and encoded again."""
    target = request.environ.get("RAW_URI") or request.environ.get("REQUEST_URI") or request.path
    return str(target).partition("?")[0]
