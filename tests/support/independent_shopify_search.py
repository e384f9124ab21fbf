"""Shopify's search syntax (shopify.dev, API search syntax): terms, quotes, comparators, AND, OR, NOT, brackets."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

# What can be asked of a row: by name of the filter, all its values. A time is a datetime.
Asked = Mapping[str, Sequence[Any]]
TOKEN = re.compile(
    r"""\s*(?:(?P<open>\()|(?P<close>\))|(?P<word>(?:-)?(?:[\w.{}]+:)?(?:<=|>=|<|>)?(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|[^\s()]+)))"""
)
TERM = re.compile(r"(?P<not>-)?(?:(?P<name>[\w.{}]+):)?(?P<op><=|>=|<|>)?(?P<value>.*)", re.DOTALL)
Test = Callable[[Asked], bool]


def matching(query: str, rows: list[tuple[Any, Asked]], now: datetime) -> tuple[list[Any], list[str]]:
    """Rows that fit, and filters that do not exist: Shopify passes those over, so that what they were to narrow is whole."""
    known = {name for _, asked in rows for name in asked} if rows else None
    parser = _Parser(query, known, now)
    test = parser.any_of()
    return [row for row, asked in rows if test(asked)], parser.unknown


class _Parser:
    def __init__(self, query: str, known: set[str] | None, now: datetime) -> None:
        self.tokens = [match.group().strip() for match in TOKEN.finditer(query)]
        self.known, self.now = known, now
        self.unknown: list[str] = []

    def any_of(self) -> Test:
        parts = [self.all_of()]
        while self.tokens and self.tokens[0] == "OR":
            self.tokens.pop(0)
            parts.append(self.all_of())
        return lambda asked: any(part(asked) for part in parts)

    def all_of(self) -> Test:
        parts: list[Test] = []
        while self.tokens and self.tokens[0] not in ("OR", ")"):
            if self.tokens[0] == "AND":
                self.tokens.pop(0)
                continue
            parts.append(self.one())
        return lambda asked: all(part(asked) for part in parts)

    def one(self) -> Test:
        token = self.tokens.pop(0)
        if token == "NOT":
            inner = self.one()
            return lambda asked: not inner(asked)
        if token == "(":
            inside = self.any_of()
            if self.tokens:
                self.tokens.pop(0)
            return inside
        return self.term(token)

    def term(self, token: str) -> Test:
        match = TERM.fullmatch(token)
        assert match is not None
        name, op = match["name"] or "", match["op"] or ""
        if name and self.known is not None and name not in self.known:
            self.unknown.append(name)
            return lambda asked: True
        quoted = match["value"][:1] in "'\"" and len(match["value"]) > 1
        value = re.sub(r"\\(.)", r"\1", match["value"][1:-1]) if quoted else match["value"]
        if not quoted and ":" in value.replace("\\:", ""):
            self.unknown.append(f"{name}, with a colon that is not quoted")
        wanted = [value] if quoted or op else value.split(",")

        def fits(asked: Asked) -> bool:
            values = asked.get(name, ()) if name else [item for every in asked.values() for item in every]
            found = any(self.compared(have, op, want) for have in values for want in wanted)
            return found != bool(match["not"])

        return fits

    def compared(self, have: Any, op: str, want: str) -> bool:
        if have is None:
            return False
        if isinstance(have, datetime):
            at = self.now if want == "now" else datetime.fromisoformat(want).replace(tzinfo=_zone(want))
            return {">": have > at, ">=": have >= at, "<": have < at, "<=": have <= at, "": have == at}[op]
        if isinstance(have, bool):
            return have == (want.lower() == "true")
        if isinstance(have, int):
            if not want.lstrip("-").isdigit():
                return False
            at_number = int(want)
            return {
                ">": have > at_number, ">=": have >= at_number, "<": have < at_number, "<=": have <= at_number,
                "": have == at_number,
            }[op]  # fmt: skip
        text, sought = str(have).lower(), want.lower()
        return text.startswith(sought[:-1]) if sought.endswith("*") else text == sought


def _zone(text: str) -> Any:
    return datetime.fromisoformat(text).tzinfo or UTC
