"""Finds the text that a rendered sentence was made of, and says it in another language with the same values.

Problems, errors and the journal are kept in English, with their values in them. Each such text stands in the catalogue
with names for its values (``%(title)s has no price.``), and only one of them fits a sentence whole. What fits none is
looked at sentence by sentence, and stays as it is where nothing fits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

VALUE = re.compile(r"%\((\w+)\)[sd]")
_NUMBER = re.compile(r"(%\(\w+\))d")
_ENDS = re.compile(r"(?<=[.!?;:]) ")
# What the transport writes behind a text that stands without a full stop elsewhere: ``… (503).``
_TAIL = re.compile(r"(.+?)((?: \(\d{3}\))?\.)", re.DOTALL)
LETTERS = 4  # fewer in a text with values say too little to know it by
LONGEST, KEPT = 2000, 8192


@dataclass(frozen=True)
class Message:
    """One text: ``id`` and, where it has plural forms, ``plural``; ``forms`` are its translations."""

    id: str
    plural: str
    forms: tuple[str, ...]


@dataclass(frozen=True)
class _Shape:
    """A text with values, as something that can be held against a sentence."""

    pattern: re.Pattern[str]
    names: tuple[str, ...]
    key: str
    weight: int
    message: Message


class Recogniser:
    """``form`` tells which plural form a number takes, ``written`` how a value is written."""

    def __init__(
        self, messages: Sequence[Message], form: Callable[[int], int], written: Callable[[str], str] = str
    ) -> None:
        self._form, self._written = form, written
        self._exact = {_plain(item.id): item for item in messages if not VALUE.search(item.id)}
        found = [shape for item in messages for text in (item.id, item.plural) if (shape := _shape(text, item))]
        self._shapes = sorted(found, key=lambda shape: -shape.weight)
        self.said = lru_cache(maxsize=KEPT)(self._said)

    def _said(self, text: str) -> str:
        whole = self._whole(text)
        if whole is not None:
            return whole
        parts = _ENDS.split(text)
        return text if len(parts) == 1 else " ".join(self._parts(parts))

    def _parts(self, parts: Sequence[str]) -> list[str]:
        """The longest run of sentences that is known first."""
        found: list[str] = []
        start = 0
        while start < len(parts):
            for end in range(len(parts), start, -1):
                known = self._known(" ".join(parts[start:end]))
                if known is not None or end == start + 1:
                    found.append(parts[start] if known is None else known)
                    start = end
                    break
        return found

    def _known(self, text: str) -> str | None:
        whole = self._whole(text)
        tailed = _TAIL.fullmatch(text) if whole is None else None
        inner = self._whole(tailed[1]) if tailed else None
        return f"{inner}{tailed[2]}" if tailed and inner is not None else whole

    def _whole(self, text: str) -> str | None:
        exact = self._exact.get(text)
        if exact is not None:
            return _plain(exact.forms[0])
        for shape in self._shapes if len(text) <= LONGEST else ():
            if shape.key in text and (fits := shape.pattern.fullmatch(text)):
                return self._filled(shape, dict(zip(shape.names, fits.groups(), strict=True)))
        return None

    def _filled(self, shape: _Shape, values: dict[str, str]) -> str:
        forms = shape.message.forms
        count = next((int(value) for value in values.values() if value.isdecimal()), 1)
        form = forms[self._form(count)] if len(forms) > 1 else forms[0]
        return _NUMBER.sub(r"\1s", form) % {name: self._written(self.said(value)) for name, value in values.items()}


def _plain(text: str) -> str:
    return text.replace("%%", "%")


def _shape(text: str, message: Message) -> _Shape | None:
    """None where there are no values, or too little else to know it by."""
    names = tuple(VALUE.findall(text))
    rest = [_plain(part) for part in VALUE.split(text)[::2]]
    weight = sum(len(re.findall(r"[^\W\d_]", part)) for part in rest)
    if not names or weight < LETTERS or len(set(names)) < len(names):
        return None
    pattern = re.escape(rest[0]) + "".join(f"(.+?){re.escape(part)}" for part in rest[1:])
    return _Shape(re.compile(pattern, re.DOTALL), names, max(rest, key=len), weight, message)
