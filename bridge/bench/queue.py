"""A queue without end: what a look, a claim, a page and the workers cost when a million things wait, against few.

Work of the store (products to be read) and stock changes of a marketplace that is paused are written straight into the
database, as many of each as are asked for. Timed are the statements of the sweeper, of a drain and of a claim, the
numbers for Prometheus and the overview page. Then the queue server is emptied and workers are started, who find all of
it by themselves: how much they do in a second, and what memory they take.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import click
import httpx
from redis import Redis
from sqlalchemy import String, cast, func, insert, literal, select, text

from bridge.bench._result import Result, median, options, progress, result
from bridge.bench._stack import DATABASE, Stack, stack, wait_until
from bridge.bench._world import MARKET, STORE
from bridge.db import queue, work
from bridge.db.tables import Base, Work
from bridge.flows import admin, overview, table
from bridge.flows.engine import Engine

GOAL = 2.0
TIMES = 21
UNKNOWN = "9900"  # the store has no product whose number begins so
AGE = timedelta(hours=2)
Row = dict[str, Any]


@click.command("queue")
@click.option("--items", default=100_000, show_default=True, type=click.IntRange(5000, 5_000_000), help="Of each kind.")
@click.option("--few", default=5000, show_default=True, type=click.IntRange(3000, 100_000), help="Compared with.")
@click.option("--seconds", default=15, show_default=True, type=click.IntRange(3, 600), help="The workers are watched.")
@click.option("--database", default=None, help=DATABASE)
def command(items: int, few: int, seconds: int, database: str | None) -> Result:
    """Let very much wait."""
    found = {count: _of(database, count, seconds) for count in (few, items)}
    times = {name: found[items][name] / found[few][name] for name in found[few] if name.endswith("ms")}
    judged = {name: times[name] for name in times if name.startswith(("look", "claim"))}
    figures: dict[str, Any] = {f"{count}: {name}": value for count, one in found.items() for name, value in one.items()}
    figures |= {f"{name.removesuffix(', ms')}: times as long": value for name, value in times.items()}
    flat = found[items]["largest process, MB"] <= 1.2 * found[few]["largest process, MB"]
    return result(
        figures=figures,
        reference=f"the same with {few}",
        ratio=max(judged.values()),
        goal=f"a look and a claim within {GOAL:g} x, memory within 1.2 x, every kind of work goes on",
        within_goal=max(judged.values()) <= GOAL and flat and found[items]["done a second"] > 0,
    )


def run(arguments: list[str]) -> Result:
    """Returns what was measured."""
    found: Result = options(command, arguments)
    return found


def _of(database: str | None, count: int, seconds: int) -> dict[str, float]:
    with stack(database) as parts:
        store = parts.sandbox("platform", STORE, {"delay": 0})
        market = parts.sandbox("channel", MARKET, {})
        shop_id = admin.ensure_shop(parts.engine, "Bench").id
        store_id = parts.connect(shop_id, "platform", STORE, store, {})
        channel_id = parts.connect(shop_id, "channel", MARKET, market, {})
        progress(f"queue: {count} things of each kind are put down")
        _fill(parts.engine, shop_id, store_id, channel_id, count)
        figures = _timed(parts.engine, shop_id, store_id, channel_id)
        admin.pause(parts.engine, shop_id, channel_id)
        return figures | _worked(parts, shop_id, seconds)


def _fill(engine: Engine, shop_id: int, store_id: int, channel_id: int, count: int) -> None:
    """Products nobody has read, and offers whose stock is to be told; written by the database itself."""
    now = engine.clock() - AGE
    numbers = select(literal(1).label("n")).cte("numbers", recursive=True)
    numbers = numbers.union_all(select(numbers.c.n + 1).where(numbers.c.n < count))
    n, name = numbers.c.n, cast(numbers.c.n, String)
    work_row = work.row_of(shop_id, work.Mark(store_id, "stock", "product.read", ""), now)
    own: Row = {"shop_id": shop_id}
    of_channel = {**own, "connection_id": channel_id, "due_at": now, "attempts": 0}
    product = {**own, "title": "", "data": {}, "snapshot_version": 1, "deleted_at": now}
    variant = {**own, "title": "", "data": {}, "on_hand": 1, "read_at": now, "deleted_at": now}
    listing = {**of_channel, "site": "", "wanted": True, "state": "live", "pending": False, "version": 1}
    listing |= {"findings": [], "sale_reasons": [], "drift_count": 0}
    facet = {**of_channel, "facet": "stock", "desired": {"quantity": 1}, "desired_hash": "1", "desired_version": 2}
    facet |= {"desired_at": now, "explain": {}, "priority": 2, "acked": {}, "acked_hash": "", "acked_version": 1}
    facet |= {"in_flight": False}
    rows: list[tuple[str, Row, dict[str, Any]]] = [
        ("work", work_row, {"key": literal(UNKNOWN) + name}),
        ("products", product, {"id": n, "external_id": name}),
        ("variants", variant, {"id": n, "product_id": n, "external_id": name, "pool": name, "sku": name}),
        ("listings", listing, {"id": n, "variant_id": n, "offer_id": name, "sku": name}),
        ("facets", facet, {"listing_id": n}),
    ]
    with engine.db.engine.execution_options(write=True).begin() as connection:
        for table_name, common, named in rows:
            made = Base.metadata.tables[table_name]
            columns = {key: literal(value, made.c[key].type) for key, value in common.items()} | named
            found = select(*(columns[key].label(key) for key in columns)).select_from(numbers)
            connection.execute(insert(made).from_select(list(columns), found))
    if not engine.db.is_sqlite:  # as its own housekeeping does within a minute
        with engine.db.engine.begin() as connection:
            connection.execute(text("ANALYZE"))


def _timed(engine: Engine, shop_id: int, store_id: int, channel_id: int) -> dict[str, float]:
    """Milliseconds, each the median of a few."""

    def claim() -> None:
        taken = engine.db.transact(shop_id, work.claim, "stock", store_id, engine.clock(), work.CLAIM)
        if len(taken) != work.CLAIM:
            raise click.ClickException("the claim found less than there is")

    def claim_changes() -> None:
        rows, _ = engine.db.transact(shop_id, queue.claim, channel_id, "stock", engine.clock(), 50)
        if len(rows) != 50:
            raise click.ClickException("the claim of changes found less than there is")

    def gauges() -> None:
        with engine.db.read(None) as session:
            overview.gauges(session, engine.clock())

    acts: dict[str, Callable[[], object]] = {
        "look of the sweeper": lambda: table.lanes_with_work(engine),
        "look of a drain": lambda: list(table.scopes(engine, "stock")),
        "look ahead of a drain": lambda: table.next_due(engine, "stock"),
        "claim of work": claim,
        "claim of changes": claim_changes,
        "numbers for Prometheus": gauges,
    }
    return {f"{name}, ms": median(list(_times(act))) * 1000 for name, act in acts.items()}


def _times(act: Callable[[], object], times: int = TIMES) -> Iterator[float]:
    act()
    spent = 0.0
    for _ in range(times):
        began = time.perf_counter()
        act()
        took = time.perf_counter() - began
        yield took
        spent += took
        if spent > 20:
            return


def _worked(parts: Stack, shop_id: int, seconds: int) -> dict[str, float]:
    """What workers make of it, the queue server having forgotten everything."""
    parts.web()
    Redis.from_url(parts.redis_url).flushall()
    before = _waiting(parts.engine, shop_id)
    began = time.monotonic()
    parts.workers()
    wait_until(lambda: _waiting(parts.engine, shop_id) < before, 300, "the first of it done", 0.1)
    first, left = time.monotonic() - began, _waiting(parts.engine, shop_id)
    pages: list[float] = []
    ready: list[float] = []
    largest = 0
    began = time.monotonic()
    while time.monotonic() - began < seconds and _waiting(parts.engine, shop_id):
        pages += _times(lambda: httpx.get(f"{parts.url}/", timeout=60, trust_env=False).raise_for_status(), 1)
        ready += _times(lambda: httpx.get(f"{parts.url}/readyz", timeout=60, trust_env=False).raise_for_status(), 1)
        largest = max(largest, *parts.memory().values())
        time.sleep(1)
    spent = time.monotonic() - began
    return {
        "seconds until the first is done": first,
        "done a second": (left - _waiting(parts.engine, shop_id)) / spent,
        "overview page, ms": median(pages) * 1000,
        "readyz, ms": median(ready) * 1000,
        "largest process, MB": largest,
    }


def _waiting(engine: Engine, shop_id: int) -> int:
    query = (
        select(func.count())
        .select_from(Work)
        .where(Work.kind == "product.read", Work.dirty_version > Work.done_version)
    )
    with engine.db.read(shop_id) as session:
        return int(session.scalar(query) or 0)
