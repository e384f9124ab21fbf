"""A seller's consent as a sandbox marketplace plays it: the page on which the seller says yes or no, and the code that
is good once, for a while, and for the address it was sent to. The page says no when it is followed with ``answer=no``.

=======  ==============  =======================================================================================
method   /_sandbox/...   effect
=======  ==============  =======================================================================================
POST     application     {address}: where answers go, as registered with the application -> {settings}: what the
                         connection form is given for it
POST     seller          {id}: who signs in from now on, and whose account this is
=======  ==============  =======================================================================================
"""

from __future__ import annotations

import html
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from flask import Response, request

from bridge.ports.sandbox_control import Asked, Route, asked
from bridge.ports.sandbox_market import Marketplace

PAGE = (
    "<!doctype html><html lang=en><title>{title}</title><meta name=viewport content='width=device-width'>"
    "<h1>{title}</h1>"
    "<p>You are signed in as {seller}. May the application sell for you?</p>"
    "<p><a href='{yes}'>Agree</a> <a href='{no}'>Cancel</a></p></html>"
)


class Address(Asked):
    address: str


class Seller(Asked):
    id: str


class ConsentControl:
    """The control paths; ``settings`` are what the application is known by in the connection form."""

    def __init__(self, market: Marketplace, settings: Mapping[str, str] | None = None) -> None:
        self._market, self._settings = market, dict(settings or {})

    def routes(self) -> tuple[Route, ...]:
        return ("POST", "application", self._register), ("POST", "seller", self._sign_in)

    def _register(self) -> dict[str, Any]:
        self._market.docs.put("application", "address", asked(Address).address)
        return {"settings": self._settings}

    def _sign_in(self) -> dict[str, Any]:
        self._market.docs.put("application", "seller", asked(Seller).id)
        return {"ok": True}


def registered(market: Marketplace) -> str:
    """The address that answers go to; empty where none was registered."""
    return str(market.docs.get("application", "address") or "")


def seller(market: Marketplace, usual: str) -> str:
    """Who signs in."""
    return str(market.docs.get("application", "seller") or usual)


def page(
    market: Marketplace, title: str, who: str, back: str, *, seconds: float, code: str = "code", **more: str
) -> Response:
    """The page, and what becomes of its answer. ``code``: the name it goes by in the answer; ``more`` goes along."""
    choice = request.args.get("answer")
    if choice is None:
        yes, no = (f"?{urlencode({**request.args, 'answer': word})}" for word in ("yes", "no"))
        text = PAGE.format(title=html.escape(title), seller=html.escape(who), yes=html.escape(yes), no=html.escape(no))
        return Response(text, mimetype="text/html")
    told = {"state": request.args.get("state", "")}
    if choice == "yes":
        given = secrets.token_urlsafe(24)
        market.docs.put("codes", given, {"back": request.args.get("redirect_uri", ""), "ends": market.now() + seconds})
        told |= {code: given, **more}
    else:
        told |= {"error": "access_denied"}
    return Response(status=302, headers={"Location": f"{back}?{urlencode(told)}"})


def redeemed(market: Marketplace, code: str, back: str) -> bool:
    """Whether this code is worth a token: it is good once, and not for long."""
    known = market.docs.get("codes", code)
    market.docs.remove("codes", code)
    return known is not None and known["back"] == back and market.now() < known["ends"]
