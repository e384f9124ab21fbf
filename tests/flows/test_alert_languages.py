"""E-mails of alerts in the merchant's language: the one that is set, else the one the pages were last used in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from zoneinfo import ZoneInfo

import pytest

from bridge.db import records
from bridge.db.tables import Shop
from bridge.flows import alert_settings, alerts, spoken
from bridge.flows.forms import FieldErrors
from bridge.flows.offered import CORRECT_TO_OFFER
from bridge.ports.mail import MailServer
from bridge.web import create_web
from bridge.web.language import LANGUAGES, language
from bridge.web.speech import speech
from tests.support.lively import Browser, config
from tests.support.receivers import MailSink, mail_sink
from tests.support.world import World

TEXT = "Market 0 refused the listing of CUP: ERR-17 (image.main)"


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    world = World(database_url, markets=1)
    world.engine.words = speech
    yield world
    world.close()


@pytest.fixture
def mail(world: World) -> Iterator[MailSink]:
    with mail_sink() as sink:
        world.engine.mail = MailServer("127.0.0.1", sink.port, "none", sender="storebridge@shop.example")
        alert_settings.put(world.engine, 1, {"email": ["me@shop.example"]}, "test")
        yield sink


def opens(world: World, name: str = "CUP") -> None:
    with world.db.write(1) as session:
        records.open_problem(
            session, world.clock(), "offer_refused", name, TEXT, CORRECT_TO_OFFER, connection_id=2, severity="error"
        )


def sent(world: World, mail: MailSink) -> tuple[str, str]:
    """Subject and text of the next e-mail."""
    mail.messages.clear()
    opens(world, f"CUP {world.clock().isoformat()}")
    assert alerts.send(world.engine) == 1
    return str(mail.messages[0]["Subject"]).strip(), mail.texts()[0]


@pytest.mark.parametrize("code", LANGUAGES)
def test_everything_of_ours_is_in_the_language_that_is_set(world: World, mail: MailSink, code: str) -> None:
    alert_settings.put(world.engine, 1, {"email": ["me@shop.example"], "language": code}, "test")
    subject, text = sent(world, mail)
    said = language(code)
    assert mail.messages[0]["Content-Language"] == code
    assert subject == f"[Storebridge] Shop: {said.said(TEXT)}"
    head, fix, when, _, everything, who = text.strip().splitlines()
    assert head == f"{said.gettext('New failure')} (Market 0): {said.said(TEXT)}"
    assert fix == f"  {said.gettext('What to do:')} {said.gettext(CORRECT_TO_OFFER)}"
    day = {"en": "23 Nov 2026", "de": "23. Nov. 2026", "nl": "23 nov 2026", "fr": "23 nov. 2026", "pl": "23 lis 2026"}
    assert when.startswith(f"  {day[code]}, 08:00 (UTC) [")
    assert everything.startswith(said.gettext("All of them:"))
    assert who == said.gettext("Who is told, and when: the page Alerts, or storebridge alerts.")
    if code != "en":
        assert "ERR-17 (image.main)" in head, "what the marketplace says stays as it is"
        for english in (
            "refused the listing",
            "New failure",
            "What to do",
            "Correct the product",
            "All of them",
            "Who is",
        ):
            assert english not in subject + text


def test_the_language_last_seen_on_the_pages_is_taken(world: World, mail: MailSink) -> None:
    assert "New failure" in sent(world, mail)[1], "English before anybody was seen"
    browser = Browser(create_web(world.engine, config()))
    browser.get("?language=nl")
    assert seen(world) == "nl", "the first who came"
    assert "Nieuw" in sent(world, mail)[1]
    browser.get("?language=fr")
    assert seen(world) == "nl", "who only looks changes nothing"
    browser.post("alerts", "set", email="me@shop.example", error="now", warning="off", digest_hour="8", closed="yes")
    assert seen(world) == "fr"
    assert "Que faire" in sent(world, mail)[1] or language("fr").gettext("What to do:") in sent(world, mail)[1]
    browser.post("alerts", "set", email="me@shop.example", error="now", warning="off", digest_hour="8", language="pl")
    assert language("pl").gettext("What to do:") in sent(world, mail)[1], "what is set goes before"
    page = browser.get("alerts").text
    assert '<option value="pl" selected' in page


def seen(world: World) -> str:
    with world.db.read(1) as session:
        assert spoken.KEY in (session.get_one(Shop, 1).settings or {})
        return spoken.seen(session, 1)


def test_many_at_once_and_what_is_over_are_counted_in_the_language(world: World, mail: MailSink) -> None:
    alert_settings.put(world.engine, 1, {"email": ["me@shop.example"], "language": "de"}, "test")
    for number in range(60):
        opens(world, f"CUP {number}")
    with world.db.write(1) as session:
        records.close_problem(session, world.clock(), "offer_refused", "CUP 1")
    assert alerts.send(world.engine) == 61
    said = language("de")
    new, over = said.gettext("New"), said.gettext("Over")
    assert str(mail.messages[0]["Subject"]) == f"[Storebridge] Shop: {new}: 60, {over}: 1"
    text = mail.texts()[0].replace("\r", "")
    assert f"{said.gettext('And more:')}\n  Angebote, die der Marktplatz abgelehnt hat: 11" in text


def test_webhooks_stay_as_they_are_for_programs(world: World) -> None:
    from bridge.flows.alert_texts import Alert, Place, body

    now = world.clock()
    alert = Alert("r", "opened", "offer_refused", "CUP", "error", TEXT, CORRECT_TO_OFFER, "Market 0", now, now)
    place = Place("shop", "Shop", "https://x.example", speech("de", ZoneInfo("UTC")))
    assert json.loads(body(alert, place))["problem"]["text"] == TEXT


def test_a_language_that_nobody_writes_is_refused(world: World) -> None:
    for wrong in ("xx", "deutsch", "DE", 7):
        with pytest.raises(FieldErrors) as caught:
            alert_settings.put(world.engine, 1, {"language": wrong}, "test")
        assert list(caught.value.errors) == ["language"]


@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != "en"])
def test_a_wrong_number_is_told_in_the_language_of_the_page(world: World, code: str) -> None:
    browser = Browser(create_web(world.engine, config()))
    browser.get(f"?language={code}")
    answer = browser.post("alerts", "set", email="", error="now", warning="off", digest_hour="24")
    said = language(code)
    told = said.said("“Hour of the daily digest” is not right: Enter 23 or less.")
    assert said.gettext("Hour of the daily digest") in told
    assert said.said("Enter 23 or less.") in told
    assert (answer.status_code, told in answer.text) == (422, True), answer.text
    assert "Input should" not in answer.text
    assert "Enter 23" not in answer.text


@pytest.mark.both_databases
def test_times_and_amounts_in_a_sentence_are_as_the_pages_write_them(world: World, mail: MailSink) -> None:
    alert_settings.put(world.engine, 1, {"email": ["me@shop.example"], "language": "de"}, "test")
    with world.db.write(1) as session:
        text = "Sales to consumers in other EU countries have passed 10000.00 EUR this year: 12345.60 EUR."
        records.open_problem(session, world.clock(), "oss_threshold", "A", text, "By 27 Nov 2026 06:11 UTC.")
    assert alerts.send(world.engine) == 1
    told = mail.texts()[0]
    assert "12.345,60\N{NO-BREAK SPACE}€" in told
    assert "27. Nov. 2026, 06:11" in told
