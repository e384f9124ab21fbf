"""SQLite files with all tables and nothing in them: made once and copied, since making one takes longer than most tests."""

from __future__ import annotations

import tempfile
from contextlib import closing
from functools import cache
from pathlib import Path


def make_tables(url: str) -> None:
    """Where there is no file yet. A PostgreSQL database has its tables from whoever made it (tests/support/postgres.py)."""
    if url.startswith("sqlite:///") and not (path := Path(url.removeprefix("sqlite:///"))).exists():
        path.write_bytes(_made())


@cache
def _made() -> bytes:
    from bridge.db import migrations  # not for whoever needs no database
    from bridge.db.session import Database

    with tempfile.TemporaryDirectory() as folder:
        with closing(Database(f"sqlite:///{folder}/made.db")) as db:
            migrations.upgrade(db)
        return Path(folder, "made.db").read_bytes()
