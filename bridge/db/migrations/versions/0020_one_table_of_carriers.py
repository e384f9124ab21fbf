"""Codes of carriers that were said to Amazon's accounts alone stand in the table of carriers that every account has."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

BEFORE, TABLE = "carrier_codes", "carriers"
CONNECTIONS = sa.table("connections", sa.column("id", sa.Integer), sa.column("settings", sa.JSON))


def upgrade() -> None:
    bind = op.get_bind()
    for number, settings in bind.execute(sa.select(CONNECTIONS.c.id, CONNECTIONS.c.settings)).all():
        if BEFORE in (settings or {}):
            moved = sa.update(CONNECTIONS).where(CONNECTIONS.c.id == number).values(settings=_moved(settings))
            bind.execute(moved)


def _moved(settings: dict[str, Any]) -> dict[str, Any]:
    """What stands in the table already was said later, and counts."""
    kept = {name: value for name, value in settings.items() if name != BEFORE}
    table = [str(line) for line in kept.get(TABLE) or ()]
    known = {_plain(line.rpartition("=")[0]) for line in table}
    pairs = (str(line).partition("=") for line in settings[BEFORE] or ())
    lines = {_plain(name): f"{name.strip()}={code.strip()}" for name, _, code in pairs if _plain(name) and code.strip()}
    table += [line for name, line in lines.items() if name not in known]
    return {**kept, TABLE: table} if table else kept


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def downgrade() -> None:
    """The version before has the table, too."""
