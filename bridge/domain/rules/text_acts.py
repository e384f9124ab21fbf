"""Actions on words: title, description, brand, bullets, attributes."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from bridge.domain.rules import actions as a
from bridge.domain.rules.fields import ATTRIBUTE, FIELDS, Kind, attribute_source, kind_of
from bridge.domain.rules.figures import Figures
from bridge.domain.rules.state import Act, State

Values = str | tuple[str, ...]
Edit = Callable[[Values, str], Values]


def set_text(action: a.SetText, rule: str, figures: Figures) -> Act:
    """Writes ``action.words``; empty words change nothing, save with "set"."""
    words = _source(action.words, figures)
    change = _change(action)
    read, write = _target(action.target)
    setting = action.change is a.TextChange.SET

    def act(state: State) -> None:
        added = words(state)
        if added or setting:
            before = read(state)
            _write(state, action.target, rule, before, change(before, added), write)

    return act


def replace_text(action: a.ReplaceText, rule: str) -> Act:
    read, write = _target(action.target)
    find, put = action.find, action.put

    def replaced(value: Values) -> Values:
        return value.replace(find, put) if isinstance(value, str) else tuple(one.replace(find, put) for one in value)

    def act(state: State) -> None:
        before = read(state)
        _write(state, action.target, rule, before, replaced(before), write)

    return act


def _write(
    state: State, field: str, rule: str, before: Values, after: Values, write: Callable[[State, Values], None]
) -> None:
    if after != before:
        write(state, after)
        state.changes.append((field, rule, before, after, ""))


def _source(words: a.Words, figures: Figures) -> Callable[[State], str]:
    if isinstance(words, a.TextOf):
        text = words.text
        return lambda state: text
    if kind_of(words.field) is Kind.ATTRIBUTE:
        path, key = attribute_source(words.field)
        values = attrgetter(path)
        return lambda state: _joined(values(state).get(key, ""))
    field = FIELDS[words.field]
    if field.fixed:
        text = getattr(figures.context, field.path) or ""
        return lambda state: text
    read = attrgetter(field.path)
    if field.kind is Kind.TEXT:
        return lambda state: str(read(state)).strip()
    return lambda state: _joined(read(state))


def _joined(value: Values) -> str:
    return value.strip() if isinstance(value, str) else ", ".join(value)


def _target(field: str) -> tuple[Callable[[State], Any], Callable[[State, Values], None]]:
    if not field.startswith(ATTRIBUTE):
        return attrgetter(field), lambda state, value: setattr(state, field, value)
    name = field.removeprefix(ATTRIBUTE)

    return lambda state: state.attributes.get(name, ""), lambda state, value: state.write_attribute(name, value)


def _change(action: a.SetText) -> Edit:
    bullets, separator = action.target == "bullets", action.separator
    if action.change is a.TextChange.SET:
        return lambda before, words: ((words,) if words else ()) if bullets else words
    first = action.change is a.TextChange.PREPEND

    def add(before: Values, words: str) -> Values:
        if isinstance(before, str):
            return _prepended(before, words, separator) if first else _appended(before, words, separator)
        if words in before:
            return before
        return (words, *before) if first else (*before, words)

    return add


def _prepended(text: str, words: str, separator: str) -> str:
    """``words`` in front, unless they stand there: as words of their own, in whatever case."""
    there, rest = text[: len(words)], text[len(words) :]
    if there.casefold() == words.casefold() and _apart(rest[:1], separator, rest.startswith(separator)):
        return text
    return f"{words}{separator}{text}" if text else words


def _appended(text: str, words: str, separator: str) -> str:
    there, rest = text[-len(words) :], text[: -len(words)]
    if there.casefold() == words.casefold() and _apart(rest[-1:], separator, rest.endswith(separator)):
        return text
    return f"{text}{separator}{words}" if text else words


def _apart(neighbour: str, separator: str, separated: bool) -> bool:
    """Whether what stands there ends where ``words`` end: "Acme lamp" begins with Acme, "Acmeware lamp" does not."""
    return separated if separator and neighbour.isalnum() else (not neighbour.isalnum() or not separator)
