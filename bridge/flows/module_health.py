"""How the modules in stores are: what each tells every five minutes, and what is wrong as long as it is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db.tables import Connection, ModuleRow
from bridge.domain.reading import moment
from bridge.flows.engine import Engine
from bridge.flows.finding import Finding, good, worrying
from bridge.flows.module_calls import ModuleCall, heard, once
from bridge.flows.module_state import state
from bridge.flows.watched import Told, keep
from bridge.ports.errors import AskMerchant

LONGEST = 200
KINDS = ("module_silent", "module_outbox", "module_cron", "module_version")
BACKED_UP = "Look in the module's page in the store's admin what it says; its host's log tells why it cannot send."


def beat(engine: Engine, call: ModuleCall) -> dict[str, Any]:
    """Keep a heartbeat, unless a newer one was heard. Returns what the module is told."""
    told = read(call.content())

    def act(session: Session) -> None:
        row = once(session, call)
        heard(row, engine.clock())
        if call.signature.at >= row.beat:
            row.beat, row.health, row.version = call.signature.at, told, str(told["version"])[:40]

    engine.db.transact(call.shop_id, act)
    return {"ok": True, "latest": latest(engine, call.connection)}


def latest(engine: Engine, row: Connection) -> str:
    """The newest module that is known for this store's platform; empty where none is."""
    adapter = engine.platforms.get(row.adapter)
    return adapter.package.version if adapter is not None and adapter.package is not None else ""


def read(content: Mapping[str, Any]) -> dict[str, Any]:
    """A heartbeat as it is kept: what is known of its fields, in plain JSON. Raises AskMerchant naming the field."""
    outbox, cron = _table(content, "outbox"), _table(content, "cron")
    depth = outbox.get("depth", 0)
    if not isinstance(depth, int) or isinstance(depth, bool) or depth < 0:
        raise AskMerchant("Send a whole number.", field="outbox.depth")
    healthy = cron.get("healthy", True)
    if not isinstance(healthy, bool):
        raise AskMerchant("Send true or false.", field="cron.healthy")
    return {
        "version": _words(content, "version", "version"),
        "platform_version": _words(content, "platform_version", "platform_version"),
        "php": _words(content, "php", "php"),
        "depth": min(depth, 10**9),
        "oldest_at": _moment(outbox, "oldest_at", "outbox.oldest_at"),
        "cron_at": _moment(cron, "last_run", "cron.last_run"),
        "cron_healthy": healthy,
        "cron_note": _words(cron, "note", "cron.note"),
    }


def _table(content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = content.get(name) or {}
    if not isinstance(value, Mapping):
        raise AskMerchant("Send an object.", field=name)
    return value


def _words(content: Mapping[str, Any], name: str, field: str) -> str:
    value = content.get(name) or ""
    if not isinstance(value, str):
        raise AskMerchant("Send text.", field=field)
    return "".join(letter for letter in value[:LONGEST] if letter.isprintable())


def _moment(content: Mapping[str, Any], name: str, field: str) -> str | None:
    value = content.get(name)
    if not value:
        return None
    found = moment(value)
    if found is None:
        raise AskMerchant("Send a time like 2026-11-26T20:00:00Z.", field=field)
    return found.isoformat()


FIXES: Mapping[str, tuple[str, str]] = {
    "module_silent": (
        "error",
        "See that the module is active in the store and its cron runs. Until it is heard, changes are found by asking.",
    ),
    "module_outbox": ("error", BACKED_UP),
    "module_cron": (
        "warning",
        "Have the host run the store's cron every minute. Without it changes are sent late or not at all.",
    ),
    "module_version": ("warning", "Install the new version: storebridge package builds it."),
}


def check(session: Session, engine: Engine, rows: list[Connection], now: datetime) -> None:
    """``rows``: the connections of one shop that are at work. Problems open and close by themselves."""
    found: dict[str, dict[str, Told]] = {kind: {} for kind in KINDS}
    titles = {row.id: row for row in rows if row.role == "platform"}
    for module in session.scalars(select(ModuleRow).where(ModuleRow.connection_id.in_(titles))):
        row = titles[module.connection_id]
        for kind, text in state(module, latest(engine, row), now)["troubles"].items():
            severity, fix = FIXES[kind]
            found[kind][f"connection {row.id}"] = Told(f"{row.title}: {text}.", fix, row.id, severity)
    for kind, told in found.items():
        keep(session, now, kind, told)


def examine(engine: Engine, row: Connection, name: str) -> list[Finding]:
    """For the doctor: nothing where the connection has no module."""
    now = engine.clock()
    with engine.db.read(row.shop_id) as session:
        module = session.get(ModuleRow, row.id)
    if module is None:
        return []
    seen = state(module, latest(engine, row), now)
    title = f"{name}: module"
    if seen["troubles"]:
        return [worrying(title, text, FIXES[kind][1]) for kind, text in seen["troubles"].items()]
    waits = f", {seen['depth']} changes wait in the store" if seen["depth"] else ""
    return [good(title, f"version {seen['version'] or 'unknown'}, heard {_ago(seen['heard_at'], now)}{waits}")]


def _ago(moment: datetime | None, now: datetime) -> str:
    return "never" if moment is None else f"{max(0, int((now - moment).total_seconds()))} seconds ago"
