"""Data and privacy: everything of a shop is deleted, and what is kept how long is chosen, by whoever may, of their own shop
only, and not by mistake."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from bridge.cli import cli
from bridge.db.tables import Journal, Order, PrivacyRequest, Shop
from bridge.flows import ending
from bridge.web import language, telling
from tests.support import desks
from tests.support.lively import Lively
from tests.support.stack import Stack

PAGE = "settings/privacy"
SAID = {"name": "Shop", "listings": "keep", "when": "now"}
ACTS = ("erase_shop", "keep_shop")


@pytest.fixture
def lively(database_url: str) -> Iterator[Lively]:
    lively = Lively(database_url)
    yield lively
    lively.close()


def text(answer: Any) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def shops(lively: Lively) -> list[str]:
    with lively.world.db.read(None) as session:
        return [shop.name for shop in session.scalars(select(Shop).order_by(Shop.id))]


def inside(lively: Lively, do: str, can: list[str], **form: str) -> dict[str, Any]:
    content = desks.asked("wordpress", "POST" if do else "GET", PAGE, {}, {"do": do, **form} if do else {}, can)
    return desks.Inside(lively).answer(content)


def test_whoever_may_not_see_customers_or_not_change_anything_deletes_nothing(lively: Lively) -> None:
    for can in (["view", "change"], ["view", "customers"], ["view"]):
        shown = inside(lively, "", can)["html"]
        assert not any(do in shown for do in ACTS), can
        for do in ACTS:
            assert inside(lively, do, can, **SAID)["status"] == 403, (do, can)
    assert shops(lively) == ["Shop", "Other"]


def test_what_is_typed_wrongly_is_told_beside_its_field(lively: Lively) -> None:
    browser = lively.browser()
    refused = browser.post(PAGE, "erase_shop", name="Shop ", listings="", when="")
    assert refused.status_code == 422
    assert "Type the name of the shop as it stands here" not in text(refused), "spaces around it are none of it"
    assert "Say what shall become of the listings." in text(refused)
    assert "Say when: something is under way." in text(refused)
    refused = browser.post(PAGE, "erase_shop", **{**SAID, "name": "Other"})
    assert "Type the name of the shop as it stands here: Shop" in text(refused)
    assert 'value="keep" checked' in refused.text, "what was chosen stays chosen"
    assert browser.post(PAGE, "erase_shop", token="forged", **SAID).status_code == 403
    assert shops(lively) == ["Shop", "Other"]


@pytest.mark.both_databases
def test_everything_goes_with_a_report_and_another_shop_stays(lively: Lively) -> None:
    browser = lively.browser()
    shown = text(browser.get(PAGE))
    assert "3 orders that are not shipped" in shown or "2 orders that are not shipped" in shown
    assert "1 return that is not finished" in shown
    done = browser.post(PAGE, "erase_shop", **SAID)
    assert done.status_code == 200
    assert done.headers["Content-Disposition"].startswith("attachment")
    assert done.headers["Content-Type"] == "text/html; charset=utf-8"
    told = text(done)
    assert "Shop: everything is deleted" in told
    assert "Orders 3" in told
    assert "1 return that is not finished" in told
    assert shops(lively) == ["Other"]
    assert browser.get("s/shop/").status_code == 404
    assert browser.get("s/other/").status_code == 200
    with lively.world.db.read(None) as session:
        assert [row.kind for row in session.scalars(select(PrivacyRequest))] == ["erase_shop"]


@pytest.mark.parametrize("code", ["de", "nl", "fr", "pl"])
def test_the_report_is_in_the_language_of_the_page(lively: Lively, code: str) -> None:
    kept = {part for item in ending.kept(lively.world.clock()) for part in (item["what"], item["why"])}
    content = desks.asked(
        "wordpress", "POST", PAGE, {}, {"do": "erase_shop", **SAID}, ["view", "change", "customers"], code
    )
    file = desks.Inside(lively).answer(content)["download"]
    report = html.unescape(base64.b64decode(file["base64"]).decode())
    assert f'<html lang="{code}">' in report
    with language.spoken(code):
        for part in ("everything is deleted", "What was deleted", "Under way when it was deleted", "What is kept"):
            assert language.gettext(part) in report
            assert part not in report
        until = ending.kept(lively.world.clock())[0]["until"]
        assert telling.day(until) in report
        assert until not in report
    assert not [part for part in kept if part in report.lower()]


@pytest.mark.both_databases
def test_one_that_waits_is_shown_and_taken_back(lively: Lively) -> None:
    browser = lively.browser()
    assert browser.post(PAGE, "erase_shop", **{**SAID, "when": "over"}).status_code == 303
    shown = browser.get(PAGE)
    assert "Everything is deleted as soon as what is under way is over." in text(shown)
    assert "Delete everything of this shop" in text(shown).split("Requests about personal data")[1]
    assert browser.post("s/other/" + PAGE, "keep_shop").status_code == 422, "theirs does not wait"
    assert browser.post(PAGE, "keep_shop").status_code == 303
    assert "Everything is deleted as soon" not in text(browser.get(PAGE))
    assert lively.read(Order)


def test_what_is_kept_how_long_is_chosen_within_bounds(lively: Lively) -> None:
    browser = lively.browser()
    for days, told in (("61", "from 7 to 60"), ("6", "from 7 to 60"), ("many", "Enter a whole number.")):
        refused = browser.post(PAGE, "save_keeping", records_days=days, buyers_days="")
        assert refused.status_code == 422
        assert told in text(refused)
        assert f'value="{days}"' in refused.text
    assert browser.post(PAGE, "save_keeping", records_days="14", buyers_days="5").status_code == 303
    shown = text(browser.get(PAGE))
    assert "14 days" in shown
    assert "5 days after the order is closed" in shown
    assert [row.author for row in lively.read(Journal, Journal.text.startswith("what is kept how long"))] == ["admin"]
    assert inside(lively, "save_keeping", ["view", "change"], records_days="20")["status"] == 303
    assert inside(lively, "save_keeping", ["view"], records_days="30")["status"] == 403
    assert "20 days" in text(browser.get(PAGE))


def test_the_command_deletes_a_shop_by_its_name(tmp_path: Any, database_url: str) -> None:
    from contextlib import ExitStack

    with ExitStack() as exits:
        stack = Stack(tmp_path, database_url, exits)
        runner = CliRunner(env=stack.env)
        refused = runner.invoke(cli, ["delete-shop", "--name", "Stick"])
        assert refused.exit_code != 0
        assert "Type the name of the shop as it stands here: Stack" in refused.output
        done = runner.invoke(cli, ["delete-shop", "--name", "Stack"])
        assert done.exit_code == 0, done.output
        assert json.loads(done.output)["shop"] == "Stack"
        assert "no shop yet" in runner.invoke(cli, ["delete-shop", "--name", "Stack"]).output
