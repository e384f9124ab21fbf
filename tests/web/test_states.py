"""Every page in every state that a shop can be in: it is there, and says what is the matter. The pages are those that
have a template, at the addresses that the test of every page in the browser walks, too."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.db.tables import Connection, PlanRow
from bridge.flows import admin, allowance, outcome
from bridge.ports.errors import Reauthorise
from bridge.web import places
from tests.support import desks
from tests.support.lively import PLACES, SETTING_PLACES, Lively

TEMPLATES = Path(__file__).parents[2] / "bridge" / "web" / "templates" / "pages"
EVERYTHING = ["view", "change", "customers"]
# Shown where there is no page to ask for: an error has its own tests, the welcome is for whoever has no shop yet.
NO_PAGES = {"failure", "welcome"}
pytestmark = pytest.mark.timeout(300)


class Visitor(desks.Inside):
    """A person in the store's admin, with the rights that the store gives them."""

    def ask(self, path: str, can: list[str]) -> dict[str, Any]:
        name, _, query = path.partition("?")
        told = {key: [value] for key, _, value in (pair.partition("=") for pair in query.split("&")) if key}
        return self.answer(desks.asked("wordpress", "GET", name, told, {}, can))

    def read(self, path: str, can: list[str] = EVERYTHING) -> str:
        answer = self.ask(path, can)
        assert answer["status"] == 200, (path, answer["title"])
        assert re.search(r"<h1[^>]*>\s*\S", answer["html"]), path
        return text(answer["html"])


def text(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


@pytest.fixture
def lively(database_url: str) -> Iterator[Lively]:
    """With a plan."""
    lively = Lively(database_url)
    lively.plan()
    yield lively
    lively.close()


def paths_of(lively: Lively) -> list[str]:
    """Of each page at least one address."""
    plan = f"plans/{lively.read(PlanRow)[0].id}"
    found = [*PLACES, *SETTING_PLACES, *lively.numbers(), plan, "categories/choose?of=2&store=Tea"]
    drawn = {path.stem for path in TEMPLATES.glob("*.html")} - NO_PAGES
    assert drawn == {page_at(path).name for path in found} & drawn, "these are walked by nobody"
    return found


def page_at(path: str) -> Any:
    return places.find(path.partition("?")[0]).page


@pytest.mark.both_databases
def test_every_page_as_it_is_every_day(lively: Lively) -> None:
    visitor = Visitor(lively)
    for path in paths_of(lively):
        shown = visitor.read(path)
        assert "As of " in shown, f"{path} is silent on when it was true"
        assert "This shop is paused." not in shown, path
        assert "Needs new credentials" not in shown, path
        assert "You may look at this, and not change it." not in shown, path


@pytest.mark.both_databases
def test_every_page_of_a_shop_that_is_paused(lively: Lively) -> None:
    visitor = Visitor(lively)
    admin.pause(lively.engine, 1)
    lively.world.clock.advance(timedelta(days=9).total_seconds())
    for path in paths_of(lively):
        shown = visitor.read(path)
        assert "This shop is paused. Nothing goes out until you resume; what comes in is kept." in shown, path
        assert "Resume" in shown, path
        assert "No answer of late:" not in shown, f"{path}: nobody was asked"


def test_every_page_of_a_shop_that_has_as_many_marketplaces_as_it_may(lively: Lively) -> None:
    visitor = Visitor(lively)
    there = len(lively.read(Connection, Connection.role == "channel"))
    allowance.limit(lively.engine, 1, there + 1, "Acme")
    told = f"This shop has {there} of the {there} marketplaces it may have. What is connected goes on as it is; for more, ask Acme."
    assert "marketplaces it may have" not in visitor.read("")
    assert "Above the limit of this shop" not in visitor.read("connect")
    allowance.limit(lively.engine, 1, there, "Acme")
    for path in paths_of(lively):
        assert told in visitor.read(path), path
    shown = visitor.ask("connect", EVERYTHING)["html"]
    assert "Above the limit of this shop" in text(shown)
    assert "connect%2Fmarket" not in shown, "what cannot be connected is shown, and leads nowhere"


@pytest.mark.parametrize("role", ["platform", "channel"])
def test_every_page_when_the_credentials_of_an_account_no_longer_work(lively: Lively, role: str) -> None:
    visitor = Visitor(lively)
    [row] = lively.read(Connection, Connection.role == role)
    with lively.world.db.write(1) as session:
        outcome.park_connection(session, row.id, Reauthorise("The key was withdrawn."), lively.world.clock())
    for path in paths_of(lively):
        answer = visitor.ask(path, EVERYTHING)
        shown = visitor.read(path)
        if re.match(r"accounts/\d", path) and path != f"accounts/{row.id}":
            continue  # is about another account
        wanted = "Nothing is sent to this account." if path == f"accounts/{row.id}" else row.title
        assert wanted in shown, path
        assert re.search("new credentials|no longer work", shown, re.IGNORECASE), path
        assert f"accounts%2F{row.id}" in answer["html"] or path == f"accounts/{row.id}", f"{path}: the way to mend it"


def test_every_page_when_the_store_has_not_answered_for_long(lively: Lively) -> None:
    visitor = Visitor(lively)
    lively.world.clock.advance(timedelta(days=9).total_seconds())
    for path in paths_of(lively):
        shown = visitor.read(path)
        assert "No answer of late" in shown, path
        if not page_at(path).tells_accounts:
            assert "Store Last answer: 9 days ago" in shown, path


def test_every_page_for_people_who_may_only_look_or_see_no_customers(lively: Lively) -> None:
    visitor = Visitor(lively)
    order = lively.order(lively.through)
    address = order.buyer["ship_to"]
    told = (f"{address['first_name']} {address['last_name']}", f"{address['street']} {address['house_number']}")
    assert all(words in visitor.read(f"orders/{order.id}") for words in told)
    for path in paths_of(lively):
        looking = visitor.ask(path, ["view"])
        assert "You may look at this, and not change it." in visitor.read(path, ["view"]), path
        assert 'method="post"' not in looking["html"], path
        changing = visitor.read(path, ["view", "change"])
        assert "You may look at this, and not change it." not in changing, path
        assert not [words for words in told if words in changing], path


def test_every_page_of_an_empty_shop_says_what_will_be_there(lively: Lively) -> None:
    """A page of a thing that is not there says so, with a way on; all others have words for it."""
    browser = lively.browser()
    for path in paths_of(lively):
        answer = browser.get(f"s/other/{path}")
        shown = text(answer.text)
        assert answer.status_code in (200, 404), path
        if answer.status_code == 404:
            assert "To the overview" in shown, path
            assert is_of_a_thing(path), path
        else:
            assert "As of " in shown, path
            said = re.search('class="sb-empty|class="sb-button|<form', answer.text)
            assert said, f"{path}: neither words nor anything to do"


def is_of_a_thing(path: str) -> bool:
    """Its address names something that an empty shop does not have: a number, or a marketplace."""
    return bool(re.search(r"\d|mapping/attribute", path))
