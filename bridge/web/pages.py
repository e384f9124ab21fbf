"""The merchant's pages: who is asking, which shop is meant, what is shown, and what was asked to be done.

A page is a fragment with links relative to itself; the shell around it is one frame among others to come. Several
shops have a prefix each (``/s/<public id>/``); without a prefix the first real shop is meant.
"""

from __future__ import annotations

import secrets
from functools import partial
from http import HTTPStatus

from flask import Blueprint, Response, g, make_response, redirect, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.wrappers import Response as Answer

from bridge.flows import admin
from bridge.flows import overview as state
from bridge.flows.admin import Named
from bridge.flows.engine import Engine
from bridge.log import get_logger
from bridge.ports import errors
from bridge.web import frame, guard
from bridge.web.actions import ACTIONS
from bridge.web.guard import Door
from bridge.web.views import PAGES, Page, View

MAX_FORM = 64 * 1024
log = get_logger(__name__)


def pages(engine: Engine, config: Door) -> Blueprint:
    door = Blueprint("pages", __name__)
    door.before_request(partial(_admit, engine, config))
    door.after_request(_seal)
    for page in PAGES:
        for prefix in ("", "/s/<public_id>"):
            name = f"{'shop ' if prefix else ''}{page.name}"
            door.add_url_rule(f"{prefix}/{page.path}", name, partial(_serve, engine, page), methods=["GET", "POST"])
    door.register_error_handler(HTTPException, _refused)
    door.register_error_handler(Exception, _broken)
    door.app_errorhandler(NotFound)(_lost)
    return door


def _admit(engine: Engine, config: Door) -> None:
    g.request_id = secrets.token_hex(6)
    guard.admit(config)
    g.visitor = guard.visitor()
    if request.method == "POST":
        request.max_content_length = MAX_FORM
        guard.check_form(engine.clock())


def _seal(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.get("request_id", "")
    return guard.seal(response, g.get("visitor"))


def _serve(engine: Engine, page: Page, public_id: str | None = None, **arguments: int) -> Answer:
    known = admin.shops(engine)
    shop = _named(known, public_id) if public_id is not None else next(iter(admin.meant(engine)), None)
    if shop is None:
        return _answer(frame.welcome(engine.clock()))
    if request.method != "POST":
        return _answer(_show(engine, known, shop, page, arguments))
    try:
        done = _act(engine, shop, page, arguments)
    except errors.NotFound as error:
        raise NotFound(error.merchant) from error
    except errors.BridgeError as error:
        html = _show(engine, known, shop, page, arguments, error)
        return _answer(html, HTTPStatus.UNPROCESSABLE_ENTITY)
    return redirect(f"{request.script_root}{request.path}?done={done}", HTTPStatus.SEE_OTHER)


def _named(known: list[Named], public_id: str) -> Named:
    found = next((shop for shop in known if shop.public_id == public_id), None)
    if found is None:
        raise NotFound("There is no such shop.")
    return found


def _act(engine: Engine, shop: Named, page: Page, arguments: dict[str, int]) -> str:
    do = request.form.get("do", "")
    act = ACTIONS.get(page.name, {}).get(do)
    if act is None:
        raise errors.AskMerchant("This page does not know that action. Reload it and try again.")
    act(engine, shop.id, request.form, arguments)
    return do


def _show(
    engine: Engine,
    known: list[Named],
    shop: Named,
    page: Page,
    arguments: dict[str, int],
    error: errors.BridgeError | None = None,
) -> str:
    now = engine.clock()
    with engine.db.read(shop.id) as session:
        view = View(engine, session, shop, now, request.args, arguments)
        context = page.read(view)
        if context is None:
            raise NotFound("There is nothing here by this number.")
        context |= {
            "zone": state.zone(session),
            "paused": state.is_paused(session, shop.id),
            "problem_count": state.problem_count(session),
        }
    shown = frame.Shown(page, shop, known, now, guard.form_token(g.visitor, now), request.args.get("done", ""), error)
    return frame.render(shown, context)


def _answer(html: str, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return make_response(html, status)


def _refused(error: HTTPException) -> Response:
    text = error.description or "This could not be done."
    response = make_response(frame.failure(error.name, text, g.get("request_id", "")), error.code or 500)
    response.headers.update(getattr(error, "headers", {}))
    return response


def _broken(error: Exception) -> Response:
    number = g.get("request_id", "")
    log.error("a page broke off", request_id=number, page=request.path, exc_info=error)
    if isinstance(error, SQLAlchemyError):
        text = "The database does not answer as it should. Try again in a moment; `storebridge doctor` says more."
        return make_response(frame.failure("Not available right now", text, number), HTTPStatus.SERVICE_UNAVAILABLE)
    text = "This is a fault of Storebridge. Nothing was changed by it. The log tells more under the number below."
    return make_response(frame.failure("Something broke", text, number), HTTPStatus.INTERNAL_SERVER_ERROR)


def _lost(error: NotFound) -> Response:
    """Addresses that belong to nobody: a page for people, a line for machines."""
    if "text/html" not in request.headers.get("Accept", ""):
        return Response("Nothing is here.\n", HTTPStatus.NOT_FOUND, mimetype="text/plain")
    text = "There is no page at this address." if request.routing_exception else str(error.description)
    response = make_response(frame.failure("Not found", text, g.get("request_id", "")), HTTPStatus.NOT_FOUND)
    return guard.seal(response, None)
