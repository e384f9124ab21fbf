"""Back after an absence: very many orders of one marketplace at once, while another goes on selling.

The marketplace is paused, the orders are placed, and it is let in again. Until all of them are in the store, somebody
buys on the other marketplace now and then, and the store changes a product: both are timed. Half-way through the worker
of the orders and the scheduler are killed and started anew. Memory is watched all along; in the end the orders of the
store are counted one by one.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import click
from sqlalchemy import func, select

from bridge.bench._child import Tune
from bridge.bench._markets import Markets, open_markets
from bridge.bench._result import Result, median, options, progress, result
from bridge.bench._stack import DATABASE, stack, wait_until
from bridge.db.tables import Order, Problem
from bridge.flows import admin

BACK, OTHER = "bol", "kaufland"
UNLIMITED = (10000.0, 1.0)
LONGEST_WAIT = 120.0  # the other marketplace is asked once a minute; a killed worker's lease ends after 45 s
MEGABYTES = 300
EVERY = 5.0
TOGETHER = 500


@click.command("absence")
@click.option("--orders", default=2000, show_default=True, type=click.IntRange(100, 200_000), help="That wait for us.")
@click.option("--products", default=40, show_default=True, type=click.IntRange(5, 1000), help="They are of so many.")
@click.option("--database", default=None, help=DATABASE)
def command(orders: int, products: int, database: str | None) -> Result:
    """Very many orders at once."""
    tune = Tune({BACK: dict.fromkeys(("get-orders", "get-order"), UNLIMITED)})
    with stack(database, tune) as parts:
        world = open_markets(parts, (BACK, OTHER), products, {BACK: {"limits": None}})
        return _Absence(world).run(orders)


def run(arguments: list[str]) -> Result:
    """Returns what was measured."""
    found: Result = options(command, arguments)
    return found


class _Absence:
    def __init__(self, world: Markets) -> None:
        self.world = world
        self.engine = world.parts.engine
        self.placed: list[str] = []
        self.others: dict[str, float] = {}  # an order of the other marketplace: seconds until it was in the store
        self.told: list[float] = []  # seconds until it heard of a change in the store
        self.megabytes = 0
        self.units = 900

    def run(self, orders: int) -> Result:
        self._many_units()
        channel = self.world.markets[BACK]
        admin.pause(self.engine, self.world.shop_id, channel.id)
        progress(f"absence: {orders} orders are placed")
        for start in range(0, orders, TOGETHER):
            count = min(TOGETHER, orders - start)
            body = {"count": count, "skus": list(self.world.skus), "seed": start, "force": True}
            self.placed += channel.control.post("orders/bulk", body)["order_ids"]
        before = max(self.world.parts.memory().values())
        admin.resume(self.engine, self.world.shop_id, channel.id)
        progress("absence: back again")
        began = time.monotonic()
        self._live(orders, began)
        spent = time.monotonic() - began
        wait_until(self._others_made, 120, "the other marketplace's orders in the store", 0.5)
        return self._judge(orders, before, spent)

    def _many_units(self) -> None:
        changes = [{"sku": sku, "stock": 1_000_000} for sku in self.world.skus]
        self.world.store.post("bulk", {"changes": changes})
        wait_until(self.world.is_quiet, 300, "everything quiet", 0.5)

    def _live(self, orders: int, began: float) -> None:
        killed, next_act, made = False, 0.0, 0
        while made < orders:
            made = self._made(BACK)
            if not killed and made >= orders // 2:
                progress("absence: half-way; the worker of the orders and the scheduler are killed")
                self.world.parts.kill("worker-orders")
                self.world.parts.kill("scheduler")
                killed = True
            if time.monotonic() - began >= next_act:
                self._act()
                next_act += EVERY
            self.megabytes = max(self.megabytes, *self.world.parts.memory().values())
            if time.monotonic() - began > 60 + orders:
                raise click.ClickException(f"only {made} of {orders} orders are in the store")
            time.sleep(0.5)

    def _act(self) -> None:
        """One is bought on the other marketplace; and a product changes in the store, of which it has to hear."""
        world, other = self.world, self.world.markets[OTHER]
        sku = world.skus[len(self.told) % len(world.skus)]
        other.control.post("orders", {"lines": [{"sku": sku, "quantity": 1}]})
        since, self.units = other.control.last_request(), self.units - 1
        began = time.time()
        world.store.post("bulk", {"changes": [{"sku": sku, "stock": self.units}]})
        wait_until(lambda: world.told(OTHER, sku, since), 300, f"{OTHER} told of {sku}", 0.1)
        self.told.append((world.told(OTHER, sku, since) or began) - began)
        world.store.post("bulk", {"changes": [{"sku": sku, "stock": 1_000_000}]})

    def _made(self, name: str) -> int:
        query = select(func.count(Order.id)).where(Order.connection_id == self.world.markets[name].id)
        with self.engine.db.read(self.world.shop_id) as session:
            return int(session.scalar(query.where(Order.store_state == "created")) or 0)

    def _others_made(self) -> bool:
        query = select(Order.external_id, Order.placed_at, Order.created_at)
        query = query.where(Order.connection_id == self.world.markets[OTHER].id, Order.created_at.is_not(None))
        with self.engine.db.read(self.world.shop_id) as session:
            rows = session.execute(query).all()
        self.others = {name: (made - placed).total_seconds() for name, placed, made in rows if made is not None}
        return len(self.others) >= len(self.told)

    def _judge(self, orders: int, before: int, spent: float) -> Result:
        refs: Counter[str] = Counter()
        for order in self.world.store.get("orders"):
            found = [item["value"] for item in order["meta_data"] if item["key"] == "_storebridge_order"]
            refs.update(str(ref).rpartition(":")[2] for ref in found)
        with self.engine.db.read(self.world.shop_id) as session:
            problems = Counter(session.scalars(select(Problem.kind).where(Problem.closed_at.is_(None))))
        slowest = max(self.others.values())
        figures: dict[str, Any] = {
            "orders": orders,
            "in the store": sum(1 for ref in self.placed if refs[ref]),
            "doubled": sum(1 for ref in self.placed if refs[ref] > 1),
            "seconds": spent,
            "orders a second": orders / spent,
            "orders of the other marketplace": len(self.others),
            "until they are in the store, p50, s": median(list(self.others.values())),
            "until they are in the store, slowest, s": slowest,
            "until it hears of the store's stock, p50, s": median(self.told),
            "until it hears of the store's stock, slowest, s": max(self.told),
            "megabytes of the largest process, before and at most": f"{before}, {self.megabytes}",
            "open problems, by kind": dict(problems),
        }
        whole = figures["in the store"] == orders and not figures["doubled"]
        return result(
            figures=figures,
            reference={"a wait of the other marketplace's orders that is allowed, s": LONGEST_WAIT},
            ratio=slowest / LONGEST_WAIT,
            goal=(
                f"none missing, none doubled, no order of the other marketplace waits longer than {LONGEST_WAIT:g} s, "
                f"no process beyond {MEGABYTES} MB"
            ),
            within_goal=whole and slowest <= LONGEST_WAIT and self.megabytes <= MEGABYTES,
        )
