"""What SQLite's planner has to be told: that a shop is no choice.

Without statistics it believes that the first column of any index picks out ten rows, and answers ``id IN (a hundred
ids) AND shop_id = ?`` by reading everything that the shop has: at each claim, the more there is the longer. Statistics
of our own say how it is, from the first row on; those of ANALYZE would have to be gathered again and again.
"""

from __future__ import annotations

from sqlalchemy import text

from bridge.db.session import Database

MANY, FEW = 1_000_000, 10


def advise(db: Database) -> None:
    """To be called when the tables are as they should be; connections that are opened from then on know."""
    if not db.is_sqlite:
        return
    with db.engine.execution_options(write=True).begin() as connection:
        connection.exec_driver_sql("ANALYZE sqlite_master")  # makes the table of statistics, and gathers nothing
        indexes = connection.exec_driver_sql("SELECT tbl_name, name FROM sqlite_master WHERE type = 'index'").all()
        for table, name in indexes:
            columns = [row[2] for row in connection.exec_driver_sql(f"PRAGMA index_info('{name}')")]
            if columns[0] != "shop_id" or len(columns) < 2:
                continue
            given = {"table": table, "name": name}
            connection.execute(text("DELETE FROM sqlite_stat1 WHERE tbl = :table AND idx = :name"), given)
            given["stat"] = " ".join(str(number) for number in (MANY, MANY, *[FEW] * (len(columns) - 1)))
            connection.execute(text("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (:table, :name, :stat)"), given)
        connection.exec_driver_sql("ANALYZE sqlite_master")  # read by this connection, too
