"""The pages on their own: who may come in, which shop is meant, and the answer as a browser takes it.

Several shops have a prefix each (``/s/<public id>/``); without a prefix the first real shop is meant.
"""

from __future__ import annotations

import secrets
from functools import partial
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, g, make_response, request
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.wrappers import Response as Answered

from bridge.flows import admin
from bridge.flows.admin import Named
from bridge.flows.engine import Engine
from bridge.web import answers, frames, guard, places, render, serving
from bridge.web.answers import MAX_FIELDS, MAX_UPLOAD, form, given
from bridge.web.entrance import Entrance
from bridge.web.frames import Person
from bridge.web.guard import Door
from bridge.web.serving import Asked

MAX_FORM = 64 * 1024
SOMEBODY = "admin"
NOBODY = Person("", can=frozenset())


def pages(engine: Engine, config: Door) -> Blueprint:
    door = Blueprint("pages", __name__)
    door.before_request(partial(_admit, engine, Entrance(engine.limiter, config)))
    door.after_request(_seal)
    for page in places.PAGES:
        for prefix in ("", "/s/<public_id>"):
            name = f"{'shop ' if prefix else ''}{page.name}"
            door.add_url_rule(f"{prefix}/{page.path}", name, partial(_serve, engine), methods=["GET", "POST"])
    door.register_error_handler(HTTPException, _refused)
    door.register_error_handler(Exception, _broken)
    door.app_errorhandler(NotFound)(_lost)
    return door


def _admit(engine: Engine, entrance: Entrance) -> None:
    g.request_id = secrets.token_hex(6)
    entrance.admit()
    g.visitor = guard.visitor()
    if request.method == "POST":
        most = MAX_UPLOAD if request.mimetype == "multipart/form-data" else MAX_FORM
        request.max_content_length = request.max_form_memory_size = most
        request.max_form_parts = MAX_FIELDS
        guard.check_form(engine.clock())


def _seal(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.get("request_id", "")
    answers.keep_choice(response)
    return guard.seal(response, g.get("visitor"), guard.OPENS if g.get("opens") else None)


def _serve(engine: Engine, public_id: str | None = None, **_arguments: Any) -> Answered:
    known = admin.shops(engine)
    shop = _named(known, public_id) if public_id is not None else next(iter(admin.meant(engine)), None)
    if shop is None and request.method == "POST":
        shop = admin.ensure_shop(engine, admin.FIRST)  # the setup begins with nothing
    if shop is None:
        csrf = guard.form_token(g.visitor, engine.clock())
        nowhere = frames.alone("", Person(guard.name() or SOMEBODY), csrf, {}, answers.locale())
        return make_response(render.welcome(nowhere, engine.clock()))
    root = f"/s/{public_id}/" if public_id else "/"
    path = request.path.removeprefix(root)
    others = {one.name: f"{request.script_root}/s/{one.public_id}/" for one in known if one.id != shop.id}
    csrf = guard.form_token(g.visitor, engine.clock())
    frame = frames.alone(path, Person(guard.name() or SOMEBODY), csrf, others, answers.locale())
    asked = Asked(request.method, path, request.args, form())
    done = serving.answer(engine, frame, shop, asked, g.request_id)
    g.opens = done.opens
    return given(done, request.script_root + root)


def _named(known: list[Named], public_id: str) -> Named:
    found = next((shop for shop in known if shop.public_id == public_id), None)
    if found is None:
        raise NotFound("There is no such shop.")
    return found


def _outside(status: int, name: str, text: str) -> Response:
    """What is said to whoever has no page in front of them."""
    path = request.path.removeprefix("/")
    frame = frames.alone(path, NOBODY, "", {}, answers.locale())
    again = serving.once_more(frame, path, request.args, status)
    return make_response(render.failure(frame, name, text, g.get("request_id", ""), again), status)


def _refused(error: HTTPException) -> Response:
    response = _outside(error.code or 500, error.name, error.description or "This could not be done.")
    response.headers.update(getattr(error, "headers", {}))
    return response


def _broken(error: Exception) -> Response:
    """Before a page was reached."""
    done = serving.broken(error, request.path, g.get("request_id", ""))
    return _outside(done.status, done.name, done.text)


def _lost(error: NotFound) -> Response:
    """Addresses that belong to nobody: a page for people, a line for machines."""
    if "text/html" not in request.headers.get("Accept", ""):
        return Response("Nothing is here.\n", HTTPStatus.NOT_FOUND, mimetype="text/plain")
    text = "There is no page at this address." if request.routing_exception else str(error.description)
    return guard.seal(_outside(HTTPStatus.NOT_FOUND, "Not found", text), None)
