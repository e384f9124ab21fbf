"""Doors of the bridge as an app of a store platform: its page inside the store's admin, and the store's own webhooks.

``/apps/<platform>/`` is the address the app is known by. No cookie is set and none is read: a page is asked for with a
proof of the store in its address or its header, and one that comes without is sent to get it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from urllib.parse import urlencode

from flask import Blueprint, Response, g, redirect, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge, UnsupportedMediaType
from werkzeug.wrappers import Response as Answer

from bridge import metrics
from bridge.flows import installing, privacy
from bridge.flows.admin import Named
from bridge.flows.engine import Engine
from bridge.flows.intake import Receiver, read_event
from bridge.log import get_logger
from bridge.ports.errors import AskMerchant, BridgeError, NotFound, Reauthorise, RetryLater
from bridge.ports.storeapp import AppEvent, EventKind, Visit
from bridge.web import frames, language, render, serving
from bridge.web.answers import MAX_FIELDS, MAX_UPLOAD, form, given, liked
from bridge.web.entrance import Entrance
from bridge.web.frames import Frame, Person
from bridge.web.language import best
from bridge.web.serving import Asked

STATUS: tuple[tuple[type[BridgeError], HTTPStatus], ...] = (
    (Reauthorise, HTTPStatus.UNAUTHORIZED),
    (NotFound, HTTPStatus.NOT_FOUND),
    (AskMerchant, HTTPStatus.BAD_REQUEST),
    (BridgeError, HTTPStatus.SERVICE_UNAVAILABLE),
)
NOBODY = Person("", can=frozenset())
PRIVACY = (EventKind.EXPORT, EventKind.ERASE_BUYER, EventKind.ERASE_STORE)
log = get_logger(__name__)


def apps(engine: Engine, receiver: Receiver, max_body: int, entrance: Entrance) -> Blueprint:
    """``max_body`` of a webhook, in bytes; ``entrance`` counts those who come for a page."""
    door = Blueprint("apps", __name__, url_prefix="/apps/<platform>")
    for path in ("/", "/<path:path>"):
        door.add_url_rule(path, f"page {path}", partial(_page, engine, entrance), methods=["GET", "POST"])
    door.add_url_rule("/bounce", "bounce", partial(_bounce, engine, entrance), methods=["GET"])
    door.add_url_rule("/hooks", "hooks", partial(_hook, engine, receiver, max_body), methods=["POST"])
    door.register_error_handler(BridgeError, _refused)
    door.register_error_handler(SQLAlchemyError, _not_now)
    door.register_error_handler(HTTPException, _not_taken)
    return door


def _page(engine: Engine, entrance: Entrance, platform: str, path: str = "") -> Answer:
    entrance.count()
    _, app, keys = installing.app_of(engine, platform)
    g.policy, g.retry = app.policy(app.named_store(request.args)), app.frame(keys).retry
    g.frame = _frame(engine, platform, path, NOBODY)
    authorization = request.headers.get("Authorization", "")
    try:
        visit = app.visit(keys, authorization, _proof(authorization))
    except Reauthorise:
        if authorization:
            entrance.wrong()
        if authorization or request.method != "GET" or app.named_store(request.args) is None:
            raise
        return _sealed(redirect(_bounce_address(engine, platform, path, app.frame(keys).reload), HTTPStatus.FOUND))
    g.policy = app.policy(visit.store)
    shop, _ = installing.visited(engine, platform, visit)
    return _sealed(_answer(engine, shop, _frame(engine, platform, path, _person(platform, visit)), path))


def _proof(authorization: str) -> Mapping[str, str]:
    """What changes something has its proof in the header, which no other site can send. An address is none of it."""
    if request.method != "GET" and not authorization:
        raise Reauthorise("Nobody is signed in. Open Storebridge from the apps of your store's admin.")
    return request.args


def _person(platform: str, visit: Visit) -> Person:
    """The token says who it is and not what they may: whoever the store lets open the app may do everything in it."""
    return Person(f"{platform.capitalize()} user {visit.user}".strip(), visit.user)


def _frame(engine: Engine, platform: str, path: str, person: Person) -> Frame:
    _, app, keys = installing.app_of(engine, platform)
    admin = app.frame(keys)
    root = f"{request.script_root}/apps/{platform}/"
    extra = {"admin": admin, "root": root}
    return frames.embedded(platform, admin.kit, path, person, _locale(), extra)


def _locale() -> str:
    """As the admin tells it."""
    return request.args.get("locale", "")[:20] or liked()


def _answer(engine: Engine, shop: Named, frame: Frame, path: str) -> Answer:
    if request.method == "POST":
        request.max_content_length = request.max_form_memory_size = MAX_UPLOAD
        request.max_form_parts = MAX_FIELDS
    done = serving.answer(engine, frame, shop, Asked(request.method, path, request.args, form()), _number())
    return given(done, frame.extra["root"])


def _bounce_address(engine: Engine, platform: str, path: str, reload: str) -> str:
    """Where the admin's script gets a proof and comes back with it. Only names of a store are carried along."""
    kept = {name: request.args[name] for name in ("shop", "host", "embedded", "locale") if name in request.args}
    back = f"{engine.public_url.rstrip('/')}/apps/{platform}/{path}?{urlencode(kept)}"
    return f"{request.script_root}/apps/{platform}/bounce?{urlencode({**kept, reload: back})}"


