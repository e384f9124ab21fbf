"""Being installed in a store as an app: who opens the page inside the store's admin, and what the store tells the app.

One app serves all stores that installed it, so it has keys of its own (client id and secret), which are settings of
this installation and no merchant's. A store adapter that can be installed has a StoreApp in its ``Adapter.app``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from pydantic import Field

from bridge.domain.values import Value
from bridge.ports.adapter import Connection
from bridge.ports.platform import Hint


class AppKeys(Value):
    """The app's own keys. ``old_secret`` is good for a while after a rotation; nothing is ever signed with it here."""

    client_id: str
    client_secret: str = Field(repr=False)
    old_secret: str = Field(default="", repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        return tuple(secret for secret in (self.client_secret, self.old_secret) if secret)


class Visit(Value):
    """A person who has the page open inside the admin of ``store``, as the store has proved. ``proof`` is worth a token
    for the store, for a minute."""

    store: str
    url: str
    user: str
    proof: str = Field(repr=False)


class EventKind(StrEnum):
    HINT = "hint"
    GONE = "gone"  # the app was removed
    EXPORT = "export"  # a buyer wants to know what is held about them
    ERASE_BUYER = "erase_buyer"
    ERASE_STORE = "erase_store"
    NOTHING = "nothing"


class AppEvent(Value):
    """What a store tells the app. ``orders``: the store's ids of the orders it is about; ``subject``: what the store
    says of the buyer. ``delivery`` is the sender's own name of it."""

    kind: EventKind
    store: str
    topic: str
    delivery: str = ""
    at: datetime | None = None
    hint: Hint | None = None
    orders: tuple[str, ...] = ()
    subject: dict[str, Any] = Field(default_factory=dict)


class Frame(Value):
    """What the admin of a platform wants of every page inside it. ``scripts`` come first, then ``parts``, which draw
    its own elements; ``meta`` are named values in the head; ``kit`` is the name of our parts that are made of those
    elements; ``reload`` is the parameter by which the admin's script is told where to come back to with a proof;
    ``retry`` are headers that have it ask once more with a new one."""

    scripts: tuple[str, ...]
    parts: tuple[str, ...] = ()
    kit: str
    meta: dict[str, str] = Field(default_factory=dict)
    reload: str
    retry: dict[str, str] = Field(default_factory=dict)


class StoreApp(Protocol):
    """No I/O but in ``grant``."""

    def named_store(self, query: Mapping[str, str]) -> str | None:
        """The store an address names, if it is the name of one; nothing is proved by it."""
        ...

    def visit(self, keys: AppKeys, authorization: str, query: Mapping[str, str]) -> Visit:
        """Who is there, from the header or the address. Raises Reauthorise."""
        ...

    def policy(self, store: str | None) -> str:
        """The Content-Security-Policy of a page for this store: who may frame it, and whose scripts run in it."""
        ...

    def frame(self, keys: AppKeys) -> Frame: ...

    def files(self, client_id: str, public_url: str) -> Mapping[str, str]:
        """What whoever runs this installation gives to the platform's own tools to register the app, by file name."""
        ...

    def grant(self, connection: Connection, proof: str) -> None:
        """Exchange the proof for the connection's token, and keep it. Raises RetryLater when it came too late."""
        ...

    def event(self, headers: Mapping[str, str], body: bytes, keys: AppKeys) -> AppEvent:
        """Verify over the raw bytes, then read. Raises Reauthorise and AskMerchant, as WebhookDoor does."""
        ...
