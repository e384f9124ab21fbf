"""The webhook door: ``POST /hooks/<shop>/<connection>``. Verified on the raw bytes, kept, acknowledged.

It stands in front of Flask: a delivery needs no session, no template and no error page, and without them the
same server takes almost twice as many.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.wrappers import Request, Response

from bridge import metrics
from bridge.flows.intake import Receiver
from bridge.ports.errors import AskMerchant, BridgeError, NotFound, Reauthorise, RetryLater
from bridge.ports.platform import HintKind

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_PATH = re.compile(r"/hooks/(?P<shop>[\w-]{1,40})/(?P<connection>\d{1,9})")
# 410 tells the sender to stop; 401 and 503 count as failures there, so that they show.
STATUS: tuple[tuple[type[BridgeError], HTTPStatus], ...] = (
    (NotFound, HTTPStatus.GONE),
    (Reauthorise, HTTPStatus.UNAUTHORIZED),
    (AskMerchant, HTTPStatus.BAD_REQUEST),
    (RetryLater, HTTPStatus.SERVICE_UNAVAILABLE),
)
_log = logging.getLogger(__name__)


class Hooks:
    """WSGI: takes deliveries; everything else goes ``inside``. A body longer than ``max_body`` bytes is refused
    without being read to its end."""

    def __init__(self, inside: WSGIApplication, receiver: Receiver, max_body: int) -> None:
        self._inside = inside
        self._receiver = receiver
        self._max_body = max_body

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = _PATH.fullmatch(environ.get("PATH_INFO", ""))
        if path is None:
            return self._inside(environ, start_response)
        return self._answer(Request(environ), path["shop"], int(path["connection"]))(environ, start_response)

    def _answer(self, request: Request, public_id: str, connection_id: int) -> Response:
        if request.method in ("GET", "HEAD"):
            return _text("Storebridge takes webhooks here, by POST.")  # some senders probe
        if request.method != "POST":
            return _text("Webhooks come by POST.", HTTPStatus.METHOD_NOT_ALLOWED)
        if request.headers.get("Content-Encoding", "identity") != "identity":
            return _text("Send it uncompressed.", HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        try:
            return self._take(request, public_id, connection_id)
        except BridgeError as error:
            return _refused(error)
        except HTTPException as error:  # too long, or the sender hung up
            return _text(error.name + ".", error.code or HTTPStatus.BAD_REQUEST)
        except Exception:  # noqa: BLE001 - the sender is told that it failed, and no more
            _log.exception("a delivery to connection %s failed", connection_id)
            return _text("This failed here; send it again.", HTTPStatus.INTERNAL_SERVER_ERROR)

    def _take(self, request: Request, public_id: str, connection_id: int) -> Response:
        address = self._receiver.address(public_id, connection_id)
        headers = cast("Mapping[str, str]", request.headers)  # looked up in any capitalisation
        try:
            hint = self._receiver.receive(address, headers, self._body(request))
        except (BridgeError, HTTPException):
            metrics.count_delivery(address.platform, "refused")
            raise
        metrics.count_delivery(address.platform, "ignored" if hint.kind is HintKind.NOTHING else "kept")
        return Response(b"", hint.accept_status, mimetype="text/plain")

    def _body(self, request: Request) -> bytes:
        """Raises RequestEntityTooLarge, at once where the sender says so, else after one byte too many: at the limit
        itself the stream just ends."""
        request.max_content_length = self._max_body + 1
        body = request.get_data(cache=False)
        if len(body) > self._max_body:
            raise RequestEntityTooLarge
        return body


def _refused(error: BridgeError) -> Response:
    status = next((status for kind, status in STATUS if isinstance(error, kind)), HTTPStatus.SERVICE_UNAVAILABLE)
    response = _text(error.merchant, status)
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = "10"
    return response


def _text(body: str, status: int = HTTPStatus.OK) -> Response:
    return Response(body + "\n", status, mimetype="text/plain")
