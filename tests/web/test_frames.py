"""The same pages in each frame: who is told what, who may do what, and what comes back to a module."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from bridge.db.tables import Connection, Journal
from bridge.web import places, render
from tests.support import desks
from tests.support.lively import PLACES, SETTING_PLACES, Lively

EVERYTHING = ["view", "change", "customers"]
MODULES = ("wordpress", "magento", "mageos")


class Module(desks.Inside):
    """Asks as a person does."""

    def __init__(self, lively: Lively, skin: str = "wordpress") -> None:
        super().__init__(lively)
        self.skin, self.fixed = skin, desks.ADMINS[skin][1]

    def content(self, path: str = "", form: dict[str, Any] | None = None, can: Any = EVERYTHING) -> dict[str, Any]:
        path, _, query = path.partition("?")
        told = {name: [value] for name, _, value in (pair.partition("=") for pair in query.split("&")) if name}
        found: dict[str, Any] = desks.asked(self.skin, "GET" if form is None else "POST", path, told, form or {}, can)
        return found

    def ask(
        self, path: str, form: dict[str, Any] | None = None, can: Any = EVERYTHING, **changes: Any
    ) -> dict[str, Any]:
        return self.answer({**self.content(path, form, can), **changes})


@pytest.fixture(scope="module")
def lively(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lively]:
    """Whoever changes something puts it back."""
    lively = Lively(f"sqlite:///{tmp_path_factory.mktemp('frames') / 'storebridge.db'}")
    yield lively
    lively.close()


def places_of(lively: Lively) -> list[str]:
    return [*PLACES, *SETTING_PLACES, *lively.numbers()]


def text(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


@pytest.mark.parametrize("skin", MODULES)
def test_every_page_is_a_fragment_whose_addresses_stay_in_the_admin(lively: Lively, skin: str) -> None:
    inside = Module(lively, skin)
    for path in places_of(lively):
        answer = inside.ask(path)
        html = answer["html"]
        assert (answer["status"], answer["redirect"], answer["download"]) == (200, None, None), path
        assert html.startswith(f'<div class="sb sb-{skin}"')
        assert not re.search(r"<(script|style|link|iframe|html|body|h1[^>]*>\s*<)|\son\w+=|\sstyle=", html), path
        addresses = re.findall(r'(?:href|action)="([^"]*)"', html)
        outside = [found for found in addresses if not found.startswith(("?", "https://", "#"))]
        assert outside == [], path
        assert all(f"{name}={value}" in found for found in addresses if found[0] == "?"
                   for name, value in inside.fixed.items())  # fmt: skip
        assert html.count('method="post"') == html.count('name="_wpnonce" value="n0nce"')


def test_a_form_that_asks_carries_the_way_back_along(lively: Lively) -> None:
    html = Module(lively).ask("listings")["html"]
    form = re.search(r'<form method="get"[^>]*>.*?</form>', html, re.DOTALL)
    assert form is not None
    assert 'name="page" value="storebridge"' in form[0]
    assert 'name="path" value="listings"' in form[0]


def test_a_form_is_done_in_the_name_of_whoever_sent_it(lively: Lively) -> None:
    inside = Module(lively)
    done = inside.ask("", {"do": ["pause"], "connection": ["2"]})
    assert (done["status"], done["redirect"]) == (303, {"path": "", "query": {"done": "pause"}})
    assert lively.read(Connection)[1].state == "paused"
    assert "Paused." in text(inside.ask("?done=pause")["html"])
    assert inside.ask("", {"do": "resume", "connection": "2"})["status"] == 303
    again = inside.ask("", {"do": "resume", "connection": "2"})
    assert (again["status"], "Not done." in text(again["html"])) == (422, True)


def test_what_goes_wrong_is_a_page_too(lively: Lively) -> None:
    inside = Module(lively)
    for path, status in (("orders/999999", 404), ("nothing", 404), ("listings?after=x", 400)):
        answer = inside.ask(path)
        assert answer["status"] == status
        assert "sb-failure" in answer["html"]
        assert 'aria-label="Pages"' in answer["html"], "one can go on from there"


def test_the_stylesheet_comes_where_the_copy_at_hand_is_another(lively: Lively) -> None:
    inside = Module(lively)
    frame = inside.content()["frame"]
    assert inside.ask("")["style"] == render.style_text()
    assert inside.ask("", frame={**frame, "style": render.mark(render.STYLE)})["style"] is None


def test_a_call_of_somebody_else_shows_nothing(lively: Lively) -> None:
    inside = Module(lively)
    content = inside.content()
    assert inside.post(content, secret="00" * 32).status_code == 401
    for shop in ("other", "nobody"):
        assert inside.post(content, shop=shop).status_code == 410


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"method": "PUT"}, "method"),
        ({"can": None}, "can"),
        ({"path": ["orders"]}, "path"),
        ({"query": "x"}, "query"),
        ({"frame": {"skin": "windows", "path_name": "path"}}, "frame.skin"),
        ({"frame": {"skin": "magento"}}, "frame.path_name"),
        ({"files": {"csv": {"name": "a", "base64": "???"}}}, "files.csv"),
        ({"files": {"csv": {"name": "a", "base64": base64.b64encode(b"x" * 1024 * 1025).decode()}}}, "files"),
    ],
)
def test_a_call_that_makes_no_sense_is_told_so(lively: Lively, changes: dict[str, Any], field: str) -> None:
    inside = Module(lively)
    refused = inside.post({**inside.content(), **changes})
    assert (refused.status_code, refused.text.split(":")[0]) == (400, field)


# Rights


def test_whoever_may_only_look_sees_no_way_to_change_and_has_none(lively: Lively) -> None:
    inside = Module(lively)
    before = [row.id for row in lively.read(Journal)]
    for path in places_of(lively):
        html = inside.ask(path, can=["view"])["html"]
        assert 'method="post"' not in html, path
        assert 'name="do"' not in html, path
        assert "You may look at this, and not change it." in html, path
    for page in places.PAGES:
        for do in page.acts:
            path = re.sub("<.*>", str(lively.order(lively.held).id), page.path)
            refused = inside.ask(path, {"do": do, "connection": "2"}, can=["view", "customers"])
            assert refused["status"] == 403, (page.name, do)
    assert [row.id for row in lively.read(Journal)] == before
    assert lively.read(Connection)[1].state == "active"


def test_whoever_may_not_look_is_shown_nothing(lively: Lively) -> None:
    answer = Module(lively).ask("orders", can=["change", "customers"])
    assert answer["status"] == 403
    assert "m100" not in answer["html"]


def test_whoever_may_not_see_customers_sees_none_of_them(lively: Lively) -> None:
    inside = Module(lively)
    order = lively.order(lively.through)
    address = order.buyer["ship_to"]
    told = [f"{address['first_name']} {address['last_name']}", f"{address['street']} {address['house_number']}"]
    shown = inside.ask(f"orders/{order.id}")["html"]
    assert all(value in shown for value in told)
    for path in places_of(lively):
        html = inside.ask(path, can=["view", "change"])["html"]
        assert not [value for value in told if value in html], path


# The stylesheet


def test_the_stylesheet_stays_inside(lively: Lively) -> None:
    """Every selector begins with our root, so that nothing of it reaches an admin around the pages; before it stands at
    most what WordPress calls its body, by which the reader's colours are known."""
    moving = r"@keyframes sb-[^{]*\{(?:[^{}]*\{[^}]*\})*\s*\}"
    plain = re.sub(rf"/\*.*?\*/|{moving}|@(container|media)[^{{]*", "", render.style_text(), flags=re.DOTALL)
    selectors = [
        one.strip()
        for block in re.findall(r"([^{}]+)\{", plain)
        for one in re.split(r",(?![^(]*\))", block)
        if one.strip()
    ]
    assert len(selectors) > 100
    assert [one for one in selectors if not re.match(r'(\[class\*=" branch-7"\](:is\([^)]*\))? )?\.sb\b', one)] == []


