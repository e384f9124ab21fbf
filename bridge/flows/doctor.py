"""What is wrong, and what to do about it: configuration, machinery, secrets, every connection. Changes nothing,
unless it is asked to mend webhooks.
"""

from __future__ import annotations

import ipaddress
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from bridge.db import crypto
from bridge.db.keys import sealed, secret_columns
from bridge.db.tables import Connection, Problem, Shop, Work
from bridge.flows import alert_settings, module_connect
from bridge.flows.admin import DEMO
from bridge.flows.doctor_connections import examine_connection
from bridge.flows.engine import LANES, Engine
from bridge.flows.finding import Finding, State, bad, good, worrying

MEGABYTE = 1024 * 1024
LITTLE_SPACE, NO_SPACE = 1024 * MEGABYTE, 100 * MEGABYTE
LATE = timedelta(minutes=5)


__all__ = ["Finding", "Machine", "State", "examine"]


@dataclass(frozen=True)
class Machine:
    """What the doors know of the machine. ``database`` and ``redis`` are empty when they answer."""

    data_dir: Path
    database: str
    redis: str
    scheduler: bool
    revision: str | None
    head: str
    workers: Mapping[str, int] = field(default_factory=dict)
    queued: Mapping[str, int] = field(default_factory=dict)
    broken_adapters: Sequence[tuple[str, str]] = ()


def examine(engine: Engine, machine: Machine, *, mend: bool = False, shop_id: int | None = None) -> Iterator[Finding]:
    """Each finding as it is made. ``mend`` sets missing webhooks up again; ``shop_id``: nothing of other shops."""
    yield _disk(machine.data_dir)
    yield from _adapters(engine, machine)
    database = _database(machine)
    yield database
    yield from _machinery(machine)
    if database.state is State.FAIL:
        return
    try:
        yield from _with_database(engine, mend, shop_id)
    except SQLAlchemyError as error:
        yield bad("database", f"it stopped answering: {type(error).__name__}", "See that the database server runs.")


def _with_database(engine: Engine, mend: bool, shop_id: int | None) -> Iterator[Finding]:
    if shop_id is None:
        yield _secrets(engine)
    rows = _connections(engine, shop_id)
    yield _public_address(engine, rows)
    yield _door(engine)
    yield from _waiting(engine, shop_id)
    yield _problems(engine, shop_id)
    yield from _alerts(engine, rows)
    if not rows:
        yield worrying("connections", "none yet", "Connect a store: storebridge connect woocommerce")
    for row in rows:
        yield from examine_connection(engine, row, mend=mend)


