"""Orders have phases, taxes and refunds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

Json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "refunds",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.Integer(), nullable=False),
        sa.Column("order_line_id", sa.Integer(), nullable=False),
        sa.Column("ref", sa.String(length=250), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("amount", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.String(length=30), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("submission", sa.String(length=190), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rounds", sa.Integer(), nullable=False),
        sa.Column("shop_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["order_line_id"], ["order_lines.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("connection_id", "ref"),
    )
    with op.batch_alter_table("refunds", schema=None) as batch_op:
        batch_op.create_index("ix_refunds_line", ["order_line_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_refunds_order_id"), ["order_id"], unique=False)

    with op.batch_alter_table("order_lines", schema=None) as batch_op:
        batch_op.add_column(sa.Column("tax", sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column("discount", sa.String(length=40), nullable=True))

    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.add_column(sa.Column("shipping_tax", sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column("tax_by_channel", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("site", sa.String(length=40), server_default="", nullable=False))
        batch_op.add_column(sa.Column("phase", sa.String(length=20), server_default="ready", nullable=False))
        batch_op.add_column(sa.Column("accept_by", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("accept_state", sa.String(length=12), server_default="", nullable=False))
        batch_op.add_column(sa.Column("accept_refused", Json, nullable=True))
        batch_op.add_column(sa.Column("accept_rounds", sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.drop_column("accept_rounds")
        batch_op.drop_column("accept_refused")
        batch_op.drop_column("accept_state")
        batch_op.drop_column("accept_by")
        batch_op.drop_column("phase")
        batch_op.drop_column("site")
        batch_op.drop_column("tax_by_channel")
        batch_op.drop_column("shipping_tax")

    with op.batch_alter_table("order_lines", schema=None) as batch_op:
        batch_op.drop_column("discount")
        batch_op.drop_column("tax")

    op.drop_table("refunds")
