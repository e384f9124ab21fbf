"""What waits is found by its connection, however much of it there is."""

from __future__ import annotations

from alembic import op
from sqlalchemy import text

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

DIRTY = text("dirty_version > done_version")
READY = text("store_state = 'ready'")
OFFERS = (("ix_listings_to_make", "NULL"), ("ix_listings_to_end", "NOT NULL"))


def upgrade() -> None:
    op.drop_index("ix_work_pending", "work")
    columns = ["connection_id", "lane", "parked", "priority", "due_at"]
    op.create_index("ix_work_pending", "work", columns, sqlite_where=DIRTY, postgresql_where=DIRTY)
    op.drop_index("ix_listings_pending", "listings")
    for name, offer in OFFERS:
        op.create_index(
            name,
            "listings",
            ["connection_id", "due_at"],
            sqlite_where=text(f"pending = 1 AND offer_id IS {offer}"),
            postgresql_where=text(f"pending AND offer_id IS {offer}"),
        )
    op.create_index("ix_orders_ready", "orders", ["connection_id"], sqlite_where=READY, postgresql_where=READY)


def downgrade() -> None:
    op.drop_index("ix_orders_ready", "orders")
    for name, _ in OFFERS:
        op.drop_index(name, "listings")
    pending = text("pending")
    columns = ["connection_id", "due_at"]
    op.create_index("ix_listings_pending", "listings", columns, sqlite_where=pending, postgresql_where=pending)
    op.drop_index("ix_work_pending", "work")
    op.create_index("ix_work_pending", "work", ["lane", "due_at"], sqlite_where=DIRTY, postgresql_where=DIRTY)
