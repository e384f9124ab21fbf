"""One process of the benchmark `pages`: ``python -m bridge.bench._pages seed|ask FOLDER DATABASE NUMBER``."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sqlalchemy import event, insert, select, update
from sqlalchemy.orm import Session

from bridge import app
from bridge.bench import _seed
from bridge.bench._scale import engine_at
from bridge.db import migrations
from bridge.db.tables import Connection, FacetRow, Listing, Variant
from bridge.flows import admin, project
from bridge.flows.engine import Engine
from bridge.web import create_web

PORT = 8000
HOST = f"http://127.0.0.1:{PORT}"
EVERY = 100  # one listing in so many is blocked
BLOCKED = [{"rule": "gtin", "field": "gtin", "blocking": True, "text": "The GTIN is missing.", "fix": "Enter it."}]


def seed(folder: Path, database: str, count: int) -> dict[str, Any]:
    """Products and their listings, live but for the blocked ones."""
    engine = engine_at(folder, database)
    migrations.upgrade(engine.db)
    shop_id = admin.ensure_shop(engine, "Bench").id
    now = engine.clock()
    with engine.db.write(shop_id) as session:
        row = Connection(role="channel", adapter="bol", account="bench", title="Bench", credentials={})
        row.state_since = row.created_at = now
        session.add(row)
    _seed.seed(engine, shop_id, count, 20)
    engine.db.transact(shop_id, _first, engine)
    engine.db.transact(shop_id, _others, shop_id)
    with engine.db.engine.begin() as connection:
        connection.exec_driver_sql("ANALYZE")
    app.close(engine)
    return {"listings": count}


def _first(session: Session, engine: Engine) -> None:
    """One listing as the flows make it."""
    now = engine.clock()
    variant = session.scalars(select(Variant.id).order_by(Variant.id).limit(1)).all()
    project.project(session, project.channel_views(engine, session), variant, now, now)
    session.execute(update(Listing).values(state="live", pending=False, offer_id="offer-0"))
    acked = {"acked": FacetRow.desired, "acked_hash": FacetRow.desired_hash, "acked_version": FacetRow.desired_version}
    session.execute(update(FacetRow).values(**acked, acked_at=now, in_flight=False))


def _others(session: Session, shop_id: int) -> None:
    """The same for every other product, by the database: making each by the flows takes a quarter of an hour."""
    made, other = Listing.__table__, Variant.__table__
    own = {"variant_id": other.c.id, "sku": other.c.sku, "gtin": other.c.gtin, "offer_id": other.c.external_id}
    columns = [column for column in made.c if column.name != "id"]
    rows = select(*(own.get(column.name, column) for column in columns)).where(other.c.id != made.c.variant_id)
    session.execute(insert(Listing).from_select([column.name for column in columns], rows))
    facets, copies = FacetRow.__table__, made.alias()
    columns = [column for column in facets.c if column.name != "id"]
    parts = select(*(copies.c.id if column.name == "listing_id" else column for column in columns))
    parts = parts.where(copies.c.id != facets.c.listing_id, copies.c.shop_id == shop_id)
    session.execute(insert(FacetRow).from_select([column.name for column in columns], parts))
    blocked = update(Listing).where(Listing.id % EVERY == 0).values(state="blocked", offer_id=None, findings=BLOCKED)
    session.execute(blocked.execution_options(synchronize_session=False))


def ways(count: int) -> dict[str, str]:
    """The page as people ask for it."""
    middle = _seed.sku(count // 2)
    return {
        "first page": "listings",
        "in the middle": f"listings?sku={middle}&after={count // 2}",
        "listed": "listings?state=live",
        "not listed": "listings?state=blocked",
        "not listed, in the middle": f"listings?state=blocked&sku={middle}&after={count // 2}",
        "by reason": "listings?on=1&reason=gtin",
        "by SKU": f"listings?search={middle}",
        "by words": "listings?search=product+777",
        "by words that nothing has": "listings?search=zebra",
    }


def ask(folder: Path, database: str, times: int) -> dict[str, Any]:
    """CPU seconds of each page and of its bare statements, by way."""
    engine = engine_at(folder, database)
    config: Any = SimpleNamespace(
        max_webhook_bytes=1_000_000, page_token="", is_loopback=True, port=PORT, redis_url="", install_key="", proxies=0
    )
    client = create_web(engine, config).test_client()
    with engine.db.read(None) as session:
        count = session.query(Listing).count()
    _get(client, "listings")  # the templates are compiled
    found = {}
    for name, path in ways(count).items():
        statements = _statements(engine, lambda path=path: _get(client, path))
        pages = [_timed(lambda path=path: _get(client, path)) for _ in range(times)]
        bare = [_timed(lambda statements=statements: _send(engine, statements)) for _ in range(times)]
        found[name] = {"page": pages, "bare": bare, "statements": len(statements)}
    app.close(engine)
    return found


def _get(client: Any, path: str) -> None:
    answer = client.get(f"/{path}", base_url=HOST)
    if answer.status_code != 200:
        raise RuntimeError(f"{path}: {answer.status_code}")


def _timed(act: Any) -> float:
    """CPU time: the database is in this process, so on a quiet machine that is the server's time."""
    began = time.process_time()
    act()
    return time.process_time() - began


Statement = tuple[str, Any]


def _statements(engine: Engine, act: Any) -> list[Statement]:
    """What ``act`` sends to the database."""
    seen: list[Statement] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        seen.append((statement, parameters))

    event.listen(engine.db.engine, "before_cursor_execute", note)
    try:
        act()
    finally:
        event.remove(engine.db.engine, "before_cursor_execute", note)
    return [item for item in seen if item[0].lstrip().upper().startswith("SELECT")]


def _send(engine: Engine, statements: list[Statement]) -> None:
    connection = engine.db.engine.raw_connection()
    try:
        for statement, parameters in statements:
            connection.cursor().execute(statement, parameters).fetchall()
    finally:
        connection.close()


def main(arguments: list[str]) -> None:
    act, folder, database, number = arguments
    found = (seed if act == "seed" else ask)(Path(folder), database, int(number))
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
