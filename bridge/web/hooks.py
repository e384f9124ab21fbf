"""The webhook door: ``POST /hooks/<shop>/<connection>``. Verified on the raw bytes, kept, acknowledged."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import cast

from flask import Blueprint, Response, request

from bridge.flows.intake import Receiver
from bridge.ports.errors import AskMerchant, BridgeError, NotFound, Reauthorise, RetryLater

# 410 tells the sender to stop; 401 and 503 count as failures there, so that they show.
STATUS: dict[type[BridgeError], HTTPStatus] = {
    NotFound: HTTPStatus.GONE,
    Reauthorise: HTTPStatus.UNAUTHORIZED,
    AskMerchant: HTTPStatus.BAD_REQUEST,
    RetryLater: HTTPStatus.SERVICE_UNAVAILABLE,
}


def hooks(receiver: Receiver, max_body: int) -> Blueprint:
    """``max_body`` in bytes: a longer body is refused with 413 without being read to its end."""
    door = Blueprint("hooks", __name__)

    @door.get("/hooks/<public_id>/<int:connection_id>")
    def probe(public_id: str, connection_id: int) -> Response:  # noqa: ARG001 - senders probe with GET or HEAD
        return _text("Storebridge takes webhooks here, by POST.\n")

    @door.post("/hooks/<public_id>/<int:connection_id>")
    def receive(public_id: str, connection_id: int) -> Response:
        if request.headers.get("Content-Encoding", "identity") != "identity":
            return _text("Send it uncompressed.\n", HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        request.max_content_length = max_body
        try:
            address = receiver.address(public_id, connection_id)
            headers = cast("Mapping[str, str]", request.headers)  # looked up in any capitalisation
            hint = receiver.receive(address, headers, request.get_data(cache=False))
        except tuple(STATUS) as error:
            return _refused(error)
        return _text("", hint.accept_status)

    return door


def _refused(error: BridgeError) -> Response:
    status = next(status for kind, status in STATUS.items() if isinstance(error, kind))
    response = _text(error.merchant + "\n", status)
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = "10"
    return response


def _text(body: str, status: int = HTTPStatus.OK) -> Response:
    return Response(body, status, mimetype="text/plain")
