"""Tables that a merchant writes: a word of one side and what stands for it, kept as lines ``word=value`` of a setting.
Two words are the same by their letters and digits."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from enum import StrEnum
from typing import Any, TypeVar

from bridge.flows.forms import FieldErrors

LONGEST, MOST = 100, 200
NOTHING: Mapping[str, str] = {}
Ours = TypeVar("Ours", bound=StrEnum)


def plain(word: str) -> str:
    """By which two words are the same: letters and digits, whatever the capitals."""
    return "".join(letter for letter in word.casefold() if letter.isalnum())


def pairs(settings: Mapping[str, Any], name: str) -> dict[str, str]:
    """The table of this name, by the word as it was written."""
    lines = (str(item).rpartition("=") for item in settings.get(name) or ())
    return {word.strip(): value.strip() for word, _, value in lines if word.strip() and value.strip()}


def by_ours(settings: Mapping[str, Any], name: str, ours: type[Ours]) -> dict[Ours, str]:
    """A table ``ours=theirs``; what is none of ours is left out."""
    return {ours(word): value for word, value in pairs(settings, name).items() if word in list(ours)}


def meant(settings: Mapping[str, Any], name: str, ours: type[Ours], told: str) -> Ours | None:
    """What a text means by a table ``word=ours``: by the whole of it, else by the longest word that is part of it."""
    mine = {plain(word): value for word, value in pairs(settings, name).items() if value in list(ours)}
    text = plain(told)
    for word in sorted(mine, key=lambda word: (word != text, -len(word), word)):
        if word and word in text:
            return ours(mine[word])
    return None


def written_codes(
    offered: Collection[str],
    given: Mapping[str, str],
    ours: type[Ours],
    field: str,
    untrue: Mapping[str, str] = NOTHING,
) -> list[str]:
    """A table ``ours=theirs`` as it is kept: an empty code is the default. ``untrue``: what else is wrong, by ours.
    Raises FieldErrors by ``<field>.<ours>``."""
    text = "Choose one of the reasons that are offered."
    wrong = {name: text for name, code in given.items() if code and offered and code not in offered}
    if wrong or untrue:
        raise FieldErrors({f"{field}.{name}": told for name, told in {**wrong, **untrue}.items()})
    return [f"{name}={code}" for name, code in given.items() if code and name in list(ours)]


def written_words(rows: Iterable[tuple[str, str]], ours: type[Ours], field: str) -> list[str]:
    """A table of the store's words ``word=ours`` as it is kept. Raises FieldErrors by field and number of the row."""
    tidy = [(word, value if value in list(ours) else "") for word, value in rows]
    return written(tidy, field, "Enter the store's word.", "This word is in the table already.")


def written(
    rows: Iterable[tuple[str, str]],
    field: str,
    missing: str,
    twice: str,
    check: Callable[[str], Mapping[str, str]] = lambda _value: {},
) -> list[str]:
    """The table as it is kept; a row without a value is none. ``missing`` and ``twice``: what is said of a word that is
    none, or is there already; ``check``: what is wrong with a value, by field. Raises FieldErrors by field and number
    of the row."""
    found: dict[str, str] = {}
    errors: dict[str, str] = {}
    tidy = [(" ".join(word.replace(",", " ").split()), value.strip()) for word, value in rows]
    for number, (word, value) in enumerate(tidy):
        if not value:
            continue
        if not plain(word) or len(word) > LONGEST:
            errors[f"{field}.{number}"] = missing
        elif wrong := check(value):
            errors |= {f"{name}.{number}": text for name, text in wrong.items()}
        elif plain(word) in found:
            errors[f"{field}.{number}"] = twice
        else:
            found[plain(word)] = f"{word}={value}"
    if len(found) > MOST:
        errors[f"{field}.0"] = f"The table has at most {MOST} lines."
    if errors:
        raise FieldErrors(errors)
    return list(found.values())