def _bounce(engine: Engine, entrance: Entrance, platform: str) -> Answer:
    """A page with nothing but the admin's script, which does the rest."""
    entrance.count()
    _, app, keys = installing.app_of(engine, platform)
    g.frame = _frame(engine, platform, "", NOBODY)
    store = app.named_store(request.args)
    if store is None:
        raise AskMerchant("This address names no store. Open Storebridge from the apps of your store's admin.")
    g.policy = app.policy(store)
    html = render.bounce(platform, app.frame(keys), best(_locale()))
    return _sealed(Response(html, mimetype="text/html"))


def _hook(engine: Engine, receiver: Receiver, max_body: int, platform: str) -> Answer:
    _, app, keys = installing.app_of(engine, platform)
    try:
        event = read_event(app, keys, dict(request.headers), _body(max_body))
    except BridgeError:
        metrics.count_delivery(platform, "refused")
        raise
    _take(engine, receiver, platform, event)
    return Response("", HTTPStatus.OK, mimetype="text/plain")


def _body(longest: int) -> bytes:
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise UnsupportedMediaType("Send it uncompressed.")
    request.max_content_length = longest + 1
    body = request.get_data(cache=True)
    if len(body) > longest:
        raise RequestEntityTooLarge
    return body


def _take(engine: Engine, receiver: Receiver, platform: str, event: AppEvent) -> None:
    """A store that nobody knows has nothing here: what it says is acknowledged, so that it is not said for hours."""
    if event.kind is EventKind.GONE:
        installing.removed(engine, platform, event.store)
    elif event.kind in PRIVACY:
        privacy.ask(engine, platform, event)
    elif event.kind is EventKind.HINT and event.hint is not None:
        row = installing.store_row(engine, platform, event.store)
        if row is not None:
            receiver.keep_hint(row, event.hint, request.get_data(cache=True))
    metrics.count_delivery(platform, "ignored" if event.kind is EventKind.NOTHING else "kept")


def _refused(error: BridgeError) -> Answer:
    status = next(status for kind, status in STATUS if isinstance(error, kind))
    response = _told(error.merchant, status)
    if status is HTTPStatus.UNAUTHORIZED:
        response.headers.update(g.get("retry") or {})
    if isinstance(error, RetryLater):
        response.headers["Retry-After"] = "10"
    return _sealed(response)


def _not_taken(error: HTTPException) -> Answer:
    response = _told(error.description or error.name, error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    response.headers.update(getattr(error, "headers", {}))
    return _sealed(response)


def _not_now(error: SQLAlchemyError) -> Answer:
    log.warning("the database does not answer an app's door", request_id=_number(), error=str(error))
    return _refused(RetryLater("The database does not answer; try again in a moment."))


def _told(text: str, status: int) -> Answer:
    """A page where a browser would show it as one, before our script is there; to that, and to machines, a line."""
    frame: Frame | None = g.get("frame")
    if frame is None or request.method != "GET" or "Authorization" in request.headers:
        with language.spoken(best(_locale())):
            return Response(f"{language.said(text)}\n", status, mimetype="text/plain")
    later = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    name = "Not available right now" if later else "This cannot be shown"
    again = serving.once_more(frame, (request.view_args or {}).get("path", ""), {}, status)
    return Response(render.failure(frame, name, text, _number(), again), status, mimetype="text/html")


def _number() -> str:
    """Of the request at hand, for the log."""
    if "number" not in g:
        g.number = secrets.token_hex(6)
    return str(g.number)


def _sealed(response: Answer) -> Answer:
    """Only the store's own admin may frame it; nothing is kept by browsers or by caches between."""
    response.headers["Content-Security-Policy"] = g.get("policy") or "default-src 'none'; frame-ancestors 'none';"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Request-Id"] = _number()
    return response