# Shopify


def test_a_change_in_shopify_needs_a_proof_that_no_other_site_can_send(lively: Lively) -> None:
    sent = {"do": "pause", "connection": "2"}
    with desks.installed(lively):
        client = lively.app().test_client(use_cookies=False)
        bearer = {"Authorization": f"Bearer {desks.token()}"}
        in_address = client.post(f"/apps/shopify/?id_token={desks.token()}&shop={desks.STORE}", data=sent)
        old = client.post("/apps/shopify/", data=sent, headers={"Authorization": f"Bearer {desks.token(exp=1)}"})
        theirs = {"Authorization": f"Bearer {desks.token(dest='https://other.myshopify.com')}"}
        other = client.post("/apps/shopify/", data=sent, headers=theirs)
        for refused in (in_address, old, other, client.get("/apps/shopify/orders")):
            assert refused.status_code == 401
            assert refused.headers["X-Shopify-Retry-Invalid-Session-Request"] == "1"
        assert lively.read(Connection)[1].state == "active"
        done = client.post("/apps/shopify/", data=sent, headers=bearer)
        assert (done.status_code, done.headers["Location"]) == (303, "/apps/shopify/?done=pause")
        assert client.post("/apps/shopify/", data={**sent, "do": "resume"}, headers=bearer).status_code == 303
        assert client.post("/apps/shopify/", data={"x": "1" * 2_000_000}, headers=bearer).status_code == 413
        assert "Set-Cookie" not in done.headers


