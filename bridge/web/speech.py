"""The pages' languages for what is sent: the same catalogues, days and times as a page writes them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from bridge.web import told, wording
from bridge.web.language import Language, best, language


@dataclass(frozen=True)
class Speech:
    """The Words of one language."""

    _language: Language
    _zone: ZoneInfo

    @property
    def code(self) -> str:
        return self._language.code

    def gettext(self, text: str) -> str:
        return self._language.gettext(text)

    def said(self, text: str) -> str:
        return told.local(self._language.said(text), self.code, self._zone)

    def problem(self, kind: str) -> str:
        return self._language.said(wording.problem_title(kind))

    def moment(self, at: datetime) -> str:
        here = at.astimezone(self._zone)
        return f"{told.day(here, self.code)}, {here:%H:%M} ({self._zone.key})"


def speech(code: str, zone: ZoneInfo) -> Speech:
    return Speech(language(best(code)), zone)
