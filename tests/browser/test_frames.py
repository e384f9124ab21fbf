"""The pages inside the admins, in a real browser: WordPress and Magento without a script, Shopify with its own. That each page is in order
there: test_every_page.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bridge.db.tables import Connection
from tests.support import desks
from tests.support.desks import Inside, ModuleDesk, ShopifyDesk
from tests.support.lively import Lively

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def lively(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lively]:
    """Whoever changes something puts it back."""
    lively = Lively(f"sqlite:///{tmp_path_factory.mktemp('frames') / 'storebridge.db'}")
    yield lively
    lively.close()


def order_of(lively: Lively, external_id: str) -> str:
    return f"orders/{lively.order(external_id).id}"


def pause_and_resume(page: Any, place: Any, lively: Lively) -> None:
    place.get_by_role("button", name="Pause Market 0").click()
    place.get_by_text("Paused. What comes in").wait_for()
    assert lively.read(Connection)[1].state == "paused"
    place.get_by_role("button", name="Resume Market 0").click()
    place.get_by_text("Resumed. What waited").wait_for()
    assert lively.read(Connection)[1].state == "active"


def listen(page: Any) -> list[str]:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    return said


@pytest.mark.timeout(300)
def test_an_admin_that_prints_our_pages_needs_no_script(lively: Lively, open_browser: Open) -> None:
    context = open_browser(375, scripts=False)
    desk = ModuleDesk(context, "wordpress", Inside(lively).answer)
    page = context.new_page()
    page.goto(desk.address())
    pause_and_resume(page, page, lively)
    # By the keyboard only.
    page.goto(desk.address())
    for _ in range(2):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Listings", exact=True).wait_for()
    for name in ("Listings", "Orders", "Activity", "Settings"):
        page.get_by_role("link", name=name, exact=True).first.click()
        assert page.get_by_role("navigation", name="Pages").get_by_role("link", name=name).get_attribute("aria-current")
    page.goto(desk.address("listings"))
    page.get_by_label("SKU, title or EAN").fill("B")
    page.get_by_role("button", name="Find").click()
    assert "page=storebridge&path=listings&search=B" in page.url
    assert page.get_by_text("Product B").count() == 1
    assert page.get_by_text("Product A").count() == 0
    page.goto(desk.address(order_of(lively, lively.held)))
    page.get_by_label("SKU in the store").fill("NOPE")
    page.get_by_role("button", name="Match").click()
    assert page.get_by_label("SKU in the store").get_attribute("aria-invalid") == "true"

    desk.can = ["view"]
    for path in ("", order_of(lively, lively.held), "returns", "alerts"):
        page.goto(desk.address(path))
        assert page.locator('.sb [name="do"]').count() == 0, path
    page.goto(desk.address(order_of(lively, lively.through)))
    assert page.get_by_text("Ada Buyer").count() == 0
    assert desk.outside == []


# What WordPress 7.0 defines (wp-includes/css/dist/base-styles/admin-schemes.css): its colour of a scheme, and 20 % darker.
SCHEMES = {
    "fresh": ("", ""),
    "light": ("#0085ba", "#006187"),
    "modern": ("#3858e9", "#183ad6"),
    "blue": ("#096484", "#064054"),
    "coffee": ("#46403c", "#2b2724"),
    "ectoplasm": ("#523f6d", "#3a2c4d"),
    "midnight": ("#e14d43", "#d02c21"),
    "ocean": ("#627c83", "#4c6066"),
    "sunrise": ("#dd823b", "#c36922"),
}
WEAR = """([branch, scheme, colour, darker]) => {
  document.body.className = `wp-admin wp-core-ui ${branch} admin-color-${scheme}`;
  document.body.style.setProperty("--wp-admin-theme-color", colour);
  document.body.style.setProperty("--wp-admin-theme-color-darker-20", darker);
  const light = (colour) => {
    const parts = colour.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255);
    const [r, g, b] = parts.map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const told = (selector) => getComputedStyle(document.querySelector(selector));
  const contrast = (one, other) => {
    const [dark, bright] = [light(one), light(other)].sort((a, b) => a - b);
    return (bright + 0.05) / (dark + 0.05);
  };
  const main = told(".sb-button-main");
  const link = told(".sb-subnav a:not([aria-current])").color;
  return { main: main.backgroundColor, corner: main.borderRadius,
    least: Math.min(contrast(main.backgroundColor, main.color), contrast(link, "rgb(240, 240, 241)")) };
}"""


def test_in_wordpress_7_the_pages_wear_the_readers_colours_and_can_be_read_in_each(
    lively: Lively, open_browser: Open
) -> None:
    context = open_browser(1280)
    desk = ModuleDesk(context, "wordpress", Inside(lively).answer)
    page = context.new_page()
    page.goto(desk.address("listings"))
    page.add_style_tag(content="* { transition: none !important }")
    seen = {name: page.evaluate(WEAR, ["branch-7 version-7-0", name, *colours]) for name, colours in SCHEMES.items()}
    assert {name: round(at["least"], 2) for name, at in seen.items() if at["least"] < 4.5} == {}
    assert {at["corner"] for at in seen.values()} == {"2px"}
    assert (seen["modern"]["main"], seen["ectoplasm"]["main"]) == ("rgb(56, 88, 233)", "rgb(82, 63, 109)")
    before = page.evaluate(WEAR, ["branch-6-9 version-6-9", "fresh", "", ""])
    assert (before["main"], before["corner"]) == ("rgb(34, 113, 177)", "3px")


@pytest.mark.timeout(300)
def test_shopifys_page_works_by_its_own_script(lively: Lively, open_browser: Open) -> None:
    with desks.installed(lively):
        context = open_browser()
        desk = ShopifyDesk(context, lively.app())
        page = context.new_page()
        page.goto(desk.address())
        [place] = page.frames[1:]
        pause_and_resume(page, place, lively)
        assert "id_token" not in place.evaluate("location.href")
        changes = [(carried, status) for method, _, status, carried in desk.asked if method == "POST"]
        assert changes == [(True, 303)] * 2

        # By the keyboard only, and back by the browser's own button.
        place.get_by_role("link", name="All orders").focus()
        page.keyboard.press("Enter")
        place.get_by_role("heading", name="Orders", exact=True).wait_for()
        assert place.evaluate("location.pathname") == "/apps/shopify/orders"
        place.evaluate("history.back()")
        place.get_by_role("heading", name="Overview", exact=True).wait_for()

        # Settings: changes are shown by the admin's save bar.
        place.evaluate("path => shopify.visit(path)", "/apps/shopify/alerts")
        place.get_by_label("Hour of the daily digest").fill("99")
        assert ["saveBar.show"] in place.evaluate("__calls")
        place.get_by_role("button", name="Save").click()
        place.get_by_text("Not done.").wait_for()

        # A token that is too old: asked for twice, and said in place.
        desk.mint = lambda: desks.token(exp=1)
        seen = len(desk.asked)
        place.evaluate("path => shopify.visit(path)", "/apps/shopify/orders")
        place.get_by_text("You are not signed in any more").wait_for()
        assert [status for _, _, status, _ in desk.asked[seen:]] == [401, 401]
        desk.mint = desks.token
        place.evaluate("path => shopify.visit(path)", "/apps/shopify/orders")
        place.get_by_role("heading", name="Orders", exact=True).wait_for()
        assert context.cookies() == []


@pytest.mark.timeout(300)
def test_nobody_else_can_frame_shopifys_page(lively: Lively, open_browser: Open) -> None:
    with desks.installed(lively):
        context = open_browser()
        desk = ShopifyDesk(context, lively.app())
        page = context.new_page()
        said = listen(page)
        page.goto(desk.address(host=desks.EVIL))
        page.wait_for_function("document.querySelector('iframe').contentDocument === null")
        assert page.frames[1].url.startswith("chrome-error:")
        assert any("frame-ancestors" in line for line in said)
