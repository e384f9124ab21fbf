"""The pages in a real browser: the seven steps, with JavaScript switched off, by the keyboard. That each of them is in order:
test_every_page.py."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.lively import Lively

WIDTHS = (375, 1280)


@dataclass
class Site:
    lively: Lively
    address: str


@pytest.fixture
def site(lively: Lively, serve: Callable[..., str]) -> Site:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    return Site(lively, serve(lively.app(port=port), port))


@pytest.fixture(scope="module")
def lively(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lively]:
    """Each test changes something else, and looks at nothing that another one changes."""
    lively = Lively(f"sqlite:///{tmp_path_factory.mktemp('pages') / 'storebridge.db'}")
    yield lively
    lively.close()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("width", WIDTHS)
def test_the_seven_steps_can_be_seen(site: Site, open_browser: Callable[..., Any], width: int) -> None:
    page = open_browser(width).new_page()
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
    page = open_browser(375, scripts=False).new_page()
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
    page = open_browser().new_page()
    page.goto(site.address)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    shown = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert shown == "solid", "where one is can be seen"
