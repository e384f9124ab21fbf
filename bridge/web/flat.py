"""A form's flat fields (``then.0.amount.currency``) and what can be done to them: parts added, taken away, moved.

Whatever is edited is a flat form: made from a value, changed by buttons, drawn again, and read into data at last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any

from pydantic import BaseModel

Flat = dict[str, str]


def flat_of(value: Any, path: str) -> Flat:
    """A value as the fields of a form. Several texts are lines of one field; a dictionary is pairs of ``key`` and
    ``to``; what is None, False or left to its default None has no field."""
    match value:
        case None | False:
            return {}
        case BaseModel():
            parts = ((name, getattr(value, name)) for name in type(value).model_fields)
            return _joined(path, parts)
        case dict():
            pairs = (({"key": key, "to": to}) for key, to in value.items())
            return {
                name: text
                for n, pair in enumerate(pairs)
                for name, text in _joined(f"{path}.{n}", pair.items()).items()
            }
        case tuple() | list():
            if all(isinstance(item, str) for item in value):
                return {path: "\n".join(value)}
            return _joined(path, ((str(number), item) for number, item in enumerate(value)))
        case _:
            return {path: _text(value)}


def _joined(path: str, parts: Any) -> Flat:
    found: Flat = {}
    for name, part in parts:
        found |= flat_of(part, f"{path}.{name}" if path else name)
    return found


def _text(value: Any) -> str:
    match value:
        case True:
            return "1"
        case Enum():
            return str(value.value)
        case Decimal():
            return f"{value:f}"
        case date():
            return value.isoformat()
        case _:
            return str(value)


def numbers(flat: Mapping[str, str], path: str) -> list[int]:
    """The places that a list has."""
    start = f"{path}."
    heads = {name[len(start) :].partition(".")[0] for name in flat if name.startswith(start)}
    return sorted(int(head) for head in heads if head.isascii() and head.isdigit() and len(head) < 6)


def part(flat: Mapping[str, str], path: str) -> Flat:
    """The fields of one part, by their names inside it."""
    return {name[len(path) + 1 :]: value for name, value in flat.items() if name.startswith(f"{path}.")}


def without(flat: Mapping[str, str], path: str) -> Flat:
    """Without this part of a list; those behind it move up."""
    head, _, last = path.rpartition(".")
    if not last.isdigit():
        return dict(flat)
    gone = int(last)
    return _moved(flat, head, lambda number: None if number == gone else number - (number > gone))


def swapped(flat: Mapping[str, str], path: str, by: int) -> Flat:
    """This part of a list one place up (-1) or down (1)."""
    head, _, last = path.rpartition(".")
    places = numbers(flat, head)
    if not last.isdigit() or int(last) not in places:
        return dict(flat)
    at = places.index(int(last))
    if not 0 <= at + by < len(places):
        return dict(flat)
    one, other = places[at], places[at + by]
    return _moved(flat, head, lambda number: {one: other, other: one}.get(number, number))


def added(flat: Mapping[str, str], path: str, fields: Mapping[str, str]) -> Flat:
    """One more part at the end of a list."""
    places = numbers(flat, path)
    number = places[-1] + 1 if places else 0
    return {
        **flat,
        **{f"{path}.{number}.{name}" if name else f"{path}.{number}": text for name, text in fields.items()},
    }


def _moved(flat: Mapping[str, str], head: str, place: Callable[[int], int | None]) -> Flat:
    start, found = f"{head}.", Flat()
    for name, value in flat.items():
        number, dot, rest = name[len(start) :].partition(".") if name.startswith(start) else ("", "", "")
        if not number.isdigit():
            found[name] = value
        elif (new := place(int(number))) is not None:
            found[f"{start}{new}{dot}{rest}"] = value
    return found
