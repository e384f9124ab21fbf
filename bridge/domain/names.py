"""Countries, languages and currencies by their names, in any language (Unicode's CLDR, as Babel brings it)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache

from babel.core import Locale

ENGLISH = "en"
_COUNTRY = re.compile("[A-Z]{2}( [a-z]{2})?")
_LANGUAGE = re.compile("[a-z]{2}(-[A-Z]{2})?")
# What people write beside the names of the CLDR.
_ALSO: Mapping[str, tuple[str, ...]] = {
    "CZ": ("Czech Republic",),
    "GB": ("UK", "Great Britain", "England"),
    "NL": ("Holland",),
    "US": ("USA", "America"),
}
_STROKES = str.maketrans({"ł": "l", "ø": "o", "đ": "d"})  # letters that have no accent to be taken off


@cache
def countries(language: str) -> Mapping[str, str]:
    """By their two letters."""
    return {code: str(name) for code, name in Locale.parse(language).territories.items() if _COUNTRY.fullmatch(code)}


def country(code: str, language: str) -> str:
    """Of ``BE``, and of ``BE fr`` where a marketplace has several sites there; empty where it is none."""
    letters, _, spoken = code.partition(" ")
    name = countries(language).get(letters, "") if _COUNTRY.fullmatch(code) else ""
    return f"{name} ({Locale.parse(language).languages.get(spoken, spoken)})" if name and spoken else name


def tongue(code: str, language: str) -> str:
    """Of the languages ``nl`` and ``nl-BE``, as a line begins; empty where it is none."""
    known, (spoken, _, land) = Locale.parse(language).languages, code.partition("-")
    if not _LANGUAGE.fullmatch(code) or spoken not in known:
        return ""
    name = str(known[spoken])
    name = name[:1].upper() + name[1:]
    return f"{name} ({countries(language).get(land, land)})" if land else name


def currency(code: str, language: str) -> str:
    """With its code, by which people know it too; empty where it is none."""
    name = str(Locale.parse(language).currencies.get(code, "")) if len(code) == 3 else ""
    return f"{name[:1].upper()}{name[1:]} ({code})" if name else ""


def called(code: str, language: str) -> str:
    """A country, a language or a currency."""
    return country(code, language) or tongue(code, language) or currency(code, language)


@cache
def country_words(code: str, language: str) -> str:
    """Every name that a person may look for a country by, in this language and in English, as ``plain`` has it."""
    names = (countries(language).get(code, ""), countries(ENGLISH).get(code, ""), *_ALSO.get(code, ()))
    return plain(" ".join(names))


def plain(text: str) -> str:
    """Small, and without accents: as whoever looks for something may type it."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in apart if not unicodedata.combining(sign)).translate(_STROKES)
