"""In which language a page speaks: the one that its frame names, else English.

The pages ask by ``gettext`` for what is written in a template, and by ``said`` for what the engine has said: the text
itself is the key of both, with its values in it (bridge/web/recognise.py). Catalogues are read when they are first
asked for (docs/decisions/0031-languages.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import tzinfo
from functools import cache
from gettext import c2py
from pathlib import Path

from babel.core import Locale
from babel.messages.catalog import Catalog
from babel.messages.plurals import get_plural
from babel.messages.pofile import read_po
from markupsafe import Markup

from bridge.domain import names
from bridge.web import told
from bridge.web.recognise import Message, Recogniser

FOLDER, DOMAIN = Path(__file__).parent / "locale", "storebridge"
ENGLISH = told.ENGLISH
# Each by its own name, as people look for it.
LANGUAGES: Mapping[str, str] = {
    "en": "English",
    "de": "Deutsch",
    "nl": "Nederlands",
    "fr": "Français",
    "pl": "Polski",
}


def best(*wanted: str) -> str:
    """The first of these that is spoken here: ``de_DE_formal``, ``de-AT`` and ``DE`` are German."""
    for one in wanted:
        language = one.strip().replace("_", "-").partition("-")[0].lower()
        if language in LANGUAGES:
            return language
    return ENGLISH


def liked(accepted: Iterable[tuple[str, float]]) -> str:
    """The first spoken here of what a browser accepts, best first: of ``de-AT, en;q=0.5`` German."""
    return best(*(name for name, quality in accepted if quality > 0))


@dataclass(frozen=True)
class Language:
    """One language with its texts. A text without a translation is said in English."""

    code: str
    messages: Sequence[Message] = ()
    _forms: Mapping[str, Sequence[str]] = field(init=False, repr=False)
    _recogniser: Recogniser = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_forms", {item.id: item.forms for item in self.messages})
        recogniser = Recogniser(self.messages, self.form, lambda value: told.share(value, self.code))
        object.__setattr__(self, "_recogniser", recogniser)

    @property
    def locale(self) -> Locale:
        return Locale.parse(self.code)

    def form(self, count: int) -> int:
        """Which plural form a number takes."""
        return _plural_of(self.code)(count)

    def gettext(self, text: str) -> str:
        found = self._forms.get(text)
        return found[0] if found else text

    def ngettext(self, one: str, many: str, count: int) -> str:
        found = self._forms.get(one)
        if found and len(found) > 1:
            return found[self.form(count)]
        return one if count == 1 else many

    def said(self, text: str) -> str:
        return text if self.code == ENGLISH and not self.messages else self._recogniser.said(text)


@cache
def _plural_of(code: str) -> Callable[[int], int]:
    """The rule as gettext writes it, ``(n != 1)``: what stands in the catalogue's header."""
    return c2py(get_plural(code).plural_expr)


@cache
def language(code: str) -> Language:
    file = FOLDER / code / "LC_MESSAGES" / f"{DOMAIN}.po"
    if code == ENGLISH or not file.exists():
        return Language(ENGLISH)
    with file.open("rb") as opened:
        return Language(code, messages(read_po(opened, locale=code)))


def messages(catalogue: Catalog) -> list[Message]:
    """What is translated."""
    found = []
    for item in catalogue:
        forms = item.string if isinstance(item.string, (tuple, list)) else (item.string,)
        if item.id and all(forms) and not item.fuzzy:
            one, many = item.id if isinstance(item.id, (tuple, list)) else (item.id, "")
            found.append(Message(str(one), str(many), tuple(map(str, forms))))
    return found


_SPOKEN: ContextVar[Language | None] = ContextVar("language", default=None)
_ZONE: ContextVar[tzinfo | None] = ContextVar("zone", default=None)


@contextmanager
def spoken(code: str, zone: tzinfo | None = None) -> Iterator[Language]:
    """What is rendered inside is in this language, with the times of this zone."""
    found = language(code)
    token, place = _SPOKEN.set(found), _ZONE.set(zone)
    try:
        yield found
    finally:
        _SPOKEN.reset(token)
        _ZONE.reset(place)


def current() -> Language:
    return _SPOKEN.get() or language(ENGLISH)


def gettext(text: str) -> str:
    return current().gettext(text)


def ngettext(one: str, many: str, count: int) -> str:
    return current().ngettext(one, many, count)


class Name(str):
    """What somebody has named or typed: it is nobody's text, and stays."""

    __slots__ = ()


def said(text: object) -> object:
    """The filter for what the engine says: a text of ours in the page's language; whatever else comes by (a name that
    somebody gave, a marketplace's message) stays as it is, and is escaped as everything is."""
    if not isinstance(text, str) or isinstance(text, (Markup, Name)):
        return text
    return told.local(current().said(text), current().code, _ZONE.get())


def said_options(options: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The same for what can be chosen."""
    return [(key, current().said(text)) for key, text in options]


def choice_options(options: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """What a setting can be: countries, languages and currencies, which are given by their codes, by name; what the
    account itself calls so, as it does."""
    return [(key, text if isinstance(text, Name) else _choice(text)) for key, text in options]


def _choice(text: str) -> str:
    return names.called(text, current().code) or current().said(text)


def begun(text: str) -> str:
    """With a capital, as a line begins; the rest stays."""
    return text[:1].upper() + text[1:]
