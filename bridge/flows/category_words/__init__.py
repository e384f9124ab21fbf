"""The words that names of categories are made of, in other languages: the lexicon that goes along with the package.

``words.csv`` is a table of common words of trade, written for this project. ``names.csv`` are the names of shop
categories in five languages, from the Shopify product taxonomy (MIT licence, see ``NOTICE``). What translates what is
learned from both when first asked for; which category maps to which is in neither.
"""

from __future__ import annotations

import csv
from functools import lru_cache
from importlib import resources

from bridge.domain.categories import LANGUAGES, WordTable, learn_lexicon

OTHERS = tuple(language for language in LANGUAGES if language != "en")


@lru_cache(maxsize=1)
def lexicon() -> WordTable:
    """The lexicon for German, Dutch, French and Polish."""
    return learn_lexicon(parallel(rows("words.csv"), rows("names.csv")))


def parallel(words: list[dict[str, str]], names: list[dict[str, str]]) -> dict[str, list[tuple[str, str]]]:
    """For each language what ``learn_lexicon`` learns from: pairs of a name and its English."""
    return {
        language: [
            *((word, row["en"]) for row in words for word in row[language].split()),
            *((row[language], row["en"]) for row in names),
        ]
        for language in OTHERS
    }


def rows(file: str) -> list[dict[str, str]]:
    text = (resources.files(__name__) / file).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
