"""How many stock values marketplaces accept, by connection and quarter of an hour. What was accepted before is not
counted: that would read the whole journal."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "stock_sent",
        sa.Column("shop_id", sa.Integer(), nullable=False),
        sa.Column("quarter", sa.DateTime(timezone=True), nullable=False),
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("shop_id", "quarter", "connection_id"),
    )


def downgrade() -> None:
    op.drop_table("stock_sent")
