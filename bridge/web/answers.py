"""Between Flask and the pages: what a request sent, and an answer as a browser takes it."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import quote, urlencode

from flask import Response, make_response, redirect, request
from werkzeug.wrappers import Response as Answered

from bridge.web import language
from bridge.web.asked import Download, Form, Go, Upload
from bridge.web.language import LANGUAGES
from bridge.web.serving import Answer

MAX_UPLOAD = 1536 * 1024
MAX_FIELDS = 20_000
CHOICE, OF_BROWSER = (
    "storebridge_language",
    "browser",
)  # a cookie: which language somebody chose for the pages on their own
YEAR = 365 * 24 * 3600


def locale() -> str:
    """Of whoever asks on their own: the language that was chosen in Settings, else what the browser likes best."""
    asked, kept = request.args.get("language", ""), request.cookies.get(CHOICE, "")
    chosen = asked or kept
    return chosen if chosen in LANGUAGES else liked()


def liked() -> str:
    """What the browser likes best of what is spoken here."""
    return language.liked(request.accept_languages)


def keep_choice(response: Response) -> None:
    """The language that was chosen with this request, if one was."""
    chosen = request.args.get("language", "")
    if chosen in LANGUAGES:
        response.set_cookie(CHOICE, chosen, max_age=YEAR, httponly=True, samesite="Strict", secure=request.is_secure)
    elif chosen == OF_BROWSER:
        response.delete_cookie(CHOICE)


def given(done: Answer, root: str) -> Answered:
    """``root``: the address of the shop's first page."""
    if done.redirect is not None:
        other = done.redirect.shop
        root = f"{request.script_root}/s/{other}/" if other else root
        return redirect(root + address(done.redirect), HTTPStatus.SEE_OTHER)
    if done.download is not None:
        return file(done.download)
    return make_response(done.html, done.status)


def form() -> Form:
    """What the request at hand sent."""
    files = {name: Upload(sent.filename or "", sent.read()) for name, sent in request.files.items() if sent.filename}
    return Form(request.form.items(multi=True), files)


def address(target: Go) -> str:
    """Relative to the shop."""
    given = {**target.query, "done": target.done}
    query = urlencode({name: value for name, value in given.items() if value not in (None, "")})
    return target.path + (f"?{query}" if query else "")


def file(given: Download) -> Response:
    response = make_response(given.content)
    response.headers["Content-Type"] = given.type
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(given.name)}"
    return response
