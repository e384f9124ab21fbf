"""A merchant in front of a page, in whichever frame it is shown: the same things are done in all four, by one name.

The bridge is a real server (tests/support/house.py). What a browser asks of the admin around the page is answered here;
whatever it asks of anybody else is refused and kept in ``outside``.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from re import Pattern
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx

from bridge.domain import signed
from tests.support.desks import ModuleDesk, ShopifyDesk
from tests.support.house import SHOPIFY_STORE, House, session_token

FRAMES = ("alone", "wordpress", "magento", "shopify")
STORES = {"alone": "woocommerce", "wordpress": "woocommerce", "magento": "magento", "shopify": "shopify"}
NARROW = 375
# A form that is shown again with what is wrong in it is an answer, and the browser tells of each that is not a 200.
EXPECTED = "the server responded with a status of 422"
# What moved by itself: after a click or a key everything may move at once. On a loaded machine the browser paints a page
# in two parts, which shows as less than a thousandth; what a person notices begins at a tenth (web.dev/cls).
MOVED = 0.005
SHIFTS = """() => new Promise(done => new PerformanceObserver(list => done(list.getEntries()
    .filter(e => !e.hadRecentInput).map(e => e.value)))
    .observe({type: 'layout-shift', buffered: true}) || setTimeout(() => done([]), 50))"""
WIDE = """() => [...document.querySelectorAll('body *')]
    .filter(e => e.getBoundingClientRect().right > innerWidth + 1 && getComputedStyle(e).clipPath === 'none')
    .map(e => e.tagName + '.' + e.className)"""
# What a finger cannot hit: less than 24 by 24 pixels (WCAG 2.2, 2.5.8), links within a text left out.
SMALL = """() => [...document.querySelectorAll('.sb button, .sb select, .sb textarea, .sb label.sb-radio, .sb summary, ' +
    '.sb nav a, .sb .sb-tabs a, .sb a.sb-button, .sb s-button, .sb .sb-check label, ' +
    '.sb input:not([type=hidden]):not([type=checkbox]):not([type=radio])')]
    .filter(e => e.checkVisibility()).map(e => [e.outerHTML.slice(0, 120), e.getBoundingClientRect()])
    .filter(([, box]) => box.width && (box.height < 24 || box.width < 24)).map(([text, box]) => `${text} ${box.height}`)"""


class Bridged(ShopifyDesk):
    """Shopify's admin, with a bridge behind that is a server: the browser asks it by itself."""

    store = SHOPIFY_STORE

    def __init__(self, context: Any, house: House) -> None:
        self.bridge = house.address
        self.beside: tuple[str, ...] = ()
        super().__init__(context, None, session_token)

    def _serve(self, route: Any) -> None:
        if route.request.url.startswith((f"{self.bridge}/", *self.beside)):
            route.continue_()
        else:
            super()._serve(route)


class Printed(ModuleDesk):
    """WordPress' or Magento's admin, whose plugin or module signs what it asks a bridge that is a server. ``age``: the
    seconds by which its clock is behind; ``at``: the shop and connection it claims to be, in place of its own."""

    def __init__(self, context: Any, house: House, skin: str) -> None:
        self.house, self.age, self.at = house, 0.0, ""
        self.http = httpx.Client(base_url=house.address, timeout=60, trust_env=False)
        super().__init__(context, skin, self._ask)
        self.locale = "en_US"

    def post(self, content: Mapping[str, Any]) -> httpx.Response:
        body, when = json.dumps(content).encode(), self.house.clock() - timedelta(seconds=self.age)
        mark = signed.sign(self.house.secret(), "page", body, when, secrets.token_hex(16))
        headers = {signed.HEADER: str(mark), "Content-Type": "application/json"}
        place = self.at or f"{self.house.shop.public_id}/{self.house.store_id}"
        return self.http.post(f"/modules/{place}/page", content=body, headers=headers)

    def _ask(self, content: dict[str, Any]) -> Mapping[str, Any]:
        known = self.house.secret()  # that it was asked with; the answer may be that nothing is left
        answer = self.post(content)
        if answer.status_code != httpx.codes.OK:
            said = f'<div class="notice" role="alert"><p>The bridge answered {answer.status_code}.</p></div>'
            return {"status": 502, "html": f"<h1>Storebridge</h1>{said}", "redirect": None, "style": None}
        given = answer.headers[signed.HEADER]
        signed.verify(given, "page.answer", answer.content, [known], self.house.clock())
        found: dict[str, Any] = answer.json()
        return found


class Alone:
    """No admin: the bridge's own address. ``outside``: whatever the browser asked of anybody else."""

    def __init__(self, context: Any, house: House) -> None:
        self.base, self.outside = house.address, list[str]()
        self.beside: tuple[str, ...] = ()
        context.route("**/*", self._serve)

    def address(self, path: str = "", **query: str) -> str:
        return f"{self.base}/{path}{'?' + urlencode(query) if query else ''}"

    def _serve(self, route: Any) -> None:
        asked = urlsplit(route.request.url)
        if f"{asked.scheme}://{asked.netloc}" == self.base or route.request.url.startswith(self.beside):
            route.continue_()
        else:
            self.outside.append(route.request.url)
            route.abort()


def house_of(frame: str, folder: Path, exits: ExitStack) -> House:
    """A house whose store is that of the frame, with our plugin or module inside where the frame is theirs."""
    url = f"sqlite:///{folder / 'storebridge.db'}"
    return House(folder, url, exits, STORES[frame], module=frame in ("wordpress", "magento"))


