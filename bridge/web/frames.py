"""Around every page is a frame: who is asking and what they may, how an address is made, what each form carries, and
how it all looks. One set of pages is shown in five of them: on its own, and inside the admin of WordPress, Magento,
Mage-OS and Shopify.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlencode

from bridge.web.language import best

VIEW, CHANGE, CUSTOMERS = "view", "change", "customers"
EVERYTHING = frozenset({VIEW, CHANGE, CUSTOMERS})
LONGEST_NAME = 80


@dataclass(frozen=True)
class Person:
    """Who is asking. ``name`` is the author of whatever they change; ``can``: what their platform allows them."""

    name: str
    id: str = ""
    can: frozenset[str] = EVERYTHING

    def may(self, what: str) -> bool:
        return what in self.can

    @classmethod
    def told(cls, name: str, id: str, can: Iterable[str]) -> Person:  # noqa: A002 - the contract's word
        """As a store tells it: rights we do not know are none, and without ``view`` there is no other."""
        known = EVERYTHING & frozenset(can)
        return cls(name.strip()[:LONGEST_NAME] or f"user {id}", id, known if VIEW in known else frozenset())


class Route(Protocol):
    """How addresses are made where the page is shown. ``path`` is relative to the shop: ``orders/12``."""

    def to(self, path: str, query: Mapping[str, Any]) -> str: ...

    def action(self, path: str) -> str:
        """Where a form that asks (GET) goes to."""
        ...

    def hidden(self, path: str) -> Mapping[str, str]:
        """What a form that asks has to carry along, because a browser replaces the query by the form's fields."""
        ...


@dataclass(frozen=True)
class Relative:
    """Addresses relative to the page that is shown, so that they hold under any prefix."""

    here: str

    def to(self, path: str, query: Mapping[str, Any]) -> str:
        base = "../" * self.here.count("/") or "./"
        return base + path + (f"?{urlencode(query)}" if query else "")

    def action(self, path: str) -> str:
        return self.to(path, {})

    def hidden(self, path: str) -> Mapping[str, str]:
        return {}


@dataclass(frozen=True)
class Queried:
    """The page of an admin that is told by its query which of ours is meant: ``?page=storebridge&path=orders%2F12``."""

    fixed: Mapping[str, str]
    path_name: str

    def to(self, path: str, query: Mapping[str, Any]) -> str:
        return "?" + urlencode({**self.hidden(path), **query})

    def action(self, path: str) -> str:
        return ""

    def hidden(self, path: str) -> Mapping[str, str]:
        return {**self.fixed, self.path_name: path}


@dataclass(frozen=True)
class Frame:
    """``skin``: alone, wordpress, magento, mageos or shopify. ``hidden`` goes into every form that changes something.
    ``shell`` is the template around the page, ``kit`` that of the smallest parts; ``extra`` is what the shell needs."""

    skin: str
    person: Person
    route: Route
    shell: str
    hidden: Mapping[str, str] = field(default_factory=dict)
    kit: str = "parts/plain.html"
    locale: str = "en"
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def language(self) -> str:
        """The one the page speaks: the locale's, where it is spoken here."""
        return best(self.locale)

    def to(self, path: str, **query: Any) -> str:
        """``to('orders/12')``: the address of a page, as it holds here."""
        return self.route.to(path, {name: value for name, value in query.items() if value not in (None, "")})

    def may(self, what: str) -> bool:
        return self.person.may(what)


def alone(here: str, person: Person, csrf: str, others: Mapping[str, str], locale: str) -> Frame:
    """The page on its own. ``others``: the addresses of other shops by their names."""
    extra = {"others": others}
    return Frame("alone", person, Relative(here), "shells/alone.html", {"csrf": csrf}, locale=locale, extra=extra)


def inside(skin: str, person: Person, route: Queried, csrf: Mapping[str, str], locale: str) -> Frame:
    """A fragment that a module prints inside the admin of its store."""
    return Frame(skin, person, route, "shells/fragment.html", csrf, locale=locale)


def embedded(skin: str, kit: str, here: str, person: Person, locale: str, extra: Mapping[str, Any]) -> Frame:
    """Inside an iframe of the admin, which has its own script and parts. Forms need nothing along: each is sent with a
    proof of who sends it."""
    return Frame(skin, person, Relative(here), f"shells/{skin}.html", {}, f"parts/{kit}.html", locale, extra)
