"""How an adapter hands itself to the engine: one ``ADAPTER`` in its package, found by entry point.

Entry point groups: ``storebridge.platforms`` and ``storebridge.channels``; each entry point names the package,
and the package has ``ADAPTER = Adapter(...)``. A third party's package does exactly the same.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.ports.manifest import Limit, Manifest

if TYPE_CHECKING:
    from flask import Flask

    from bridge.ports.http import Transport
    from bridge.ports.package import Package
    from bridge.ports.storeapp import StoreApp
    from bridge.ports.storemodule import StoreModule


@dataclass(frozen=True)
class Connection:
    """One account on one system, as an adapter sees it.

    ``key`` is unique and stable (used in limits, tokens and logs); ``account`` prefixes business keys;
    ``credentials`` and ``settings`` are named as in the manifest; ``urls`` overrides ``Manifest.urls`` by name;
    ``clock`` returns aware UTC.
    """

    key: str
    account: str
    credentials: Mapping[str, str]
    settings: Mapping[str, Any]
    urls: Mapping[str, str]
    transport: Transport
    clock: Callable[[], datetime]


@dataclass(frozen=True)
class Granted:
    """What a person's consent gave: credentials, and settings that belong to them."""

    credentials: Mapping[str, str] = field(repr=False)
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Consent:
    """An account that is opened by a person's word in the browser (OAuth's authorization code).

    ``gives``: names of the credentials that it fills; ``needs``: names of settings it cannot do without.
    ``address(connection, state, back)``: where the person is sent; ``back`` is the bridge's own address that the answer
    comes to, registered with the application there. ``redeem(connection, answer, back)``: what the answer's code is
    worth; raises as ``check`` does. The answer is the query it came with; ``code`` is the name the code goes by in it.
    ``check`` of an adapter that has a consent tells the account's ``identity``.
    """

    gives: tuple[str, ...]
    address: Callable[[Connection, str, str], str]
    redeem: Callable[[Connection, Mapping[str, str], str], Granted]
    needs: tuple[str, ...] = ()
    code: str = "code"


@dataclass(frozen=True)
class Handed:
    """Keys that came from server to server, and the state of the question that they answer."""

    state: str
    credentials: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class Handover:
    """A store that is opened by a person's word in its admin, whose keys its server then posts to us.

    ``gives``: names of the credentials that it fills. ``address(connection, state, back, keys_to)``: where the person
    is sent; the browser comes back to ``back``, the keys come to ``keys_to``. ``reach(connection)``: whether there is
    such a store at all, before anyone is sent there. ``posted(body)``: what was posted. All may raise AskMerchant.
    """

    gives: tuple[str, ...]
    address: Callable[[Connection, str, str, str], str]
    reach: Callable[[Connection], None]
    posted: Callable[[Mapping[str, Any]], Handed]
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Adapter:
    """What the registry knows of an adapter. ``connect`` takes a Connection and gives a Platform or a Channel.

    ``sandbox(state_path, **options)`` gives the Flask app of the counterpart in miniature;
    ``sandbox_credentials`` are the credentials it accepts out of the box, ``sandbox_settings`` what a connection to it
    is set to, ``sandbox_limits`` what holds there instead of the manifest's limits (some would only make people wait).
    ``package`` is what is installed inside a store; the sandbox of an adapter that has one takes the option ``module``
    (bool), with which it is a store that has it installed (docs/store-modules.md).
    """

    folder: Path
    manifest: Manifest
    connect: Callable[[Connection], Any]
    sandbox: Callable[..., Flask]
    sandbox_credentials: Mapping[str, str] = field(default_factory=dict)
    sandbox_settings: Mapping[str, Any] = field(default_factory=dict)
    sandbox_limits: Mapping[str, Limit] | None = None
    webhooks: Any = None
    rehearsal: Callable[[Connection], Any] | None = None
    app: StoreApp | None = None
    consent: Consent | Handover | None = None
    package: Package | None = None
    module: StoreModule | None = None

    @property
    def name(self) -> str:
        return self.manifest.name


def later(module: str, name: str) -> Callable[..., Any]:
    """The function ``name`` of ``module``, which is imported when it is called. For sandboxes: every process knows all
    adapters, and hardly any needs their counterparts."""

    def call(*args: Any, **kwargs: Any) -> Any:
        return getattr(importlib.import_module(module), name)(*args, **kwargs)

    return call
