"""Outlines and attribute types as they are at Zalando now, read when they are needed and kept for an hour."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import TypeVar

from bridge.domain.reading import Json
from bridge.ports.errors import BridgeError, NotFound
from channel_adapters.zalando.account import Account
from channel_adapters.zalando.client import ZalandoClient
from channel_adapters.zalando.outlines import Type, base_of, has_values, part_labels, read_type, types_of

T = TypeVar("T")
GOOD_FOR = timedelta(hours=1)


class Catalogue:
    """Thread-safe: the worst that several threads do is to read the same twice."""

    def __init__(self, client: ZalandoClient, account: Account, clock: Callable[[], datetime]) -> None:
        self._client = client
        self._account = account
        self._clock = clock
        self._lock = threading.Lock()
        self._outlines: dict[str, tuple[datetime, Json]] = {}
        self._types: dict[str, tuple[datetime, Type]] = {}

    def outlines(self) -> list[Json]:
        return self._client.outlines(self._account.merchant)

    def outline(self, label: str) -> Json:
        """Raises NotFound."""
        if (known := self._young(self._outlines.get(label))) is not None:
            return known
        found = self._client.outline(self._account.merchant, label)
        if not found:
            raise NotFound(f"Zalando has no outline {label!r}.", field="category")
        with self._lock:
            self._outlines[label] = (self._clock(), found)
        return found

    def types(self, outline: Json) -> dict[str, Type]:
        """The types of all attributes of an outline, by their label without variant. One that Zalando does not know is
        left out: its values go out as they are."""
        labels = list(dict.fromkeys(base_of(label) for label in types_of(outline)))
        return {label: found for label, found in self._read(labels).items() if found is not None}

    def _read(self, labels: Iterable[str]) -> dict[str, Type | None]:
        wanted = list(labels)
        answers = self._client.each(self._type, wanted)
        if fault := next((item for item in answers if isinstance(item, BridgeError)), None):
            raise fault
        return {label: item for label, item in zip(wanted, answers, strict=True) if not isinstance(item, BridgeError)}

    def _type(self, label: str) -> Type | None:
        if (known := self._young(self._types.get(label))) is not None:
            return known
        merchant = self._account.merchant
        try:
            raw = self._client.attribute_type(merchant, label)
        except NotFound:
            return None
        values = self._client.attributes(merchant, label) if has_values(raw) else []
        parts = {name: (self._type(name) or Type(name), optional) for name, optional in part_labels(raw)}
        found = read_type(raw, parts, values)
        with self._lock:
            self._types[label] = (self._clock(), found)
        return found

    def _young(self, known: tuple[datetime, T] | None) -> T | None:
        return known[1] if known is not None and self._clock() - known[0] < GOOD_FOR else None
