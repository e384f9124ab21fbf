"""A connection as it was asked for, read against what its adapter says about itself. Nothing is saved here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from bridge.db.tables import Connection
from bridge.domain.matching import BY, COMPARED, By, Compared
from bridge.domain.returns import Shelf
from bridge.domain.stock import Untracked
from bridge.flows import cancel_reasons, carriers, forms, polls, refund_reasons, shipping_methods, unmatched
from bridge.flows.account import with_choices
from bridge.flows.draft import LABEL, PAYMENT
from bridge.flows.engine import Engine
from bridge.flows.sites import site_field
from bridge.ports.adapter import Adapter
from bridge.ports.errors import AskMerchant
from bridge.ports.manifest import FormField, Manifest

CONNECTING, DISCONNECTED = "connecting", "disconnected"
LEFT = "left"  # in info: where a store stood that was let go
_ACCOUNT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_NO_NAME = re.compile(r"[^A-Za-z0-9._-]+")


def _number(name: str, label: str, text: str, minimum: int = 0, maximum: int | None = None) -> FormField:
    return FormField(name=name, label=label, help=text, kind="number", required=False, minimum=minimum, maximum=maximum)


def _choice(name: str, label: str, text: str, labels: Mapping[str, str]) -> FormField:
    return FormField(name=name, label=label, help=text, kind="choice", required=False, choices=dict(labels))


def _intervals(plan: polls.Plan) -> tuple[FormField, ...]:
    """poll_<name>: seconds between two questions, should the usual pace not do."""
    names = {name: polls.NAMES[flow] for flow, (_, _, name, _) in plan.items()}
    text = "Seconds between two questions; default: what suits the other side."
    return tuple(_number(f"poll_{name}", f"How often: {names[name]}", text, 1, 604800) for name in sorted(names))


UNTRACKED: Mapping[str, str] = {Untracked.ZERO: "nothing: not for sale", Untracked.FIXED: "a fixed number of units"}
SHELF: Mapping[str, str] = {
    Shelf.AS_NEW: "as new",
    Shelf.OPENED: "as new, and opened",
    Shelf.ALL: "all of them",
    Shelf.NONE: "none of them",
}
# Settings that every connection of a role has, beside those of its adapter.
SETTINGS: Mapping[str, tuple[FormField, ...]] = {
    "platform": _intervals(polls.PLATFORM),
    "channel": (
        *carriers.FIELDS,
        *shipping_methods.FIELDS,
        _choice(
            BY,
            "How offers and orders find your products",
            "By SKU, and by EAN where the SKU says nothing (the default), or by one of them alone. What fits several "
            "products is put to you.",
            {By.BOTH: "by SKU, then by EAN", By.SKU: "by SKU alone", By.EAN: "by EAN alone"},
        ),
        _choice(
            COMPARED,
            "How SKUs are compared",
            "Letter by letter (the default), or without regard to case and to spaces around them.",
            {Compared.EXACT: "letter by letter", Compared.LOOSE: "without regard to case and spaces around"},
        ),
        _number("buffer", "Safety buffer", "Units kept back from this marketplace.", 0, 100000),
        _number("cap", "Most units shown", "Never show more than this, whatever is in stock."),
        _number("least", "Fewest units shown", "Where fewer than this are left to show, none is shown.", 0, 100000),
        _choice("untracked", "Products without stock count", "What to publish for them.", UNTRACKED),
        _number("untracked_quantity", "Units for products without stock count", "", 0, 10000),
        FormField(name="backorders", label="Show products sold when out of stock", kind="flag", required=False),
        FormField(
            name="import_from",
            label="Import orders from",
            kind="moment",
            required=False,
            help="Orders placed before it stay untouched. Default: the moment of connecting.",
        ),
        FormField(
            name=LABEL,
            label="Name of its orders in the store",
            required=False,
            pattern=r".{0,40}\{order\}.{0,40}",
            help="Shown as the way of paying and of shipping, so that orders can be told apart and found. {order} is "
            "the marketplace's number, {marketplace} its name. Default: both.",
        ),
        FormField(
            name=PAYMENT,
            label="Payment method of its orders in the store",
            required=False,
            pattern=r".{0,60}",
            help="The text that the order shows as its way of paying. {marketplace} is the marketplace's name, {order} "
            "its number, {name} the order's name above. Empty: as your store has it.",
        ),
        unmatched.FIELD,
        _choice(
            "parcels",
            "An order in several parcels",
            "Tell the marketplace of each parcel (the default), or of all of them once the whole order has left.",
            {"each": "tell of each parcel", "whole": "tell once the whole order has left"},
        ),
        _choice(
            "no_stock",
            "When something sold proves to be out of stock",
            "Ask you (the default), cancel it on the marketplace, or keep it as a backorder.",
            {"ask": "ask me", "cancel": "cancel it", "backorder": "keep it as a backorder"},
        ),
        _choice(
            "store_away",
            "While the store does not answer",
            "Keep the listings (the default), freeze them (quantities may only fall), or set them to 0 after a while.",
            {"keep": "keep the listings", "freeze": "freeze the listings", "zero": "set them to 0 after a while"},
        ),
        _number("store_away_after", "Minutes until they are set to 0", "Default: 60.", 0, 10080),
        _number(
            "score_buffer",
            "Most extra buffer near a limit",
            "Units kept back on top of the buffer while few cancellations are left to a limit of the marketplace. "
            "Default: 0, none.",
            0,
            100000,
        ),
        _choice(
            "return_shelf",
            "Returned units that go back on the shelf",
            "What came back as new (the default), opened ones too, all, or none.",
            SHELF,
        ),
        _number(
            "return_window",
            "Days a buyer has to return",
            "Where your agreement or your own policy there says so. Default: what the marketplace publishes.",
            1,
            1000,
        ),
        _number(
            "refund_days",
            "Days you have to pay back",
            "From the announcement. Default: what the marketplace publishes.",
            1,
            1000,
        ),
        _choice(
            "buyer_cancellation",
            "When a buyer asks to cancel",
            "Agree at once (the default), or ask you.",
            {"accept": "agree at once", "ask": "ask me"},
        ),
        _choice(
            "acceptance",
            "Orders that have to be accepted",
            "Accept all of them; ask you about each; or accept what is in stock and ask about the rest (the default).",
            {"accept": "accept all", "ask": "ask me about each", "covered": "accept what is in stock"},
        ),
        _number(
            "acceptance_price",
            "Accept from (% of your price)",
            "Orders for less than this percentage of your own price are asked about. 0: whatever the price is.",
            0,
            1000,
        ),
        _choice(
            cancel_reasons.REST,
            "Reason for cancellations made in the store",
            "For what the store gives no reason, or one that is in no table. Another reason where nothing is chosen.",
            cancel_reasons.NAMES,
        ),
        *cancel_reasons.FIELDS,
        *refund_reasons.FIELDS,
        *_intervals(polls.CHANNEL),
    ),
}


def settings_of(manifest: Manifest, info: Mapping[str, Any] | None = None) -> tuple[FormField, ...]:
    """Every setting of a connection of this adapter: its own, those of its role, and its country sites; with the
    choices that the check of the account found (``info`` of the connection), where there are any."""
    return with_choices((*manifest.settings, *site_field(manifest), *SETTINGS[manifest.kind]), info)


@dataclass(frozen=True)
class Manner:
    """How a connection is made. ``adds``: whichever account it proves to be, one that is there is renewed, another is
    added under a name of its own. ``held``: nothing goes out to a marketplace that is new here until it goes live
    (bridge/flows/setup.py). ``whole``: the settings are all there are, what is left out goes back to its default, and a
    pause stays. ``sandbox``: this installation's own."""

    sandbox: bool = False
    adds: bool = False
    held: bool = False
    whole: bool = False
    author: str = ""


