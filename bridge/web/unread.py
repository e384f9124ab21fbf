"""What the server itself says of a request that it could not read, so that no page was reached: as a page that
stands by itself, in the language that the request asked for as far as that came."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus

from markupsafe import Markup
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from bridge.web import language
from bridge.web.language import LANGUAGES
from bridge.web.serving import Trouble

TROUBLES: Mapping[int, Trouble] = {
    found.status: found
    for found in (
        Trouble(
            HTTPStatus.REQUEST_URI_TOO_LONG,
            "This address is too long",
            "Nothing was changed. Go back, and search or filter with fewer or shorter words.",
        ),
        Trouble(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
            "Your browser sends too much along",
            "Nothing was changed. Delete the cookies of this address in your browser, and open the page anew.",
        ),
    )
}
_WANTED = re.compile(rb"^accept-language:([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
# Of Shopify's frame: a page is swapped for what stands in #sb-main, under the heading of an s-page (static/shopify.js).
_PAGE = Markup("""<!doctype html>
<html lang="{code}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{name} · Storebridge</title><link rel="stylesheet" href="/static/storebridge.css"></head>
<body class="sb-page"><div class="sb sb-alone"><s-page heading="{name}">
<main class="sb-wide" id="sb-main" tabindex="-1">{cards}</main>
</s-page></div></body></html>
""")
_CARD = Markup('<section class="sb-card sb-failure" lang="{code}"><h1>{name}</h1><p>{text}</p></section>')


def answer(status: int, rest: bytes) -> bytes:
    """The whole answer to one of TROUBLES, with its head. ``rest``: what came after the part that was too long, in
    which the wish for a language may stand; where it does not, it is said in every language."""
    wish = wanted(rest)
    words = [_words(TROUBLES[status], code) for code in ([wish] if wish else LANGUAGES)]
    cards = Markup().join(_CARD.format(**one) for one in words)
    body = _PAGE.format(cards=cards, **words[0]).encode()
    head = (
        f"HTTP/1.1 {status} {TROUBLES[status].status.phrase}\r\nConnection: close\r\n"
        "Content-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode("ascii") + body


def _words(found: Trouble, code: str) -> dict[str, str]:
    with language.spoken(code):
        return {"code": code, **{name: str(language.said(getattr(found, name))) for name in ("name", "text")}}


def wanted(rest: bytes) -> str | None:
    """The language that a browser likes best of those spoken here; English where it likes none of them."""
    said = _WANTED.search(rest)
    if said is None:
        return None
    return language.liked(parse_accept_header(said[1].decode("latin-1"), LanguageAccept))
