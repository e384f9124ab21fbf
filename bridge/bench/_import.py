"""The work of the benchmark `import` (a module cannot be imported under that name by the others)."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import click
from sqlalchemy import event, func, select
from woocommerce import API

from bridge.bench import _seed
from bridge.bench._child import Tune
from bridge.bench._result import Result, options, progress, result
from bridge.bench._stack import DATABASE, Control, Stack, stack, wait_until
from bridge.bench._world import MARKET, STORE, World, calls, open_world
from bridge.db import work
from bridge.db.tables import Order
from bridge.db.work import Mark
from bridge.flows import admin
from bridge.flows.engine import Engine
from bridge.jobs.drain import drain

GOAL = 0.7
STEADY = 1.15
# A real store on a small server, measured: 160 to 300 ms for an order, 180 ms for a list, 59 ms for a product.
STORE_OPTIONS: dict[str, Any] = {
    "latency": {"order": 0.2, "list": 0.18, "get": 0.06, "put": 0.1, "batch": 0.027},
    "php_workers": 4,
    "delay": 1.0,
}
META = "_storebridge_order"
UNLIMITED = (10000.0, 1.0)
PAGES = (10, 50)
SKUS = 200


@click.command("import")
@click.option("--orders", default=2000, show_default=True, type=click.IntRange(1, 8000), help="Marketplace orders.")
@click.option("--bare", default=200, show_default=True, type=click.IntRange(10, 2000), help="Bare creates, each half.")
@click.option("--database", default=None, help=DATABASE)
def command(orders: int, bare: int, database: str | None) -> Result:
    """Marketplace orders into the store."""
    figures: dict[str, Any] = {"orders": orders}
    steady = _statements(figures, database if database == "postgres" else None)
    tune = Tune({MARKET: dict.fromkeys(("get-orders", "get-order"), UNLIMITED)})
    with stack(database, tune) as parts:
        world = open_world(parts, SKUS, store_options=STORE_OPTIONS, market_options={"limits": None})
        twin = parts.sandbox("platform", STORE, STORE_OPTIONS)
        twin.post("seed", {"products": SKUS, "variable": 0})
        width = parts.engine.manifest(world.row(world.store_id)).concurrency
        progress(f"import: the bare store, {bare} orders by {width}")
        before = _bare_rate(twin, bare, width)
        progress(f"import: {orders} orders, about {orders / before:.0f} s at the bare rate")
        rate = _import(world, orders, figures)
        after = _bare_rate(twin, bare, width)
        reference = (before + after) / 2
        whole = figures["in the store"] == orders and not figures["doubled"]
        return result(
            figures=figures,
            reference={"bare creates a second": round(reference, 2), "at once": width},
            ratio=rate / reference,
            goal=f"at least {GOAL} of the bare rate, none doubled, none missing, statements per order constant",
            within_goal=rate / reference >= GOAL and whole and steady,
        )


def run(arguments: list[str]) -> Result:
    """Returns what was measured."""
    found: Result = options(command, arguments)
    return found


def _import(world: World, orders: int, figures: dict[str, Any]) -> float:
    """Orders a second from the first create to the last."""
    engine = world.parts.engine
    since = world.store.last_request()
    placed: list[str] = []
    for seed in range(0, orders, 500):
        body = {"count": min(500, orders - seed), "skus": list(world.skus), "seed": seed, "force": True}
        placed += world.market.post("orders/bulk", body)["order_ids"]
    began = time.time()
    mark = Mark(world.channel_id, "orders", "orders.pull", "changes", priority=1)
    engine.db.transact(world.shop_id, work.mark, world.shop_id, [mark], engine.clock())
    engine.ring({"orders"})
    wait_until(lambda: _created(world) >= len(placed), orders * 1.5 + 60, "all orders in the store", 0.5)
    log = world.store.get("requests", since=since)
    made = [entry["at"] for entry in calls(log, "orders.create")]
    found = _store_orders(world)
    figures |= {
        "in the store": sum(1 for ref in placed if found[ref]),
        "doubled": sum(1 for ref in placed if found[ref] > 1),
        "create calls": len(made),
        "seconds from placing to the last in the store": max(made) - began,
        "seconds until the first": min(made) - began,
        "store calls per order": {op: round(n / orders, 2) for op, n in Counter(e["op"] for e in log).most_common(6)},
        "orders a second": len(made) / (max(made) - began),
    }
    rate: float = len(made) / (max(made) - began)
    return rate


def _created(world: World) -> int:
    query = select(func.count(Order.id)).where(Order.store_state == "created")
    with world.parts.engine.db.read(world.shop_id) as session:
        return int(session.scalar(query) or 0)


def _store_orders(world: World) -> Counter[str]:
    """How many orders the store has of each marketplace order."""
    found: Counter[str] = Counter()
    for order in world.store.get("orders"):
        refs = [item["value"] for item in order["meta_data"] if item["key"] == META]
        found.update(str(ref).rpartition(":")[2] for ref in refs)
    return found


def _bare_rate(store: Control, count: int, width: int) -> float:
    """Orders a second that the store takes from ``width`` callers at once, without us."""
    credentials, _ = admin.sandbox_place(_store_adapter(), store.url)
    own = threading.local()

    def create(number: int) -> int:
        if not hasattr(own, "api"):
            own.api = API(store.url, credentials["consumer_key"], credentials["consumer_secret"], timeout=60)
        line = {"sku": f"SB-{number % 7 + 1:04d}", "quantity": 1, "subtotal": "10.00", "total": "10.00"}
        body = {"status": "processing", "line_items": [line], "meta_data": [{"key": META, "value": f"bare:{number}"}]}
        return int(own.api.post("orders", body).status_code)

    began = time.monotonic()
    with ThreadPoolExecutor(width) as pool:
        answers = Counter(pool.map(create, range(count)))
    if set(answers) != {201}:
        raise click.ClickException(f"the bare store answered {dict(answers)}")
    return count / (time.monotonic() - began)


def _store_adapter() -> Any:
    return Tune().registry().platforms[STORE]


def _statements(figures: dict[str, Any], database: str | None) -> bool:
    """Whether pulling a page and storing its orders costs the same number of statements for each, in this process."""
    costs = []
    for size in PAGES:
        with stack(database) as parts:
            costs.append(_cost(parts, size))
            figures[f"statements per order, page of {size}"] = costs[-1]
    return costs[-1] <= costs[0] * STEADY


def _cost(parts: Stack, size: int) -> float:
    market = parts.sandbox("channel", MARKET, {"limits": None})
    engine = parts.engine
    shop_id = admin.ensure_shop(engine, "Bench").id
    _seed.seed(engine, shop_id, size, 1000)
    channel_id = parts.connect(shop_id, "channel", MARKET, market, {"send_content": False})
    _seed.project_all(engine, shop_id, engine.clock())
    drain(engine, "orders", seconds=20, linger=0)  # the first pull, of nothing
    for number in range(1, size + 1):
        line = {"sku": _seed.sku(number), "ean": _seed.ean13(number), "quantity": 1, "unit_price": 10.95}
        market.post("orders", {"lines": [line], "force": True})
    mark = Mark(channel_id, "orders", "orders.pull", "changes")
    engine.db.transact(shop_id, work.mark, shop_id, [mark], engine.clock())
    with _counted(engine) as statements:
        drain(engine, "orders", seconds=30, linger=0)
    with engine.db.read(shop_id) as session:
        known = int(session.scalar(select(func.count(Order.id))) or 0)
    if known != size:
        raise click.ClickException(f"{known} of {size} orders were pulled")
    return sum(statements.values()) / size


@contextmanager
def _counted(engine: Engine) -> Iterator[Counter[str]]:
    """Statements by kind, without the log of exchanges, which is written by the clock."""
    counts: Counter[str] = Counter()

    def count(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith(("BEGIN", "INSERT INTO journal")):
            counts[statement[:40]] += 1

    event.listen(engine.db.engine, "before_cursor_execute", count)
    try:
        yield counts
    finally:
        event.remove(engine.db.engine, "before_cursor_execute", count)
