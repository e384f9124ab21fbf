"""Doors of the bridge as an app of a store platform: its page inside the store's admin, and the store's own webhooks.

``/apps/<platform>/`` is the address the app is known by. No cookie is set and none is read: a page is asked for with a
proof of the store in its address or its header, and one that comes without is sent to get it.
"""

from __future__ import annotations

import secrets
from functools import partial
from http import HTTPStatus
from urllib.parse import urlencode

from flask import Blueprint, Response, g, redirect, render_template, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response as Answer

from bridge import metrics
from bridge.flows import installing, overview, privacy
from bridge.flows.engine import Engine
from bridge.flows.intake import Receiver
from bridge.log import get_logger
from bridge.ports.errors import AskMerchant, BridgeError, NotFound, Reauthorise, RetryLater
from bridge.ports.storeapp import AppEvent, EventKind, Visit

STATUS: tuple[tuple[type[BridgeError], HTTPStatus], ...] = (
    (Reauthorise, HTTPStatus.UNAUTHORIZED),
    (NotFound, HTTPStatus.NOT_FOUND),
    (AskMerchant, HTTPStatus.BAD_REQUEST),
    (BridgeError, HTTPStatus.SERVICE_UNAVAILABLE),
)
PRIVACY = (EventKind.EXPORT, EventKind.ERASE_BUYER, EventKind.ERASE_STORE)
log = get_logger(__name__)


def apps(engine: Engine, receiver: Receiver, max_body: int) -> Blueprint:
    """``max_body`` of a webhook, in bytes."""
    door = Blueprint("apps", __name__, url_prefix="/apps/<platform>")
    door.add_url_rule("/", "page", partial(_page, engine), methods=["GET"])
    door.add_url_rule("/bounce", "bounce", partial(_bounce, engine), methods=["GET"])
    door.add_url_rule("/hooks", "hooks", partial(_hook, engine, receiver, max_body), methods=["POST"])
    door.register_error_handler(BridgeError, _refused)
    door.register_error_handler(SQLAlchemyError, _not_now)
    return door


def _page(engine: Engine, platform: str) -> Answer:
    _, app, keys = installing.app_of(engine, platform)
    g.policy, g.retry = app.policy(app.named_store(request.args)), app.frame(keys).retry
    authorization = request.headers.get("Authorization", "")
    try:
        visit = app.visit(keys, authorization, request.args)
    except Reauthorise:
        if authorization or app.named_store(request.args) is None:
            raise
        return _sealed(redirect(_bounce_address(engine, platform, app.frame(keys).reload), HTTPStatus.FOUND))
    g.policy = app.policy(visit.store)
    return _sealed(_show(engine, platform, visit))


def _show(engine: Engine, platform: str, visit: Visit) -> Response:
    _, app, keys = installing.app_of(engine, platform)
    shop, row = installing.visited(engine, platform, visit)
    now = engine.clock()
    with engine.db.read(shop.id) as session:
        context = {
            "connections": overview.connections(session, now),
            "problems": overview.problems(session, limit=20),
            "title": row.title,
            "frame": app.frame(keys),
        }
    return Response(render_template("apps/home.html", **context), mimetype="text/html")


def _bounce_address(engine: Engine, platform: str, reload: str) -> str:
    """Where the admin's script gets a proof and comes back with it. Only names of a store are carried along."""
    kept = {name: request.args[name] for name in ("shop", "host", "embedded") if name in request.args}
    back = f"{engine.public_url.rstrip('/')}/apps/{platform}/?{urlencode(kept)}"
    return f"{request.script_root}/apps/{platform}/bounce?{urlencode({**kept, reload: back})}"


def _bounce(engine: Engine, platform: str) -> Answer:
    """A page with nothing but the admin's script, which does the rest."""
    _, app, keys = installing.app_of(engine, platform)
    store = app.named_store(request.args)
    if store is None:
        raise AskMerchant("This address names no store. Open Storebridge from the apps of your store's admin.")
    g.policy = app.policy(store)
    html = render_template("apps/bounce.html", frame=app.frame(keys))
    return _sealed(Response(html, mimetype="text/html"))


def _hook(engine: Engine, receiver: Receiver, max_body: int, platform: str) -> Answer:
    _, app, keys = installing.app_of(engine, platform)
    try:
        event = app.event(dict(request.headers), _body(max_body), keys)
    except BridgeError:
        metrics.count_delivery(platform, "refused")
        raise
    _take(engine, receiver, platform, event)
    return Response("", HTTPStatus.OK, mimetype="text/plain")


def _body(longest: int) -> bytes:
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
    response = Response(error.merchant + "\n", status, mimetype="text/plain")
    if status is HTTPStatus.UNAUTHORIZED:
        response.headers.update(g.get("retry") or {})
    if isinstance(error, RetryLater):
        response.headers["Retry-After"] = "10"
    return _sealed(response)


def _not_now(error: SQLAlchemyError) -> Answer:
    log.warning("the database does not answer an app's door", error=str(error))
    return _refused(RetryLater("The database does not answer; try again in a moment."))


def _sealed(response: Answer) -> Answer:
    """Only the store's own admin may frame it; nothing is kept by browsers or by caches between."""
    response.headers["Content-Security-Policy"] = g.get("policy") or "default-src 'none'; frame-ancestors 'none';"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Request-Id"] = secrets.token_hex(6)
    return response
