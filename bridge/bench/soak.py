"""People buy, change and ship while things break at random: what is lost, doubled or wrong.

Real processes over real HTTP: the web server, workers, scheduler and queue server as in production, the sandboxes of
one store and of every marketplace that is told by calls. From one seed: who does what, and what breaks (answers of the
marketplaces and of the store, our own processes killed, the queue emptied and away, webhooks that stop). Then
everything is whole again, and when it has come to rest the books of the sandboxes are compared with each other.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from typing import Any

import click

from bridge.bench._audit import WRONGS, Audit
from bridge.bench._chaos import Done, People, Trouble
from bridge.bench._markets import Markets, called, open_markets
from bridge.bench._result import Result, options, progress, result
from bridge.bench._stack import DATABASE, stack

PATIENCE = 900.0
LOOK = 2.0
SHOWN = 20


@click.command("soak")
@click.option(
    "--minutes", default=5.0, show_default=True, type=click.FloatRange(0.1, 1440), help="Length of the trouble."
)
@click.option("--seed", default=1, show_default=True, help="Of everything that happens.")
@click.option("--rate", default=1.0, show_default=True, type=click.FloatRange(0.1, 20), help="Acts of people a second.")
@click.option(
    "--every", default=6.0, show_default=True, type=click.FloatRange(0.5, 3600), help="Seconds between faults."
)
@click.option("--products", default=30, show_default=True, type=click.IntRange(5, 1000))
@click.option("--channel", "channels", multiple=True, help="Only this marketplace; may be given again.")
@click.option("--database", default=None, help=DATABASE)
def command(
    minutes: float, seed: int, rate: float, every: float, products: int, channels: tuple[str, ...], database: str | None
) -> Result:
    """A store and all marketplaces under random faults."""
    names = called()
    if unknown := sorted(set(channels) - set(names)):
        raise click.BadParameter(f"there is no marketplace {unknown[0]!r}; there are: {', '.join(names)}.")
    with stack(database) as parts:
        world = open_markets(parts, channels or names, products, {})
        return _Soak(world, seed).run(minutes * 60, rate, every)


def run(arguments: list[str]) -> Result:
    """Returns what was found."""
    found: Result = options(command, arguments)
    return found


class _Soak:
    def __init__(self, world: Markets, seed: int) -> None:
        self.world = world
        self.done = Done()
        # Two sources, so that the people of a seed do the same whatever breaks.
        self.people = People(world, random.Random(seed), self.done)
        self.trouble = Trouble(world, random.Random(seed + 1), self.done)
        self.audit = Audit(world, self.done)

    def run(self, seconds: float, rate: float, every: float) -> Result:
        progress(f"soak: {seconds / 60:g} minutes of trouble")
        before = self.world.parts.memory()
        self._live(seconds, rate, every)
        self.trouble.mend()
        progress("soak: everything is whole again; coming to rest")
        began = time.monotonic()
        wrong = self._rest(began)
        return self._judge(seconds, before, time.monotonic() - began, wrong)

    def _live(self, seconds: float, rate: float, every: float) -> None:
        began = time.monotonic()
        next_act, next_fault = 0.0, every
        while (now := time.monotonic() - began) < seconds:
            if now >= next_fault:
                self.trouble.strike()
                next_fault += every
            if now >= next_act:
                self.people.act()
                next_act += 1 / rate
            time.sleep(max(0.0, min(next_act, next_fault) - (time.monotonic() - began)))

    def _rest(self, began: float) -> Mapping[str, list[str]]:
        """What is still wrong when all is told, or when patience ends."""
        while wrong := self.audit.differences():
            if time.monotonic() - began > PATIENCE:
                break
            time.sleep(LOOK)
        return wrong

    def _judge(self, seconds: float, before: Mapping[str, int], rest: float, wrong: Mapping[str, list[str]]) -> Result:
        leaks = self.audit.leaks()
        for what, cases in wrong.items():
            for case in cases[:SHOWN]:
                progress(f"{what}: {case}")
        after = self.world.parts.memory()
        figures: dict[str, Any] = {
            "marketplaces": len(self.world.markets),
            "seconds of trouble": seconds,
            "what people did": dict(sorted(self.done.acts.items())),
            "of that refused by the sandboxes (sold out, too late)": dict(sorted(self.done.refused.items())),
            "what broke": dict(sorted(self.done.faults.items())),
            "faults": self.done.faults.total(),
            "orders of marketplaces": sum(len(m.control.get("orders")) for m in self.world.markets.values()),
            "parcels": len(self.done.shipped),
            "seconds until everything agreed": rest,
            "open problems, by kind": self.audit.problems(),
            "megabytes of the largest process, before and after": f"{max(before.values())}, {max(after.values())}",
            "where a secret or a buyer can be read": leaks or "nowhere",
        }
        figures |= {what: len(wrong.get(what, ())) for what in WRONGS}
        total = sum(len(cases) for cases in wrong.values()) + sum(leaks.values())
        return result(
            figures=figures,
            reference="the books of the store's and the marketplaces' sandboxes",
            ratio=float(total),
            goal="nothing lost, doubled or wrong, nothing to be read that is secret",
            within_goal=not total,
        )
