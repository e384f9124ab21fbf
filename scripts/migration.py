#!/usr/bin/env python3
"""Writes a migration for what bridge/db/tables.py has and the migrations have not yet::

    .venv/bin/python scripts/migration.py "orders remember when they were paid"

``--initial`` writes the first migration anew; only before the first release.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bridge.db import migrations
from bridge.db.session import Database

INITIAL = "0001"
VERSIONS = migrations.FOLDER / "versions"


def main() -> None:
    parser = argparse.ArgumentParser(description="Write a database migration.")
    parser.add_argument("message", nargs="?", default="The tables")
    parser.add_argument("--initial", action="store_true", help="the first migration anew")
    arguments = parser.parse_args()
    if arguments.initial:
        for path in VERSIONS.glob(f"{INITIAL}_*.py"):
            path.unlink()
    number = INITIAL if arguments.initial else f"{len(list(VERSIONS.glob('*.py'))) + 1:04}"
    with tempfile.TemporaryDirectory() as folder:
        db = Database(f"sqlite:///{folder}/empty.db")
        migrations.upgrade(db)
        migrations.write_revision(db, arguments.message, number)
        db.close()
    for path in VERSIONS.glob(f"{number}_*.py"):
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(r"\n *# ###.*", "", text), encoding="utf-8")
        subprocess.run([sys.executable, "-m", "ruff", "check", "--fix", path], check=False, capture_output=True)
        subprocess.run([sys.executable, "-m", "ruff", "format", "-q", path], check=True)
        print(path)


if __name__ == "__main__":
    main()
