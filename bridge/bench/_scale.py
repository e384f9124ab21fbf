"""One process of the benchmark `scale`: ``python -m bridge.bench._scale seed|compare FOLDER DATABASE [VARIANTS]``.

Prints what it measured of itself as JSON. Seeding is a process of its own, so that it does not count.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from sqlalchemy import event, select, text

from bridge import app, config
from bridge.bench import _seed
from bridge.db import migrations
from bridge.db.tables import Base, Connection
from bridge.flows import admin, catalogue
from bridge.flows.engine import Engine

CHANNELS = 3


def engine_at(folder: Path, database: str) -> Engine:
    settings = {"data_dir": folder, "database_url": database, "redis_url": "", "keys": (), "log_level": "warning"}
    return app.bootstrap(config.load(settings), ring=lambda lanes: None)


def seed(folder: Path, database: str, variants: int) -> dict[str, Any]:
    """A shop with its variants and three channels, nothing compared yet."""
    engine = engine_at(folder, database)
    migrations.upgrade(engine.db)
    if admin.shops(engine):
        raise SystemExit("The database is not empty: give the benchmark one of its own.")
    shop_id = admin.ensure_shop(engine, "Bench").id
    _seed.seed(engine, shop_id, variants, 20)
    now = engine.clock()
    with engine.db.write(shop_id) as session:
        for number in range(CHANNELS):
            row = Connection(role="channel", adapter="bol", account=f"bench-{number}", title=f"Bench {number}")
            row.credentials, row.state_since, row.created_at = {}, now, now
            session.add(row)
    app.close(engine)
    return {"variants": variants}


def compare(folder: Path, database: str) -> dict[str, Any]:
    """Every variant with every channel, chunk by chunk, as a full compare does it."""
    engine = engine_at(folder, database)
    shop_id = admin.shops(engine)[0].id
    with engine.db.read(shop_id) as session:
        rows = list(session.scalars(select(Connection).where(Connection.role == "channel").order_by(Connection.id)))
    counts: Counter[str] = Counter()

    def count(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        counts["queries"] += not statement.startswith("BEGIN")

    event.listen(engine.db.engine, "before_cursor_execute", count)
    began, cpu = time.monotonic(), time.process_time()
    for row in rows:
        catalogue.project_connection(engine, row, [])
    seconds, cpu = time.monotonic() - began, time.process_time() - cpu
    app.close(engine)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    megabytes = peak / (1024 * 1024 if sys.platform == "darwin" else 1024)
    return {"seconds": seconds, "cpu": cpu, "queries": counts["queries"], "megabytes": megabytes}


def clear(folder: Path, database: str) -> dict[str, Any]:
    """Empty again, for the next catalogue."""
    engine = engine_at(folder, database)
    with engine.db.engine.begin() as connection:
        Base.metadata.drop_all(connection)
        connection.execute(text("DROP TABLE alembic_version"))
    app.close(engine)
    return {}


def main(arguments: list[str]) -> None:
    act, folder, database, *rest = arguments
    acts = {"compare": compare, "clear": clear}
    found = seed(Path(folder), database, int(rest[0])) if act == "seed" else acts[act](Path(folder), database)
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
