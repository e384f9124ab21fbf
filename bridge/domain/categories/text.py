"""Names as bags of word stems: what is the same in "Racket Grips & Tape" and "racket grip, tape"."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

SEPARATOR = re.compile(r"\s*(?:>|»|→|\|)\s*|\s+/\s+")
WORD = re.compile(r"[a-z0-9]+")
# Letters that do not come apart into a base letter and a mark.
LETTERS = str.maketrans({"ß": "ss", "ł": "l", "ø": "o", "œ": "oe", "æ": "ae", "’": "'"})
# "hobby's" is a plural in Dutch, "d'eau" begins with an article in French.
APOSTROPHE = {"en": re.compile(r"'s?\b"), "nl": re.compile(r"'s\b"), "fr": re.compile(r"\b[a-z]{1,2}'")}

STOP = {
    "en": frozenset(("and", "or", "the", "of", "for", "with", "in", "to", "on", "by", "a", "an", "other")),
    "de": frozenset(
        (
            "und",
            "oder",
            "fur",
            "mit",
            "von",
            "zu",
            "zum",
            "zur",
            "der",
            "die",
            "das",
            "des",
            "den",
            "dem",
            "im",
            "in",
            "am",
            "aus",
            "auf",
            "sonstige",
            "andere",
        )
    ),
    "nl": frozenset(
        (
            "en",
            "of",
            "voor",
            "met",
            "van",
            "de",
            "het",
            "een",
            "in",
            "op",
            "aan",
            "uit",
            "te",
            "tot",
            "overige",
            "andere",
        )
    ),
    "fr": frozenset(
        (
            "et",
            "ou",
            "pour",
            "avec",
            "de",
            "du",
            "des",
            "la",
            "le",
            "les",
            "un",
            "une",
            "a",
            "au",
            "aux",
            "en",
            "d",
            "l",
            "sur",
            "sans",
            "autres",
            "autre",
        )
    ),
    "pl": frozenset(
        ("i", "oraz", "lub", "do", "dla", "z", "ze", "na", "w", "we", "od", "o", "po", "inne", "inny", "pozostale")
    ),
}
# Endings that change with number, case and gender, longest first. Cut once, where enough of the word stays.
ENDINGS = {
    "de": ("ern", "en", "er", "es", "em", "e", "n", "s"),
    "nl": ("en", "es", "e", "s"),
    "fr": ("ales", "aux", "ees", "es", "ee", "e", "s", "x"),
    "pl": (
        *("owych", "owego", "owymi", "iowe", "owej", "owym", "owe", "owy", "owa", "ami", "ach", "ych", "ego", "ymi"),
        *("iej", "iem", "owi", "ie", "ow", "om", "em", "ej", "ym", "im", "ia", "iu", "a", "e", "i", "y", "o", "u"),
    ),
}
LANGUAGES = ("en", "de", "nl", "fr", "pl")


def split_path(path: str) -> tuple[str, ...]:
    """ "A > B" as its names, from the root on."""
    return tuple(name for name in (part.strip() for part in SEPARATOR.split(path)) if name)


def plain(name: str) -> str:
    """Small letters without marks."""
    lowered = unicodedata.normalize("NFKD", name.lower().translate(LETTERS))
    return "".join(letter for letter in lowered if not unicodedata.combining(letter)).strip()


@lru_cache(maxsize=65536)
def stems(name: str, language: str = "en") -> tuple[str, ...]:
    """The words that carry meaning, each once, cut to their stems, in order."""
    text = plain(name)
    if language in APOSTROPHE:
        text = APOSTROPHE[language].sub(" ", text)
    stop = STOP.get(language, STOP["en"])
    found = [stem(word, language) for word in _words(text) if word not in stop]
    return tuple(dict.fromkeys(found))


def _words(text: str) -> list[str]:
    """Words; a lone letter belongs to the next one, so that "E-Books" and "ebooks" are the same."""
    joined: list[str] = []
    alone = ""
    for match in WORD.finditer(text):
        word = match.group()
        if len(word) == 1 and word.isalpha() and text[match.end() : match.end() + 1] == "-":
            alone = word
            continue
        joined.append(alone + word)
        alone = ""
    return [*joined, alone] if alone else joined


def stem(word: str, language: str = "en") -> str:
    """The word without its ending."""
    if language == "en":
        return _english(word)
    for ending in ENDINGS.get(language, ()):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word[: -len(ending)]
    return word


def _english(word: str) -> str:
    if len(word) <= 3 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zzes")):
        return word[:-2]
    return word[:-1]
