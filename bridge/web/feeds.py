"""The door for marketplaces that fetch: ``GET /feeds/<secret>/<file>``, and ``/feeds/<secret>/look/<file>`` for people
and checking programs. The secret in the address is all that is asked for; only a fetch that took the whole file
counts."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import partial
from http import HTTPStatus

from flask import Blueprint, Response, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException
from werkzeug.http import http_date

from bridge.flows import fetching
from bridge.flows.engine import Engine
from bridge.flows.fetching import File
from bridge.ports.errors import NotFound, RetryLater

_log = logging.getLogger(__name__)


def feeds(engine: Engine) -> Blueprint:
    door = Blueprint("feeds", __name__)
    door.add_url_rule("/feeds/<secret>/<name>", "fetch", partial(_serve, engine, counts=True))
    door.add_url_rule("/feeds/<secret>/look/<name>", "look", partial(_serve, engine, counts=False))
    door.register_error_handler(Exception, _broken)
    return door


def _serve(engine: Engine, secret: str, name: str, *, counts: bool) -> Response:
    try:
        file = fetching.find(engine, secret, name)
        if _has_it(file):
            return _unchanged(engine, file, counts)
    except NotFound as error:
        return _text(error.merchant, HTTPStatus.NOT_FOUND)
    except RetryLater as error:
        return _text(error.merchant, HTTPStatus.SERVICE_UNAVAILABLE)
    except SQLAlchemyError:
        return _text("Not available right now.", HTTPStatus.SERVICE_UNAVAILABLE)
    body: Iterator[bytes] = iter(()) if request.method == "HEAD" else _sent(engine, file, counts)
    response = Response(body, HTTPStatus.OK, mimetype=file.media_type)
    response.headers["Content-Length"] = str(file.size)
    return _about(response, file)


def _broken(error: Exception) -> Response:
    """Told without its address, which is the secret."""
    if isinstance(error, HTTPException):
        return _text(error.name + ".", HTTPStatus(error.code or 500))
    _log.error("a feed could not be served", exc_info=error)
    return _text("This failed here; fetch it again.", HTTPStatus.INTERNAL_SERVER_ERROR)


def _has_it(file: File) -> bool:
    return request.if_none_match.contains(_mark(file))


def _mark(file: File) -> str:
    """Of this writing of it: the marketplace may have sold meanwhile, and the same numbers are news to it then."""
    return f"{file.generation}-{file.digest}"


def _unchanged(engine: Engine, file: File, counts: bool) -> Response:
    """Whoever knows the mark of this file has fetched it."""
    if counts and request.method == "GET":
        fetching.fetched(engine, file)
    return _about(Response(status=HTTPStatus.NOT_MODIFIED), file)


def _sent(engine: Engine, file: File, counts: bool) -> Iterator[bytes]:
    """Ends only when the last piece was taken; one who hangs up before that ends it elsewhere."""
    yield from fetching.content(engine, file)
    if counts:
        try:
            fetching.fetched(engine, file)
        except SQLAlchemyError:  # what was handed over is acknowledged at the next fetch
            _log.exception("a fetch of connection %s could not be written down", file.connection_id)


def _about(response: Response, file: File) -> Response:
    response.headers["ETag"] = f'"{_mark(file)}"'
    response.headers["Last-Modified"] = http_date(file.made_at)
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _text(body: str, status: HTTPStatus) -> Response:
    headers = {"Retry-After": "30"} if status is HTTPStatus.SERVICE_UNAVAILABLE else {}
    return Response(body + "\n", status, headers, mimetype="text/plain")
