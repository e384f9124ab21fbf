"""The pages in every language and frame; and that no page shows a text from outside the catalogues."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser

import pytest
from babel.core import Locale
from babel.messages.pofile import read_po

from bridge.db.recorder import JournalRecorder
from bridge.db.tables import PlanRow
from bridge.ports.http import Exchange
from bridge.registry import discover
from bridge.web import language as languages
from bridge.web.language import FOLDER, LANGUAGES, Language
from bridge.web.recognise import VALUE, Message
from tests.support import desks
from tests.support.lively import PLACES, SETTING_PLACES, Lively

# -- marked texts: a catalogue in which every text of ours stands in ⟦…⟧ ---------------------------------------------

ENGLISH = Locale.parse("en")
# Of countries, languages and currencies, which are Babel's.
NAMED = {str(name) for names in (ENGLISH.territories, ENGLISH.languages, ENGLISH.currencies) for name in names.values()}
# What may stand outside of them, and why: the pieces of a line between its signs.
DATA = (
    r"\W*|[\d ]+",
    r"#?[A-Z]|[A-Z]+-?\d*|[\w-]*\d[\w.:/-]*|EAN \d+|GTIN|SKU|CSV|JSON",  # SKUs, numbers, codes
    r"[€$£]?[\d.]+( [A-Z]{3})?( %)?",  # figures and money
    r"\d+ (second|minute|hour|day)s?|\d+ [A-Z][a-z]+ \d{4}( \d\d:\d\d)?",  # durations and dates: Babel's own words
    r"Shop|Storebridge|Store|store|Other|Market( 0)?|Europe/Amsterdam|UTC",  # names: of the shop, accounts, time zones
    r"Product [A-Z]|(PostNL|TNT) 3SBOL1( m1002)?|PostNL|Ada Buyer|Kade 1|1011AB Amsterdam|Too small|too small",  # products, buyers, their words
    r"title|description|brand",  # what the marketplace calls its attributes
    r"https?://\S*|[A-Z]+(_[A-Z]+)+|[a-z]{2}(-[A-Z]{2})?|allegro-[a-z]{2}",  # addresses, codes of a marketplace
    r"api|apiz|auth|login|retailer|shared|graphql|consent_[a-z]{2}",  # which of its addresses
    r"Generic|Refresh token|Seller ID|Allegro|Amazon|bol.com|eBay|Kaufland|Miinto|Mirakl|Zalando",
    r"completed|processing",  # the store's own states of an order
    r"English|Deutsch|Nederlands|Français|Polski",  # languages by their own names
    r"STOREBRIDGE_\w+|python|database|sqlite|postgresql|flask|sqlalchemy|rq|redis|httpx|pydantic|storebridge",
    r"(\{(order|marketplace|name)\} ?)+|(m\d+ )?Market 0 m\d+",  # how orders are called, as it is typed and made
    r"</?b>|[AB] on Market 0( f\d+)?|product.read 1|Mend it|tests|nothing|'nothing'",  # what the test has put there
)


def marked(text: str) -> str:
    """Each piece between the values; these stay outside, so that they have to be marked themselves."""
    if not text:
        return ""
    pieces = re.split(r"(%\(\w+\)[sd])", text)
    return "".join(piece if VALUE.fullmatch(piece) or not piece.strip() else f"⟦{piece}⟧" for piece in pieces)


@pytest.fixture(scope="module")
def pseudo() -> Language:
    with (FOLDER / "storebridge.pot").open("rb") as opened:
        catalogue = read_po(opened)
    found = []
    for item in catalogue:
        if item.id:
            one, many = item.id if isinstance(item.id, (tuple, list)) else (item.id, "")
            found.append(Message(one, many, (marked(one), marked(many)) if many else (marked(one),)))
    return Language("en", found)


@pytest.fixture(scope="module")
def lively(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lively]:
    lively = Lively(f"sqlite:///{tmp_path_factory.mktemp('languages') / 'storebridge.db'}")
    yield lively
    lively.close()


class Unmarked(HTMLParser):
    """The words that a person meets outside of the marks."""

    SAID = ("title", "placeholder", "aria-label", "alt", "label", "heading", "details", "error", "accessibilitylabel")
    SKIPPED = ("script", "style", "time", "code", "pre", "textarea")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.depth = 0
        self.within: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self.SKIPPED:
            self.within.append(tag)
            return
        for name, value in attrs:
            if name in self.SAID and value:
                self.note(re.sub(r"⟦[^⟧]*⟧", " ", value), name)

    def handle_endtag(self, tag: str) -> None:
        if self.within and self.within[-1] == tag:
            self.within.pop()

    def handle_data(self, data: str) -> None:
        out = ""
        for character in data:
            self.depth += (character == "⟦") - (character == "⟧")
            out += character if self.depth == 0 and character != "⟧" else " "
        if not self.within:
            self.note(out, "")

    def note(self, text: str, where: str) -> None:
        for piece in re.split(r"[·,;()\n×→\u2212=]|\. |\.$|: |:$|\s{2,}|</?b>", text):
            if piece.strip() not in NAMED and not any(re.fullmatch(pattern, piece.strip()) for pattern in DATA):
                self.found.append(f"{where}: {' '.join(text.split())}")
                return


def test_no_page_shows_a_text_from_outside_the_catalogues(
    lively: Lively, pseudo: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(languages, "language", lambda _code: pseudo)
    browser = lively.browser()
    line, back = lively.line(f"{lively.held}-1").id, lively.returned().id
    shown = [
        browser.get(path) for path in (*PLACES, *SETTING_PLACES, *lively.numbers(), "sku?sku=C", "sku?sku=nothing")
    ]
    refused = [
        browser.post(f"orders/{lively.order(lively.held).id}", "match", line=line, sku="nothing"),
        browser.post("returns", "decide", **{"return": back, "result": "accepted", "quantity": "99"}),
        browser.post("accounts/2", "let_go"),
        browser.post("nowhere", "set"),
    ]
    assert {answer.status_code for answer in refused} == {422, 404}
    real = discover().channels
    monkeypatch.setattr(lively.engine, "channels", {**lively.engine.channels, **real})
    forms = [browser.get(f"connect/{name}") for name in real if name != "mirakl"]  # that one lists seventy names
    assert {answer.status_code for answer in (*shown, *forms)} == {200}
    wrong = {
        f"{answer.request.path}: {found}": None
        for answer in (*shown, *refused, *forms)
        for found in Unmarked(answer.text).found
    }
    assert wrong == {}, "\n".join(wrong)


# -- the same page in every language and frame -----------------------------------------------------------------------


def alone(lively: Lively, locale: str, path: str) -> str:
    return str(lively.browser().get(path, headers={"Accept-Language": locale}).text)


def inside(skin: str) -> Callable[[Lively, str, str], str]:
    def ask(lively: Lively, locale: str, path: str) -> str:
        content = desks.asked(skin, "GET", path, {}, {}, ["view", "change", "customers"])
        return str(desks.Inside(lively, skin).answer({**content, "locale": locale})["html"])

    return ask


def shopify(lively: Lively, locale: str, path: str) -> str:
    with desks.installed(lively):
        headers = {"Authorization": f"Bearer {desks.token()}", "Accept": "text/html"}
        client = lively.app().test_client(use_cookies=False)
        given = {"shop": desks.STORE, "locale": locale}
        return str(client.get(f"/apps/shopify/{path}", base_url=desks.BRIDGE, headers=headers, query_string=given).text)


FRAMES = {"alone": alone, "wordpress": inside("wordpress"), "magento": inside("magento"), "shopify": shopify}
LOCALES = {"alone": "{}", "wordpress": "{}_DE_formal", "magento": "{}_BE", "shopify": "{}-BE"}


@pytest.mark.parametrize("code", LANGUAGES)
@pytest.mark.parametrize("frame", FRAMES)
def test_a_page_speaks_the_language_of_its_frame(lively: Lively, frame: str, code: str) -> None:
    spoken = languages.language(code)
    html = FRAMES[frame](lively, LOCALES[frame].format(code), "orders")
    shown = unescape(html)
    assert f'lang="{code}"' in html
    for text in ("Overview", "Listings", "Order number", "Ship before"):  # the frame, a form, a table
        assert spoken.gettext(text) in shown, text
    problems = unescape(FRAMES[frame](lively, LOCALES[frame].format(code), "problems"))
    for text in ("Try again", "What to do:", "Changed by somebody else"):  # and what the engine has said
        assert spoken.gettext(text) in problems, text


@pytest.mark.parametrize("frame", FRAMES)
def test_a_language_that_is_not_spoken_is_english(lively: Lively, frame: str) -> None:
    html = FRAMES[frame](lively, "tlh", "orders")
    assert 'lang="en"' in html
    assert "Order number" in html


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_number_takes_its_form(lively: Lively, code: str) -> None:
    one, many = "%(count)s business day", "%(count)s business days"
    spoken = languages.language(code)
    with languages.spoken(code):
        engine = lively.app().jinja_env
        template = "{% trans count=n %}{{ count }} business day{% pluralize %}{{ count }} business days{% endtrans %}"
        for count in (1, 2, 5, 22):
            assert engine.from_string(template).render(n=count) == spoken.ngettext(one, many, count) % {"count": count}
    forms = {spoken.ngettext(one, many, count) for count in (1, 2, 5)}
    assert len(forms) == {"pl": 3}.get(code, 2)


def test_the_way_back_to_shopify_is_in_its_language_too(lively: Lively) -> None:
    with desks.installed(lively):
        client = lively.app().test_client(use_cookies=False)
        given = {"shop": desks.STORE, "host": "aG9zdA", "locale": "nl-BE"}
        assert '<html lang="nl">' in client.get("/apps/shopify/bounce", base_url=desks.BRIDGE, query_string=given).text


def test_what_was_exchanged_is_told_in_the_pages_language_and_shown_as_it_was(lively: Lively) -> None:
    recorder = JournalRecorder(lively.world.db)
    call = Exchange(
        "1:2", "offers.update", lively.world.clock(), 1.25, "PUT", "https://m.test/o", 200, '{"a": 1}', "None here"
    )
    recorder.record(call)
    refused = {
        "seconds": 30.0,
        "status": None,
        "error": "RetryLater: Market does not answer. Nothing needs to be done.",
    }
    recorder.record(replace(call, attempt=2, **refused))
    recorder.record(replace(call, status=401, error="Reauthorise: their words"))
    assert recorder.flush()
    page = alone(lively, "de", "activity?show=exchanges")
    shown = " ".join(unescape(re.sub("<[^>]+>", " ", page)).split())
    for told in (
        "offers.update: 200 nach 1,25 s",
        "offers.update: keine Antwort, wird erneut versucht nach 30,00 s",
        "offers.update: 401, die Zugangsdaten werden abgelehnt nach 1,25 s",
        "keine Antwort, wird erneut versucht nach 30,00 s, Versuch 2",
        "Grund their words",
    ):
        assert told in shown, told
    for raw in ("{&#34;a&#34;: 1}", "None here", "https://m.test/o"):
        assert raw in page
    assert not re.search("RetryLater|Reauthorise|no answer| after ", shown)


def test_what_was_exchanged_about_a_product_is_one_line_unless_it_went_wrong(lively: Lively) -> None:
    recorder = JournalRecorder(lively.world.db)
    about = {"subject": {"sku": "A"}}
    call = Exchange("1:2", "offers.update", lively.world.clock(), 1.25, "PUT", "https://m.test/o", 200, **about)
    recorder.record(call)
    recorder.record(replace(call, operation="offers.read"))
    assert recorder.flush()
    page = alone(lively, "de", "sku?sku=A")
    assert re.findall(r"<summary>(\d+ Aufrufe: [^<]*)", page) == ["2 Aufrufe: offers.read, offers.update"]
    assert '<details class="sb-entry-what"><summary>2' in page
    recorder.record(replace(call, status=401, error="Reauthorise: their words"))
    assert recorder.flush()
    assert '<details class="sb-entry-what" open><summary>3' in alone(lively, "de", "sku?sku=A")
    assert "sb-entry-what" + '"><summary>' not in alone(lively, "de", "activity?sku=A"), "the log has each by itself"


def test_a_plan_says_how_many_it_shows_and_prices_as_the_language_writes_them(lively: Lively) -> None:
    lively.plan()
    number = lively.read(PlanRow)[0].id
    moved = {"field": "price", "old": "1234.50 EUR", "new": "19.90 EUR"}
    with lively.world.db.write(1) as session:
        row = session.get_one(PlanRow, number)
        [channel] = row.found["channels"]
        example = {**channel["examples"][0], "changes": [moved]}
        row.found = {**row.found, "channels": [{**channel, "changed": 93, "examples": [example]}]}
    shown = unescape(re.sub("<[^>]+>", "", alone(lively, "de", f"plans/{number}")))
    assert "1.234,50\N{NO-BREAK SPACE}€ → 19,90\N{NO-BREAK SPACE}€" in shown
    assert "1 von diesen 93 werden gezeigt, als Beispiele." in shown


def test_what_somebody_typed_is_not_translated(lively: Lively) -> None:
    html = alone(lively, "nl", "sku?sku=nothing")
    assert "<title>nothing · " in html
    assert 'value="nothing"' in html
    assert "'nothing'" in unescape(html)
