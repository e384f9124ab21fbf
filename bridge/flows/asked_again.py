"""When a connection that refused our credentials is asked again: kept in its info, beside what the account says."""

from __future__ import annotations

from bridge.db.tables import Connection
from bridge.domain.again import Again

KEY = "asked_again"


def known(row: Connection) -> Again | None:
    """The rhythm of it, since the last time it refused them."""
    found = (row.info or {}).get(KEY)
    return Again.model_validate(found) if found else None


def keep(row: Connection, when: Again) -> None:
    row.info = {**(row.info or {}), KEY: when.model_dump(mode="json")}
