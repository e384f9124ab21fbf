"""Orders remember how the marketplace wants them sent, and which method of the store's was chosen for them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

Json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.add_column("orders", sa.Column("shipping_method", sa.String(100), nullable=False, server_default=""))
    op.add_column("orders", sa.Column("store_method", Json, nullable=False, server_default="{}"))


def downgrade() -> None:
    with op.batch_alter_table("orders") as table:
        table.drop_column("store_method")
        table.drop_column("shipping_method")
