"""What pydantic finds wrong with a value, in words of ours: its own are English, and for whoever wrote the program."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

MISSING = "This is missing."
_OURS = ("value_error", "assertion_error")
_WHOLE = "Enter a whole number."
_NUMBER = "Enter a number."
_SEVERAL = "Enter a list."
_OBJECT = "An object is expected here."
_DIGITS = "This number has too many digits."
_WORDS: Mapping[str, str] = {
    "missing": MISSING,
    "extra_forbidden": "There is no such field here.",
    "none_required": "This has to be left empty.",
    "string_pattern_mismatch": "This does not have the expected form.",
    "decimal_max_digits": _DIGITS,
    "decimal_max_places": "This number has too many decimal places.",
    "decimal_whole_digits": _DIGITS,
    "recursion_loop": "This is nested too deeply.",
}
_BOUNDS: Mapping[str, str] = {
    "greater_than_equal": "Enter {ge} or more.",
    "greater_than": "Enter more than {gt}.",
    "less_than_equal": "Enter {le} or less.",
    "less_than": "Enter less than {lt}.",
    "string_too_short": "Enter at least this many characters: {min_length}.",
    "string_too_long": "Enter at most this many characters: {max_length}.",
    "too_short": "Enter at least this many: {min_length}.",
    "too_long": "Enter at most this many: {max_length}.",
}
_CHOICES = ("literal_error", "enum", "union_tag_invalid", "union_tag_not_found")
_QUOTED = re.compile("'([^']*)'")
# By the first word of the kind.
_TYPES: Mapping[str, str] = {
    "int": _WHOLE,
    "float": _NUMBER,
    "decimal": _NUMBER,
    "finite": _NUMBER,
    "bool": "Say yes or no.",
    "string": "Enter text.",
    "list": _SEVERAL,
    "tuple": _SEVERAL,
    "set": _SEVERAL,
    "frozen": _SEVERAL,
    "iterable": _SEVERAL,
    "dict": _OBJECT,
    "mapping": _OBJECT,
    "model": _OBJECT,
    "date": "Enter a day such as 2026-11-27.",
    "datetime": "Enter a time such as 2026-11-27T12:00:00Z.",
    "time": "Enter a time such as 12:00.",
}


def sentence(error: ErrorDetails) -> str:
    """Of one error. What a validator of ours has said stays as it is."""
    kind, told = error["type"], error.get("ctx") or {}
    if kind in _OURS:
        return error["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if kind in _CHOICES:
        return f"Choose one of: {_choices(told)}."
    if kind in _BOUNDS:
        return _BOUNDS[kind].format(**told)
    return _WORDS.get(kind) or _TYPES.get(kind.partition("_")[0], "This does not fit here.")


def begun(text: str) -> str:
    """As a sentence: what a validator says has neither a capital nor a full stop."""
    return text if text.endswith(".") else f"{text[:1].upper()}{text[1:]}."


def _choices(told: Mapping[str, Any]) -> str:
    known = str(told.get("expected") or told.get("expected_tags") or told.get("discriminator") or "")
    return ", ".join(_QUOTED.findall(known)) or known
