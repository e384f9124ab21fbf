"""What someone who helps wants to know: versions, connections, findings, open problems. Without secrets, people, or
anything else that is nobody's business."""

from __future__ import annotations

import json
import platform
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bridge.db.tables import Connection, Listing, Order, Problem, Variant
from bridge.flows.doctor import Finding
from bridge.flows.engine import Engine

PACKAGES = ("storebridge", "flask", "sqlalchemy", "rq", "redis", "httpx", "pydantic")


def versions(session: Session) -> dict[str, str]:
    found = {name: _version(name) for name in PACKAGES}
    dialect = session.get_bind().dialect
    return {"python": platform.python_version(), "database": dialect.name, **found}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed as a package"


def bundle(engine: Engine, session: Session, findings: Sequence[Finding]) -> str:
    """As text to copy: JSON with sorted names."""
    content: dict[str, Any] = {
        "at": engine.clock().isoformat(timespec="seconds"),
        "versions": versions(session),
        "adapters": sorted([*engine.platforms, *engine.channels]),
        "https": engine.public_url.startswith("https://"),
        "connections": [_connection(row) for row in session.scalars(select(Connection).order_by(Connection.id))],
        "counts": _counts(session),
        "problems": dict(Counter(session.scalars(select(Problem.kind).where(Problem.closed_at.is_(None))))),
        "checks": [{"name": item.name, "state": str(item.state), "detail": item.detail} for item in findings],
    }
    return json.dumps(content, indent=2, ensure_ascii=False, default=str)


def _connection(row: Connection) -> dict[str, Any]:
    """Its credentials, addresses and settings stay out."""
    names = ("id", "role", "adapter", "state", "sandbox", "state_since", "last_ok_at", "created_at")
    return {name: getattr(row, name) for name in names}


def _counts(session: Session) -> dict[str, Any]:
    states = select(Listing.state, func.count()).group_by(Listing.state)
    return {
        "variants": session.scalar(select(func.count()).select_from(Variant).where(Variant.deleted_at.is_(None))),
        "listings": {row[0]: row[1] for row in session.execute(states)},
        "open_orders": session.scalar(select(func.count()).select_from(Order).where(Order.closed_at.is_(None))),
    }
