"""Shipments, cancellations and refunds can rest by themselves: what rested with orders, or with all, rests on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

WITH_ORDERS, WITH_ALL = ("cancellation",), ("cancellation", "shipments", "refunds")
EVERYTHING = ("not live yet", "test mode")  # reasons for which all flows rest
HOLDS = sa.table(
    "holds",
    sa.column("shop_id", sa.Integer),
    sa.column("connection_id", sa.Integer),
    sa.column("flow", sa.String),
    sa.column("reason", sa.Text),
    sa.column("author", sa.String),
    sa.column("since", sa.DateTime),
)
NAMES = ("shop_id", "connection_id", "reason", "author", "since")


def upgrade() -> None:
    kept = [HOLDS.c[name] for name in NAMES]
    for flow in WITH_ALL:
        query = sa.select(*kept, sa.literal(flow)).where(HOLDS.c.flow == "orders")
        if flow not in WITH_ORDERS:
            query = query.where(HOLDS.c.reason.in_(EVERYTHING))
        op.execute(sa.insert(HOLDS).from_select([*NAMES, "flow"], query))


def downgrade() -> None:
    op.execute(sa.delete(HOLDS).where(HOLDS.c.flow.in_(WITH_ALL)))
