"""Tables that a merchant writes: a word of one side and what stands for it, kept as lines ``word=value`` of a setting.
Two words are the same by their letters and digits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from bridge.flows.forms import FieldErrors

LONGEST, MOST = 100, 200


def plain(word: str) -> str:
    """By which two words are the same: letters and digits, whatever the capitals."""
    return "".join(letter for letter in word.casefold() if letter.isalnum())


def pairs(settings: Mapping[str, Any], name: str) -> dict[str, str]:
    """The table of this name, by the word as it was written."""
    lines = (str(item).rpartition("=") for item in settings.get(name) or ())
    return {word.strip(): value.strip() for word, _, value in lines if word.strip() and value.strip()}


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
