"""A flood of webhooks that waits for nobody: what is kept, what is refused, and whether all is right afterwards.

The sender keeps its pace whatever the answers do: each webhook has its moment, and its answer is timed from that moment
on, also where all connections were busy. Meanwhile the store changes all products every second. Looked at are the
answers (a webhook that is answered by 2xx and not kept is the worst that can happen), the memory of all processes, the
length of the queue, whether /readyz answers, and in the end every quantity.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import click
import httpx
from redis import Redis
from sqlalchemy import func, select

from bridge.bench import _load
from bridge.bench._result import Result, options, progress, quantile, result
from bridge.bench._stack import DATABASE, stack, wait_until
from bridge.bench._world import World, open_world, products
from bridge.db.tables import Delivery, Work
from bridge.flows.admin import hook_url
from bridge.flows.engine import LANES
from bridge.jobs.queues import queue_name

HONEST = {200, 429, 503}
PATIENCE = 5.0  # Shopify's; WooCommerce waits as long
SETTLED = 900


@click.command("flood")
@click.option("--rate", default=1000, show_default=True, type=click.IntRange(1, 5000), help="Webhooks a second.")
@click.option("--seconds", default=60, show_default=True, type=click.IntRange(2, 3600), help="For so long.")
@click.option("--skus", default=200, show_default=True, type=click.IntRange(1, 2000), help="Over so many products.")
@click.option("--connections", default=64, show_default=True, type=click.IntRange(1, 512), help="Kept by the sender.")
@click.option("--database", default=None, help=DATABASE)
def command(rate: int, seconds: int, skus: int, connections: int, database: str | None) -> Result:
    """A flood of webhooks."""
    with stack(database) as parts:
        world = open_world(parts, skus, store_options={"cron": False}, market_options={})
        return _Flood(world, rate, seconds).run(connections)


def run(arguments: list[str]) -> Result:
    """Returns what was measured."""
    found: Result = options(command, arguments)
    return found


class _Flood:
    def __init__(self, world: World, rate: int, seconds: int) -> None:
        self.world = world
        self.rate = rate
        self.seconds = seconds
        self.products = products(world)
        row = world.row(world.store_id)
        self.secret = row.webhook_secrets[0]
        self.hook = urlsplit(hook_url(world.parts.engine, world.shop_id, row.id))
        self.chance = random.Random(1)
        self.stock: dict[str, int] = dict.fromkeys(self.products, 0)
        self.over = threading.Event()
        self.seen: list[dict[str, float]] = []

    def run(self, connections: int) -> Result:
        before, kept = self.world.parts.memory(), self._kept()
        self._change()
        helpers = [threading.Thread(target=act, daemon=True) for act in (self._merchant, self._watch)]
        for helper in helpers:
            helper.start()
        progress(f"flood: {self.rate} webhooks a second for {self.seconds} s")
        load = _load.pour((self.hook.hostname or "", self.hook.port or 0), self._webhooks(), self.rate, connections)
        self.over.set()
        for helper in helpers:
            helper.join()
        progress("flood: coming to rest")
        began = time.monotonic()
        wait_until(self._agrees, SETTLED, "store and marketplace in agreement", 0.5)
        return self._judge(load, before, self._kept() - kept, time.monotonic() - began)

    def _webhooks(self) -> Iterator[bytes]:
        skus = list(self.products)
        for number in range(self.rate * self.seconds):
            sku = skus[number % len(skus)]
            yield _load.delivery(self.hook.path, self.secret, int(self.products[sku]), number, self.stock[sku])

    def _merchant(self) -> None:
        while not self.over.wait(1.0):
            self._change()

    def _change(self) -> None:
        self.stock = {sku: self.chance.randint(1, 900) for sku in self.stock}
        self.world.store.post("bulk", {"changes": [{"sku": sku, "stock": units} for sku, units in self.stock.items()]})

    def _watch(self) -> None:
        """What it looks like from outside, every two seconds."""
        parts = self.world.parts
        with Redis.from_url(parts.redis_url) as redis, httpx.Client(timeout=30, trust_env=False) as client:
            while not self.over.wait(2.0):
                began = time.monotonic()
                ready = client.get(f"{parts.url}/readyz").status_code
                self.seen.append(
                    {
                        "ready": float(ready == 200),
                        "seconds": time.monotonic() - began,
                        "queued": sum(int(redis.llen(f"rq:queue:{queue_name(lane)}")) for lane in LANES),
                        "waiting": self._waiting(),
                        "megabytes": max(parts.memory().values()),
                    }
                )

    def _waiting(self) -> int:
        query = select(func.count()).select_from(Work).where(Work.dirty_version > Work.done_version)
        with self.world.parts.engine.db.read(self.world.shop_id) as session:
            return int(session.scalar(query) or 0)

    def _kept(self) -> int:
        with self.world.parts.engine.db.read(self.world.shop_id) as session:
            return int(session.scalar(select(func.sum(Delivery.seen))) or 0)  # repetitions share a row

    def _right(self) -> int:
        offers = self.world.offers()
        return sum(offers[sku]["stock"] == units for sku, units in self.stock.items())

    def _agrees(self) -> bool:
        return self.world.is_quiet() and self._right() == len(self.stock)

    def _judge(self, load: _load.Load, before: dict[str, int], kept: int, rest: float) -> Result:
        odd = {status: count for status, count in load.statuses.items() if status not in HONEST}
        missing = max(0, load.statuses[200] - kept)
        late = sum(value > PATIENCE for value in load.latencies)
        peak = max(item["megabytes"] for item in self.seen)
        figures: dict[str, Any] = {
            "sent": len(load.latencies),
            "sent and answered a second": load.per_second,
            "answers": {str(status): count for status, count in sorted(Counter(load.statuses).items())},
            "kept": kept,
            "acknowledged and not kept": missing,
            "p50, ms": quantile(load.latencies, 0.5) * 1000,
            "p99, ms": quantile(load.latencies, 0.99) * 1000,
            f"answered after more than {PATIENCE:g} s": late,
            "longest queue in Redis": max(item["queued"] for item in self.seen),
            "most work waiting": max(item["waiting"] for item in self.seen),
            "megabytes of the largest process, before and at most": f"{max(before.values())}, {peak:.0f}",
            "readyz said no": sum(not item["ready"] for item in self.seen),
            "readyz, slowest, ms": max(item["seconds"] for item in self.seen) * 1000,
            "seconds until all was right": rest,
            "right at the end": self._right(),
        }
        good = not missing and not odd and figures["right at the end"] == len(self.stock)
        return result(
            figures=figures,
            reference={"webhooks a second": self.rate, "products": len(self.stock)},
            ratio=load.per_second / self.rate,
            goal=(
                "whatever is acknowledged is kept, all else refused by 429 or 503, no answer later than "
                f"{PATIENCE:g} s, all quantities right; the ratio is the pace that was kept"
            ),
            within_goal=good and not late,
        )
