"""Many rows at once, kept inside the session's shop."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import Executable, Table, bindparam, insert, update
from sqlalchemy.orm import Session

from bridge.db.session import core_execute_many, line
from bridge.db.tables import OfShop


def _table(model: type[OfShop]) -> Table:
    return cast(Table, model.__table__)  # type: ignore[attr-defined]


def insert_rows(session: Session, model: type[OfShop], rows: Sequence[dict[str, Any]]) -> None:
    """Insert plain dicts; each gets the session's shop."""
    if rows:
        shop = session.info["shop_id"]
        session.connection().execute(insert(_table(model)), [{**row, "shop_id": shop} for row in rows])


def update_rows(session: Session, model: type[OfShop], rows: Sequence[dict[str, Any]]) -> None:
    """Update by ``id``; rows must name the same columns. Rows of another shop are left alone."""
    if not rows:
        return
    columns = tuple(name for name in rows[0] if name != "id")
    shop = session.info["shop_id"]
    given = [{"row_id": row["id"], "of_shop": shop, **{f"new_{n}": row[n] for n in columns}} for row in rows]
    core_execute_many(line(session), _update(_table(model), columns), given)


@lru_cache(maxsize=100)
def _update(table: Table, columns: tuple[str, ...]) -> Executable:
    """Made once, because making it costs more than running it."""
    mine = update(table).where(table.c.id == bindparam("row_id"), table.c.shop_id == bindparam("of_shop"))
    return mine.values({name: bindparam(f"new_{name}") for name in columns})
