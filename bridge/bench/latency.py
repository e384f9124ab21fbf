"""From a change in the store to the call at the marketplace, against a bare RQ job on its way to its first call.

Twenty changes a second in the sandbox store, which sends its webhooks at once. The clock starts when the store
begins to send a webhook (its delivery log) and stops when the PATCH is in the marketplace's request log. In between
lie the door, its commit, the doorbell, the worker, a reading from the store over HTTP, the projection, the fence
and the limiter. The yardstick is measured in turns with it on the same machine: a job of one line, from enqueueing
to the arrival of its GET at the same sandbox; worker class, serializer and Redis are the same, its HTTP client is kept.

Every SKU rests five seconds or more between changes: the second of two changes in quick succession is held
for half a second on purpose (they become one), which is the subject of the benchmark `burst`, not of this one.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import httpx
from redis import Redis
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer

from bridge.bench._child import enter
from bridge.bench._result import Result, options, progress, quantile, result
from bridge.bench._stack import DATABASE, stack, wait_until
from bridge.bench._world import World, calls, open_world

QUEUE = "bench:bare"
BARE = "bridge.bench.latency.bare_job"
PUBLIC = "/retailer/public/ratelimits"
GOALS = (3.0, 6.0)
REST = 6.0


@click.command("latency")
@click.option("--rate", default=20, show_default=True, type=click.IntRange(1, 40), help="Changes a second.")
@click.option("--bursts", default=6, show_default=True, type=click.IntRange(1, 50), help="Of each, in turns.")
@click.option("--seconds", default=5, show_default=True, type=click.IntRange(1, 60), help="Length of each.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 16), help="Stock workers.")
@click.option("--database", default=None, help=DATABASE)
def command(rate: int, bursts: int, seconds: int, workers: int, database: str | None) -> Result:
    """Store event to marketplace request."""
    skus = max(rate * seconds, int(rate * REST))
    with stack(database) as parts:
        world = open_world(parts, skus, store_options={}, market_options={}, workers={"stock": workers})
        parts.run("bare", _bare_worker, parts.redis_url, world.market.url)
        runner = _Turns(world, rate)
        runner.bare(2)  # warm both up
        runner.events(2)
        time.sleep(REST)
        ours: list[float] = []
        bare: list[float] = []
        for turn in range(bursts):
            progress(f"latency: turn {turn + 1} of {bursts}")
            ours += runner.events(seconds)
            bare += runner.bare(seconds)
        return _judge(ours, bare, runner)


def run(arguments: list[str]) -> Result:
    """Returns what was measured."""
    found: Result = options(command, arguments)
    return found


class _Turns:
    def __init__(self, world: World, rate: int) -> None:
        self.world = world
        self.rate = rate
        self.value = 1000
        self.place = 0
        self.lost = 0
        self._redis = Redis.from_url(world.parts.redis_url)
        self._queue = Queue(QUEUE, connection=self._redis, serializer=JSONSerializer)

    def events(self, seconds: int) -> list[float]:
        """Seconds from the store's webhook to the marketplace's log, for each change."""
        world = self.world
        since, delivered = world.market.last_request(), len(world.store.get("deliveries"))
        changes: list[tuple[str, int]] = []
        for at in _ticks(self.rate, seconds):
            _sleep_until(at)
            self.value += 1
            sku = world.skus[self.place % len(world.skus)]
            self.place += 1
            world.store.post("bulk", {"changes": [{"sku": sku, "stock": self.value}]})
            changes.append((sku, self.value))
        wait_until(lambda: len(world.store.get("deliveries", since=delivered)) >= len(changes), 30, "all webhooks sent")
        time.sleep(0.2)
        wait_until(world.is_quiet, 60, "everything sent", 0.1)
        started = _webhooks(world.store.get("deliveries", since=delivered))
        arrived = _patches(world, since)
        found = []
        for sku, value in changes:
            begun, ended = started.get((sku, value)), _first(arrived[sku], value)
            if begun is None or ended is None:
                self.lost += 1
            else:
                found.append(ended - begun)
        return found

    def bare(self, seconds: int) -> list[float]:
        """Seconds from enqueueing a job to the arrival of its call."""
        since = self.world.market.last_request()
        enqueued: dict[str, float] = {}
        for at in _ticks(self.rate, seconds):
            _sleep_until(at)
            self.value += 1
            enqueued[str(self.value)] = time.time()
            self._queue.enqueue(BARE, str(self.value), result_ttl=0)
        wait_until(lambda: self._queue.count == 0, 30, "the bare jobs done")
        time.sleep(0.2)
        log = self.world.market.get("requests", since=since)
        seen = {entry["path"].rpartition("=")[2]: entry["at"] for entry in log if entry["path"].startswith(PUBLIC)}
        return [seen[key] - at for key, at in enqueued.items() if key in seen]


def _ticks(rate: int, seconds: int) -> Sequence[float]:
    began = time.time() + 0.05
    return [began + number / rate for number in range(rate * seconds)]


def _sleep_until(at: float) -> None:
    time.sleep(max(0.0, at - time.time()))


def _webhooks(log: Sequence[Mapping[str, Any]]) -> dict[tuple[str, int], float]:
    """When the store began to send each, by SKU and stock."""
    found = {}
    for entry in log:
        if entry["topic"] == "product.updated":
            body = json.loads(entry["body"])
            found[(body["sku"], body["stock_quantity"])] = entry["at"]
    return found


def _patches(world: World, since: int) -> dict[str, list[tuple[float, int]]]:
    """Arrivals of stock values at the marketplace, by SKU."""
    skus = {offer["offer_id"]: sku for sku, offer in world.offers().items()}
    found: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for entry in calls(world.market.get("requests", since=since), "update-offer"):
        amount = json.loads(entry["body"]).get("stock", {}).get("amount")
        if amount is not None and entry["status"] < 400:
            found[skus[entry["path"].rpartition("/")[2]]].append((entry["at"], amount))
    return found


def _first(arrivals: Sequence[tuple[float, int]], value: int) -> float | None:
    """The first arrival of this value or of a later one (values of a SKU only grow)."""
    return min((at for at, amount in arrivals if amount >= value), default=None)


def _judge(ours: Sequence[float], bare: Sequence[float], runner: _Turns) -> Result:
    figures: dict[str, Any] = {"changes": len(ours) + runner.lost, "lost": runner.lost}
    ratios = []
    reference = {}
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        figures[f"{name}, ms"] = quantile(ours, share) * 1000
        reference[f"{name}, ms"] = round(quantile(bare, share) * 1000, 2)
        ratios.append(quantile(ours, share) / quantile(bare, share))
        figures[f"{name}, ratio"] = ratios[-1]
    p50, p99 = GOALS
    return result(
        figures=figures,
        reference={"bare RQ job, enqueue to first request": reference},
        ratio=ratios[0],
        goal=f"p50 within {p50:g} x, p99 within {p99:g} x, none lost",
        within_goal=ratios[0] <= p50 and ratios[1] <= p99 and not runner.lost,
    )


# The yardstick: what runs in its worker.


class _Bare:
    client: httpx.Client | None = None


def bare_job(key: str) -> None:
    """One call, over a client that is kept."""
    if _Bare.client is not None:
        _Bare.client.get(PUBLIC, params={"key": key})


def _bare_worker(log: Path, redis_url: str, market_url: str) -> None:
    enter(log)
    _Bare.client = httpx.Client(base_url=market_url, trust_env=False)
    connection = Redis.from_url(redis_url)
    queue = Queue(QUEUE, connection=connection, serializer=JSONSerializer)
    SimpleWorker([queue], connection=connection, serializer=JSONSerializer).work(logging_level="WARNING")