def test_any_page_of_shopifys_is_come_back_to_with_a_proof(lively: Lively) -> None:
    with desks.installed(lively):
        client = lively.app().test_client(use_cookies=False)
        sent_away = client.get(f"/apps/shopify/orders?shop={desks.STORE}&host=aG9zdA")
        assert sent_away.status_code == 302
        back = parse_qs(urlsplit(sent_away.headers["Location"]).query)["shopify-reload"][0]
        assert urlsplit(back).path == "/apps/shopify/orders"
        shown = client.get("/apps/shopify/orders", query_string={"shop": desks.STORE, "id_token": desks.token()})
        assert (shown.status_code, "m1002" in shown.text) == (200, True)
        assert (
            f"frame-ancestors https://{desks.STORE} https://admin.shopify.com;"
            in shown.headers["Content-Security-Policy"]
        )


class Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[tuple[str, str]] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag.startswith("s-"):
            self.found |= {(tag, "")} | {(tag, name) for name, _ in attrs}


GLOBAL = {"", "id", "class", "slot", "role", "rel", "href", "data-do", "data-label", "colspan"}


def test_shopifys_elements_are_used_as_shopify_lists_them(lively: Lively, specs_dir: Path) -> None:
    seen = Elements()
    with desks.installed(lively):
        client = lively.app().test_client()
        for path in places_of(lively):
            answer = client.get(f"/apps/shopify/{path}", headers={"Authorization": f"Bearer {desks.token()}"})
            assert answer.status_code == 200, path
            seen.feed(answer.text)
    [spec] = specs_dir.glob("shopify/polaris-custom-elements*.json")
    listed = [item for module in json.loads(spec.read_text())["modules"] for item in module.get("declarations", ())]
    known = {
        item["tagName"]: {one["name"] for one in item.get("attributes", ())} for item in listed if "tagName" in item
    }
    # App Bridge's own elements are not in the list.
    odd = [(tag, name) for tag, name in seen.found if tag != "s-app-nav" and name not in known.get(tag, ()) and
           not (tag in known and name in GLOBAL)]  # fmt: skip
    assert odd == []
    assert len({tag for tag, _ in seen.found}) > 10
