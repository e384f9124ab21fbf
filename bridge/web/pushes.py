"""The marketplaces' door: ``POST /push/<shop>/<connection>``. Verified by the adapter, marked, acknowledged."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, Response, request
from sqlalchemy.exc import SQLAlchemyError

from bridge.flows import pushed
from bridge.flows.engine import Engine
from bridge.ports.errors import BridgeError, NotFound, Reauthorise, RejectItem

STATUS: tuple[tuple[type[BridgeError], HTTPStatus], ...] = (
    (NotFound, HTTPStatus.GONE),
    (Reauthorise, HTTPStatus.UNAUTHORIZED),
    (RejectItem, HTTPStatus.BAD_REQUEST),
    (BridgeError, HTTPStatus.SERVICE_UNAVAILABLE),
)


def pushes(engine: Engine, max_body: int) -> Blueprint:
    """``max_body`` in bytes."""
    door = Blueprint("pushes", __name__)

    @door.post("/push/<public_id>/<int:connection_id>")
    def receive(public_id: str, connection_id: int) -> Response:
        request.max_content_length = max_body
        try:
            pushed.receive(engine, public_id, connection_id, request.headers, request.get_data(cache=False))
        except BridgeError as error:
            return _text(error.merchant, next(status for kind, status in STATUS if isinstance(error, kind)))
        except SQLAlchemyError:
            return _text("Not kept; send it again.", HTTPStatus.SERVICE_UNAVAILABLE)
        return _text("", HTTPStatus.OK)

    return door


def _text(body: str, status: HTTPStatus) -> Response:
    return Response(body and body + "\n", status, mimetype="text/plain")
