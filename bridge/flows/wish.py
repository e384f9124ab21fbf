"""A connection as it was asked for, read against what its adapter says about itself. Nothing is saved here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from bridge.db.tables import Connection
from bridge.flows import forms
from bridge.flows.engine import Engine
from bridge.ports.adapter import Adapter
from bridge.ports.errors import AskMerchant
from bridge.ports.manifest import Field_

DISCONNECTED = "disconnected"
_ACCOUNT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

# Settings that every connection of a role has, beside those of its adapter.
CHANNEL_SETTINGS: tuple[Field_, ...] = (
    Field_(
        name="buffer",
        label="Safety buffer",
        kind="number",
        required=False,
        minimum=0,
        maximum=100000,
        help="Units kept back from this marketplace.",
    ),
    Field_(
        name="cap",
        label="Most units shown",
        kind="number",
        required=False,
        minimum=0,
        help="Never show more than this, whatever is in stock.",
    ),
    Field_(
        name="untracked",
        label="Products without stock count",
        kind="choice",
        required=False,
        choices=("zero", "fixed"),
        help="What to publish when the store does not count a product's stock.",
    ),
    Field_(
        name="untracked_quantity",
        label="Units for products without stock count",
        kind="number",
        required=False,
        minimum=0,
        maximum=10000,
    ),
    Field_(name="backorders", label="Show products sold when out of stock", kind="flag", required=False),
    Field_(
        name="import_from",
        label="Import orders from",
        required=False,
        help="A time like 2026-11-01 or 2026-11-01T12:00:00Z; orders placed before it stay untouched. "
        "Default: the moment of connecting.",
    ),
)


@dataclass(frozen=True)
class Given:
    """What a person typed."""

    account: str
    credentials: Mapping[str, Any]
    settings: Mapping[str, Any]
    urls: Mapping[str, str]
    sandbox: bool = False


@dataclass(frozen=True)
class Wish:
    """A connection as it was asked for, read against its manifest."""

    shop_id: int
    role: str
    adapter: Adapter
    account: str
    credentials: dict[str, Any]
    settings: dict[str, Any]
    urls: dict[str, str]
    sandbox: bool


def role_of(engine: Engine, name: str) -> str:
    """Whether this adapter is for stores or for marketplaces. Raises AskMerchant naming those there are."""
    if name in engine.platforms:
        return "platform"
    if name in engine.channels:
        return "channel"
    known = ", ".join(sorted([*engine.platforms, *engine.channels])) or "none"
    raise AskMerchant(f"There is no adapter {name!r}; installed are: {known}.", field="adapter")


def adapter_of(engine: Engine, role: str, name: str) -> Adapter:
    if role not in ("platform", "channel"):
        raise AskMerchant("The role is platform (a store) or channel (a marketplace).", field="role")
    adapters = engine.platforms if role == "platform" else engine.channels
    if name not in adapters:
        known = ", ".join(sorted(adapters)) or "none"
        kind = "store platform" if role == "platform" else "marketplace"
        raise AskMerchant(f"There is no {kind} {name!r} here; installed are: {known}.", field="adapter")
    return adapters[name]


def read_wish(shop_id: int, role: str, adapter: Adapter, known: Connection | None, given: Given, now: datetime) -> Wish:
    """What was given, over what is ``known``. Raises FieldErrors and AskMerchant naming the field."""
    if not _ACCOUNT.fullmatch(given.account):
        raise AskMerchant("The account name has letters, digits, dots, - and _ only.", field="account")
    manifest = adapter.manifest
    credentials = forms.read(manifest.credentials, given.credentials, known.credentials if known else None)
    fields = (*manifest.settings, *(CHANNEL_SETTINGS if role == "channel" else ()))
    settings = forms.read(fields, given.settings, known.settings if known else None)
    if role == "channel":
        came_back = known is not None and known.state == DISCONNECTED and not given.settings.get("import_from")
        settings["import_from"] = _import_from(None if came_back else settings.get("import_from"), now)
    urls = {**(known.urls if known else {}), **_read_urls(adapter, given.urls)}
    return Wish(shop_id, role, adapter, given.account, credentials, settings, urls, given.sandbox)


def store_host(adapter: Adapter, credentials: Mapping[str, Any]) -> str | None:
    """The host in the credentials, by which a store is known."""
    for item in adapter.manifest.credentials:
        if item.kind == "url" and (host := urlsplit(str(credentials.get(item.name, ""))).hostname):
            return host
    return None


def _import_from(value: Any, now: datetime) -> str:
    if value is None:
        # Marketplaces tell times in whole seconds: an order of this very second is not from before.
        return now.replace(microsecond=0).isoformat()
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        text = "Import orders from: write a time like 2026-11-01 or 2026-11-01T12:00:00Z."
        raise forms.FieldErrors({"import_from": text}) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).isoformat()


def _read_urls(adapter: Adapter, urls: Mapping[str, str]) -> dict[str, str]:
    fields = [
        Field_(name=name, label=f"Address {name!r}", kind="url", required=False) for name in adapter.manifest.urls
    ]
    return {name: str(value) for name, value in forms.read(fields, urls).items()}
