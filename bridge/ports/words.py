"""Texts of ours in somebody's language, for what is sent and not shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo


class Words(Protocol):
    """One language, and the zone of its times. ``code`` is the one that is spoken: English where another was asked
    for."""

    @property
    def code(self) -> str: ...

    def gettext(self, text: str) -> str:
        """A text that holds no values."""
        ...

    def said(self, text: str) -> str:
        """What the engine has said, with its values in it, times and amounts as they are written in this language; what
        is no text of ours stays."""
        ...

    def problem(self, kind: str) -> str:
        """What problems of a kind are called."""
        ...

    def moment(self, at: datetime) -> str:
        """A day and a time, with the zone."""
        ...


@dataclass(frozen=True)
class Plain:
    """English, where nothing else is known."""

    zone: ZoneInfo
    code: str = "en"

    def gettext(self, text: str) -> str:
        return text

    def said(self, text: str) -> str:
        return text

    def problem(self, kind: str) -> str:
        return kind

    def moment(self, at: datetime) -> str:
        return f"{at.astimezone(self.zone):%d %b %Y, %H:%M} ({self.zone.key})"


def plain(_code: str, zone: ZoneInfo) -> Words:
    return Plain(zone)
