"""What every flow is given: the database, the adapters, the clock and the doorbell."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

from bridge.db import work
from bridge.db.session import Database
from bridge.db.tables import Connection as ConnectionRow
from bridge.domain.bundles import BundleIndex
from bridge.flows.sites import used_sites
from bridge.ports.adapter import Adapter, Connection
from bridge.ports.channel import AccountInfo, Channel
from bridge.ports.errors import RetryLater
from bridge.ports.http import Transport
from bridge.ports.http.limiter import Limiter
from bridge.ports.http.local_limiter import LocalLimiter
from bridge.ports.mail import MailServer
from bridge.ports.manifest import Manifest
from bridge.ports.platform import Platform, StoreInfo
from bridge.ports.storeapp import AppKeys
from bridge.ports.words import Words, plain

LANES = work.LANES
TransportFactory = Callable[[ConnectionRow, Adapter], Transport]
PlainTransport = Callable[[str, str], Transport]


@dataclass
class Engine:
    """One per process. ``ring`` is the doorbell: it may be lost, the sweeper finds what it would have said.

    ``installed``: connections whose adapter was found to be there. ``compiled`` keeps what was made of a connection's
    settings (bridge/flows/views.py), ``bundles`` a shop's bundles with the change they hold since.
    ``platforms`` and ``channels`` are adapters by name; ``make_transport`` builds the shared transport of a
    connection; ``clock`` gives aware UTC. ``apps``: this installation's own keys as an app of a store platform, by
    adapter. ``second_look``: after that stock that seems gone is held against another reading. ``mail`` is None where
    no mail server is set; ``outside`` makes a transport of no connection, from its account and its title. ``limiter``
    counts who knocks at the doors; ``private_hosts`` may be called although they are private, and without https.
    ``beside`` runs something in a thread of its own while a lane is being drained in this process; None where none is,
    and False, with nothing run, where it ends.
    ``seen_at``: the latest time that a round of the schedule began (bridge/flows/set_back.py).
    ``open_door``: a store that proves itself is connected without an install key.
    ``words``: our texts in the language of a code, with the times of a zone.
    ``machine`` looks at what only the doors know of this installation (bridge/flows/doctor.py, Machine).
    """

    db: Database
    platforms: Mapping[str, Adapter]
    channels: Mapping[str, Adapter]
    make_transport: TransportFactory
    clock: Callable[[], datetime]
    ring: Callable[[Iterable[str]], None]
    public_url: str = "http://127.0.0.1:8000"
    rates_url: str = ""
    apps: Mapping[str, AppKeys] = field(default_factory=dict)
    mail: MailServer | None = None
    outside: PlainTransport | None = None
    limiter: Limiter = field(default_factory=LocalLimiter)
    private_hosts: frozenset[str] = frozenset()
    beside: Callable[[str, Callable[[], None]], bool] | None = None
    open_door: bool = False
    words: Callable[[str, ZoneInfo], Words] = plain
    machine: Callable[[], Any] | None = None
    create_patience: timedelta = timedelta(seconds=45)
    second_look: timedelta = timedelta(seconds=45)
    retention: timedelta = timedelta(days=60)
    buyers_kept: timedelta = timedelta(days=180)
    stopping: threading.Event = field(default_factory=threading.Event)
    installed: set[int] = field(default_factory=set)
    compiled: dict[tuple[int, int], tuple[str, Any]] = field(default_factory=dict)
    bundles: dict[int, tuple[int, BundleIndex]] = field(default_factory=dict)
    seen_at: datetime | None = None
    _open: dict[tuple[int, str], tuple[str, Any]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def adapters(self, role: str) -> Mapping[str, Adapter]:
        """Those for stores (``platform``), or those for marketplaces."""
        return self.platforms if role == "platform" else self.channels

    def is_installed(self, row: Any) -> bool:
        """Whether the adapter of a connection (or its ``role`` and ``adapter``) is there: a deployment may have left it
        out."""
        return row.adapter in self.adapters(row.role)

    def adapter(self, row: ConnectionRow) -> Adapter:
        """Raises RetryLater when the adapter of a connection is not installed: it may be again."""
        if not self.is_installed(row):
            raise RetryLater(f"The adapter {row.adapter} is not installed here.")
        return self.adapters(row.role)[row.adapter]

    def check(self, row: ConnectionRow) -> StoreInfo | AccountInfo:
        """Who answers to these credentials. Raises BridgeError: Reauthorise where they are refused."""
        return self.platform(row).check() if row.role == "platform" else self.channel(row).check()

    def manifest(self, row: ConnectionRow) -> Manifest:
        return self.adapter(row).manifest

    def channel(self, row: ConnectionRow) -> Channel:
        return cast(Channel, self._opened(row))

    def platform(self, row: ConnectionRow) -> Platform:
        return cast(Platform, self._opened(row))

    def _opened(self, row: ConnectionRow) -> Any:
        """The adapter's object for this connection, made again when its credentials or settings changed."""
        stamp = repr((row.credentials, self._settings(row), row.urls))
        key = (row.id, row.role)
        with self._lock:
            known = self._open.get(key)
            if known is not None and known[0] == stamp:
                return known[1]
            opened = self.adapter(row).connect(self.connection(row))
            self._open[key] = (stamp, opened)
            return opened

    def connection(self, row: ConnectionRow) -> Connection:
        adapter = self.adapter(row)
        return Connection(
            key=f"{row.shop_id}:{row.id}",
            account=row.account,
            credentials={**self._app_credentials(row), **(row.credentials or {})},
            settings=self._settings(row),
            urls={**adapter.manifest.urls, **row.urls},
            transport=self.make_transport(row, adapter),
            clock=self.clock,
        )

    def _app_credentials(self, row: ConnectionRow) -> dict[str, str]:
        """Of the app, for stores that have installed it: a token entered by hand belongs to another app."""
        keys = self.apps.get(row.adapter) if row.role == "platform" else None
        if keys is None or (row.credentials or {}).get("access_token"):
            return {}
        return {"client_id": keys.client_id, "client_secret": keys.client_secret}

    def _settings(self, row: ConnectionRow) -> dict[str, Any]:
        """What was set, over the defaults; ``sites`` always names those that are used."""
        manifest = self.adapter(row).manifest
        defaults = {item.name: item.default for item in manifest.settings if item.default is not None}
        sites = [site.code for site in used_sites(manifest, row)]
        return {**defaults, **row.settings, **({"sites": sites} if sites else {})}
