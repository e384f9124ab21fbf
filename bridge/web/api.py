"""The JSON door to what shapes listings: the same guests as the pages, answers for programs (docs/api.md)."""

from __future__ import annotations

import json
import secrets
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, g, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from bridge.flows import admin, audit
from bridge.flows.engine import Engine
from bridge.flows.forms import FieldErrors
from bridge.flows.messages import read_object
from bridge.log import get_logger
from bridge.ports import errors
from bridge.web import guard
from bridge.web.api_links import ROUTES as LINKS
from bridge.web.api_routes import ROUTES, Call, Route
from bridge.web.entrance import Entrance
from bridge.web.guard import Door

MAX_BODY = 4 * 1024 * 1024
CONFLICTS = frozenset({"plan", "confirm", "change"})
log = get_logger(__name__)


def api(engine: Engine, config: Door) -> Blueprint:
    door = Blueprint("api", __name__)
    door.before_request(partial(_admit, engine, Entrance(engine.limiter, config)))
    door.after_request(_seal)
    for route in (*ROUTES, *LINKS):
        for prefix in ("", "/s/<public_id>"):
            name = f"{'shop ' if prefix else ''}{route.method} {route.path}".replace(".", " ")
            view = partial(_serve, engine, route)
            door.add_url_rule(f"{prefix}/api/{route.path}", name, view, methods=[route.method])
    door.register_error_handler(HTTPException, _refused)
    door.register_error_handler(errors.BridgeError, _not_done)
    door.register_error_handler(Exception, _broken)
    return door


def _admit(engine: Engine, entrance: Entrance) -> None:
    g.request_id = secrets.token_hex(6)
    entrance.admit()
    g.visitor = guard.visitor()
    request.max_content_length = MAX_BODY
    if request.method not in ("GET", "HEAD"):
        guard.check_json(engine.clock())


def _seal(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.get("request_id", "")
    return guard.seal(response, g.get("visitor"))


def _serve(engine: Engine, route: Route, public_id: str | None = None, **arguments: Any) -> Response:
    if any("\x00" in str(value) for value in (*arguments.values(), *request.args.values())):
        raise errors.NotFound("No name has such a character.")
    token = guard.form_token(g.visitor, engine.clock())
    call = Call(engine, _shop(engine, public_id), arguments, request.args, _body(), _author(), token)
    return _answer(_act(route, call), HTTPStatus.CREATED if route.makes else HTTPStatus.OK)


def _act(route: Route, call: Call) -> Any:
    if route.method == "GET":
        return route.act(call)
    what = f"{route.method} {request.path.partition('/api/')[2]} by the API"
    with audit.recorded(call.engine, call.shop_id, call.author, what):
        return route.act(call)


def _shop(engine: Engine, public_id: str | None) -> int:
    known = admin.meant(engine) if public_id is None else admin.shops(engine)
    shop = next((item for item in known if public_id in (None, item.public_id)), None)
    if shop is None:
        raise errors.NotFound("There is no such shop.")
    return shop.id


def _body() -> dict[str, Any]:
    return {} if request.method == "GET" else read_object(request.get_data() or b"{}")


def _author() -> str:
    given = guard.credentials()
    return (given.username if given and given.type == "basic" else None) or "the API"


def _answer(content: Any, status: HTTPStatus) -> Response:
    text = json.dumps(content, ensure_ascii=False, default=_plain)
    return Response(text, status, mimetype="application/json")


def _plain(value: Any) -> Any:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be told in JSON")


def _not_done(error: errors.BridgeError) -> Response:
    content: dict[str, Any] = {"error": error.merchant}
    if isinstance(error, FieldErrors):
        content["errors"] = error.errors
    elif error.field:
        content["errors"] = {error.field: error.merchant}
    return _answer(content, _status(error))


def _status(error: errors.BridgeError) -> HTTPStatus:
    if isinstance(error, errors.NotFound):
        return HTTPStatus.NOT_FOUND
    if isinstance(error, errors.AskMerchant) and not isinstance(error, FieldErrors) and error.field in CONFLICTS:
        return HTTPStatus.CONFLICT
    if isinstance(error, errors.AskMerchant | errors.RejectItem):
        return HTTPStatus.UNPROCESSABLE_ENTITY
    return HTTPStatus.SERVICE_UNAVAILABLE


def _refused(error: HTTPException) -> Response:
    status = HTTPStatus(error.code or 500)
    response = _answer({"error": error.description or error.name}, status)
    response.headers.update(getattr(error, "headers", {}))
    return response


def _broken(error: Exception) -> Response:
    number = g.get("request_id", "")
    log.error("a call broke off", request_id=number, page=request.path, exc_info=error)
    if isinstance(error, SQLAlchemyError):
        text = "The database does not answer as it should. Try again in a moment."
        return _answer({"error": text, "request_id": number}, HTTPStatus.SERVICE_UNAVAILABLE)
    text = "This is a fault of Storebridge; the log tells more under this number."
    return _answer({"error": text, "request_id": number}, HTTPStatus.INTERNAL_SERVER_ERROR)
