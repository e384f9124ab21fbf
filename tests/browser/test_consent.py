"""A seller's word at a marketplace: asked for in a window, and the page underneath shows what came of it by itself. Without
a script it is a tab, and the page shows it when it is loaded anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from bridge.db.tables import Connection
from bridge.flows import admin
from tests.browser.test_selling import EVERY, in_frames
from tests.support.house import House
from tests.support.seats import NARROW, Seat
from tests.support.serve import serve

pytestmark = pytest.mark.timeout(400)
NAME = "allegro"


class Seller:
    """An application at a marketplace, as a merchant has registered it."""

    def __init__(self, house: House, url: str) -> None:
        self.house, self.url = house, url

    def control(self, path: str, **body: Any) -> Any:
        return httpx.post(f"{self.url}/_sandbox/{path}", json=body, timeout=60).raise_for_status().json()

    def ask(self, seat: Seat) -> None:
        """The form is filled in, and the question waits."""
        adapter = self.house.engine.channels[NAME]
        credentials, urls = admin.sandbox_place(adapter, self.url)
        assert adapter.consent is not None
        typed = {name: value for name, value in credentials.items() if name not in adapter.consent.gives}
        settings = self.control("application", address=f"{self.house.address}/authorised")["settings"]
        seat.open(f"connect/{NAME}")
        seat.unfold("Name and addresses")
        seat.fill({**typed, **settings, **{f"url_{name}": url for name, url in urls.items()}})
        seat.do("consent")

    def connected(self) -> list[Connection]:
        live = (Connection.adapter == NAME, Connection.state == "active")
        found: list[Connection] = self.house.rows(Connection, *live)
        return found


@pytest.fixture
def seller(house: House) -> Iterator[Seller]:
    with serve(house.engine.channels[NAME].sandbox()) as url:
        yield Seller(house, url.replace("127.0.0.1", "localhost"))


def link(seat: Seat) -> Any:
    return seat.place.locator("a[data-window=consent]")


@in_frames(*EVERY)
def test_a_window_asks_and_the_page_shows_what_came_of_it(
    house: House, seller: Seller, open_browser: Callable[..., Any], broken_rules: Callable[..., list[str]]
) -> None:
    seat = Seat(open_browser(NARROW if house.frame == "wordpress" else 1280), house, house.frame)
    seat.desk.beside = (seller.url, f"{house.address}/authorised", f"{house.address}/static/")
    asked: list[str] = []
    seat.page.on("request", lambda request: asked.append(request.url))

    seller.ask(seat)
    seat.look("consent waits", broken_rules)
    window = opened(seat)
    window.get_by_role("link", name="Cancel").click()
    closed(window)
    seat.place.get_by_role("alert").filter(has_text="you did not agree").wait_for()
    seat.look("consent refused", broken_rules)
    assert seller.connected() == []

    seller.ask(seat)
    window = opened(seat)
    window.get_by_role("link", name="Agree").click()
    closed(window)
    seat.place.get_by_role("status").filter(has_text="is connected.").wait_for()
    seat.look("consent given", broken_rules)
    [row] = seller.connected()
    seat.follow("Go on")
    assert "Match your products" in seat.text
    if house.frame in ("wordpress", "magento"):
        assert [url for url in asked if url.startswith(house.address)] == [], "the browser asks the admin alone"
    assert seat.desk.outside == []
    admin.disconnect(house.engine, house.shop.id, row.id, zero_listings=False)


def opened(seat: Seat) -> Any:
    """The window that the page opens at a click; the page stays where it is."""
    before = seat.page.url
    with seat.page.expect_popup() as begun:
        link(seat).click()
    window = begun.value
    window.get_by_role("link", name="Agree").wait_for()
    assert seat.page.url == before
    assert window.evaluate("window.opener") is None, "the marketplace has no hand on our page"
    return window


def closed(window: Any) -> None:
    if not window.is_closed():
        window.wait_for_event("close")


@in_frames("alone", "wordpress", "magento")
def test_without_a_script_it_is_a_tab_and_the_page_shows_it_when_loaded_anew(
    house: House, seller: Seller, open_browser: Callable[..., Any]
) -> None:
    context = open_browser(NARROW, scripts=False)
    seat = Seat(context, house, house.frame, scripts=False)
    seat.desk.beside = (seller.url, f"{house.address}/authorised", f"{house.address}/static/")
    seller.ask(seat)
    with context.expect_page() as begun:
        link(seat).click()
    tab = begun.value
    tab.get_by_role("link", name="Agree").click()
    tab.get_by_text("Close this window and go on in Storebridge").wait_for()
    seat.page.reload()
    assert "is connected." in seat.status()
    [row] = seller.connected()
    admin.disconnect(house.engine, house.shop.id, row.id, zero_listings=False)


@in_frames("alone")
def test_a_window_that_is_held_back_becomes_a_tab(
    house: House, seller: Seller, open_browser: Callable[..., Any]
) -> None:
    context = open_browser()
    context.add_init_script("window.open = () => null")
    seat = Seat(context, house, house.frame)
    seat.desk.beside = (seller.url, f"{house.address}/authorised")
    seller.ask(seat)
    with context.expect_page() as begun:
        link(seat).click()
    begun.value.get_by_role("link", name="Agree").click()
    seat.place.get_by_role("status").filter(has_text="is connected.").wait_for()
    [row] = seller.connected()
    admin.disconnect(house.engine, house.shop.id, row.id, zero_listings=False)
