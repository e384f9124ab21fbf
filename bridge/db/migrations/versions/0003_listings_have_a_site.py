"""Listings have a site."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ONE, MANY = ["connection_id", "variant_id"], ["connection_id", "variant_id", "site"]


def upgrade() -> None:
    # The server's own default lets a process of the version before go on making listings meanwhile.
    column = sa.Column("site", sa.String(length=40), nullable=False, server_default="")
    if op.get_bind().dialect.name == "sqlite":
        with op.batch_alter_table("listings", naming_convention=NAMES) as batch_op:
            batch_op.add_column(column)
            batch_op.drop_constraint(_sqlite_name(ONE), type_="unique")
            batch_op.create_unique_constraint(_sqlite_name(MANY), MANY)
        return
    op.add_column("listings", column)
    op.drop_constraint(_postgres_name(ONE), "listings", type_="unique")
    op.create_unique_constraint(_postgres_name(MANY), "listings", MANY)


def downgrade() -> None:
    # The version before knows one listing of a variant on a connection: those of country sites are forgotten.
    op.execute("DELETE FROM facets WHERE listing_id IN (SELECT id FROM listings WHERE site <> '')")
    op.execute("DELETE FROM listings WHERE site <> ''")
    if op.get_bind().dialect.name == "sqlite":
        with op.batch_alter_table("listings", naming_convention=NAMES) as batch_op:
            batch_op.drop_constraint(_sqlite_name(MANY), type_="unique")
            batch_op.create_unique_constraint(_sqlite_name(ONE), ONE)
            batch_op.drop_column("site")
        return
    op.drop_constraint(_postgres_name(MANY), "listings", type_="unique")
    op.create_unique_constraint(_postgres_name(ONE), "listings", ONE)
    op.drop_column("listings", "site")


# In 0001 the constraint has no name: SQLite keeps none, PostgreSQL makes one of table and columns.
NAMES = {"uq": "uq_%(table_name)s_%(column_0_N_name)s"}


def _sqlite_name(columns: list[str]) -> str:
    return f"uq_listings_{'_'.join(columns)}"


def _postgres_name(columns: list[str]) -> str:
    return f"listings_{'_'.join(columns)}_key"
