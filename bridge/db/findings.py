"""Findings of listings counted by the database itself: they are lists of objects in a column of JSON."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, String, column, func, select, true
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from bridge.db.tables import Listing


def by_rule(session: Session, connection_id: int) -> list[tuple[str, str, bool, int]]:
    """How many listings of a connection have each finding: rule, field, whether it blocks, count."""
    each, rule, field, blocking = _sqlite() if session.get_bind().dialect.name == "sqlite" else _postgres()
    query = (
        select(rule, field, blocking, func.count(func.distinct(Listing.id)))
        .select_from(Listing)
        .join(each, true())  # a lateral join: each row with its own findings
        .where(Listing.connection_id == connection_id, Listing.state != "ended")
        .group_by(rule, field, blocking)
    )
    return [(str(row[0]), str(row[1] or ""), bool(row[2]), int(row[3])) for row in session.execute(query)]


Parts = tuple[Any, Any, Any, Any]


def _sqlite() -> Parts:
    each = func.json_each(Listing.findings).table_valued("value")
    rule, field = (func.json_extract(each.c.value, f"$.{name}", type_=String) for name in ("rule", "field"))
    return each, rule, field, func.json_extract(each.c.value, "$.blocking", type_=Boolean)


def _postgres() -> Parts:
    each = func.jsonb_array_elements(Listing.findings).table_valued(column("value", JSONB))
    value: Any = each.c.value
    return each, value["rule"].astext, value["field"].astext, value["blocking"].astext.cast(Boolean)
