"""Alembic's door: runs migrations on the connection that bridge.db.migrations opened."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate import rewriter
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from sqlalchemy import JSON

from bridge.db.crypto import Secret
from bridge.db.tables import Base, UtcTime


def render_item(kind: str, item: Any, _autogen: AutogenContext) -> str | Literal[False]:
    """Migrations must not change when our types do: they name the column types of the database."""
    if kind == "type" and isinstance(item, UtcTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, Secret):
        return "sa.Text()"
    if kind == "type" and isinstance(item, JSON):
        return "Json"
    return False


tidy = rewriter.Rewriter()


@tidy.rewrites(ops.DowngradeOps)
def dropped_with_their_table(_context: Any, _revision: Any, downgrade: ops.DowngradeOps) -> ops.DowngradeOps:
    """An index goes with its table: it need not be dropped before it."""
    dropped = {item.table_name for item in downgrade.ops if isinstance(item, ops.DropTableOp)}
    downgrade.ops = [
        item for item in downgrade.ops if not (isinstance(item, ops.ModifyTableOps) and item.table_name in dropped)
    ]
    return downgrade


def run() -> None:
    connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        render_item=render_item,
        process_revision_directives=tidy,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


run()
