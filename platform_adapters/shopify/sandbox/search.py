"""The search syntax of lists, as far as it is used: ``field:value``, compared with >=, <=, > or <, all of them true."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from platform_adapters.shopify.sandbox.store import Doc

_TERM = re.compile(r"(\w+):(>=|<=|>|<)?('(?:[^'\\]|\\.)*'|\S+)")
Field = Callable[[Doc], Any]


class BadQuery(ValueError):
    """A filter that this store does not know."""


def matcher(query: str | None, fields: Mapping[str, Field]) -> Callable[[Doc], bool]:
    """Raises BadQuery for a field that is not in ``fields``: a typing error must not look like "all"."""
    text = (query or "").strip()
    terms = _TERM.findall(text)
    if " ".join(_TERM.sub("", text).split()):
        raise BadQuery(f"this sandbox does not understand {text!r}")
    tests = [_test(name, sign, _plain(value), fields) for name, sign, value in terms]
    return lambda doc: all(test(doc) for test in tests)


def _plain(value: str) -> str:
    if value.startswith("'"):
        return re.sub(r"\\(.)", r"\1", value[1:-1])
    return value


def _test(name: str, sign: str, wanted: str, fields: Mapping[str, Field]) -> Callable[[Doc], bool]:
    if name not in fields:
        raise BadQuery(f"this sandbox does not filter by {name!r}")
    read = fields[name]

    def test(doc: Doc) -> bool:
        found = read(doc)
        if isinstance(found, float):
            return _compare(int(found), sign, int(datetime.fromisoformat(wanted).timestamp()))
        if isinstance(found, list | tuple | set):
            return wanted.casefold() in {str(item).casefold() for item in found}
        return str(found or "").casefold() == wanted.casefold()

    return test


def _compare(found: int, sign: str, wanted: int) -> bool:
    match sign:
        case ">=":
            return found >= wanted
        case "<=":
            return found <= wanted
        case ">":
            return found > wanted
        case "<":
            return found < wanted
        case _:
            return found == wanted
