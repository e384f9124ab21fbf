"""Returns remember what their reason means, and the return that the store keeps for them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0027"
branch_labels = None
depends_on = None

COLUMNS = {"cause": (20, "other"), "store_return_id": (100, ""), "store_return_name": (100, "")}


def upgrade() -> None:
    for name, (length, default) in COLUMNS.items():
        op.add_column("returns", sa.Column(name, sa.String(length), nullable=False, server_default=default))


def downgrade() -> None:
    with op.batch_alter_table("returns") as table:
        for name in COLUMNS:
            table.drop_column(name)
