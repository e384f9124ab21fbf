"""Conditions on words: text, sets of words, attributes.

A condition is asked for every product, so its test is chosen once and is, where that can be, a method of ``str`` or
``frozenset`` itself.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable
from operator import attrgetter, methodcaller
from typing import Any

from bridge.domain.rules import conditions as c
from bridge.domain.rules.fields import FIELDS, Kind, attribute_source, kind_of
from bridge.domain.rules.figures import Figures
from bridge.domain.rules.state import Judge, State

Fold = Callable[[str], str]
# Truth as Python has it: a pattern answers with what it found, or None.
Test = Callable[[str], Any]
Values = tuple[str, ...]


def words_judge(condition: c.TextIs | c.SetIs, figures: Figures) -> Judge | bool:
    """Raises ValueError for a field that is not text."""
    field = FIELDS.get(condition.field)
    kind = kind_of(condition.field)
    if kind is Kind.ATTRIBUTE:
        return _several(condition, _attribute(condition.field))
    if field is None or kind not in (Kind.TEXT, Kind.SET):
        raise ValueError(f"{condition.field} is not text")
    if field.fixed:
        return _of_connection(condition, getattr(figures.context, field.path) or "")
    read = attrgetter(field.path)
    return _several(condition, read) if kind is Kind.SET else _single(condition, read)


def _of_connection(condition: c.TextIs | c.SetIs, value: str) -> bool:
    if isinstance(condition, c.SetIs):
        return _set_test(condition)((value,) if value else ())
    fold, test = _text_test(condition)
    return bool(test(fold(value)))


def _single(condition: c.TextIs | c.SetIs, read: Callable[[State], str]) -> Judge:
    """Of a field with one value, which may be empty."""
    if isinstance(condition, c.TextIs):
        if (usual := _usual(condition, read)) is not None:
            return usual
        fold, test = _text_test(condition)
        if condition.op is c.TextOp.MATCHES:
            return lambda state: test(fold(read(state))) is not None
        return lambda state: test(fold(read(state)))
    whole = _set_test(condition)
    return lambda state: whole((value,) if (value := read(state)) else ())


def _usual(condition: c.TextIs, read: Callable[[State], str]) -> Judge | None:
    """The four questions that nearly all rules ask, without a call more than needed."""
    value = condition.value.casefold()
    usual: dict[c.TextOp, Judge] = {
        c.TextOp.EQUALS: lambda state: read(state).casefold() == value,
        c.TextOp.CONTAINS: lambda state: value in read(state).casefold(),
        c.TextOp.STARTS: lambda state: read(state).casefold().startswith(value),
        c.TextOp.ENDS: lambda state: read(state).casefold().endswith(value),
    }
    return None if condition.exact_case else usual.get(condition.op)


def _several(condition: c.TextIs | c.SetIs, read: Callable[[State], Values]) -> Judge:
    """Of a field with several values, or none."""
    if isinstance(condition, c.SetIs):
        whole = _set_test(condition)
        return lambda state: whole(read(state))
    fold, test = _text_test(condition)
    if condition.op is c.TextOp.EMPTY:
        return lambda state: all(map(test, read(state)))
    return lambda state: any(map(test, map(fold, read(state))))


def _attribute(name: str) -> Callable[[State], Values]:
    """An attribute has one value or several, or is missing."""

    path, key = attribute_source(name)
    read = attrgetter(path)

    def values(state: State) -> Values:
        value = read(state).get(key, ())
        return ((value,) if value else ()) if isinstance(value, str) else value

    return values


def _text_test(condition: c.TextIs) -> tuple[Fold, Test]:
    """What is done to a text before, and the test of it."""
    value, op = condition.value, condition.op
    if op is c.TextOp.EMPTY:
        return str.strip, methodcaller("__eq__", "")
    if not condition.exact_case:
        value = value.casefold()
    fold = str if condition.exact_case else str.casefold
    if op is c.TextOp.MATCHES:
        # Only * and ? are special: a bracket stands for itself.
        return fold, re.compile(fnmatch.translate(value.replace("[", "[[]"))).match
    tests = {c.TextOp.CONTAINS: "__contains__", c.TextOp.STARTS: "startswith", c.TextOp.ENDS: "endswith"}
    return fold, methodcaller(tests.get(op, "__eq__"), value)


def _set_test(condition: c.SetIs) -> Callable[[Values], bool]:
    wanted = frozenset(value.casefold() for value in condition.values)
    if condition.op is c.SetOp.HAS_ALL:
        return lambda values: wanted.issubset(map(str.casefold, values))
    if condition.op is c.SetOp.NONE:
        return lambda values: wanted.isdisjoint(map(str.casefold, values))
    return lambda values: not wanted.isdisjoint(map(str.casefold, values))
