"""Bootstrap: the one place where settings, database, adapters, transport and doorbell become an Engine.

Nothing is connected here: an engine may be made before a fork, and made without a Redis server or a database
that answers.
"""

from __future__ import annotations

import functools
import gc
import tempfile
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import httpx
from cryptography.fernet import Fernet
from sqlalchemy.exc import SQLAlchemyError

from bridge import log
from bridge.config import Config, ConfigError
from bridge.db import crypto
from bridge.db.clock import DatabaseClock
from bridge.db.keys import FileKeyRing, key_file
from bridge.db.recorder import JournalRecorder
from bridge.db.session import Database
from bridge.db.tables import Connection
from bridge.db.vault import DatabaseVault
from bridge.flows.doctor import Machine
from bridge.flows.engine import Engine
from bridge.jobs.doorbell import Doorbell, NoBell
from bridge.ports.adapter import Adapter
from bridge.ports.errors import SlowDown
from bridge.ports.http import HttpServices, Recorder, Transport
from bridge.ports.mail import MailServer
from bridge.ports.words import Words
from bridge.registry import Registry, discover

REDIS_NOTE = "redis.url"
# New objects before the collector looks for those that hold each other: some chunks of products, a few megabytes.
YOUNG = 10_000


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Transports:
    """Makes the transport of a connection; ``wire`` replaces the network in tests."""

    services: HttpServices
    wire: httpx.BaseTransport | None = None

    def __call__(self, row: Connection, adapter: Adapter) -> Transport:
        manifest = adapter.manifest
        limits = adapter.sandbox_limits if row.sandbox and adapter.sandbox_limits else manifest.limits
        return Transport(
            account=f"{row.shop_id}:{row.id}",
            services=self.services,
            limits=limits,
            trusted_hosts=_hosts([manifest.base_url, *manifest.urls.values(), *_own_sandbox(row)]),
            secrets=_secrets(row, adapter),
            title=row.title or manifest.title,
            wire=self.wire,
        )

    def plain(self, account: str, title: str) -> Transport:
        """To an address that a merchant gave, and no account: nothing of it is trusted."""
        return Transport(account=account, services=self.services, title=title, wire=self.wire)


def bootstrap(
    config: Config,
    *,
    registry: Registry | None = None,
    clock: Callable[[], datetime] | None = None,
    ring: Callable[[Iterable[str]], None] | None = None,
    recorder: Recorder | None = None,
    wire: httpx.BaseTransport | None = None,
    pool_size: int = 10,
) -> Engine:
    """Everything a flow is given, from the settings. The keyword arguments are for tests and rehearsals.

    Raises ConfigError when a setting names something that cannot be used.
    """
    log.configure(config.log_format, config.log_level)
    prepare_folder(config.data_dir)
    crypto.install(key_ring(config))
    db = Database(config.effective_database_url, pool_size=pool_size)
    clock = clock or (utc_now if db.is_sqlite else DatabaseClock(db))
    found = registry or discover()
    stopping = threading.Event()
    services = HttpServices.build(
        redis_url=redis_url(config),
        recorder=recorder or JournalRecorder(db),
        tokens=DatabaseVault(db),
        allowed_hosts=config.private_hosts,
        clock=clock,
    )
    services = replace(services, sleep=functools.partial(sleep, stopping))
    transports = Transports(services, wire)
    engine = Engine(
        db=db,
        platforms=found.platforms,
        channels=found.channels,
        make_transport=transports,
        outside=transports.plain,
        limiter=services.limiter,
        private_hosts=frozenset(host.lower() for host in config.private_hosts),
        mail=_mail(config),
        clock=clock,
        ring=ring or _bell(config),
        public_url=config.effective_public_url,
        open_door=not config.install_key,
        words=_words,
        rates_url=config.rates_url,
        apps=config.apps,
        retention=timedelta(days=config.retention_days),
        buyers_kept=timedelta(days=config.buyers_days),
        stopping=stopping,
    )
    engine.machine = functools.partial(machine, engine, config)
    _settle()
    return engine


@functools.cache
def _settle() -> None:
    """Once a process: what it was started with stays. Else the collector looks through all modules again whenever some
    thousand products went by, which takes about as long as projecting them."""
    gc.freeze()
    gc.set_threshold(YOUNG)


def _words(code: str, zone: ZoneInfo) -> Words:
    from bridge.web.speech import speech  # noqa: PLC0415 - catalogues are read by whoever writes to somebody

    return speech(code, zone)


