"""Every form that is drawn on any page, with odd values in its fields: each is answered, and never by a fault of ours."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from importlib import import_module
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import pytest

from bridge.ports.errors import AskMerchant
from bridge.web.modules import CALLS
from tests.support import desks
from tests.support.lively import PLACES, SETTING_PLACES, Lively

VALUES = ("", "-" + "9" * 400, "1,5e\u0667 \u202e'\"%s{{7*7}}<script>alert(1)</script>")
KEPT = ("hidden", "checkbox", "radio", "file", "submit")
ALL = ["view", "change", "customers"]
# What takes the shop or the marketplace away, or asks the outside by the values given.
LAST = {"erase_shop", "disconnect", "connect", "renew", "consent"}


class Form(NamedTuple):
    """As it is drawn: fields with their kinds and values, and what its buttons ask for."""

    method: str
    action: str
    fields: list[list[str]]
    buttons: list[str]


class Reader(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._open = self._choice = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(given.get("method", "get"), given.get("action", ""), [], []))
            self._open = True
        if not self._open:
            return
        form, name = self.forms[-1], given.get("name", "")
        match tag:
            case "input" | "textarea" | "select" if name and "readonly" not in given:
                form.fields.append([name, given.get("type", tag), given.get("value", "")])
                self._choice = tag == "select"
            case "option" if self._choice and ("selected" in given or not form.fields[-1][2]):
                form.fields[-1][2] = given.get("value", "")
            case "button" if name == "do":
                form.buttons.append(given.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        self._open = self._open and tag != "form"
        self._choice = self._choice and tag != "select"


@pytest.fixture(scope="module")
def lively(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lively]:
    lively = Lively(f"sqlite:///{tmp_path_factory.mktemp('odd') / 'storebridge.db'}")
    yield lively
    lively.close()


def sendings(form: Form) -> Iterator[dict[str, str]]:
    """The same odd value in all fields that are open, the others as they are drawn."""
    usual = {
        name: value for name, kind, value in form.fields if kind in ("hidden", "select", "text", "number", "textarea")
    }
    typed = [name for name, kind, _ in form.fields if kind not in KEPT]
    for value in VALUES if typed else ():
        yield {**usual, **dict.fromkeys(typed, value)}


def refuse() -> None:
    raise AskMerchant("Not this account.", field="credentials")


@pytest.mark.timeout(600)
def test_whatever_is_typed_is_answered(lively: Lively, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("bridge.web.modules"), "CALLS", CALLS.model_copy(update={"calls": 1_000_000}))
    monkeypatch.setattr(lively.engine, "check", lambda _row: refuse())  # a marketplace in memory has no account
    inside, seen, broken, sent = desks.Inside(lively), set[Any](), list[Any](), 0
    for place in (*PLACES, *SETTING_PLACES, *lively.numbers()):
        path, _, query = place.partition("?")
        asked = {name: [value] for name, value in parse_qsl(query)}
        shown = inside.answer(desks.asked("wordpress", "GET", path, asked, {}, ALL))["html"]
        for form in Reader(shown).forms:
            is_change = form.method == "post"
            target = dict(parse_qsl(urlsplit(form.action).query)) if form.action else {}
            to = target.pop("path", path) if form.action else path
            more = {name: [value] for name, value in target.items() if name != "page"}
            for act in form.buttons or [""]:
                what = (is_change, to, act.partition(":")[0], tuple(sorted({field[0] for field in form.fields})))
                if what in seen or act.partition(":")[0] in LAST:
                    continue
                seen.add(what)
                for given in sendings(form):
                    fields = {name: [value] for name, value in {**given, "do": act}.items() if name != desks.NONCE[0]}
                    if is_change:
                        told = desks.asked("wordpress", "POST", to, more, fields, ALL)
                    else:
                        words = {name: value for name, value in fields.items() if name not in ("page", "path", "do")}
                        told = desks.asked("wordpress", "GET", given.get("path", to), words, {}, ALL)
                    answer, sent = inside.answer(told), sent + 1
                    html = answer["html"] or ""
                    if answer["status"] >= 500 or "<script>alert(1)" in html or "{49}" in html:
                        broken.append((to, act, answer["status"], {k: v[:30] for k, v in given.items()}))
    assert broken == []
    assert sent > 150, "forms were drawn"
