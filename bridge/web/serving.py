"""One way for every frame: which page is meant, what was asked to be done, what is shown. No frame knows Flask's
request from here on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, NamedTuple

from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import Forbidden, HTTPException, NotFound

from bridge.flows import allowance, audit, spoken
from bridge.flows import overview as state
from bridge.flows.admin import Named
from bridge.flows.engine import Engine
from bridge.log import get_logger
from bridge.ports import errors
from bridge.web import places, render, wording
from bridge.web.asked import Again, Download, Form, Go, Told
from bridge.web.frames import CHANGE, CUSTOMERS, VIEW, Frame
from bridge.web.page import Done, Page, Sent, View

log = get_logger(__name__)


@dataclass(frozen=True)
class Asked:
    """A page that is asked for, whatever way it came. ``path`` is relative to the shop."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    form: Form = field(default_factory=lambda: Form(()))


@dataclass(frozen=True)
class Answer:
    """What comes of it: a page (``html``: with the shell of its frame), a way to go on, or a file. ``opens``: the page
    opens a window of a marketplace, and watches for what comes of it."""

    status: HTTPStatus = HTTPStatus.OK
    title: str = ""
    html: str = ""
    redirect: Go | None = None
    download: Download | None = None
    opens: bool = False


class Trouble(NamedTuple):
    """``name`` is the heading, ``text`` what happened and what to do."""

    status: HTTPStatus
    name: str
    text: str


def answer(engine: Engine, frame: Frame, shop: Named, asked: Asked, number: str) -> Answer:
    """Never raises: what goes wrong is a page, too. ``number``: of the request, for the log."""
    try:
        return _serve(engine, frame, shop, asked)
    except Exception as error:  # noqa: BLE001 - the boundary: a person is told, the log knows the rest
        found = broken(error, asked.path, number)
    again = once_more(frame, asked.path, asked.query, found.status)
    return Answer(found.status, found.name, render.failure(frame, found.name, found.text, number, again))


def once_more(frame: Frame, path: str, query: Mapping[str, str], status: int) -> str:
    """Where a page that broke off is asked for once more; what a form wanted is not sent again by that."""
    if status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return ""
    known = frame.route.hidden(path)
    return frame.route.to(path, {name: value for name, value in query.items() if name not in known})


def broken(error: Exception, path: str, number: str) -> Trouble:
    if isinstance(error, errors.NotFound):
        return Trouble(HTTPStatus.NOT_FOUND, "Not found", error.merchant)
    if isinstance(error, HTTPException):
        name = "Not found" if isinstance(error, NotFound) else error.name
        return Trouble(HTTPStatus(error.code or 500), name, error.description or "This could not be done.")
    if isinstance(error, errors.AskMerchant):
        return Trouble(HTTPStatus.UNPROCESSABLE_ENTITY, "This cannot be shown", error.merchant)
    log.error("a page broke off", request_id=number, page=path, exc_info=error)
    if isinstance(error, SQLAlchemyError):
        text = "The database does not answer as it should. Try again in a moment; `storebridge doctor` says more."
        return Trouble(HTTPStatus.SERVICE_UNAVAILABLE, "Not available right now", text)
    text = "This is a fault of Storebridge. Nothing was changed by it. The log tells more under the number below."
    return Trouble(HTTPStatus.INTERNAL_SERVER_ERROR, "Something broke", text)


def _serve(engine: Engine, frame: Frame, shop: Named, asked: Asked) -> Answer:
    if not frame.may(VIEW):
        raise Forbidden("Your account in the store does not allow you to see this.")
    page, arguments = places.find(asked.path)
    _keep_language(engine, frame, shop, asked)
    if asked.method != "POST":
        return _show(engine, frame, shop, asked, page, arguments)
    try:
        done = _act(engine, frame, shop, asked, page, arguments)
    except errors.NotFound:
        raise
    except errors.BridgeError as error:
        return _show(engine, frame, shop, asked, page, arguments, error)
    if isinstance(done, Again):
        return _show(engine, frame, shop, asked, page, arguments)
    if isinstance(done, Told):
        return _show(engine, frame, shop, asked, page, arguments, told=done.values)
    if isinstance(done, Download):
        return Answer(download=done)
    return Answer(HTTPStatus.SEE_OTHER, redirect=done or Go(asked.path, done=asked.form.do))


def _keep_language(engine: Engine, frame: Frame, shop: Named, asked: Asked) -> None:
    """That of whoever changes something; until somebody does, of the first who could."""
    is_news = asked.method == "POST" or not shop.language
    if is_news and shop.language != frame.language and frame.may(CHANGE):
        spoken.remember(engine, shop.id, frame.language)


def _act(engine: Engine, frame: Frame, shop: Named, asked: Asked, page: Page, arguments: Mapping[str, Any]) -> Done:
    if not frame.may(CHANGE):
        raise Forbidden("Your account in the store allows you to look, and not to change anything here.")
    if asked.form.do in page.personal and not frame.may(CUSTOMERS):
        raise Forbidden("Your account in the store does not allow you to see customers' data, nor to erase it.")
    act = page.acts.get(asked.form.do)
    if act is None:
        raise errors.AskMerchant("This page does not know that action. Reload it and try again.")
    what = f"Changed on the page {page.title}: {wording.done_words(asked.form.do)}"
    with audit.recorded(engine, shop.id, frame.person.name, what) as acting:
        person = frame.person
        done = act(
            Sent(engine, shop.id, asked.form, arguments, person.name, frame.language, personal=person.may(CUSTOMERS))
        )
        acting.noted += isinstance(done, Again | Download)
    return done


def _show(
    engine: Engine,
    frame: Frame,
    shop: Named,
    asked: Asked,
    page: Page,
    arguments: Mapping[str, Any],
    error: errors.BridgeError | None = None,
    *,
    told: Mapping[str, object] | None = None,
) -> Answer:
    now, form = engine.clock(), asked.form if asked.method == "POST" else None
    with engine.db.read(shop.id) as session:
        view = View(engine, session, shop, now, asked.query, arguments, frame.person, form, error, frame.language)
        context = page.read(view)
        if context is None:
            raise NotFound("There is nothing here by this number.")
        if isinstance(context, Download):
            return Answer(download=context)
        paused = state.is_paused(session, shop.id)
        context |= {
            **(told or {}),
            "zone": state.zone(session),
            "paused": paused,
            "silent": [] if paused or page.tells_accounts else state.silent(session, now),
            "problem_count": state.problem_count(session),
            "allowance": allowance.of(session, shop.id),
        }
    shown = render.Shown(page, frame, shop, now, asked.form, asked.query.get("done", ""), error)
    title, html = render.render(shown, context)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if error else HTTPStatus.OK
    return Answer(status, title, html, opens=bool(context.get("opens")))
