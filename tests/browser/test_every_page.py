"""Every page there is, in every frame, from a telephone to a wide window: nothing reaches out of the window or moves by itself,
axe-core finds nothing, the console stays silent, and nobody else is asked for anything."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from sqlalchemy import update

from bridge.db.tables import Connection, PlanRow
from bridge.web import places
from tests.support import desks
from tests.support.desks import Inside, ModuleDesk, ShopifyDesk
from tests.support.lively import PLACES, SETTING_PLACES, Lively
from tests.support.seats import FRAMES, MOVED, SHIFTS, WIDE

TEMPLATES = Path(__file__).parents[2] / "bridge" / "web" / "templates" / "pages"
NOWHERE, MISSED = "orders/999999", "failed to load resource: the server responded with a status of 404 (not"
LOOKED_AT, ALSO_FITS = (1280, 375), (1440, 900, 768)
Open = Callable[..., Any]
Rules = Callable[..., list[str]]


@pytest.fixture(scope="module")
def lively(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lively]:
    """With a plan. Nothing is changed."""
    lively = Lively(f"sqlite:///{tmp_path_factory.mktemp('every') / 'storebridge.db'}")
    lively.plan()
    yield lively
    lively.close()


class Alone:
    def __init__(self, context: Any, address: str) -> None:
        self.address_of, self.outside = address, list[str]()
        context.on("request", self._note)

    def address(self, path: str, **query: str) -> str:
        return f"{self.address_of}/{path}{'?' + urlencode(query) if query else ''}"

    def _note(self, request: Any) -> None:
        if not request.url.startswith(self.address_of):
            self.outside.append(request.url)


@pytest.fixture
def desk_of(lively: Lively, serve: Callable[..., str]) -> Callable[[Any, str], Any]:
    def make(context: Any, frame: str) -> Any:
        if frame == "shopify":
            return ShopifyDesk(context, lively.app())
        if frame != "alone":
            return ModuleDesk(context, frame, Inside(lively, frame).answer)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        return Alone(context, serve(lively.app(port=port), port))

    return make


def paths_of(lively: Lively) -> list[str]:
    """Of each page at least one address."""
    plan, of_category = f"plans/{lively.read(PlanRow)[0].id}", "categories/choose?of=2&store=Tea"
    found = [*PLACES, *SETTING_PLACES, *lively.numbers(), plan, of_category, NOWHERE]
    drawn = {page.name for page in places.PAGES if (TEMPLATES / f"{page.name}.html").exists()}
    assert drawn - {page_at(path) for path in found} == set(), "these are walked by nobody"
    return found


def page_at(path: str) -> str:
    return places.find(path.partition("?")[0]).page.name


def fits(place: Any) -> bool:
    return bool(place.evaluate("document.documentElement.scrollWidth <= innerWidth"))


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("frame", FRAMES)
def test_every_page_is_in_order(
    lively: Lively, desk_of: Callable[[Any, str], Any], open_browser: Open, broken_rules: Rules, frame: str
) -> None:
    with desks.installed(lively) if frame == "shopify" else nullcontext():
        context = open_browser()
        page, desk, looked, said = context.new_page(), desk_of(context, frame), set[str](), list[str]()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        for path in paths_of(lively):
            for width in LOOKED_AT:
                page.set_viewport_size({"width": width, "height": 800})
                name, _, query = path.partition("?")
                page.goto(desk.address(name, **dict(parse_qsl(query))))
                place = page.frames[1] if frame == "shopify" else page
                place.locator("h1").wait_for()
                assert place.locator("h1").count() == 1, (path, width)
                if frame == "alone" and path != NOWHERE:
                    assert page.title().endswith("Shop · Storebridge"), path
                assert sum(place.evaluate(SHIFTS)) < MOVED, (path, width)
                assert fits(place), (path, width, place.evaluate(WIDE))
                if (seen := f"{page_at(path)} {width}") not in looked:
                    assert broken_rules(place, ".sb") == [], (path, width)
                    looked.add(seen)
            for width in ALSO_FITS:
                page.set_viewport_size({"width": width, "height": 800})
                assert fits(place), (path, width, place.evaluate(WIDE))
        assert [line.rpartition(" ")[0].lower() for line in said] == [MISSED] * len(LOOKED_AT), (
            "only of what is not there"
        )
        assert desk.outside == []


@pytest.fixture
def silent(lively: Lively) -> Iterator[None]:
    """Meanwhile the credentials of the marketplace do not work, and the store has not answered for days."""
    put(lively, "needs_reauth", timedelta(days=9))
    yield
    put(lively, "active", timedelta(days=-9))


def put(lively: Lively, state: str, passed: timedelta) -> None:
    with lively.world.db.write(1) as session:
        session.execute(update(Connection).where(Connection.role == "channel").values(state=state))
    lively.world.clock.now += passed


@pytest.mark.usefixtures("silent")
@pytest.mark.parametrize("frame", FRAMES)
def test_what_is_said_of_accounts_above_a_page_is_in_order(
    lively: Lively, desk_of: Callable[[Any, str], Any], open_browser: Open, broken_rules: Rules, frame: str
) -> None:
    with desks.installed(lively) if frame == "shopify" else nullcontext():
        context = open_browser()
        page, desk = context.new_page(), desk_of(context, frame)
        for width in LOOKED_AT:
            page.set_viewport_size({"width": width, "height": 800})
            page.goto(desk.address("listings"))
            place = page.frames[1] if frame == "shopify" else page
            place.locator("h1").wait_for()
            assert place.get_by_role("alert").get_by_role("link", name="Market 0").is_visible(), width
            assert place.get_by_role("status").get_by_role("link", name="Store").is_visible(), width
            assert fits(place), (width, place.evaluate(WIDE))
            assert broken_rules(place, ".sb") == [], width
        assert desk.outside == []
