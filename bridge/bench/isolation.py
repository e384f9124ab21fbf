"""One marketplace answers nothing but 429: how long the others wait for their stock calls, against calm.

The store changes stock, a few SKUs a second, and rings; the clock of each change starts when the store begins to send
its webhook and stops when the call with the new stock is in the log of a marketplace's sandbox. Calm and storm take
turns in the same run; in a storm one marketplace refuses every call, and what is to be sent to it piles up and is tried
again. Judged are the marketplaces beside it whose own limits hold nothing up.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from bridge.bench._markets import LONGEST, Markets, called, open_markets
from bridge.bench._result import Result, median, options, progress, quantile, result
from bridge.bench._stack import DATABASE, stack, wait_until

GOAL = 1.2
REST = 6.0
RETRY_AFTER = 2
Seconds = dict[str, list[float]]


@click.command("isolation")
@click.option("--stormy", default="bol", show_default=True, help="The marketplace that refuses everything.")
@click.option("--rate", default=1, show_default=True, type=click.IntRange(1, 20), help="Changes a second in the store.")
@click.option("--seconds", default=8, show_default=True, type=click.IntRange(1, 60), help="Length of each turn.")
@click.option("--turns", default=3, show_default=True, type=click.IntRange(1, 20), help="Of calm and storm each.")
@click.option("--database", default=None, help=DATABASE)
def command(stormy: str, rate: int, seconds: int, turns: int, database: str | None) -> Result:
    """A storm of 429 on one marketplace."""
    names = called()
    if stormy not in names:
        raise click.BadParameter(f"there is no marketplace {stormy!r}; there are: {', '.join(names)}.")
    with stack(database) as parts:
        world = open_markets(parts, names, max(rate * seconds, int(rate * REST)), {})
        return _Turns(world, stormy, rate, seconds).measure(turns)


def run(arguments: list[str]) -> Result:
    """Returns what was measured."""
    found: Result = options(command, arguments)
    return found


class _Turns:
    def __init__(self, world: Markets, stormy: str, rate: int, seconds: int) -> None:
        self.world = world
        self.stormy = stormy
        self.rate = rate
        self.seconds = seconds
        self.goods = _in_turn(world.skus)
        self.value = 500
        self.refused = 0

    def measure(self, turns: int) -> Result:
        progress("isolation: warming up")
        self._changes(2, self._others())
        judged = [name for name in self._others() if name in self.world.unthrottled()]
        if not judged:
            raise click.ClickException("Every marketplace is held up by its own limits: there is nothing to compare.")
        calm: Seconds = defaultdict(list)
        storm: Seconds = defaultdict(list)
        for turn in range(turns):
            progress(f"isolation: turn {turn + 1} of {turns}")
            self._note(calm, self._changes(self.seconds, judged))
            self._note(storm, self._in_a_storm(judged))
        return self._judge(judged, calm, storm)

    def _others(self) -> list[str]:
        return [name for name in self.world.markets if name != self.stormy]

    def _in_a_storm(self, judged: Sequence[str]) -> Seconds:
        control = self.world.markets[self.stormy].control
        before = control.last_request()
        control.post("faults", {"kind": "throttle", "times": None, "params": {"retry_after": RETRY_AFTER}})
        try:
            return self._changes(self.seconds, judged)
        finally:
            control.delete("faults")
            self.refused += sum(call["status"] == 429 for call in control.get("requests", since=before))
            wait_until(lambda: self.world.is_quiet([*judged, self.stormy]), LONGEST, "everything sent after it", 0.25)

    def _changes(self, seconds: int, names: Sequence[str]) -> Seconds:
        """Changes in the store at a steady rate; the seconds each marketplace was told after."""
        world, since = self.world, self.world.places()
        delivered = len(world.store.get("deliveries"))
        changes: dict[str, int] = {}
        began = time.time() + 0.05
        for number in range(self.rate * seconds):
            time.sleep(max(0.0, began + number / self.rate - time.time()))
            self.value += 1
            sku = next(self.goods)
            changes[sku] = self.value
            world.store.post("bulk", {"changes": [{"sku": sku, "stock": self.value}]})
        found: Seconds = defaultdict(list)
        for name in names:
            wait_until(lambda name=name: self._all_told(name, changes, since[name]), LONGEST, f"{name} told", 0.25)  # type: ignore[misc]
        started = _webhooks(world.store.get("deliveries", since=delivered), changes)
        for name in names:
            found[name] = [self._told(name, sku, since[name]) - at for sku, at in started.items()]
        time.sleep(REST)
        return found

    def _all_told(self, name: str, changes: Mapping[str, int], since: int) -> bool:
        told = self.world.all_told(name, since)
        return all(sku in told for sku in changes)

    def _told(self, name: str, sku: str, since: int) -> float:
        return self.world.all_told(name, since)[sku]

    @staticmethod
    def _note(into: Seconds, found: Seconds) -> None:
        for name, seconds in found.items():
            into[name] += seconds

    def _judge(self, judged: Sequence[str], calm: Seconds, storm: Seconds) -> Result:
        before = [value for name in judged for value in calm[name]]
        after = [value for name in judged for value in storm[name]]
        ratio = quantile(after, 0.99) / quantile(before, 0.99)
        figures: dict[str, Any] = {
            "stormy": self.stormy,
            "calls refused with 429": self.refused,
            "marketplaces judged": len(judged),
            "calls measured in the storm": len(after),
            "in the storm, p50, ms": median(after) * 1000,
            "in the storm, p99, ms": quantile(after, 0.99) * 1000,
        }
        for name in judged:
            figures[f"{name}: p99 against calm"] = quantile(storm[name], 0.99) / quantile(calm[name], 0.99)
        return result(
            figures=figures,
            reference={
                "calm, p50, ms": round(median(before) * 1000),
                "calm, p99, ms": round(quantile(before, 0.99) * 1000),
            },
            ratio=ratio,
            goal=f"p99 of the other marketplaces within {GOAL:g} x of calm",
            within_goal=ratio <= GOAL and self.refused > 0,
        )


def _in_turn(skus: Sequence[str]) -> Iterator[str]:
    """Each SKU once before one comes again: it rests meanwhile."""
    while True:
        yield from skus


def _webhooks(log: Sequence[Mapping[str, Any]], changes: Mapping[str, int]) -> dict[str, float]:
    """When the store began to tell of each change, by SKU."""
    found: dict[str, float] = {}
    for entry in log:
        if entry["topic"] == "product.updated":
            body = json.loads(entry["body"])
            if changes.get(body["sku"]) == body["stock_quantity"]:
                found.setdefault(body["sku"], entry["at"])
    return found
