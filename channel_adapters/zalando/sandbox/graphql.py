"""As much of GraphQL as one question needs: a selection of fields, with arguments on some of them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

TOKENS = re.compile(r'"(?:\\.|[^"\\])*"|[A-Za-z_][A-Za-z0-9_]*|-?\d+(?:\.\d+)?|[{}()\[\]:]')


class BadQuestion(Exception):
    """It cannot be read, or asks for a field that is not there."""


@dataclass
class Field:
    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    selection: list[Field] = field(default_factory=list)


def parse(text: str) -> list[Field]:
    """The fields at the top. Raises BadQuestion."""
    words = TOKENS.findall(text)
    if words[:1] == ["query"]:
        words = words[words.index("{") :] if "{" in words else []
    reader = _Reader(words)
    found = reader.selection()
    if reader.left():
        raise BadQuestion(f"Syntax Error: unexpected {reader.left()[0]}")
    return found


class _Reader:
    def __init__(self, words: list[str]) -> None:
        self._words = words
        self._place = 0

    def left(self) -> list[str]:
        return self._words[self._place :]

    def _peek(self) -> str:
        return self._words[self._place] if self._place < len(self._words) else ""

    def _take(self, wanted: str = "") -> str:
        word = self._peek()
        if not word or (wanted and word != wanted):
            raise BadQuestion(f"Syntax Error: expected {wanted or 'more'}, found {word or 'the end'}")
        self._place += 1
        return word

    def selection(self) -> list[Field]:
        self._take("{")
        found = []
        while self._peek() != "}":
            found.append(self._field())
        self._take("}")
        return found

    def _field(self) -> Field:
        found = Field(self._take())
        if self._peek() == "(":
            found.arguments = self._pairs("(", ")")
        if self._peek() == "{":
            found.selection = self.selection()
        return found

    def _pairs(self, opening: str, closing: str) -> dict[str, Any]:
        self._take(opening)
        found = {}
        while self._peek() != closing:
            name = self._take()
            self._take(":")
            found[name] = self._value()
        self._take(closing)
        return found

    def _value(self) -> Any:
        word = self._peek()
        if word == "{":
            return self._pairs("{", "}")
        if word == "[":
            self._take("[")
            found = []
            while self._peek() != "]":
                found.append(self._value())
            self._take("]")
            return found
        try:
            return json.loads(self._take())
        except ValueError:
            return word  # a word of an enumeration


def select(document: Any, selection: list[Field]) -> Any:
    """Those of the document's fields that are asked for. Raises BadQuestion for one that is not there."""
    if isinstance(document, list):
        return [select(item, selection) for item in document]
    if not isinstance(document, dict) or not selection:
        return document
    missing = [wanted.name for wanted in selection if wanted.name not in document]
    if missing:
        raise BadQuestion(f"Validation error: field {missing[0]} is undefined")
    return {wanted.name: select(document[wanted.name], wanted.selection) for wanted in selection}
