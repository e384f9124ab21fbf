"""A page's fragment, and the shell of its frame around it, with navigation, notices and errors."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from flask import render_template
from markupsafe import Markup

from bridge.flows.admin import DEMO, Named
from bridge.flows.attend import can_close, can_confirm, can_retry
from bridge.flows.kinds import KINDS
from bridge.flows.polls import NAMES
from bridge.ports.errors import BridgeError
from bridge.ports.storeapp import Frame as Admin
from bridge.web import language, places, telling, wording
from bridge.web.asked import Form
from bridge.web.drawn import errors_of
from bridge.web.frames import Frame
from bridge.web.page import Page

STATIC = Path(__file__).parent / "static"
STYLE, SCRIPT, CONSENT = STATIC / "storebridge.css", STATIC / "shopify.js", STATIC / "consent.js"


@dataclass(frozen=True)
class Shown:
    """One page as it is asked for. ``error``: what went wrong with the form that was sent."""

    page: Page
    frame: Frame
    shop: Named
    now: datetime
    form: Form
    done: str
    error: BridgeError | None


def render(shown: Shown, context: dict[str, Any]) -> tuple[str, str]:
    """The title, and the page with the shell around it, in the language of its frame."""
    with language.spoken(shown.frame.language, context["zone"]):
        return _render(shown, context)


def _render(shown: Shown, context: dict[str, Any]) -> tuple[str, str]:
    common = {
        **_words(),
        "frame": shown.frame,
        "to": shown.frame.to,
        "clock": telling.Clock(shown.now, context["zone"]),
        "shop": shown.shop,
        "is_demo": shown.shop.name == DEMO,
        "error_text": language.said(shown.error.merchant) if shown.error and not context.get("told") else "",
        "errors": {name: language.said(text) for name, text in errors_of(shown.error).items()},
        "error_field": getattr(shown.error, "field", None) if shown.error else None,
        "form": shown.form,
        "first_wrong": [],  # filled by the first field that is
    }
    body = render_template(f"pages/{shown.page.name}.html", **common, **context)
    title = str(language.said(context.get("title", shown.page.title)))
    html = _shell(
        Markup(body),  # noqa: S704 - rendered above, with everything escaped
        **common,
        title=title,
        tabs=places.tabs(shown.page),
        subtabs=places.subtabs(shown.page),
        section=places.SECTIONS[shown.page.section],
        problem_count=context["problem_count"],
        notice=wording.NOTICES.get(shown.done, ""),
        paused=context["paused"],
        allowance=context["allowance"],
        silent=context["silent"],
    )
    return title, html


def paper(name: str, code: str, now: datetime, zone: ZoneInfo, **context: Any) -> bytes:
    """A file to keep, which needs nothing around it."""
    with language.spoken(code, zone):
        words = {"language": code, "clock": telling.Clock(now, zone), "day": telling.day}
        return render_template(f"papers/{name}.html", **words, **context).encode()


def _words() -> dict[str, Any]:
    return {
        "money": telling.money,
        "price": telling.price,
        "quantity": telling.quantity,
        "duration": telling.duration,
        "seconds": telling.exact_seconds,
        "badge_of": wording.state_badge,
        "problem_title": wording.problem_title,
        "poll_names": NAMES,
        "step_words": wording.STEPS,
        "results": wording.RESULTS,
        "conditions": wording.CONDITIONS,
        "filters": wording.FILTERS,
        "can_retry": can_retry,
        "can_close": can_close,
        "can_confirm": can_confirm,
        "kinds": KINDS,
        "step_text": wording.step_text,
        "field_name": wording.field_name,
        "journal_kinds": wording.JOURNAL,
        "call_outcome": wording.outcome,
        "call_reason": wording.reason,
        "hundredths": telling.hundredths,
        "origins": wording.ORIGINS,
        "day": telling.day,
        "flow_names": wording.FLOWS,
        "languages": language.LANGUAGES,
        "lane_names": wording.LANES,
        "due_words": wording.DUE,
        "fact_names": wording.FACTS,
        "store_statuses": wording.STORE_STATUSES,
        "example_names": wording.EXAMPLES,
        "consent_script": mark(CONSENT),
    }


def _shell(body: Markup, *, frame: Frame, **context: Any) -> str:
    marks = {"style": mark(STYLE), "script": mark(SCRIPT)}
    return render_template(frame.shell, body=body, frame=frame, outlines=_outlines, **marks, **context)


def bounce(skin: str, admin: Admin, code: str) -> str:
    """What is there until the script of an admin has told who is asking."""
    with language.spoken(code):
        return render_template("apps/bounce.html", skin=skin, frame=admin, language=code, style=mark(STYLE))


def _outlines(root: str) -> list[tuple[str, object, str]]:
    return [(path, language.said(title), shape) for path, title, shape in places.outlines(root)]


@cache
def mark(file: Path) -> str:
    """Changes with the file, so that nobody shows an old one."""
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]


@cache
def style_text() -> str:
    return STYLE.read_text(encoding="utf-8")


def welcome(frame: Frame, now: datetime) -> str:
    """Nothing is connected, and no shop is there yet."""
    common = {**_words(), "frame": frame, "to": frame.to, "clock": telling.Clock(now, ZoneInfo("UTC"))}
    with language.spoken(frame.language):
        body = render_template("pages/welcome.html", **common)
        return _shell(Markup(body), **common, title=language.gettext("Welcome"))  # noqa: S704 - rendered above


def failure(frame: Frame, name: str, text: str, request_id: str, again: str = "", *, ends: bool = False) -> str:
    """An error as a page: what happened, what to do, and the number it has in the log. ``again``: the address at which
    it may work in a moment; ``ends``: a window that our page has opened ends here."""
    common: dict[str, Any] = {"frame": frame, "to": frame.to, "ends": ends, "consent_script": mark(CONSENT)}
    shown = places.tabs(None) if frame.person.can else []
    with language.spoken(frame.language):
        body = render_template("pages/failure.html", name=name, text=text, request_id=request_id, again=again, **common)
        return _shell(Markup(body), **common, title=language.said(name), tabs=shown)  # noqa: S704 - rendered above
