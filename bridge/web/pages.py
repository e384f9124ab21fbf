"""The merchant's pages: who is asking, which shop is meant, what is shown, and what was asked to be done.

A page is a fragment with links relative to itself; the shell around it is one frame among others to come. Several
shops have a prefix each (``/s/<public id>/``); without a prefix the first real shop is meant.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

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
from bridge.web.asked import Again, Download, Form, Go, Upload
from bridge.web.guard import Door
from bridge.web.views import PAGES, Page, View

MAX_FORM = 64 * 1024
MAX_UPLOAD = 1536 * 1024
MAX_FIELDS = 20_000
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
        most = MAX_UPLOAD if request.mimetype == "multipart/form-data" else MAX_FORM
        request.max_content_length = request.max_form_memory_size = most
        request.max_form_parts = MAX_FIELDS
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
        return _show(engine, known, shop, page, arguments)
    form = _form()
    try:
        done = _act(engine, shop, page, arguments, form)
    except errors.NotFound as error:
        raise NotFound(error.merchant) from error
    except errors.BridgeError as error:
        return _show(engine, known, shop, page, arguments, form, error)
    if isinstance(done, Again):
        return _show(engine, known, shop, page, arguments, form)
    if isinstance(done, Download):
        return _file(done)
    if isinstance(done, Go):
        base = f"{request.script_root}/{f's/{public_id}/' if public_id is not None else ''}"
        return _redirect(base + done.path, {**done.query, "done": done.done})
    return _redirect(f"{request.script_root}{request.path}", {"done": form.do})


def _form() -> Form:
    files = {name: Upload(file.filename or "", file.read()) for name, file in request.files.items() if file.filename}
    return Form(request.form.items(multi=True), files)


def _redirect(address: str, query: Mapping[str, object]) -> Answer:
    given = {name: value for name, value in query.items() if value not in (None, "")}
    return redirect(address + (f"?{urlencode(given)}" if given else ""), HTTPStatus.SEE_OTHER)


def _file(file: Download) -> Response:
    response = make_response(file.content)
    response.headers["Content-Type"] = file.type
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(file.name)}"
    return response


def _named(known: list[Named], public_id: str) -> Named:
    found = next((shop for shop in known if shop.public_id == public_id), None)
    if found is None:
        raise NotFound("There is no such shop.")
    return found


def _act(engine: Engine, shop: Named, page: Page, arguments: dict[str, int], form: Form) -> Any:
    act = ACTIONS.get(page.name, {}).get(form.do)
    if act is None:
        raise errors.AskMerchant("This page does not know that action. Reload it and try again.")
    return act(engine, shop.id, form, arguments)


def _show(
    engine: Engine,
    known: list[Named],
    shop: Named,
    page: Page,
    arguments: dict[str, int],
    form: Form | None = None,
    error: errors.BridgeError | None = None,
) -> Response:
    now = engine.clock()
    with engine.db.read(shop.id) as session:
        view = View(engine, session, shop, now, request.args, arguments, form, error)
        context = page.read(view)
        if context is None:
            raise NotFound("There is nothing here by this number.")
        if isinstance(context, Download):
            return _file(context)
        context |= {
            "zone": state.zone(session),
            "paused": state.is_paused(session, shop.id),
            "problem_count": state.problem_count(session),
        }
    shown = frame.Shown(page, shop, known, now, guard.form_token(g.visitor, now), request.args.get("done", ""), error)
    return _answer(frame.render(shown, context), HTTPStatus.UNPROCESSABLE_ENTITY if error else HTTPStatus.OK)


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
