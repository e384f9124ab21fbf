"""Who may see the pages, and that a change was asked for by the page itself.

Without a page token the pages are open to this machine only: the server listens on loopback, the request comes
from loopback, nobody forwarded it, and it names this machine (a foreign name that resolves to 127.0.0.1 does not
help). With a token it is asked for as the password of HTTP Basic, or as a Bearer token.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Protocol
from urllib.parse import urlsplit

from flask import Request, Response, request
from werkzeug.datastructures import Authorization
from werkzeug.exceptions import HTTPException

from bridge.db import crypto

COOKIE = "storebridge"
PURPOSE = "form of a page"
CSRF_HEADER = "X-Csrf-Token"
DAYS = 2
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip")
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

# A page that opens a window of a marketplace, and the page on which that window ends: they stay in touch, by our own
# script (static/consent.js).
_OURS = {**HEADERS, "Content-Security-Policy": HEADERS["Content-Security-Policy"].replace("script-src 'none'; ", "")}
OPENS = {**_OURS, "Cross-Origin-Opener-Policy": "same-origin-allow-popups"}
ENDS = {**_OURS, "Cross-Origin-Opener-Policy": "unsafe-none"}


class Door(Protocol):
    """What the guard wants to know of the configuration."""

    @property
    def page_token(self) -> str: ...

    @property
    def is_loopback(self) -> bool: ...

    @property
    def port(self) -> int: ...

    @property
    def proxies(self) -> int: ...


class Refused(HTTPException):
    """Said to the person as it is."""

    def __init__(self, code: HTTPStatus, description: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(description)
        self.code = code.value
        self.headers = headers or {}


def admit(config: Door) -> None:
    """Raises Refused unless this request may see the pages."""
    if config.page_token:
        _ask_token(config.page_token)
        return
    if not config.is_loopback or not _from_here(request):
        raise Refused(
            HTTPStatus.FORBIDDEN,
            "The pages are open on this machine only. To reach them from elsewhere, set STOREBRIDGE_PAGE_TOKEN "
            "(at least 16 characters) and start again; it is then the password here.",
        )
    if request.host.lower() not in _own_names(config.port):
        raise Refused(
            HTTPStatus.FORBIDDEN,
            f"This address is not known here. Open http://127.0.0.1:{config.port}/ on this machine.",
        )


def _ask_token(token: str) -> None:
    given = credentials()
    offered = (given.token if given.type == "bearer" else given.password) if given else None
    if not hmac.compare_digest((offered or "").encode(), token.encode()):
        raise Refused(
            HTTPStatus.UNAUTHORIZED,
            "Enter the page token (STOREBRIDGE_PAGE_TOKEN) as the password; any user name will do.",
            {"WWW-Authenticate": 'Basic realm="Storebridge", charset="UTF-8"'},
        )


def credentials() -> Authorization | None:
    """What the request has to show for itself, if it can be read."""
    try:
        return request.authorization
    except ValueError:  # Werkzeug's, of a byte that is no ASCII
        return None


def name() -> str:
    """What the person calls themselves, where a name was asked for."""
    given = credentials()
    return ((given.username if given and given.type == "basic" else "") or "").strip()[:80]


def _from_here(asked: Request) -> bool:
    if any(name in asked.headers for name in FORWARDED):
        return False
    try:
        return ipaddress.ip_address(asked.remote_addr or "").is_loopback
    except ValueError:
        return False


def _own_names(port: int) -> set[str]:
    names = ("127.0.0.1", "localhost", "[::1]")
    return {f"{name}:{port}" for name in names} | (set(names) if port == 80 else set())


def form_token(visitor: str, now: datetime) -> str:
    """The token in each form: sealed for the visitor's cookie, so that no other site can make one. Good for a day
    at least."""
    return crypto.installed().seal([PURPOSE, visitor, now.date().isoformat()])


def check_form(now: datetime) -> None:
    """Raises Refused unless this POST came from a form of ours."""
    _same_origin()
    if not _is_token(request.form.get("csrf", ""), now):
        raise Refused(
            HTTPStatus.FORBIDDEN, "This form is too old, or cookies are off. Go back, reload the page and try again."
        )


def check_json(now: datetime) -> None:
    """Raises Refused unless this change was asked for by a program of the merchant's, or by our own page.

    No other site's form can send JSON or set a header. A Bearer token is proof enough, as no browser adds one by
    itself; everybody else sends the token of the page (GET /api/token) in the header X-Csrf-Token.
    """
    _same_origin()
    if request.content_length and request.mimetype != "application/json":
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send JSON, with the header Content-Type: application/json.")
    given = credentials()
    if given is not None and given.type == "bearer":
        return
    if not _is_token(request.headers.get(CSRF_HEADER, ""), now):
        raise Refused(
            HTTPStatus.FORBIDDEN,
            f"Send the token of GET /api/token in the header {CSRF_HEADER}, with the cookie that came with it.",
        )


def _is_token(text: str, now: datetime) -> bool:
    days = [(now - timedelta(days=age)).date().isoformat() for age in range(DAYS)]
    try:
        purpose, visitor, day = crypto.installed().open(text)
    except (ValueError, TypeError):
        return False
    known = hmac.compare_digest(str(visitor).encode(), request.cookies.get(COOKIE, "").encode())
    return purpose == PURPOSE and bool(visitor) and known and day in days


def _same_origin() -> None:
    said = request.headers.get("Origin") or request.headers.get("Referer")
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    if site not in ("same-origin", "none") or (said is not None and _host(said) != request.host):
        raise Refused(HTTPStatus.FORBIDDEN, "This came from another site, and was not done.")


def _host(address: str) -> str:
    try:
        return urlsplit(address).netloc
    except ValueError:
        return ""


def visitor() -> str:
    """The visitor's cookie, or a new one for the answer to set."""
    known = request.cookies.get(COOKIE, "")
    return known if 20 <= len(known) <= 64 else secrets.token_urlsafe(24)


def seal(response: Response, cookie: str | None, more: Mapping[str, str] | None = None) -> Response:
    """Every answer of a page: headers that keep others out, and the visitor's cookie. ``more``: OPENS or ENDS."""
    response.headers.update(more or HEADERS)
    if cookie is not None and request.cookies.get(COOKIE) != cookie:
        response.set_cookie(COOKIE, cookie, httponly=True, samesite="Strict", secure=request.is_secure)
    return response
