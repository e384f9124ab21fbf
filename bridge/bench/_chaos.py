"""People who buy, change and ship, and what breaks meanwhile: all drawn from one seed, against real processes."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from redis import Redis

from bridge.bench._import import META
from bridge.bench._markets import Markets
from bridge.flows.engine import LANES

CARRIER = "DHL"
# A person does one of these, as often as the number says.
ACTS = {"buys": 10, "changes": 6, "shops": 4, "ships": 8, "regrets": 1}
RESTOCKED = (20, 120)
# What breaks, as often as the number says: kinds of the sandboxes' kit, and what is done to our own processes.
MARKET_FAULTS: Mapping[str, tuple[int, Mapping[str, Any]]] = {
    "throttle": (6, {"retry_after": 2}),
    "error": (4, {"status": 503}),
    "reset": (4, {}),
    "html": (2, {}),
    "slow": (3, {"seconds": 3}),
    "timeout_before_write": (1, {"seconds": 4}),
    "unauthorised": (1, {}),
    "drift": (2, {}),
}
STORE_FAULTS: Mapping[str, tuple[int, Mapping[str, Any]]] = {
    "error": (4, {"status": 502}),
    "reset": (4, {}),
    "html": (2, {}),
    "slow": (2, {"seconds": 2}),
    "throttle": (2, {"retry_after": 1}),
}
PROCESS_FAULTS = {"a worker is killed": 4, "the scheduler is killed": 1, "the web server is killed": 1}
QUEUE_FAULTS = {"the queue is emptied": 2, "the queue server is away": 1}
CRON_FAULT = "the store tells nothing"
AWAY = 3.0


@dataclass
class Done:
    """What happened, by kind."""

    acts: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    shipped: dict[int, str] = field(default_factory=dict)


class People:
    """Buyers on every marketplace and in the store, and the merchant."""

    def __init__(self, world: Markets, chance: random.Random, done: Done) -> None:
        self.world, self.chance, self.done = world, chance, done
        self._acts: dict[str, Callable[[], bool]] = {
            "buys": self._buys,
            "changes": self._changes,
            "shops": self._shops,
            "ships": self._ships,
            "regrets": self._regrets,
        }
        self._bought: list[tuple[str, str]] = []

    def act(self) -> None:
        name = pick(self.chance, ACTS)
        try:
            took_place = self._acts[name]()
        except httpx.HTTPStatusError as error:
            if error.response.status_code not in (404, 409):
                raise
            took_place = False  # sold out, or already shipped: the sandbox's own refusal
        (self.done.acts if took_place else self.done.refused)[name] += 1

    def _buys(self) -> bool:
        seller = self.chance.choice(sorted(self.world.markets))
        wish = {"sku": self._sku(), "quantity": self.chance.choice((1, 1, 1, 2))}
        order = self.world.markets[seller].control.post("orders", {"lines": [wish]})
        self._bought.append((seller, order["order_id"]))
        return True

    def _changes(self) -> bool:
        change = {"sku": self._sku(), "stock": self.chance.randint(*RESTOCKED)}
        self.world.store.post("bulk", {"changes": [change]})
        return True

    def _shops(self) -> bool:
        self.world.store.post("checkout", {"lines": [{"sku": self._sku(), "quantity": 1}]})
        return True

    def _ships(self) -> bool:
        waiting = [
            order["id"]
            for order in self.world.store.get("orders")
            if order["status"] == "processing" and order["id"] not in self.done.shipped and marketplace_ref(order)
        ]
        if not waiting:
            return False
        order = self.chance.choice(waiting)
        tracking = f"SOAK{order:09d}"
        self.world.store.post("ship", {"order": order, "tracking": tracking, "carrier": CARRIER, "complete": True})
        self.done.shipped[order] = tracking
        return True

    def _regrets(self) -> bool:
        if not self._bought:
            return False
        seller, order = self.chance.choice(self._bought)
        self.world.markets[seller].control.post(f"orders/{order}/request-cancellation", {})
        return True

    def _sku(self) -> str:
        return self.chance.choice(self.world.skus)


class Trouble:
    """One thing that breaks after another; ``mend`` ends whatever is still broken."""

    def __init__(self, world: Markets, chance: random.Random, done: Done) -> None:
        self.world, self.chance, self.done = world, chance, done
        self._groups: dict[str, tuple[int, Callable[[], str]]] = {
            "marketplace": (8, self._marketplace),
            "store": (4, self._store),
            "processes": (4, self._process),
            "queue": (2, self._queue),
            "webhooks": (1, self._silence),
        }

    def strike(self) -> None:
        group = pick(self.chance, {name: weight for name, (weight, _) in self._groups.items()})
        self.done.faults[self._groups[group][1]()] += 1

    def mend(self) -> None:
        self.world.store.post("cron", {"running": True})
        for control in (self.world.store, *(market.control for market in self.world.markets.values())):
            control.delete("faults")

    def _marketplace(self) -> str:
        market = self.world.markets[self.chance.choice(sorted(self.world.markets))]
        return f"marketplace: {self._fault(market.control, MARKET_FAULTS)}"

    def _store(self) -> str:
        return f"store: {self._fault(self.world.store, STORE_FAULTS)}"

    def _fault(self, control: Any, kinds: Mapping[str, tuple[int, Mapping[str, Any]]]) -> str:
        kind = pick(self.chance, {name: weight for name, (weight, _) in kinds.items()})
        times = 1 if kind == "unauthorised" else self.chance.randint(1, 8)
        control.post("faults", {"kind": kind, "times": times, "params": dict(kinds[kind][1])})
        return kind

    def _process(self) -> str:
        name = pick(self.chance, PROCESS_FAULTS)
        parts = self.world.parts
        if name == "a worker is killed":
            parts.kill(f"worker-{self.chance.choice(LANES)}")
        else:
            parts.kill("scheduler" if "scheduler" in name else "web")
        return name

    def _queue(self) -> str:
        name = pick(self.chance, QUEUE_FAULTS)
        if name == "the queue is emptied":
            with Redis.from_url(self.world.parts.redis_url) as redis:
                redis.flushall()
        else:
            self.world.parts.without_queue(AWAY)
        return name

    def _silence(self) -> str:
        self.world.store.post("cron", {"running": False})
        time.sleep(AWAY)
        self.world.store.post("cron", {"running": True})
        return CRON_FAULT


def pick(chance: random.Random, weights: Mapping[str, int]) -> str:
    return chance.choices(list(weights), list(weights.values()))[0]


def marketplace_ref(order: Mapping[str, Any]) -> str:
    """The marketplace's number of an order in the store; empty for the store's own orders."""
    refs: Sequence[str] = [item["value"] for item in order["meta_data"] if item["key"] == META]
    return refs[0].rpartition(":")[2] if refs else ""
