"""One browser for all tests of this folder; nothing but what a test answers can be reached."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.support.house import House
from tests.support.seats import NARROW, Seat, house_of

WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}


@pytest.fixture(scope="package")
def browser(chromium: str) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # A page of the internet may not frame one of this machine unasked; here the bridge of Shopify's admin is one.
        # A frame of another site has a process of its own, as in the browser of a merchant: without, clicks in it are not
        # counted as a person's.
        more = ["--disable-features=LocalNetworkAccessChecks", "--site-per-process"]
        started = playwright.chromium.launch(executable_path=chromium, args=["--headless", "--no-sandbox", *more])
        yield started
        started.close()


@pytest.fixture
def open_browser(browser: Any) -> Iterator[Callable[..., Any]]:
    """``open_browser(width=..., scripts=...)``: a context of its own, which is closed after the test."""
    opened: list[Any] = []

    def make(width: int = 1280, *, scripts: bool = True) -> Any:
        opened.append(browser.new_context(viewport={"width": width, "height": 800}, java_script_enabled=scripts))
        opened[-1].set_default_timeout(120_000)  # a loaded machine is no failure
        return opened[-1]

    yield make
    for context in opened:
        context.close()


@pytest.fixture(scope="module")
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Store, marketplace and bridge of the frame that is named as its parameter: connected, live, three products listed.
    Only one at a time: a process has one key ring."""
    frame = str(request.param)
    with ExitStack() as exits:
        house = house_of(frame, tmp_path_factory.mktemp(frame), exits)
        house.goods(A=5, B=9, C=3)
        house.attach().settle(60)
        house.frame = frame
        yield house


@pytest.fixture
def sit(house: House, open_browser: Callable[..., Any]) -> Callable[..., Seat]:
    """``sit()``: a person in front of the house's page; in WordPress' frame at a telephone, without a script."""

    def take(width: int = 0, *, scripts: bool | None = None) -> Seat:
        plain = house.frame == "wordpress"
        runs = not plain if scripts is None else scripts
        return Seat(open_browser(width or (NARROW if plain else 1280), scripts=runs), house, house.frame, scripts=runs)

    return take


@pytest.fixture(scope="session")
def broken_rules() -> Callable[..., list[str]]:
    """``broken_rules(page)``: what axe-core finds wrong by WCAG 2.1 AA, by rule and element."""
    from axe_playwright_python.sync_playwright import Axe

    def run(page: Any, within: str | None = None) -> list[str]:
        found = Axe().run(page, context=within, options=WCAG).response["violations"]
        return [f"{rule['id']}: {node['html'][:200]}" for rule in found for node in rule["nodes"]]

    return run