PLAIN = Manner()


@dataclass(frozen=True)
class Given:
    """What a person typed. ``account`` empty: the store's host, or the marketplace's own name. ``fresh``: settings for
    an account that is new here; one that is there keeps its own."""

    account: str
    credentials: Mapping[str, Any]
    settings: Mapping[str, Any]
    urls: Mapping[str, str]
    manner: Manner = PLAIN
    fresh: Mapping[str, Any] = field(default_factory=dict)

    def of(self, account: str, known: Connection | None) -> Given:
        """For this account."""
        settings = self.settings if known is not None else {**self.fresh, **self.settings}
        return replace(self, account=account, settings=settings)


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
    manner: Manner


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
    adapters = engine.adapters(role)
    if name not in adapters:
        known = ", ".join(sorted(adapters)) or "none"
        kind = "store platform" if role == "platform" else "marketplace"
        raise AskMerchant(f"There is no {kind} {name!r} here; installed are: {known}.", field="adapter")
    return adapters[name]


def read_wish(shop_id: int, role: str, adapter: Adapter, known: Connection | None, given: Given, now: datetime) -> Wish:
    """What was given, over what is ``known``; ``now`` by the store's clock. Raises FieldErrors and AskMerchant naming
    the field."""
    if not _ACCOUNT.fullmatch(given.account):
        raise AskMerchant("The account name has letters, digits, dots, - and _ only.", field="account")
    manifest = adapter.manifest
    places = tuple(_place(name) for name in manifest.urls)
    credentials, settings, urls = forms.read_all(
        (manifest.credentials, given.credentials, known.credentials if known else None),
        (settings_of(manifest), given.settings, _known_settings(manifest, known, given)),
        (places, given.urls, known.urls if known else None),
        zone=now.tzinfo,
    )
    if role == "channel":
        came_back = known is not None and known.state == DISCONNECTED and not given.settings.get("import_from")
        if came_back or "import_from" not in settings:
            # Marketplaces tell times in whole seconds: an order of this very second is not from before.
            settings["import_from"] = now.astimezone(UTC).replace(microsecond=0).isoformat()
    return Wish(shop_id, role, adapter, given.account, credentials, settings, urls, given.manner)


def _known_settings(manifest: Manifest, known: Connection | None, given: Given) -> Mapping[str, Any] | None:
    """What stays where nothing is given: everything, or with ``whole`` only what a form does not show again."""
    if known is None or not given.manner.whole:
        return known.settings if known else None
    secret = {field.name for field in settings_of(manifest) if field.kind == "secret"}
    return {name: value for name, value in known.settings.items() if name in secret | {"import_from"}}


def store_host(adapter: Adapter, credentials: Mapping[str, Any]) -> str | None:
    """The host in the credentials, by which a store is known; else the ``operator`` chosen, where one adapter serves
    the marketplaces of many: two of them are two accounts."""
    for item in adapter.manifest.credentials:
        if item.kind == "url" and (host := urlsplit(str(credentials.get(item.name, ""))).hostname):
            return host
    return plain_name(str(credentials.get("operator") or "")).lower() or None


def plain_name(words: str) -> str:
    """What of these words a name of an account may have."""
    return _NO_NAME.sub("-", words).strip("-._")[:80].strip("-._")


def _place(name: str) -> FormField:
    return FormField(name=name, label=f"Address {name!r}", kind="url", required=False)