def _disk(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    detail = f"{free // MEGABYTE} MB free in {folder}"
    if free < NO_SPACE:
        return bad("disk", detail, "Make room: nothing can be stored soon.")
    if free < LITTLE_SPACE:
        return worrying("disk", detail, "Make room, or shorten STOREBRIDGE_RETENTION_DAYS.")
    return good("disk", detail)


def _adapters(engine: Engine, machine: Machine) -> Iterator[Finding]:
    for name, reason in machine.broken_adapters:
        yield bad("adapters", f"{name} cannot be loaded: {reason}", "Install the package that brings it again.")
    names = ", ".join(sorted([*engine.platforms, *engine.channels]))
    yield good("adapters", names) if names else bad("adapters", "none is installed", "Install Storebridge again.")


def _database(machine: Machine) -> Finding:
    if machine.database:
        return bad("database", machine.database, "See that the server runs and that DATABASE_URL names it.")
    if machine.revision is None:
        return bad("database", "it is empty", "Run: storebridge migrate")
    if machine.revision != machine.head:
        detail = f"at revision {machine.revision}, this version needs {machine.head}"
        return bad("database", detail, "Run: storebridge migrate")
    return good("database", f"answers, at revision {machine.head}")


def _machinery(machine: Machine) -> Iterator[Finding]:
    start = "Start it: storebridge run (or storebridge worker, beside others)."
    if machine.redis:
        fix = "See that the server runs and that REDIS_URL names it; without one, storebridge run starts its own."
        yield bad("redis", machine.redis, fix)
    else:
        yield good("redis", f"answers, {sum(machine.queued.values())} jobs queued")
    yield good("scheduler", "one leads") if machine.scheduler else bad("scheduler", "none is running", start)
    missing = [lane for lane in LANES if not machine.workers.get(lane)]
    if missing:
        yield bad("workers", f"none for: {', '.join(missing)}", start)
    else:
        yield good("workers", ", ".join(f"{lane} {machine.workers[lane]}" for lane in LANES))


def _secrets(engine: Engine) -> Finding:
    """Every sealed value is opened once."""
    opened, lost = 0, Counter[str]()
    for table, column in secret_columns():
        for _, value in chain.from_iterable(sealed(engine.db, table, column)):
            if _opens(value):
                opened += 1
            else:
                lost[f"{table.name}.{column.name}"] += 1
    if lost:
        detail = f"no key opens {', '.join(f'{count} values of {name}' for name, count in lost.items())}"
        return bad("secrets", detail, "Put the missing old key back into STOREBRIDGE_KEYS, behind the newest.")
    return good("secrets", f"the key ring opens all {opened}")


def _opens(value: str) -> bool:
    try:
        crypto.installed().open(value)
    except ValueError:
        return False
    return True


def _connections(engine: Engine, shop_id: int | None) -> list[Connection]:
    with engine.db.read(shop_id) as session:
        query = select(Connection).where(Connection.state.not_in(("connecting", "disconnected")))
        return list(session.scalars(query.order_by(Connection.shop_id, Connection.id)))


def _public_address(engine: Engine, rows: Sequence[Connection]) -> Finding:
    host = urlsplit(engine.public_url).hostname or ""
    far = [row for row in rows if row.role == "platform" and not row.sandbox and not _beside(row)]
    if far and _only_here(host):
        return worrying(
            "public address",
            f"{engine.public_url} cannot be reached by {far[0].title}: webhooks get lost, polls find the changes",
            "Set STOREBRIDGE_PUBLIC_URL to the address stores reach this server at.",
        )
    return good("public address", engine.public_url)


def _door(engine: Engine) -> Finding:
    if module_connect.takes_strangers(engine):
        detail = f"open: any store with the module that proves itself is connected at {engine.public_url}"
        return worrying("door for stores", detail, "Set STOREBRIDGE_INSTALL_KEY, and tell it to those who may connect.")
    words = "stores need the install key" if not engine.open_door else "reached from this machine only"
    return good("door for stores", words)


def _beside(row: Connection) -> bool:
    """A store on this machine or network reaches what is only here, too."""
    return _only_here(urlsplit(str(row.info.get("url") or "")).hostname or "")


def _only_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_private or address.is_unspecified


def _waiting(engine: Engine, shop_id: int | None) -> Iterator[Finding]:
    now = engine.clock()
    due = (Work.dirty_version > Work.done_version, Work.parked.is_(False), Work.due_at < now)
    may = (Connection.state == "active", Shop.paused.is_(False))
    with engine.db.read(shop_id) as session:
        waiting = select(func.count(Work.id), func.min(Work.due_at)).join(
            Connection, Connection.id == Work.connection_id
        )
        row = session.execute(waiting.join(Shop, Shop.id == Work.shop_id).where(*due, *may)).one()
        parked = session.scalar(select(func.count()).select_from(Work).where(Work.parked.is_(True))) or 0
    count = int(row[0])
    oldest: datetime | None = row[1]
    if oldest is not None and now - oldest > LATE:
        minutes = int((now - oldest).total_seconds() // 60)
        fix = "See that the workers above run; a marketplace that limits us shows below."
        yield worrying("waiting work", f"{count} items, the oldest due for {minutes} minutes", fix)
    else:
        yield good("waiting work", f"{count} items are due" if count else "nothing is late")
    if parked:
        yield worrying("work set aside", f"{parked} items failed again and again", "See: storebridge problems")


def _alerts(engine: Engine, rows: Sequence[Connection]) -> Iterator[Finding]:
    """Shops whose problems nobody is told of, the demonstration aside."""
    for shop_id in sorted({row.shop_id for row in rows}):
        with engine.db.read(shop_id) as session:
            name, settings = session.get_one(Shop, shop_id).name, alert_settings.read(session)
        told = alert_settings.receivers(engine, settings, demo=name == DEMO) or settings.webhook
        if not told and name != DEMO:
            fix = "Set STOREBRIDGE_SMTP_HOST, then: storebridge alerts set --email me@shop.example (or --webhook)"
            yield worrying(f"alerts of {name}", "nobody is told of problems", fix)


def _problems(engine: Engine, shop_id: int | None) -> Finding:
    with engine.db.read(shop_id) as session:
        count = session.scalar(select(func.count()).select_from(Problem).where(Problem.closed_at.is_(None))) or 0
    return (
        worrying("problems", f"{count} open", "See: storebridge problems") if count else good("problems", "none open")
    )
