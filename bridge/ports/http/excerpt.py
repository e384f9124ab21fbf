"""The beginning of a JSON document with secrets and personal data masked. Costs what is shown, not what is there."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from bridge.ports.http.names import is_harmless, is_person, is_personal, is_secret, plain

MASK = "***"
MASKED = f'"{MASK}"'
_quoted: Callable[[str], str] = json.encoder.encode_basestring


class _Full(Exception):
    """The excerpt is long enough."""


class JsonExcerpt:
    """Writes until ``limit`` characters are reached."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._length = 0
        self._parts: list[str] = []

    def of(self, value: Any) -> str:
        """The text; it ends in three dots where there was more."""
        try:
            self._value(value, person=False)
        except _Full:
            return "".join(self._parts)[: self._limit] + "..."
        return "".join(self._parts)

    def _write(self, text: str) -> None:
        self._parts.append(text)
        self._length += len(text)
        if self._length > self._limit:
            raise _Full

    def _value(self, value: Any, *, person: bool) -> None:
        if isinstance(value, dict):
            self._object(value, person=person)
        elif isinstance(value, list | tuple):
            self._list(value, person=person)
        elif person and not _tells_nothing(value):
            self._write(MASKED)
        elif isinstance(value, str):
            self._write(_quoted(value))
        else:
            self._write(str(value) if isinstance(value, Decimal) else json.dumps(value, default=str))

    def _list(self, values: Sequence[Any], *, person: bool) -> None:
        self._write("[")
        for number, value in enumerate(values):
            self._write("," if number else "")
            self._value(value, person=person)
        self._write("]")

    def _object(self, value: dict[str, Any], *, person: bool) -> None:
        # WooCommerce meta_data is {"key": "_billing_phone", "value": "..."}: the name stands beside the value.
        key = value.get("key", value.get("name"))
        beside = plain(key) if isinstance(key, str) and "value" in value else ""
        self._write("{")
        for number, (name, item) in enumerate(value.items()):
            self._write(f"{',' if number else ''}{_quoted(str(name))}:")
            self._member(beside if name == "value" and beside else plain(str(name)), item, person=person)
        self._write("}")

    def _member(self, name: str, value: Any, *, person: bool) -> None:
        if is_secret(name) or (is_personal(name) and not isinstance(value, dict)):
            self._write(json.dumps(value) if _tells_nothing(value) else MASKED)
        elif is_person(name):
            self._value(value, person=True)
        else:
            self._value(value, person=person and not is_harmless(name))


def _tells_nothing(value: Any) -> bool:
    return value is None or isinstance(value, bool) or value in ("", [], {})