class Seat:
    """One person in front of one page. ``place`` is where the page is: the window, or the frame within it."""

    def __init__(self, context: Any, house: House, frame: str, *, scripts: bool = True) -> None:
        self.frame, self.house, self.scripts = frame, house, scripts
        self.desk: Any = self._desk(context)
        self.page = context.new_page()
        self.place: Any = self.page
        self.said: list[str] = []
        self.looked: set[str] = set()
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))

    def _hear(self, message: Any) -> None:
        if message.type not in (
            "debug",
            "verbose",
        ):  # a browser's advice, which a person does not see unless it is asked for
            self.said.append(message.text)

    def _desk(self, context: Any) -> Any:
        match self.frame:
            case "alone":
                return Alone(context, self.house)
            case "shopify":
                return Bridged(context, self.house)
            case _:
                return Printed(context, self.house, self.frame)

    @property
    def is_embedded(self) -> bool:
        return self.frame == "shopify"

    # going about
    def speak(self, language: str) -> None:
        """The admin around the page, or the browser, is set to another language from now on."""
        match self.frame:
            case "alone":
                self.page.set_extra_http_headers({"Accept-Language": language})
            case "shopify":
                self.desk.locale = language
            case _:
                self.desk.locale = f"{language}_{language.upper()}"

    def open(self, path: str = "", **query: str) -> None:
        """The page is loaded afresh, as from a bookmark."""
        self.page.goto(self.desk.address(path, **query))
        if self.is_embedded:
            self.place = self.page.frames[1]
            self.place.locator("#sb-main").wait_for()

    def go(self, path: str = "", **query: str) -> None:
        """On to another page, by the shortest way the frame has."""
        if not self.is_embedded:
            self.open(path, **query)
            return
        address = f"/apps/shopify/{path}{'?' + urlencode(query) if query else ''}"
        with self.turning():
            self.place.evaluate("path => shopify.visit(path)", address)

    @contextmanager
    def turning(self) -> Iterator[None]:
        """Until the page has been swapped for the next one, whichever way it is done here."""
        if not self.is_embedded:
            with self.page.expect_navigation(wait_until="load"):
                yield
            self.place.locator("h1").wait_for()
            return
        self.place.evaluate("document.querySelector('[data-trouble]')?.remove()")
        old = self.place.evaluate_handle("document.getElementById('sb-main')")
        yield
        self.place.wait_for_function("old => !old.isConnected || old.querySelector('[data-trouble]')", arg=old)

    def press(self, name: str | Pattern[str], within: Any = None, nth: int = 0) -> None:
        """A button, by what it is called."""
        found = (within or self.place).get_by_role("button", name=name, exact=isinstance(name, str)).nth(nth)
        with self.turning():
            found.click()

    def do(self, act: str, within: Any = None, nth: int = 0) -> None:
        """A button, by what it asks for."""
        found = (within or self.place).locator(f'button[name="do"][value="{act}"], s-button[data-do="{act}"]').nth(nth)
        with self.turning():
            found.click()

    def download(self, act: str) -> bytes:
        """A button that asks for a file: what is in it."""
        with self.page.expect_download() as begun:
            self.place.locator(f'button[name="do"][value="{act}"], s-button[data-do="{act}"]').first.click()
        return Path(begun.value.path()).read_bytes()

    def follow(self, name: str | Pattern[str], within: Any = None, nth: int = 0) -> None:
        found = (within or self.place).get_by_role("link", name=name, exact=isinstance(name, str)).nth(nth)
        with self.turning():
            found.click()

    def unfold(self, summary: str) -> None:
        self.place.locator("summary", has_text=summary).click()

    def key(self, key: str) -> None:
        """A key that leads to another page."""
        with self.turning():
            self.page.keyboard.press(key)

    # looking
    @property
    def title(self) -> str:
        return str(self.place.get_by_role("heading", level=1).inner_text())

    @property
    def text(self) -> str:
        return " ".join(self.place.locator(".sb").inner_text().split())

    def labelled(self, label: str | Pattern[str]) -> Any:
        return self.place.get_by_label(label).first

    def fill(self, given: Mapping[str, Any]) -> None:
        """Fields by their names, which are the same in every language."""
        for name, value in given.items():
            box = self.place.locator(f'[name="{name}"]:not([type=hidden])').first
            inner = box.locator("input, select, textarea")
            box = inner if inner.count() else box
            if box.evaluate("one => one.tagName") == "SELECT":
                box.select_option(str(value))
            else:
                box.fill(str(value))

    def status(self) -> str:
        """What is said to have been done, or not."""
        return " ".join(self.place.locator("[role=status], [role=alert]").all_inner_texts())

    def look(self, name: str, broken_rules: Callable[..., list[str]] | None = None) -> None:
        """Whoever comes by this page finds it in order. With ``broken_rules`` axe-core looks, too: once for each name."""
        assert self.place.get_by_role("heading", level=1).count() == 1, name
        assert self.place.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
            name,
            self.place.evaluate(WIDE),
        )
        if self.page.viewport_size["width"] <= NARROW:
            assert self.place.evaluate(SMALL) == [], name
        if not self.scripts:
            return
        assert sum(self.place.evaluate(SHIFTS)) < MOVED, name
        if broken_rules and name not in self.looked:
            self.looked.add(name)
            assert broken_rules(self.place, ".sb") == [], name

    def at_peace(self) -> None:
        """Nothing was said on the console, and nobody else was asked for anything."""
        said = [line for line in self.said if EXPECTED not in line]
        assert said == [], said
        assert self.desk.outside == []
