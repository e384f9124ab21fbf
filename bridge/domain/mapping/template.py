"""Templates: text with names in braces. Parsed once; a missing part goes together with the separator beside it.

Letters and digits that touch a name belong to it (``{width}cm``), what stands in round or square brackets goes when
none of its names has a value, punctuation, spaces and a lone x (``{width} x {height}``) are separators, and other words
stay as long as any name has a value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]|[^{}]+")
_PIECE = re.compile(r"[^\W_]+|[()\[\]]|(?:[^\w()\[\]]|_)+")
_NAME = re.compile(r"(?:(option|attribute|custom|mapped|field):)?(.+)", re.DOTALL)
_CLOSING = {"(": ")", "[": "]"}
_DEEPEST = 5

Lookup = Callable[["Slot"], str]


class TemplateError(ValueError):
    """The template cannot be read."""


class Slot(NamedTuple):
    """A name in braces with the letters that touch it. ``kind`` is empty for a bare name."""

    kind: str
    name: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True)
class Word:
    text: str


@dataclass(frozen=True)
class Separator:
    text: str


@dataclass
class Group:
    """Brackets around parts, or the whole template (no brackets)."""

    opening: str = ""
    closing: str = ""
    parts: list[Part] = field(default_factory=list)

    def slots(self) -> Iterator[Slot]:
        for part in self.parts:
            if isinstance(part, Slot):
                yield part
            elif isinstance(part, Group):
                yield from part.slots()


Part = Slot | Word | Separator | Group


def parse(text: str) -> Group:
    """Raises TemplateError naming the place."""
    return _grouped(_with_affixes(list(_flat(text))))


def render(group: Group, lookup: Lookup) -> str:
    """The text; ``lookup`` gives the value of a slot, empty where there is none."""
    found = _joined(group.parts, lookup)
    if group.opening and not found:
        return ""
    if group.opening:
        return f"{group.opening}{found}{group.closing}"
    return found.strip()


def _joined(parts: Iterable[Part], lookup: Lookup) -> str:
    out: list[str] = []
    waiting, is_first, was_there, any_slot, any_value = "", True, True, False, False
    for part in parts:
        if isinstance(part, Separator):
            waiting += part.text if is_first or out else ""
            continue
        shown = _shown(part, lookup)
        if not isinstance(part, Word):
            any_slot, any_value = True, any_value or bool(shown)
        if shown:
            out += [waiting, shown]
        waiting, is_first, was_there = "", False, bool(shown)
    if was_there:
        out.append(waiting)
    return "" if any_slot and not any_value else "".join(out)


def _shown(part: Slot | Word | Group, lookup: Lookup) -> str:
    if isinstance(part, Word):
        return part.text
    if isinstance(part, Group):
        return render(part, lookup)
    value = lookup(part).strip()
    return f"{part.before}{value}{part.after}" if value else ""


def _flat(text: str) -> Iterator[Part | str]:
    """Slots, words and separators in a row; brackets as plain strings."""
    for match in _TOKEN.finditer(text):
        found = match.group()
        if found in ("{{", "}}"):
            yield Separator(found[0])
        elif match.group(1) is not None:
            yield _slot(match.group(1), match.start())
        elif found in "{}":
            raise TemplateError(f"the brace at character {match.start() + 1} has no partner")
        else:
            yield from (_piece(piece) for piece in _PIECE.findall(found))


def _slot(inside: str, at: int) -> Slot:
    found = _NAME.fullmatch(inside.strip())
    if not found or not found.group(2).strip():
        raise TemplateError(f"the braces at character {at + 1} have no name")
    return Slot(found.group(1) or "", found.group(2).strip())


def _piece(text: str) -> Part | str:
    if text in "()[]":
        return text
    return Word(text) if text[0].isalnum() and text.lower() != "x" else Separator(text)


def _with_affixes(flat: list[Part | str]) -> list[Part | str]:
    """A word that touches a slot becomes part of it."""
    out: list[Part | str] = []
    for item in flat:
        last = out[-1] if out else None
        if isinstance(item, Slot) and isinstance(last, Word):
            out[-1] = Slot(item.kind, item.name, last.text)
        elif isinstance(item, Word) and isinstance(last, Slot) and not last.after:
            out[-1] = Slot(last.kind, last.name, last.before, item.text)
        elif isinstance(item, Separator) and isinstance(last, Separator):
            out[-1] = Separator(last.text + item.text)
        else:
            out.append(item)
    return out


def _grouped(flat: list[Part | str]) -> Group:
    """Brackets that match become groups; one without a partner is a separator."""
    stack = [Group()]
    for item in flat:
        if isinstance(item, str) and item in _CLOSING and len(stack) <= _DEEPEST:
            stack.append(Group(item, _CLOSING[item]))
        elif isinstance(item, str):
            if len(stack) > 1 and stack[-1].closing == item:
                done = stack.pop()
                stack[-1].parts.append(done)
            else:
                stack[-1].parts.append(Separator(item))
        else:
            stack[-1].parts.append(item)
    while len(stack) > 1:
        broken = stack.pop()
        stack[-1].parts += [Separator(broken.opening), *broken.parts]
    return stack[0]
