"""The marketplaces' door: ``POST /push/<shop>/<connection>``. Verified by the adapter, marked, acknowledged.
Some ask by GET first whether the address is ours."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, Response, jsonify, request
from sqlalchemy.exc import SQLAlchemyError

from bridge.flows import pushed
from bridge.flows.engine import Engine
from bridge.ports.errors import BridgeError, NotFound, Reauthorise, RejectItem

ADDRESS = "/push/<public_id>/<int(max=999999999):connection_id>"
STATUS: tuple[tuple[type[BridgeError], HTTPStatus], ...] = (
    (NotFound, HTTPStatus.GONE),
    (Reauthorise, HTTPStatus.UNAUTHORIZED),
    (RejectItem, HTTPStatus.BAD_REQUEST),
    (BridgeError, HTTPStatus.SERVICE_UNAVAILABLE),
)


def pushes(engine: Engine, max_body: int) -> Blueprint:
    """``max_body`` in bytes."""
    door = Blueprint("pushes", __name__)

    @door.post(ADDRESS)
    def receive(public_id: str, connection_id: int) -> Response:
        if request.headers.get("Content-Encoding", "identity") != "identity":
            return _text("Send it uncompressed.", HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        request.max_content_length = max_body + 1  # at the limit itself a chunked body just ends (Werkzeug)
        body = request.get_data(cache=False)
        if len(body) > max_body:
            return _text("The message is too long.", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        try:
            pushed.receive(engine, public_id, connection_id, request.headers, body)
        except BridgeError as error:
            return _text(error.merchant, next(status for kind, status in STATUS if isinstance(error, kind)))
        except SQLAlchemyError:
            return _text("Not kept; send it again.", HTTPStatus.SERVICE_UNAVAILABLE)
        return _text("", HTTPStatus.OK)

    @door.get(ADDRESS)
    def challenge(public_id: str, connection_id: int) -> Response:
        try:
            answer = pushed.challenge(engine, public_id, connection_id, request.args)
        except BridgeError as error:
            return _text(error.merchant, next(status for kind, status in STATUS if isinstance(error, kind)))
        except SQLAlchemyError:
            return _text("Ask again.", HTTPStatus.SERVICE_UNAVAILABLE)
        return jsonify(answer) if answer is not None else _text("Messages come by POST.", HTTPStatus.METHOD_NOT_ALLOWED)

    return door


def _text(body: str, status: HTTPStatus) -> Response:
    return Response(body and body + "\n", status, mimetype="text/plain")