def machine(engine: Engine, config: Config) -> Machine:
    """Everything that is known outside of the flows, for the doctor. Asks the database and Redis; never raises."""
    from bridge.db import migrations  # noqa: PLC0415 - of use to the doctor only
    from bridge.jobs import health  # noqa: PLC0415

    found = health.check(engine.db, redis_url(config), seconds=2)
    revision, away = None, ""
    try:
        revision = migrations.current(engine.db)
    except SQLAlchemyError:
        away = found.database
    return Machine(
        data_dir=config.data_dir,
        database=away,
        redis=found.redis,
        scheduler=found.scheduler,
        revision=revision,
        head=migrations.head(),
        workers=found.workers,
        queued=found.queued,
        broken_adapters=[(broken.name, broken.reason) for broken in discover().broken],
    )


def _mail(config: Config) -> MailServer | None:
    if not config.smtp_host:
        return None
    return MailServer(
        host=config.smtp_host,
        port=config.effective_smtp_port,
        security=config.smtp_security,
        user=config.smtp_user,
        password=config.smtp_password,
        sender=config.alert_from,
        receivers=config.alert_to,
    )


def sleep(stopping: threading.Event, seconds: float) -> None:
    """Between calls to the outside: whoever waits when the process is asked to end hands back what is in hand."""
    if stopping.wait(seconds):
        raise SlowDown("Storebridge is being stopped; this goes on when it is back.")


def afterwards(engine: Engine) -> Engine:
    """For what is still to be done once ``engine`` is stopping: calls may wait here, and neither what was spent of the
    limits nor what failed before holds them up."""
    made = cast(Transports, engine.make_transport)
    given = made.services
    services = HttpServices(
        recorder=given.recorder, tokens=given.tokens, guard_policy=given.guard_policy, clock=given.clock
    )
    return Engine(
        db=engine.db,
        platforms=engine.platforms,
        channels=engine.channels,
        make_transport=Transports(services, made.wire),
        clock=engine.clock,
        ring=lambda lanes: None,
        public_url=engine.public_url,
    )


def flush(engine: Engine) -> None:
    """Write down what is still in memory."""
    if recorder := _recorder(engine):
        recorder.flush()


def close(engine: Engine) -> None:
    """Write down what is still in memory and let go of the database."""
    if recorder := _recorder(engine):
        recorder.close()
    engine.db.close()


def _recorder(engine: Engine) -> JournalRecorder | None:
    transports = engine.make_transport
    recorder = transports.services.recorder if isinstance(transports, Transports) else None
    return recorder if isinstance(recorder, JournalRecorder) else None


def key_ring(config: Config) -> crypto.KeyRing:
    """From STOREBRIDGE_KEYS, else from the file in the data folder, made at the first start."""
    if not config.keys:
        return _file_ring(key_file(config.data_dir))
    try:
        return crypto.KeyRing(config.keys)
    except ValueError:
        hint = f"such as {Fernet.generate_key().decode()}" if len(config.keys) == 1 else "newest first"
        raise ConfigError(f"STOREBRIDGE_KEYS is wrong: each key must be 32 bytes in urlsafe base64, {hint}.") from None


def _file_ring(path: Path) -> crypto.KeyRing:
    try:
        return FileKeyRing(path)
    except OSError as error:
        raise ConfigError(f"The key file {path} cannot be used ({error.strerror}): make it readable.") from None
    except ValueError:
        raise ConfigError(f"The key file {path} holds something that is no key: restore it from a backup.") from None


def prepare_folder(folder: Path) -> None:
    """Make the data folder, which only its owner may read. Raises ConfigError when it cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ConfigError(
            f"The data folder {folder} cannot be written ({error.strerror}): make it writable, or name another one "
            "with STOREBRIDGE_DATA_DIR."
        ) from None


def redis_url(config: Config) -> str | None:
    """REDIS_URL, or the server that ``storebridge run`` started in this data folder, or None."""
    if config.redis_url:
        return config.redis_url
    try:
        return (config.data_dir / REDIS_NOTE).read_text(encoding="utf-8").strip() or None
    except OSError:
        return None


def _bell(config: Config) -> Callable[[Iterable[str]], None]:
    url = redis_url(config)
    return Doorbell(url).ring if url else NoBell().ring


def _own_sandbox(row: Connection) -> list[str]:
    """Addresses of a connection that this installation made to a sandbox of its own (never of a merchant's)."""
    if not row.sandbox:
        return []
    return [str(value) for value in (*row.urls.values(), (row.credentials or {}).get("url")) if value]


def _hosts(urls: Iterable[str]) -> set[str]:
    return {host for url in urls if (host := urlsplit(url).netloc.rpartition("@")[2])}


def _secrets(row: Connection, adapter: Adapter) -> list[str]:
    """The values of the connection's secret fields: masked wherever they turn up."""
    secret = {item.name for item in adapter.manifest.credentials if item.kind == "secret"}
    given = row.credentials or {}
    return [str(value) for name, value in given.items() if name in secret and value]
