"""As many store changes as fast as the store can make them, with 1, 2 and 8 stock workers.

Round after round over all products the store is changed and a signed webhook is sent for each change. (A real
store sends one at a time and leaves out what still waits in its queue; here each change has its webhook, and
eight are under way at once.) Judged are the marketplace calls and store reads it costs per SKU, the time until
all is quiet, and above all whether every quantity is right in the end: more workers must never leave an older
value behind.
"""

from __future__ import annotations

import random
import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

import click

from bridge.bench import _load
from bridge.bench._result import Result, options, progress, result
from bridge.bench._stack import DATABASE, stack, wait_until
from bridge.bench._world import World, calls, open_world, products
from bridge.flows.admin import hook_url

OPERATION = "update-offer"
MOST_CALLS = 2
MOST_READS = 2
GOAL = 1.5
# Answers of a real store on a small server, measured: a list of 50 takes 180 ms, a single product 59 ms.
STORE: dict[str, Any] = {"cron": False, "latency": {"list": 0.18, "get": 0.06}, "php_workers": 4}
REST = 1.5
CONNECTIONS = 8


def _counts(_context: Any, _option: Any, text: str) -> list[int]:
    try:
        counts = [int(part) for part in text.split(",")]
    except ValueError:
        raise click.BadParameter(f"{text!r} is no list of numbers; give one such as 1,2,8.") from None
    if counts != sorted(counts) or counts[0] < 1 or counts[-1] > 16:
        raise click.BadParameter("give growing numbers from 1 to 16, such as 1,2,8.")
    return counts


@click.command("burst")
@click.option("--events", default=2000, show_default=True, type=click.IntRange(1, 10000), help="Changes in the store.")
@click.option("--skus", default=200, show_default=True, type=click.IntRange(1, 2000), help="Over so many products.")
@click.option("--workers", default="1,2,8", show_default=True, callback=_counts, help="Stock workers, in turn.")
@click.option("--database", default=None, help=DATABASE)
def command(events: int, skus: int, workers: list[int], database: str | None) -> Result:
    """A burst of store changes."""
    figures: dict[str, Any] = {"changes": events, "SKUs": skus}
    rounds: list[dict[str, Any]] = []
    with stack(database) as parts:
        world = open_world(parts, skus, store_options=STORE, market_options={}, workers={"stock": workers[0]})
        running = workers[0]
        for count in workers:
            parts.more_workers("stock", count - running)
            running = count
            time.sleep(3)
            progress(f"burst: {events} changes with {count} stock workers")
            rounds.append(_Burst(world, events, random.Random(count)).run())
            figures |= {f"{name}, {count} workers": value for name, value in rounds[-1].items()}
    return _judge(figures, rounds, skus)


def run(arguments: list[str]) -> Result:
    """Returns what was measured."""
    found: Result = options(command, arguments)
    return found


class _Burst:
    def __init__(self, world: World, events: int, chance: random.Random) -> None:
        self.world = world
        self.products = products(world)
        self.rounds = _rounds(world.skus, events, chance)
        self.final = {sku: stock for changes in self.rounds for sku, stock in changes.items()}
        row = world.row(world.store_id)
        self.secret = row.webhook_secrets[0]
        self.hook = urlsplit(hook_url(world.parts.engine, world.shop_id, row.id))

    def run(self) -> dict[str, Any]:
        world = self.world
        read_seconds = self._read_once()
        store_before, market_before = world.store.last_request(), world.market.last_request()
        began = time.time()
        statuses = self._send()
        told = time.time()
        wait_until(self._agrees, 120, "store and marketplace in agreement", 0.25)
        time.sleep(REST)
        sent = calls(world.market.get("requests", since=market_before), OPERATION)
        log = world.store.get("requests", since=store_before)
        reads = _reads(log)
        alone = told - began + read_seconds + len(self.final) / self._rate()
        return {
            "webhooks kept": statuses[200],
            "webhooks refused": sum(statuses.values()) - statuses[200],
            "marketplace calls per SKU, mean": len(sent) / len(self.final),
            "refused with 429": sum(entry["status"] == 429 for entry in sent),
            "store reads per SKU, mean": sum(reads.values()) / len(self.final),
            "store reads per SKU, most": max(reads.values(), default=0),
            "store requests for them": len(calls(log, "products.list")),
            "right at the end": self._right(),
            "seconds until quiet": max(entry["at"] for entry in sent) - began,
            "seconds the limits alone take": alone,
            "of these until the last webhook was sent": told - began,
        }

    def _send(self) -> Counter[int]:
        """A round of changes in the store, then its webhooks."""
        statuses: Counter[int] = Counter()
        address = (self.hook.hostname or "", self.hook.port or 0)
        number = 0
        for changes in self.rounds:
            self.world.store.post("bulk", {"changes": [{"sku": s, "stock": stock} for s, stock in changes.items()]})
            requests = []
            for sku, stock in changes.items():
                number += 1
                requests.append(_load.delivery(self.hook.path, self.secret, int(self.products[sku]), number, stock))
            statuses += _load.send(address, requests, CONNECTIONS).statuses
        return statuses

    def _agrees(self) -> bool:
        return self.world.is_quiet() and self._right() == len(self.final)

    def _right(self) -> int:
        offers = self.world.offers()
        return sum(offers[sku]["stock"] == value for sku, value in self.final.items())

    def _rate(self) -> float:
        limit = self.world.parts.engine.manifest(self.world.row(self.world.channel_id)).limits[OPERATION]
        return limit.calls / limit.seconds

    def _read_once(self) -> float:
        """How long the store takes to answer for all products once."""
        platform = self.world.parts.engine.platform(self.world.row(self.world.store_id))
        began = time.monotonic()
        platform.fetch_products(list(self.products.values()))
        return time.monotonic() - began


def _rounds(skus: Sequence[str], events: int, chance: random.Random) -> list[dict[str, int]]:
    """Each round in another order, so that every SKU changes up to the end."""
    rounds: list[dict[str, int]] = []
    while events > 0:
        order = chance.sample(skus, min(events, len(skus)))
        rounds.append({sku: chance.randint(1, 900) for sku in order})
        events -= len(order)
    return rounds


def _reads(log: Sequence[Mapping[str, Any]]) -> Counter[str]:
    """How often each product was asked for."""
    reads: Counter[str] = Counter()
    for entry in log:
        if entry["op"] == "products.list" and (found := re.search(r"[?&]include=([^&]*)", entry["path"])):
            reads.update(unquote(found[1]).split(","))
        elif entry["op"] == "products.get":
            reads[entry["path"].partition("?")[0].rpartition("/")[2]] += 1
    return reads


def _judge(figures: dict[str, Any], rounds: list[dict[str, Any]], skus: int) -> Result:
    ratios = [item["seconds until quiet"] / item["seconds the limits alone take"] for item in rounds]
    good = all(
        item["right at the end"] == skus
        and item["marketplace calls per SKU, mean"] <= MOST_CALLS
        and item["store reads per SKU, mean"] <= MOST_READS
        for item in rounds
    )
    return result(
        figures=figures,
        reference="sending the webhooks, one reading of all products by the store, one call per SKU at the limit",
        ratio=max(ratios),
        goal=(
            f"quiet within {GOAL} x the reference, at most {MOST_CALLS} marketplace calls and {MOST_READS} store reads "
            f"per SKU, all {skus} quantities right, with each number of workers"
        ),
        within_goal=good and max(ratios) <= GOAL,
    )
