"""What can be chosen on a form, and found in the list of marketplaces, is called by words of the page's language."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

import pytest

from bridge.registry import discover
from tests.support.lively import Browser, Lively

REAL = discover().channels


@pytest.fixture(scope="module")
def lively(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lively]:
    lively = Lively(f"sqlite:///{tmp_path_factory.mktemp('choosing') / 'storebridge.db'}")
    yield lively
    lively.close()


@pytest.fixture
def browser(lively: Lively, monkeypatch: pytest.MonkeyPatch) -> Browser:
    """Every marketplace can be connected."""
    monkeypatch.setattr(lively.engine, "channels", {**lively.engine.channels, **REAL})
    return lively.browser()


def options(browser: Browser, path: str, name: str, language: str = "en") -> dict[str, str]:
    """What a list lets one choose, by value."""
    page = shown(browser, path, language)
    [drawn] = re.findall(rf'<select[^>]* name="{name}"[^>]*>(.*?)</select>', page, re.DOTALL)
    return {html.unescape(key): html.unescape(text) for key, text in re.findall('value="([^"]*)"[^>]*>([^<]*)', drawn)}


def shown(browser: Browser, path: str, language: str = "en") -> str:
    answer: Any = browser.get(path, headers={"Accept-Language": language})
    assert answer.status_code == 200
    return str(answer.text)


@pytest.mark.parametrize(
    ("language", "province", "site", "spoken"),
    [
        ("en", "Silesia", "Germany", "Danish"),
        ("de", "Schlesien", "Deutschland", "Dänisch"),
        ("nl", "Silezië", "Duitsland", "Deens"),
        ("fr", "Silésie", "Allemagne", "Danois"),
        ("pl", "śląskie", "Niemcy", "Duński"),
    ],
)
def test_choices_are_called_by_their_names(
    browser: Browser, language: str, province: str, site: str, spoken: str
) -> None:
    assert options(browser, "connect/allegro", "province", language)["SLASKIE"] == province
    assert options(browser, "connect/ebay", "main_site", language)["EBAY_DE"] == site
    assert options(browser, "connect/miinto", "language", language)["DA"] == spoken


@pytest.mark.parametrize("name", sorted(REAL))
def test_no_form_shows_a_code_in_place_of_a_name(browser: Browser, name: str) -> None:
    """Sites too, which are boxes to tick."""
    page = shown(browser, f"connect/{name}")
    words = re.findall(r"<option[^>]*>([^<]*)", page) + re.findall(r'type="checkbox"[^>]*> ([^<]*)', page)
    codes = [word for word in map(html.unescape, words) if re.fullmatch("[A-Z0-9_-]{2,}|[a-z]+-[a-z]+|[a-z]{2}", word)]
    assert codes == []


def found(browser: Browser, search: str, language: str = "en") -> set[str]:
    page = shown(browser, f"connect?search={search}", language)
    return set(map(html.unescape, re.findall(r'class="sb-choice-name"><strong>([^<]*)', page)))


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "Germany"), ("de", "Deutschland"), ("nl", "duitsland"), ("fr", "ALLEMAGNE"), ("pl", "Niemcy"),
     ("pl", "Germany"), ("fr", "DE"), ("en", "de")],
)  # fmt: skip
def test_a_marketplace_is_found_by_its_country_in_the_pages_language_in_english_or_by_two_letters(
    browser: Browser, language: str, words: str
) -> None:
    names = found(browser, words, language)
    there = {adapter.manifest.title for adapter in REAL.values() if "DE" in adapter.manifest.countries}
    assert there
    assert there <= names
    assert not {"bol.com", "Allegro"} & names


def test_accents_may_be_left_out_and_every_word_narrows(browser: Browser) -> None:
    assert found(browser, "osterreich", "de") == found(browser, "Österreich", "de") != set()
    assert found(browser, "wlochy", "pl") == found(browser, "IT", "pl") != set()
    assert found(browser, "Germany Kaufland") == {"Kaufland"}
    assert "Blokker" in found(browser, "Netherlands"), "one that runs on Mirakl has its own countries"
    assert "in this country" in shown(browser, "connect?search=Atlantis")
