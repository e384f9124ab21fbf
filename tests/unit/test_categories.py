"""Category suggestions: names as stems, the lexicon and how it is learned, ranking, confidence, reasons."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.domain.categories import (
    LANGUAGES,
    Mapped,
    NoLexicon,
    StoreCategory,
    Suggester,
    category_tree,
    learn_lexicon,
    split_path,
)
from bridge.domain.categories.lexicon import compound
from bridge.domain.categories.spelling import folded, nearest, spellings
from bridge.domain.categories.text import stems
from bridge.flows.category_words import OTHERS, lexicon, rows

MARKET = [
    "Animals > Pet Supplies",
    "Animals > Pet Supplies > Cat Supplies > Cat Beds",
    "Animals > Pet Supplies > Dog Supplies > Dog Beds",
    "Animals > Pet Supplies > Dog Supplies > Dog Food",
    "Apparel > Clothing",
    "Apparel > Clothing > Underwear & Socks > Socks",
    "Apparel > Shoes",
    "Furniture > Beds",
    "Furniture > Chairs",
    "Sports > Tennis > Tennis Racquets",
]
WORDS = learn_lexicon(
    {
        "de": [("Hund", "Dog"), ("Bett", "Bed"), ("Hundefutter", "Dog Food"), ("Futter", "Food"), ("Schuhe", "Shoes")],
        "fr": [("Chien", "Dog"), ("Lits pour chats", "Cat Beds"), ("Lit", "Bed")],
    }
)
MARKET_TREE = category_tree(MARKET)


def paths(category: StoreCategory, *, mapped: list[Mapped] | None = None) -> list[str]:
    return [found.path for found in Suggester(MARKET_TREE, WORDS, mapped or []).suggest(category)]


@pytest.mark.parametrize(
    ("name", "language", "expected"),
    [
        ("Racket Grips & Tape", "en", ("racket", "grip", "tape")),
        ("E-Books", "en", ("ebook",)),
        ("Women's Dresses", "en", ("women", "dress")),
        ("Parties, glasses and gas", "en", ("party", "glass", "gas")),
        ("Gefäße für Hunde", "de", ("gefass", "hund")),
        ("Hobby's en spellen", "nl", ("hobby", "spell")),
        ("Canapés d'angle", "fr", ("canap", "angl")),
        ("Łóżka dla psów", "pl", ("lozk", "psow")),
        ("  ", "en", ()),
    ],
)
def test_names_become_stems(name: str, language: str, expected: tuple[str, ...]) -> None:
    assert stems(name, language) == expected


def test_paths_come_apart_at_the_usual_signs() -> None:
    assert split_path("A > B / C » D | > ") == ("A", "B", "C", "D")
    assert split_path("Input/Output > 4/4 Violins") == ("Input/Output", "4/4 Violins")


def test_a_compound_is_a_row_of_known_words() -> None:
    known = {"aquari", "aquarium", "filter", "hund", "futter", "trocken"}
    assert compound("aquariumsfilter", known) == ("aquarium", "filter")
    assert compound("hundetrockenfutter", known) == ("hund", "trocken", "futter")
    assert compound("kuchen", known) == ()


def test_words_that_are_spelt_nearly_alike() -> None:
    having = spellings(["ocarina", "clarinet", "diffuser"])
    assert nearest(folded("okarina"), having) == "ocarina"
    assert nearest("diffusers", having) == "diffuser"
    assert nearest("table", having) == ""


def test_what_translates_what_is_learned_from_whole_names() -> None:
    learned = learn_lexicon({"nl": [("rode wijn", "red wine"), ("witte wijn", "white wine"), ("rode auto", "red car")]})
    assert learned.read("rode wijn", "nl") == ({"red": 1.0}, {"wine": 1.0})
    witte, auto = learned.read("witte auto", "nl")
    assert max(witte, key=lambda word: witte[word]) == "white"
    assert max(auto, key=lambda word: auto[word]) == "car"


def test_an_unknown_language_is_read_as_it_looks() -> None:
    assert WORDS.read("Tennis", "sv") == NoLexicon().read("Tennis", "sv") == ({"tennis": 1.0},)


@pytest.mark.parametrize(
    ("path", "language", "expected"),
    [
        ("Animals > Pet Supplies > Dog Supplies > Dog Beds > Orthopedic Beds", "en", MARKET[2]),
        ("Pets > Dog Beds", "en", MARKET[2]),
        ("Apparel > Clothing > Socks > Sneaker Socks", "en", MARKET[5]),
        ("Sports > Tennis > Tennis Rackets", "en", MARKET[9]),
        ("Tiere > Hundebetten", "de", MARKET[2]),
        ("Animaux > Lits pour chats", "fr", MARKET[1]),
    ],
)
def test_the_best_comes_first(path: str, language: str, expected: str) -> None:
    assert paths(StoreCategory(path=path, language=language))[0] == expected


def test_what_is_not_listed_is_never_suggested() -> None:
    found = paths(StoreCategory(path="Animals > Pet Supplies > Dog Supplies"))
    assert "Animals > Pet Supplies > Dog Supplies" not in found
    assert found


def test_a_decision_made_before_comes_first_and_says_so() -> None:
    before = [Mapped(path="Shop > Naps", target="Furniture > Beds"), Mapped(path="Shop > Old", target="Gone > Away")]
    found = Suggester(MARKET_TREE, WORDS, before).suggest(StoreCategory(path="shop > naps"))
    assert found[0].path == "Furniture > Beds"
    assert found[0].reason == "“naps” was mapped to this category before."
    assert found[0].confidence > 0.9


def test_relatives_mapped_before_lead_the_way() -> None:
    before = [Mapped(path="Wear > Feet > Ones", target="Apparel > Shoes")]
    found = Suggester(MARKET_TREE, WORDS, before).suggest(StoreCategory(path="Wear > Feet > Others"))
    assert found[0].path == "Apparel > Shoes"
    assert "Categories next to it were mapped there before." in found[0].reason


def test_product_titles_decide_where_names_do_not() -> None:
    plain = StoreCategory(path="Supplies")
    told = StoreCategory(path="Supplies", titles=("Royal dog food 5 kg", "Puppy food for dogs"))
    suggester = Suggester(MARKET_TREE, WORDS)
    before = {found.path: found.confidence for found in suggester.suggest(plain)}
    after = {found.path: found.confidence for found in suggester.suggest(told)}
    assert after.get(MARKET[3], 0.0) >= before.get(MARKET[3], 0.0)


def test_the_reason_names_what_fits() -> None:
    first = Suggester(MARKET_TREE).suggest(
        StoreCategory(path="Animals > Pet Supplies > Dog Supplies > Dog Food > Dry")
    )[0]
    assert first.reason == (
        "“Dog Food” says the same as “Dog Food”. There is no closer category for “Dry” below it. All names above it fit."
    )


def test_nothing_in_common_is_no_suggestion() -> None:
    assert Suggester(MARKET_TREE).suggest(StoreCategory(path="Qqqq > Zzzz")) == ()
    assert Suggester(MARKET_TREE).suggest(StoreCategory(path=" > ")) == ()
    assert Suggester(category_tree([])).suggest(StoreCategory(path="Dogs")) == ()


WORD = st.sampled_from(
    [
        "dog",
        "cat",
        "bed",
        "beds",
        "food",
        "shoes",
        "tennis",
        "&",
        "pet",
        "supplies",
        "socks",
        "racket",
        "hund",
        "betten",
        "qqq",
        "été",
        "4/4",
    ]
)
NAME = st.lists(WORD, min_size=1, max_size=4).map(" ".join)
PATH = st.lists(NAME, min_size=1, max_size=5).map(" > ".join)


@settings(deadline=None)
@given(
    path=PATH, language=st.sampled_from([*LANGUAGES, "sv"]), history=st.lists(st.tuples(PATH, st.sampled_from(MARKET)))
)
def test_answers_are_ordered_bounded_and_always_the_same(
    path: str, language: str, history: list[tuple[str, str]]
) -> None:
    mapped = [Mapped(path=earlier, target=target) for earlier, target in history]
    category = StoreCategory(path=path, language=language, titles=("Dog food",))
    suggester = Suggester(MARKET_TREE, WORDS, mapped)
    found = suggester.suggest(category, 10)
    confidences = [suggestion.confidence for suggestion in found]
    assert confidences == sorted(confidences, reverse=True)
    assert all(0 <= confidence <= 1 for confidence in confidences)
    assert sum(confidences) <= 1.001
    assert len({suggestion.path for suggestion in found}) == len(found)
    assert {suggestion.path for suggestion in found} <= set(MARKET)
    assert all(suggestion.reason for suggestion in found)
    assert suggester.suggest(category, 10) == found
    assert suggester.suggest(category, 2) == found[:2]


@settings(deadline=None, max_examples=25)
@given(market=st.permutations(MARKET), path=PATH)
def test_the_order_of_the_market_does_not_matter(market: list[str], path: str) -> None:
    category = StoreCategory(path=path)
    assert Suggester(category_tree(market)).suggest(category) == Suggester(MARKET_TREE).suggest(category)


@settings(deadline=None, max_examples=50)
@given(text=st.text(max_size=60), language=st.sampled_from(LANGUAGES))
def test_no_text_breaks_it(text: str, language: str) -> None:
    Suggester(MARKET_TREE, WORDS).suggest(StoreCategory(path=text, language=language))


def test_the_lexicon_that_goes_along_is_whole() -> None:
    for file, least in (("words.csv", 500), ("names.csv", 3000)):
        table = rows(file)
        assert len(table) >= least
        assert all(row[language] for row in table for language in LANGUAGES)
    assert set(lexicon().languages) == set(OTHERS)
    assert any("chair" in word for word in lexicon().read("Gartenklappstühle", "de"))
