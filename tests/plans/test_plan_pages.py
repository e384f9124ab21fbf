"""Plans on the page: what they would do, applied and taken back by its buttons; what waits is confirmed there."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

import pytest

from bridge.flows import documents, plan, resting
from bridge.flows.documents import Wish, of_connection
from tests.support.lively import Lively

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def lively(database_url: str) -> Iterator[Lively]:
    lively = Lively(database_url)
    yield lively
    lively.close()


def text(response: Any) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", response.text)).split())


def made(lively: Lively, kind: str, content: dict[str, Any], note: str = "") -> int:
    wish = Wish(subject=of_connection(2), kind=kind, content=content)
    return int(plan.make(lively.engine, 1, [wish], "<b>Anna</b>", note)["id"])


def test_a_plan_is_looked_at_applied_and_taken_back(lively: Lively) -> None:
    browser = lively.browser()
    assert "No plan yet" in text(browser.get("plans"))
    number = made(lively, "stock", {"buffer": 3}, "<script>")
    shown = browser.get(f"plans/{number}")
    assert "<script>" not in shown.text
    assert "B Product B changed stock 5 → 3" in text(shown)
    assert "2 changed" in text(browser.get("plans"))
    assert browser.get(f"s/other/plans/{number}").status_code == 404
    token = browser.token(f"plans/{number}")
    assert browser.post(f"plans/{number}", "apply", token="").status_code == 403
    assert browser.post(f"plans/{number}", "apply", token=token).status_code == 303
    lively.settle()
    assert lively.world.markets[0].stock("B") == 3
    shown = text(browser.get("plans"))
    assert "Version 1" in shown
    assert "Applied" in shown
    again = browser.post(f"plans/{number}", "apply", token=token)
    assert again.status_code == 422
    assert "applied already" in text(again)
    assert browser.post("plans", "undo", token=token, version="1").status_code == 303
    assert "undone by version 2" in text(browser.get("plans"))
    lively.settle()
    assert lively.world.markets[0].stock("B") == 5


def test_what_reaches_far_is_asked_about_and_what_rests_is_shown(lively: Lively) -> None:
    browser = lively.browser()
    number = made(lively, "rules", {"rules": [{"name": "Half", "then": [{"kind": "markup", "percent": "-50"}]}]})
    shown = text(browser.get(f"plans/{number}"))
    assert "Beyond your limits. 2 prices on Market 0 would move by more than 30 %" in shown
    token = browser.token(f"plans/{number}")
    assert browser.post(f"plans/{number}", "apply", token=token).status_code == 422
    assert browser.post(f"plans/{number}", "apply", token=token, confirm="1").status_code == 303
    lively.settle()
    explained = text(browser.get("sku?sku=B"))
    assert "price Half: 10.00 EUR -> 5.000 EUR" in explained
    lively.world.hint(lively.world.store.change("B", price=lively.world.store.by_sku("A").price.times(9)))  # type: ignore[union-attr]
    lively.settle()
    assert "It is meant" in text(browser.get("problems"))
    held = "The price would become €45.00, which is +800.0 % against the €5.00 that is shown there. More than 30 % is not sent"
    assert held in text(browser.get("sku?sku=B"))
    assert browser.post("problems", "confirm", token=token, connection="2").status_code == 303
    lively.settle()
    prices = {offer.sku: offer.price for offer in lively.world.markets[0].offers.values()}
    assert prices["B"] is not None
    assert prices["B"].text() == "45.00 EUR"
    resting.hold(lively.engine, 1, 2, ["price"], "Anna", "Stocktaking")
    assert "At rest on Market 0: Prices" in text(browser.get("plans"))
    assert browser.post("plans", "go-on", token=token, connection="2", flow="price").status_code == 303
    with lively.world.db.read(1) as session:
        assert resting.holds(session) == []
        assert documents.state(session) == 1


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "a\u202eb"])
def test_a_shared_list_is_not_begun_under_a_name_that_is_none(lively: Lively, name: str) -> None:
    answer = lively.browser().get("rules", query_string={"new": name})
    assert answer.status_code == 200
    assert "Give the rule set a name of at most 80 characters." in answer.text
    assert "Shared rules" in answer.text
    named = lively.browser().get("rules", query_string={"new": "Toys"}).text
    assert "Give the rule set a name" not in named
    refused = lively.browser().get("rule", query_string={"of": "shared:" + name})
    assert (refused.status_code, "at most 80 characters" in refused.text) == (422, True)
