"""The stand-alone frame: a page's fragment inside the shell, with navigation, notices and errors."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import render_template, request
from markupsafe import Markup

from bridge.flows.admin import DEMO, Named
from bridge.flows.attend import can_close, can_confirm, can_retry
from bridge.flows.kinds import KINDS
from bridge.flows.listing_view import step_text
from bridge.flows.polls import NAMES
from bridge.ports.errors import BridgeError
from bridge.web import telling, wording
from bridge.web.views import PAGES, Page

NAVIGATION = ("overview", "orders", "listings", "plans", "problems", "returns", "activity")
STYLE = Path(__file__).parent / "static" / "storebridge.css"


@dataclass(frozen=True)
class Shown:
    """One page as it is asked for. ``error``: what went wrong with the form that was sent."""

    page: Page
    shop: Named
    known: list[Named]
    now: datetime
    csrf: str
    done: str
    error: BridgeError | None


def render(shown: Shown, context: dict[str, Any]) -> str:
    """The fragment of the page, and the shell around it."""
    base = "../" * shown.page.path.count("/") or "./"
    common = {
        **_words(),
        "clock": telling.Clock(shown.now, context["zone"]),
        "to": _Links(base),
        "csrf": shown.csrf,
        "shop": shown.shop,
        "is_demo": shown.shop.name == DEMO,
        "error_text": shown.error.merchant if shown.error else "",
        "error_field": getattr(shown.error, "field", None) if shown.error else None,
        "form": request.form,
    }
    body = render_template(f"pages/{shown.page.name}.html", **common, **context)
    title = context.get("title", shown.page.title)
    return _shell(
        Markup(body),  # noqa: S704 - rendered above, with everything escaped
        title=title,
        **common,
        current=shown.page.section,
        navigation=[page for name in NAVIGATION for page in PAGES if page.name == name],
        problem_count=context["problem_count"],
        others=[shop for shop in shown.known if shop.id != shown.shop.id],
        notice=wording.NOTICES.get(shown.done, ""),
        paused=context["paused"],
    )


class _Links:
    """``to('orders/12')``: an address relative to the page that is shown, so that it holds in every frame."""

    def __init__(self, base: str) -> None:
        self._base = base

    def __call__(self, path: str, **query: Any) -> str:
        given = {name: value for name, value in query.items() if value not in (None, "")}
        return self._base + path + (f"?{urlencode(given)}" if given else "")


def _words() -> dict[str, Any]:
    return {
        "money": telling.money,
        "price": telling.price,
        "duration": telling.duration,
        "seconds": telling.exact_seconds,
        "badge_of": wording.state_badge,
        "problem_title": wording.problem_title,
        "poll_names": NAMES,
        "step_words": wording.STEPS,
        "results": wording.RESULTS,
        "filters": wording.FILTERS,
        "can_retry": can_retry,
        "can_close": can_close,
        "can_confirm": can_confirm,
        "kinds": KINDS,
        "step_text": step_text,
    }


def _shell(body: Markup, **context: Any) -> str:
    return render_template("shell.html", body=body, style=_style_mark(), **context)


@cache
def _style_mark() -> str:
    """Changes with the stylesheet, so that no browser shows an old one."""
    return hashlib.sha256(STYLE.read_bytes()).hexdigest()[:12]


def welcome(now: datetime) -> str:
    """Nothing is connected, and no shop is there yet."""
    clock = telling.Clock(now, ZoneInfo("UTC"))
    body = render_template("pages/welcome.html", clock=clock, **_words())
    return _shell(Markup(body), title="Welcome", navigation=[])  # noqa: S704 - rendered above


def failure(name: str, text: str, request_id: str) -> str:
    """An error as a page: what happened, what to do, and the number it has in the log."""
    body = render_template("pages/failure.html", name=name, text=text, request_id=request_id)
    return _shell(Markup(body), title=name, navigation=[])  # noqa: S704 - rendered above
