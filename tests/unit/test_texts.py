"""The catalogues: they hold every text of the pages, and what is translated says the same."""

from __future__ import annotations

import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog

from bridge.web.language import LANGUAGES, best, messages
from bridge.web.recognise import VALUE, Message, Recogniser

ROOT = Path(__file__).parent.parent.parent


def _script() -> Any:
    spec = spec_from_file_location("texts", ROOT / "scripts/texts.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


texts = _script()
OTHERS = sorted(set(LANGUAGES) - {"en"})


def forms(text: Any) -> tuple[str, ...]:
    return tuple(text) if isinstance(text, (tuple, list)) else (text,)


def entries(language: str) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    return [(forms(item.id), forms(item.string)) for item in texts.read(language) if item.id]


@pytest.fixture(scope="module")
def template() -> Catalog:
    found: Catalog = texts.template()
    return found


def test_the_languages_are_those_of_the_pages() -> None:
    assert sorted(texts.LANGUAGES) == OTHERS


def test_every_text_is_in_the_catalogues(template: Catalog) -> None:
    stale = [str(path) for path, content in texts.files(template) if not path.exists() or path.read_bytes() != content]
    assert stale == [], "run: make texts"


@pytest.mark.parametrize("language", OTHERS)
def test_a_complete_language_lacks_nothing(language: str) -> None:
    catalogue = texts.read(language)
    missing = [item.id for item in catalogue if item.id and (item.fuzzy or not all(forms(item.string)))]
    state = texts.is_complete(catalogue)
    assert state is not None, "the first line says # Complete: yes, or no"
    assert not (state and missing), missing[:20]


@pytest.mark.parametrize("language", OTHERS)
def test_translations_have_the_values_and_tags_of_the_original(language: str) -> None:
    wrong = [
        f"{original[0]!r}: {form!r}"
        for original, translated in entries(language)
        for form in filter(None, translated)
        if not any(_alike(one, form) for one in original)
    ]
    assert wrong == []


def _alike(original: str, form: str) -> bool:
    if "%(" in original:
        form % dict.fromkeys(VALUE.findall(original), 1)  # a stray % is an error
    tags = [sorted(re.findall(r"</?\w+[^>]*>", text)) for text in (original, form)]
    ends = [(text[:1] == " ", text[-1:] == " ", "\n" in text) for text in (original, form)]
    values = [sorted(re.findall(r"%\(\w+\)[sd]", text)) for text in (original, form)]
    return tags[0] == tags[1] and ends[0] == ends[1] and values[0] == values[1]


def test_every_text_with_values_is_recognised_as_itself(template: Catalog) -> None:
    said = [Message(one, many, (f"<{one}>", f"<{many}>") if many else (f"<{one}>",)) for one, many in _ids(template)]
    recogniser = Recogniser(said, lambda count: int(count != 1))
    wrong = []
    for message in said:
        names = VALUE.findall(message.id)
        values = {name: f"{number}71" for number, name in enumerate(names, 2)}
        if names and len(re.findall(r"[^\W\d_]", VALUE.sub("", message.id))) >= 12:
            sentence = re.sub(r"(%\(\w+\))d", r"\1s", message.id) % values
            found = recogniser.said(sentence)
            if found not in [re.sub(r"(%\(\w+\))d", r"\1s", form) % values for form in message.forms]:
                wrong.append(f"{sentence!r}: {found!r}")
    assert wrong == []


def _ids(template: Catalog) -> list[tuple[str, str]]:
    return [(str(forms(item.id)[0]), str((*forms(item.id), "")[1])) for item in template if item.id]


def test_what_is_in_the_catalogue_is_what_python_and_manifests_say(template: Catalog) -> None:
    for text in (
        "Connections that need new credentials",  # a table of words
        "The product has no price.",  # a finding
        "%(label)s is missing: enter %(name)s.",  # an f-string
        "Delivery promise",  # a manifest
        "Buyers' country",  # a model's title
        "Accept the order",  # a template
    ):
        assert template.get(text) is not None, text
    for text in ("drain %(lane)s", "the doorbell does not ring; the sweeper takes over", "Redis is away (%(error)s)"):
        assert template.get(text) is None, text


def test_two_forms_are_one_entry(template: Catalog) -> None:
    found = template.get("%(count)s thing needs your attention")
    assert found is not None
    assert found.id == ("%(count)s thing needs your attention", "%(count)s things need your attention")


@pytest.mark.parametrize(
    ("wanted", "language"),
    [("de_DE_formal", "de"), ("de-AT", "de"), ("nl-BE", "nl"), ("nl_NL", "nl"), ("fr-CA", "fr"), ("pl_PL", "pl"),
     ("PL", "pl"), ("en_GB", "en"), ("tlh", "en"), ("", "en"), ("den", "en"), ("../de", "en")],
)  # fmt: skip
def test_a_locale_is_its_language(wanted: str, language: str) -> None:
    assert best(wanted) == language


def test_a_sentence_is_said_again_with_its_values() -> None:
    german = Recogniser(
        [
            Message("%(title)s has no price.", "", ("%(title)s hat keinen Preis.",)),
            Message("Set one.", "", ("Legen Sie einen fest.",)),
            Message(
                "%(n)s unit of %(what)s", "%(n)s units of %(what)s", ("%(n)s Stück %(what)s", "%(n)s Stücke %(what)s")
            ),
            Message("order %(ref)s: %(why)s", "", ("Bestellung %(ref)s: %(why)s",)),
            Message("nothing is left", "", ("nichts ist übrig",)),
            Message("At %(percent)s %% or more", "", ("Ab %(percent)s %%",)),
        ],
        lambda count: int(count != 1),
    )
    assert german.said("Lamp has no price. Set one.") == "Lamp hat keinen Preis. Legen Sie einen fest."
    assert german.said("3 units of tea") == "3 Stücke tea"
    assert german.said("1 unit of tea") == "1 Stück tea"
    assert german.said("order A1: nothing is left") == "Bestellung A1: nichts ist übrig"
    assert german.said("At 5 % or more") == "Ab 5 %"
    assert german.said("Something else. Set one.") == "Something else. Legen Sie einen fest."
    assert german.said("%(title)s and %") == "%(title)s and %"


def test_polish_has_three_forms() -> None:
    catalogue = Catalog("pl")
    catalogue.add(("%(n)s order", "%(n)s orders"), ("%(n)s zamówienie", "%(n)s zamówienia", "%(n)s zamówień"))
    from bridge.web.language import Language

    polish = Language("pl", messages(catalogue))
    assert [polish.ngettext("%(n)s order", "%(n)s orders", count) % {"n": count} for count in (1, 3, 5, 22)] == [
        "1 zamówienie", "3 zamówienia", "5 zamówień", "22 zamówienia",
    ]  # fmt: skip
    assert [polish.said(text) for text in ("1 order", "3 orders", "5 orders")] == [
        "1 zamówienie", "3 zamówienia", "5 zamówień",
    ]  # fmt: skip
