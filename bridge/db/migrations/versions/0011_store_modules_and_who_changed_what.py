"""Store modules; the journal knows who wanted a change."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

Json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
BY_SOMEONE = sa.text("author IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "module_activations",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("platform", sa.String(length=40), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "modules",
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("secrets", sa.Text(), nullable=False),
        sa.Column("retired_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("epoch", sa.String(length=40), nullable=False),
        sa.Column("last_event", sa.BigInteger(), nullable=True),
        sa.Column("last_event_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("gap_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("beat", sa.BigInteger(), nullable=False),
        sa.Column("health", Json, nullable=False),
        sa.Column("shop_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("connection_id"),
    )
    op.create_table(
        "module_nonces",
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("nonce", sa.String(length=32), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("shop_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("connection_id", "nonce"),
    )
    with op.batch_alter_table("module_nonces", schema=None) as batch_op:
        batch_op.create_index("ix_module_nonces_until", ["until"], unique=False)
    with op.batch_alter_table("journal", schema=None) as batch_op:
        batch_op.add_column(sa.Column("author", sa.String(length=120), nullable=True))
        batch_op.create_index(
            "ix_journal_author", ["shop_id", "id"], unique=False, sqlite_where=BY_SOMEONE, postgresql_where=BY_SOMEONE
        )


def downgrade() -> None:
    with op.batch_alter_table("journal", schema=None) as batch_op:
        batch_op.drop_index("ix_journal_author", sqlite_where=BY_SOMEONE, postgresql_where=BY_SOMEONE)
        batch_op.drop_column("author")
    op.drop_table("module_nonces")
    op.drop_table("modules")
    op.drop_table("module_activations")
