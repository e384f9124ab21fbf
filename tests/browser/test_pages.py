"""The pages in a real browser: at both widths, without a word on the console, and with JavaScript switched off."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.lively import PLACES, Lively

WIDTHS = (375, 1280)
# Runs in the page's own world: names of elements that reach out of the window, and colours that are too pale.
TOO_WIDE = """() => [...document.querySelectorAll('body *')]
    .filter(e => e.getBoundingClientRect().right > innerWidth + 1 && getComputedStyle(e).clipPath === 'none')
    .map(e => e.tagName + '.' + e.className)"""
PALE = """() => {
  const parse = c => (c.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => {
    const f = v => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
    return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b);
  };
  const ground = e => {
    for (; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.length < 4 || c[3] > 0) return c;
    }
    return [255, 255, 255];
  };
  const pale = [];
  for (const e of document.querySelectorAll('body *')) {
    const said = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
    const box = e.getBoundingClientRect();
    if (!said || box.width < 2 || getComputedStyle(e).clipPath !== 'none') continue;
    const [a, b] = [light(parse(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) pale.push(e.className + ': ' + e.textContent.trim().slice(0, 40));
  }
  return pale;
}"""
UNNAMED = """() => [...document.querySelectorAll('input:not([type=hidden]), select, button, a')]
    .filter(e => !(e.textContent.trim() || (e.labels && e.labels.length) || e.getAttribute('aria-label')))
    .map(e => e.outerHTML.slice(0, 120))"""


@dataclass
class Site:
    lively: Lively
    address: str


@pytest.fixture
def site(tmp_path: Path, serve: Callable[..., str]) -> Iterator[Site]:
    lively = Lively(f"sqlite:///{tmp_path / 'storebridge.db'}")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    yield Site(lively, serve(lively.app(port=port), port))
    lively.close()


@pytest.fixture
def open_browser(chromium: str) -> Iterator[Callable[..., Any]]:
    """``open_browser(width=..., scripts=...)``: an empty page; nothing but this machine can be reached."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--headless", "--no-sandbox"])
        yield lambda width=1280, scripts=True: browser.new_page(
            viewport={"width": width, "height": 800}, java_script_enabled=scripts
        )
        browser.close()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("width", WIDTHS)
def test_pages_are_readable(site: Site, open_browser: Callable[..., Any], width: int) -> None:
    page = open_browser(width)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for path in (*PLACES, *site.lively.numbers()):
        page.goto(f"{site.address}/{path}")
        wide = page.evaluate("document.documentElement.scrollWidth") > width
        assert not wide, (path, page.evaluate(TOO_WIDE))
        assert page.evaluate(PALE) == [], path
        assert page.evaluate(UNNAMED) == [], path
        assert page.locator("h1").count() == 1, path
        assert page.title().endswith("Shop · Storebridge"), path
    assert said == []
    assert all(url.startswith(site.address) for url in asked), "nothing comes from elsewhere"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("width", WIDTHS)
def test_the_seven_steps_can_be_seen(site: Site, open_browser: Callable[..., Any], width: int) -> None:
    page = open_browser(width)
    page.goto(f"{site.address}/orders/{site.lively.order(site.lively.through).id}")
    steps = page.locator(".sb-step")
    assert steps.count() == 7
    assert all(steps.nth(number).locator(".sb-step-name").is_visible() for number in range(7))
    names = [steps.nth(number).locator(".sb-step-name").inner_text() for number in range(7)]
    assert names == ["Placed", "Imported", "Stock lowered", "In the store", "Shipped", "Confirmed", "Closed"]
    page.goto(site.address)
    assert page.locator(".sb-order").first.locator(".sb-step-mark").last.is_visible()


@pytest.mark.timeout(300)
def test_forms_work_without_javascript(site: Site, open_browser: Callable[..., Any]) -> None:
    page = open_browser(375, scripts=False)
    page.goto(site.address)
    page.get_by_role("button", name="Pause Market 0").click()
    assert page.get_by_role("status").first.inner_text().startswith("Paused.")
    page.get_by_role("button", name="Resume Market 0").click()
    assert page.get_by_role("status").first.inner_text().startswith("Resumed.")

    page.get_by_role("link", name="Orders", exact=True).click()
    page.get_by_role("link", name="Returns", exact=True).click()
    page.get_by_label("Result").select_option("kept_by_buyer")
    page.get_by_role("button", name="Decide").click()
    assert page.get_by_role("status").first.inner_text().startswith("Decided.")
    assert site.lively.returned().decision == "kept_by_buyer"

    page.goto(f"{site.address}/orders/{site.lively.order(site.lively.held).id}")
    page.get_by_label("SKU in the store").fill("NOPE")
    page.get_by_role("button", name="Match").click()
    assert page.get_by_label("SKU in the store").get_attribute("aria-invalid") == "true"
    page.get_by_label("SKU in the store").fill("C")
    page.get_by_role("button", name="Match").click()
    assert page.get_by_role("status").first.inner_text().startswith("The line is matched")


@pytest.mark.timeout(300)
def test_the_keyboard_reaches_everything(site: Site, open_browser: Callable[..., Any]) -> None:
    page = open_browser()
    page.goto(site.address)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    shown = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert shown == "solid", "where one is can be seen"
