"""What a page's form sent, and what else than a note an action may answer with."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

_NO_NAME = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Upload:
    """A file that came with a form."""

    name: str
    content: bytes


class Form(Mapping[str, str]):
    """The fields of a form, the first value of each, and its files. ``do`` is what its button says; what stands behind
    a colon there is ``place``, so that a button can say where: ``remove:when.1``."""

    def __init__(self, fields: Iterable[tuple[str, str]], files: Mapping[str, Upload] | None = None) -> None:
        self._fields: dict[str, list[str]] = {}
        for name, value in fields:
            self._fields.setdefault(name, []).append(value)
        self.files: Mapping[str, Upload] = files or {}

    def __getitem__(self, name: str) -> str:
        return self._fields[name][0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def all(self, name: str) -> list[str]:
        """Every value of a field that may be sent several times (boxes that are ticked)."""
        return self._fields.get(name, [])

    @property
    def do(self) -> str:
        return self.get("do", "").partition(":")[0]

    @property
    def place(self) -> str:
        return self.get("do", "").partition(":")[2]


@dataclass(frozen=True)
class Again:
    """The page once more with what was typed, as it is being edited: nothing was saved."""


@dataclass(frozen=True)
class Told:
    """The page, with what is told this once: ``values`` for its template. Never part of an address."""

    values: Mapping[str, object]


def again(_sent: object) -> Again:
    """An action that only edits what was typed."""
    return Again()


@dataclass(frozen=True)
class Go:
    """On to another page of the shop. ``done`` is a note to show there (bridge/web/wording.py); ``shop``: the public id
    of another one, for the pages on their own."""

    path: str
    query: Mapping[str, object] = field(default_factory=dict)
    done: str = ""
    shop: str = ""


@dataclass(frozen=True)
class Download:
    """A file for the visitor."""

    name: str
    type: str
    content: bytes

    @classmethod
    def of_json(cls, name: str, text: str) -> Download:
        """``name`` without its ending; letters that a file's name had better not have are made a dash."""
        return cls(_NO_NAME.sub("-", f"{name}.json"), "application/json; charset=utf-8", text.encode())
