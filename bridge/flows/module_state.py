"""How the module in a store is, from what is on record of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db.tables import ModuleRow

SILENT = timedelta(minutes=30)
OLD = timedelta(minutes=30)
DEEP = 1000


def states(session: Session, now: datetime) -> dict[int, dict[str, Any]]:
    """The modules of one shop, by connection."""
    return {row.connection_id: state(row, "", now) for row in session.scalars(select(ModuleRow))}


def state(row: ModuleRow, newest: str, now: datetime) -> dict[str, Any]:
    """A module as it is shown. ``troubles``: by kind of problem, in words."""
    health = row.health or {}
    oldest = datetime.fromisoformat(health["oldest_at"]) if health.get("oldest_at") else None
    return {
        "version": row.version,
        "latest": newest,
        "heard_at": row.heard_at,
        "last_event_at": row.last_event_at,
        "depth": health.get("depth"),
        "oldest_at": oldest,
        "cron_healthy": health.get("cron_healthy", True),
        "platform_version": health.get("platform_version", ""),
        "php": health.get("php", ""),
        "troubles": _troubles(row, health, oldest, newest, now),
    }


def _troubles(
    row: ModuleRow, health: Mapping[str, Any], oldest: datetime | None, newest: str, now: datetime
) -> dict[str, str]:
    """A module that is silent says nothing of its outbox either: then its last words are too old to go by."""
    found: dict[str, str] = {}
    since = max(row.heard_at or row.made_at, row.made_at)
    if now - since > SILENT:
        found["module_silent"] = "the module in the store has said nothing for more than 30 minutes"
    else:
        depth = health.get("depth") or 0
        if oldest is not None and now - oldest > OLD:
            found["module_outbox"] = f"changes wait in the store for more than 30 minutes ({depth} of them)"
        elif depth > DEEP:
            found["module_outbox"] = f"{depth} changes wait in the store"
        if not health.get("cron_healthy", True):
            note = health.get("cron_note") or ""
            found["module_cron"] = f"the store's cron does not run as it should{f': {note}' if note else ''}"
    if is_older(row.version, newest):
        found["module_version"] = f"the module is version {row.version}, and {newest} is out"
    return found


def is_older(version: str, newest: str) -> bool:
    """By numbers. What is no version is not older than anything."""
    mine, other = (re.fullmatch(r"(\d{1,6}(?:\.\d{1,6}){0,4})(?:[-+.].*)?", text) for text in (version, newest))
    if mine is None or other is None:
        return False
    parts = [[int(part) for part in found.group(1).split(".")] for found in (mine, other)]
    longest = max(len(item) for item in parts)
    padded = [item + [0] * (longest - len(item)) for item in parts]
    return padded[0] < padded[1]
