"""Sales of bundles reserve their components: a line has a reservation for each product that it takes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

COLUMNS = (
    ("per_unit", sa.Integer(), "1"),
    ("taken_by", sa.String(length=10), "store"),
    ("taken", sa.Integer(), "0"),
)
UNDER_WAY = ("found", "target")
# SQLite keeps no names of constraints; by this convention a batch finds the one that 0001 made.
NAMES = {"uq": "%(table_name)s_%(column_0_N_name)s_key"}


def upgrade() -> None:
    with op.batch_alter_table("reservations", schema=None, naming_convention=NAMES) as batch_op:
        for name, kind, value in COLUMNS:
            batch_op.add_column(sa.Column(name, kind, server_default=value, nullable=False))
        for name in UNDER_WAY:
            batch_op.add_column(sa.Column(name, sa.Integer(), nullable=True))
        batch_op.drop_constraint("reservations_order_line_id_key", type_="unique")
        batch_op.create_unique_constraint("reservations_order_line_id_variant_id_key", ["order_line_id", "variant_id"])
        batch_op.create_index("ix_reservations_variant", ["variant_id"])
    op.add_column("variants", sa.Column("writer", sa.String(length=60), nullable=True))


def downgrade() -> None:
    """Before, only the product that a line names was reserved."""
    op.execute(
        "DELETE FROM reservations WHERE NOT EXISTS (SELECT 1 FROM order_lines WHERE order_lines.id = "
        "reservations.order_line_id AND order_lines.variant_id = reservations.variant_id)"
    )
    with op.batch_alter_table("reservations", schema=None, naming_convention=NAMES) as batch_op:
        batch_op.drop_index("ix_reservations_variant")
        batch_op.drop_constraint("reservations_order_line_id_variant_id_key", type_="unique")
        batch_op.create_unique_constraint("reservations_order_line_id_key", ["order_line_id"])
        for name in (*UNDER_WAY, *(item[0] for item in COLUMNS)):
            batch_op.drop_column(name)
    op.drop_column("variants", "writer")
