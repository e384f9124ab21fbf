"""From nothing connected to live offers, on the pages alone and over real HTTP: wrong credentials, then right ones; products
matched, stock and prices set, gone live. Nothing is sent before."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from bridge.db.tables import Connection
from bridge.flows import admin
from bridge.web import create_web
from tests.support.serve import serve
from tests.support.stack import BOL_SECRET, Stack
from tests.support.world import ean


class Visitor:
    """A browser without a script: follows redirects, keeps cookies, sends forms with what stands hidden in them."""

    def __init__(self, base: str) -> None:
        self.http = httpx.Client(base_url=base, follow_redirects=True, timeout=60, trust_env=False, verify=False)
        self.page = self.http.get("/", headers={"Accept": "text/html"})

    @property
    def text(self) -> str:
        return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", self.page.text)).split())

    @property
    def place(self) -> str:
        return self.page.url.path.lstrip("/")

    def go(self, path: str) -> str:
        self.page = self.http.get(f"/{path}", headers={"Accept": "text/html"})
        assert self.page.status_code == 200, (path, self.text)
        return self.text

    def follow(self, words: str) -> str:
        """The link with these words on it."""
        found = re.search(rf'href="([^"]*)"[^>]*>\s*{re.escape(words)}', self.page.text)
        assert found, f"no link {words!r} on {self.page.url}: {self.text[:400]}"
        self.page = self.http.get(self.page.url.join(html.unescape(found[1])), headers={"Accept": "text/html"})
        assert self.page.status_code == 200
        return self.text

    def send(self, do: str, files: Any = None, **typed: Any) -> str:
        """The form whose button says ``do``, with what is typed into it."""
        forms = re.findall(r"<form[^>]*>.*?</form>", self.page.text, re.DOTALL)
        wanted = [form for form in forms if f'value="{do}"' in form and _has(form, typed)]
        assert wanted, f"no form {do!r} on {self.page.url}: {self.text[:600]}"
        content = {**_filled(wanted[0]), **typed, "do": do}
        action = re.search(r'<form[^>]*action="([^"]*)"', wanted[0])
        target = self.page.url.join(html.unescape(action[1])) if action else self.page.url
        origin = {"Origin": f"{self.page.url.scheme}://{self.page.url.netloc.decode()}", "Accept": "text/html"}
        self.page = self.http.post(target, data=content, files=files, headers=origin)
        return self.text


def _has(form: str, typed: dict[str, Any]) -> bool:
    """A form of one button says in hidden fields what it is about."""
    return all(f'name="{name}"' in form for name in typed)


def _filled(form: str) -> dict[str, Any]:
    """What a browser would send of the form as it stands."""
    found: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        given = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        ticked = given.get("type") not in ("checkbox", "radio") or " checked" in tag
        if ticked and given.get("type") != "file" and "name" in given:
            value = html.unescape(given.get("value", ""))
            known = found.get(given["name"])
            found[given["name"]] = value if known is None else [*([known] if isinstance(known, str) else known), value]
    for name, options in re.findall(r'<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options) or re.search(r'value="([^"]*)"', options)
        found[name] = html.unescape(chosen[1]) if chosen else ""
    for name, text in re.findall(r'<textarea[^>]*name="([^"]*)"[^>]*>(.*?)</textarea>', form, re.DOTALL):
        found[name] = html.unescape(text)
    return found


@pytest.fixture
def stack(database_url: str, tmp_path: Path) -> Iterator[Stack]:
    with ExitStack() as exits:
        stack = Stack(tmp_path, database_url, exits)
        exits.enter_context(serve(create_web(stack.engine, stack.config), stack.port))
        yield stack


def sent(stack: Stack) -> list[str]:
    """What the marketplace was asked that changes anything there."""
    seen = stack.bol.control("GET", "requests?since=0")
    quiet = ("token", "export")
    return [
        f"{item['method']} {item['path']}"
        for item in seen
        if item["method"] != "GET" and not any(word in item["path"] for word in quiet)
    ]


@pytest.mark.both_databases
def test_from_nothing_to_live(stack: Stack) -> None:
    for sku, units in (("A", 5), ("B", 9), ("C", 3), ("X", 4)):
        stack.product(sku, units, regular_price="20.00")
    stack.store.product("D", 2)  # without a GTIN
    stack.bol.create(ean=ean(1066), sku="old-name", stock=1)
    already = len(sent(stack))
    visitor = Visitor(f"http://127.0.0.1:{stack.port}")
    _store(stack, visitor)
    number = _marketplace(stack, visitor)
    _match(stack, visitor, number)
    _rules(visitor)
    [since] = [row.settings["import_from"] for row in stack.rows(Connection) if row.role == "channel"]
    [store] = [row.info["timezone"] for row in stack.rows(Connection) if row.role == "platform"]
    assert datetime.fromisoformat(since) == datetime(2026, 7, 1, 8, 30, tzinfo=ZoneInfo(store))
    stack.sells("B", placed_at=stack.clock().isoformat())
    stack.pull()
    stack.settle(60)
    assert sent(stack)[already:] == [], "nothing goes out before"
    assert stack.store.look("orders") == []
    _live(stack, Visitor(f"http://127.0.0.1:{stack.port}"), number)


def _store(stack: Stack, visitor: Visitor) -> None:
    assert "Connect your store" in visitor.go("setup")
    visitor.follow("Connect your store")
    store = admin.sandbox_place(stack.engine.platforms["woocommerce"], stack.store.url)[0]
    visitor.go("connect/woocommerce")
    wrong = visitor.send("connect", **{**store, "consumer_secret": "cs_wrong"})
    assert visitor.page.status_code == 422
    assert wrong.count("These credentials do not work") == 1
    assert "Not done." not in wrong, "it is said where it is put right, and nowhere else"
    assert "cs_wrong" not in visitor.page.text, "no secret is shown again"
    assert store["url"] in visitor.page.text, "what was typed stands there again"
    visitor.send("connect", **store)
    assert "Your store It is connected and answers" in visitor.text
    stack.settle(40)
    visitor.go("setup")
    visitor.send("done", step="welcome")


def _marketplace(stack: Stack, visitor: Visitor) -> int:
    """Found by its name; wrong, then right."""
    visitor.follow("Choose a marketplace")
    assert "Amazon" not in visitor.go("connect?search=BOL")
    visitor.follow("Connect")
    places = admin.sandbox_place(stack.engine.channels["bol"], str(stack.bol.http.base_url))[1]
    good = {"client_id": "sandbox-client", "client_secret": BOL_SECRET}
    good |= {f"url_{name}": url for name, url in places.items()}
    assert "Client ID is missing" in visitor.send("connect", client_id="", client_secret="x")
    wrong = visitor.send("connect", **{**good, "client_secret": "wrong"})
    assert wrong.count("These credentials do not work") == wrong.count("bol.com: ") == 1
    assert [row.role for row in stack.rows(Connection)] == ["platform"], "nothing is kept of what failed"
    visitor.send("connect", **good)
    assert visitor.place == "setup"
    assert "Nothing is sent before you go live" in visitor.text
    _no_other_takes_its_place(stack, visitor, good)
    return next(row.id for row in stack.rows(Connection) if row.role == "channel")


def _no_other_takes_its_place(stack: Stack, visitor: Visitor, good: dict[str, str]) -> None:
    """Another account without a name, or with that name, is not the one that is there."""
    before = [(row.id, row.account) for row in stack.rows(Connection)]
    for account in ("", "bol"):
        visitor.go("connect/bol")
        assert "is connected already (bol)" in visitor.send("connect", **good, account=account)
    assert [(row.id, row.account) for row in stack.rows(Connection)] == before
    visitor.go("setup")


def _match(stack: Stack, visitor: Visitor, number: int) -> None:
    """One product is left out."""
    stack.settle(60)
    matched = visitor.go(f"setup?step=match&connection={number}")
    assert "4 can be listed 1 lack something 0 excluded" in matched
    assert "0 by SKU, 1 by EAN" in matched
    assert "3 can be listed 1 lack something 1 excluded" in visitor.send("exclude", skus="X")
    file = {"file": ("mine.csv", "SKU;Sell\nB;yes\nNOPE;no\n", "text/csv")}
    assert "no product with SKU NOPE" in visitor.send("exclude", files=file, skus="")
    assert "\nX,no," in visitor.http.get(f"/matches/{number}").text.replace("\r", "")
    visitor.go(f"setup?step=match&connection={number}")
    visitor.send("done", step="match")


def _rules(visitor: Visitor) -> None:
    """A preview of what is typed, then saved."""
    assert "€20.00 €20.00" in visitor.text
    shown = visitor.send("preview", buffer="1", price_markup="10", price_ending="0.99")
    assert "not saved" in shown
    assert re.search(r"A .*? 5 1 4 €20.00 €21.99", shown)
    assert "Enter 100000 or less" in visitor.send("save", buffer="100001")
    visitor.send("save", buffer="1", price_markup="10", price_ending="0.99")
    assert visitor.place == "setup"
    old = re.search(r'name="version_orders" value="([^"]*)"', visitor.page.text)
    visitor.send("save_orders", acceptance="ask")
    assert 'value="ask" selected' in visitor.page.text
    assert old
    assert "changed by admin meanwhile" in visitor.send("save_orders", version_orders=old[1])
    visitor.go("setup?step=rules")
    visitor.send("save_orders", **{"import_from": "2026-07-01", "import_from.time": "08:30"})
    assert 'type="date" value="2026-07-01"' in visitor.page.text
    assert 'type="time" value="08:30"' in visitor.page.text
    visitor.send("done", step="rules")


def _live(stack: Stack, other: Visitor, number: int) -> None:
    """On another device the same step is next; orders are left at rest at first."""
    assert "4 of 5 steps" in other.text
    other.follow("Go on with the setup")
    assert "Switch on at least one" in other.send("live", flows=[])
    other.send("live", flows=["stock", "price", "content", "offers"])
    assert "is live" in other.text
    stack.settle(60)
    assert (stack.shown("A"), stack.shown("C"), stack.offer("X"), stack.offer("D")) == (4, 2, None, None)
    assert "21.99" in str(stack.offer("A"))
    assert stack.store.look("orders") == []
    other.go(f"accounts/{number}")
    other.send("go_on", flow="orders")
    assert "It goes on" in other.text
    stack.settle(60)
    assert len(stack.store.look("orders")) == 1
    assert "5 of 5 steps" in other.go("")
    other.send("dismiss")
    assert "of 5 steps" not in other.go("")
