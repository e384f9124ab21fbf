"""Parts of bundles come back: what a line was made of, which parts returned, what was paid back for them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0013"
branch_labels = None
depends_on = None

Json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
COLUMNS = (("order_lines", "bundle", "{}"), ("returns", "parts", "[]"), ("refunds", "parts", "{}"))


def upgrade() -> None:
    for table, name, empty in COLUMNS:
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column(name, Json, server_default=empty, nullable=False))


def downgrade() -> None:
    for table, name, _ in reversed(COLUMNS):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_column(name)
