"""Until an answer comes, and when none does: in Shopify's frame, where pages are swapped by a script of ours. In the other
frames the browser itself shows that it waits (docs/pages.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bridge.db.tables import Connection
from bridge.web import places
from tests.support import desks
from tests.support.desks import ShopifyDesk
from tests.support.lively import Lively
from tests.support.seats import MOVED

pytestmark = pytest.mark.timeout(300)
Open = Callable[..., Any]
# All that moves from now on, also just after a click.
WATCH = """() => { window.moved = 0; new PerformanceObserver(list => list.getEntries().forEach(e => { moved += e.value }))
    .observe({type: 'layout-shift'}) }"""

# What is to happen later happens when a test says so; a turn of the browser's own stays one.
CLOCK = """(() => {
    const [real, stop, due] = [setTimeout, clearTimeout, []];
    let [now, last] = [0, 0];
    window.setTimeout = (call, time = 0, ...rest) => {
        if (time < 200) return real(call, time, ...rest);
        due.push({id: --last, at: now + time, run: () => call(...rest)});
        return last;
    };
    window.clearTimeout = id => { for (const one of due) if (one.id === id) one.at = Infinity; stop(id) };
    window.pass = time => {
        now += time;
        for (const one of due.filter(one => one.at <= now)) { one.at = Infinity; one.run() }
    };
})()"""


@pytest.fixture(scope="module")
def lively(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lively]:
    """Whoever changes something puts it back."""
    lively = Lively(f"sqlite:///{tmp_path_factory.mktemp('waiting') / 'storebridge.db'}")
    with desks.installed(lively):
        yield lively
    lively.close()


class Line:
    """Between the page and the bridge; whatever is asked while it is held waits until it is let go on. Time passes in
    the page only as it is told to."""

    def __init__(self, context: Any, lively: Lively, path: str = "") -> None:
        self.desk, self.page = ShopifyDesk(context, lively.app()), context.new_page()
        self.held, self.holds = list[Any](), False
        self.page.add_init_script(CLOCK)
        self.page.route("**/apps/shopify/**", self._hold)
        self.page.goto(self.desk.address(path))
        self.place = self.page.frames[1]
        self.place.locator("#sb-main").wait_for()
        self.holds = True

    def _hold(self, route: Any) -> None:
        if self.holds:
            self.held.append(route)
        else:
            route.fallback()

    def go(self, path: str) -> None:
        self.place.evaluate("path => shopify.visit(path)", f"/apps/shopify/{path}")
        self.asked()

    def asked(self) -> None:
        """Until the question has been sent."""
        while not self.held:
            self.place.evaluate("0")  # which lets the browser tell what it asks

    def pass_(self, milliseconds: int) -> None:
        self.place.evaluate("milliseconds => pass(milliseconds)", milliseconds)

    def let_go(self) -> None:
        self.holds = False
        self.held.pop().fallback()

    def cut(self) -> None:
        self.holds = False
        self.held.pop().abort()

    def said(self) -> str:
        return str(self.place.locator("#sb-loading").text_content())

    def outlines(self) -> int:
        return int(self.place.locator("#sb-outline").count())


@pytest.mark.parametrize("width", [1280, 375])
def test_a_page_that_is_slow_stands_there_in_outline_and_nothing_jumps(
    lively: Lively, open_browser: Open, broken_rules: Callable[..., list[str]], width: int
) -> None:
    line = Line(open_browser(width), lively)
    place = line.place
    place.evaluate(WATCH)
    line.go("listings")
    line.pass_(290)
    assert (line.outlines(), line.said()) == (0, ""), "a quick answer is not announced"
    line.pass_(20)
    assert place.get_by_role("heading", level=1).inner_text() == "Listings"
    assert line.said() == "Loading: Listings"
    assert place.locator("#sb-outline[aria-busy=true] .sb-bones-row").count() == 8
    assert place.locator("#sb-main").is_hidden()
    assert place.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert broken_rules(place, ".sb") == []
    line.pass_(5000)
    assert line.said() == "Loading: Listings", "once"
    line.let_go()
    place.get_by_text("Product A").first.wait_for()
    assert (line.outlines(), line.said()) == (0, "")
    assert place.locator("#sb-main").is_visible()
    assert place.evaluate("document.activeElement.id") == "sb-main"
    assert place.evaluate("moved") < MOVED


def test_what_does_not_come_leaves_the_page_as_it_was_with_a_way_to_try_again(
    lively: Lively, open_browser: Open
) -> None:
    line = Line(open_browser(), lively)
    place = line.place
    place.get_by_role("link", name="All orders").focus()
    line.go("orders")
    line.pass_(400)
    assert place.get_by_role("heading", level=1).inner_text() == "Orders"
    line.pass_(30_000)
    place.get_by_role("alert").get_by_text("Storebridge does not answer.").wait_for()
    assert place.get_by_role("heading", level=1).inner_text() == "Overview"
    assert place.get_by_role("link", name="All orders").is_visible()
    assert (line.outlines(), line.said()) == (0, "")
    line.let_go()
    place.get_by_role("alert").get_by_role("button", name="Try again").click()
    place.get_by_role("heading", name="Orders", exact=True).wait_for()


def test_a_list_that_is_narrowed_down_stays_meanwhile(lively: Lively, open_browser: Open) -> None:
    line = Line(open_browser(), lively, "listings")
    line.place.get_by_label("SKU, title or EAN").fill("B")
    line.place.get_by_role("button", name="Find").click()
    line.asked()
    line.pass_(400)
    assert (line.outlines(), line.said()) == (0, "One moment …")
    assert line.place.locator("#sb-main[aria-busy=true]").get_by_text("Product A").is_visible()
    line.let_go()
    line.place.get_by_text("Product A").wait_for(state="detached")
    assert line.said() == ""


def test_what_changes_something_is_sent_once_and_its_end_is_not_made_up(lively: Lively, open_browser: Open) -> None:
    line = Line(open_browser(), lively)
    pause = line.place.get_by_role("button", name="Pause Market 0")
    pause.click()
    line.asked()
    pause.click()
    line.pass_(40_000)
    assert len(line.held) == 1, "pressed twice"
    assert line.said() == "One moment …"
    assert line.place.locator("s-button[loading]").get_attribute("data-do") == "pause"
    line.cut()
    told = line.place.get_by_role("alert")
    told.get_by_text("What you were doing may or may not be done: look before you do it again.").wait_for()
    assert told.get_by_role("button").count() == 0, "it is not sent again by that"
    assert line.place.locator("s-button[loading]").count() == 0
    assert lively.read(Connection)[1].state == "active"


def test_an_outline_has_the_title_of_each_page_in_the_language_of_the_admin(lively: Lively, open_browser: Open) -> None:
    context = open_browser()
    desk, page = ShopifyDesk(context, lively.app()), context.new_page()
    desk.locale = "de"
    page.goto(desk.address())
    page.frames[1].locator("#sb-main").wait_for()
    found = page.frames[1].evaluate("JSON.parse(document.getElementById('sb-outlines').dataset.pages)")
    assert len(found) == len(places.PAGES)
    assert ["/apps/shopify/orders", "Bestellungen", "table"] in found


def test_the_way_to_the_first_page_is_shown_in_outline_too(lively: Lively, open_browser: Open) -> None:
    """Where the admin's script does not come, it is said, with a way on."""
    context = open_browser()
    ShopifyDesk(context, lively.app())
    page = context.new_page()
    page.goto(f"{desks.ADMIN}/")  # so that a bounce page can be put into its frame
    page.evaluate("address => { document.querySelector('iframe').src = address }",
                  f"{desks.BRIDGE}/apps/shopify/bounce?shop={desks.STORE}&locale=nl")  # fmt: skip
    place = page.frames[1]
    place.locator(".sb-arriving").wait_for()
    place.locator(".sb-outline").wait_for(state="visible")
    late = place.get_by_role("status")
    assert late.is_hidden()
    for one in ("sb-arriving-late", "sb-outline"):
        place.evaluate("name => document.querySelector('.' + name).getAnimations().forEach(one => one.finish())", one)
    late.wait_for(state="visible")
    assert late.get_by_role("link").inner_text() == "Opnieuw proberen"
