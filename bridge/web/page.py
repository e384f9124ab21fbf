"""What a page is made of: what it reads, and what its forms may ask for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session
from werkzeug.exceptions import BadRequest

from bridge.flows.admin import Named
from bridge.flows.engine import Engine
from bridge.ports.errors import AskMerchant, BridgeError
from bridge.web.asked import Again, Download, Form, Go, Told
from bridge.web.frames import Person
from bridge.web.language import ENGLISH

Context = dict[str, Any]


@dataclass(frozen=True)
class View:
    """``query`` is what stands behind the question mark, ``arguments`` what stands in the path; ``form`` is what a form
    sent that is being edited, or that ``error`` is about; ``language``: that of the page."""

    engine: Engine
    session: Session
    shop: Named
    now: datetime
    query: Mapping[str, str]
    arguments: Mapping[str, Any]
    person: Person
    form: Form | None = None
    error: BridgeError | None = None
    language: str = ENGLISH

    def text(self, name: str, longest: int = 220) -> str:
        return self.query.get(name, "").strip()[:longest]

    def number(self, name: str) -> int | None:
        """Raises BadRequest where it is none."""
        value = self.text(name)
        if not value:
            return None
        if not (value.isascii() and value.isdigit() and len(value) < 16):
            raise BadRequest(f"{name} must be a number; go back and follow the link again.")
        return int(value)


@dataclass(frozen=True)
class Sent:
    """A form that was sent. ``author``: who did, for the record of the change; ``language``: that of the page;
    ``personal``: whoever sent it may see customers' data."""

    engine: Engine
    shop_id: int
    form: Form
    arguments: Mapping[str, Any]
    author: str
    language: str = ENGLISH
    personal: bool = False

    def number(self, name: str) -> int:
        """Raises AskMerchant where it is none."""
        value = self.form.get(name, "").strip()
        if not (value.isascii() and value.isdigit() and len(value) < 16):
            raise AskMerchant("Enter a whole number.", field=name)
        return int(value)


Done = Again | Go | Download | Told | None
Action = Callable[[Sent], Done]


@dataclass(frozen=True)
class Page:
    """``path`` is relative to the shop; ``section`` the entry of the navigation it belongs to (places.SECTIONS),
    ``menu`` its name among the pages of that section, or ``under`` the name of the page it is reached from. ``acts``:
    what its forms may ask for, by the value of the button's ``do``; ``personal``: those of them that are for people
    only who may see customers' data. ``read`` gives None where there is no such thing.
    ``shape``: what most of it is, ``cards`` or a ``table``, for its outline until it is there.
    ``tells_accounts``: it says itself which accounts do not do their part, so that it is not said above it.
    Its template is ``pages/<name>.html``; what is ``told`` of an error by it is not told above it."""

    name: str
    path: str
    title: str
    section: str
    read: Callable[[View], Context | Download | None]
    menu: str = ""
    under: str = ""
    acts: Mapping[str, Action] = field(default_factory=dict)
    personal: Collection[str] = ()
    tells_accounts: bool = False
    shape: str = "cards"
