"""A day of sales on several channels: units oversold and units withheld, interval sync against this engine.

The same wishes, one after the other, against (a) a sync every 15 minutes that keeps back a buffer of 3, and (b) the
decisions of bridge.flows with no buffer, each hop taking as long as is said. A unit is oversold when a channel took
an order for it and there was none left; withheld when a channel refused although there was one. Marketplaces count
their own sales down; the store always knows its own. Your own day: --trace (time in seconds, sku, channel,
quantity) with --stock (sku, quantity), both CSV with a header; the channel "store" is the store itself.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import click

from bridge.bench._day import Day, Hops, interval_sync
from bridge.bench._demand import STORE, Demand, read_stock, read_trace, synthetic
from bridge.bench._result import Result, options, progress, result

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
SECONDS = click.FloatRange(0, 3600)


@click.command("oversell")
@click.option("--trace", type=FILE, help="CSV: time (seconds), sku, channel, quantity.")
@click.option("--stock", type=FILE, help="CSV: sku, quantity.")
@click.option("--sales", default=800, show_default=True, type=click.IntRange(1, 50000), help="Of the synthetic day.")
@click.option("--skus", default=120, show_default=True, type=click.IntRange(1, 5000), help="Of the synthetic day.")
@click.option("--seed", default=1, show_default=True, help="Of the synthetic day.")
@click.option("--every", default=900.0, show_default=True, type=click.FloatRange(1), help="Interval sync: seconds.")
@click.option("--buffer", default=3, show_default=True, type=click.IntRange(0), help="Interval sync: units kept back.")
@click.option("--poll", default=60.0, show_default=True, type=SECONDS, help="Engine: marketplaces are asked so often.")
@click.option("--rings", default="market-a", show_default=True, help="Channels that ring instead, by comma.")
@click.option("--ring", default=2.0, show_default=True, type=SECONDS, help="Engine: a ring arrives after.")
@click.option("--webhook", default=1.0, show_default=True, type=SECONDS, help="Engine: a webhook comes after.")
@click.option("--work", default=0.5, show_default=True, type=SECONDS, help="Engine: its own time, as `latency` has it.")
@click.option("--shown", default=0.5, show_default=True, type=SECONDS, help="Engine: shown so long after the call.")
def command(trace: Path | None, stock: Path | None, every: float, buffer: int, **given: Any) -> Result:
    """Units oversold and withheld on a day of sales."""
    wishes, shelf = _day(trace, stock, given)
    channels = sorted({wish.channel for wish in wishes})
    rings = {name.strip() for name in given["rings"].split(",")}
    polls = {name: given["poll"] for name in channels if name not in rings | {STORE}}
    hops = Hops(polls, given["ring"], given["webhook"], given["work"], given["shown"])
    progress(f"oversell: {len(wishes)} wishes on {len(channels)} channels")
    other = interval_sync(wishes, shelf, every, buffer)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="storebridge-bench-") as folder:
        ours = Day(Path(folder), shelf, channels, hops).run(wishes)
    figures: dict[str, Any] = {
        "wishes": len(wishes),
        "units wanted": sum(wish.quantity for wish in wishes),
        "units on the shelf": sum(shelf.values()),
    }
    for name, score in (("this engine", ours), (f"every {every:g} s, buffer {buffer}", other)):
        figures |= {f"{name}: {key}": value for key, value in vars(score).items()}
    figures["hops of this engine, seconds"] = vars(hops)
    figures["seconds the simulation took"] = time.monotonic() - began
    bad, worse = ours.oversold + ours.withheld, other.oversold + other.withheld
    return result(
        figures=figures,
        reference=f"interval sync every {every:g} s with a buffer of {buffer}: the same wishes",
        ratio=bad / worse if worse else float(bad > 0),
        goal="fewer units oversold and fewer withheld than the interval sync (or none)",
        within_goal=_better(ours.oversold, other.oversold) and _better(ours.withheld, other.withheld),
    )


def run(arguments: list[str]) -> Result:
    """Returns what was measured."""
    found: Result = options(command, arguments)
    return found


def _better(ours: int, other: int) -> bool:
    return ours < other or ours == 0


def _day(trace: Path | None, stock: Path | None, given: dict[str, Any]) -> tuple[list[Demand], dict[str, int]]:
    if (trace is None) != (stock is None):
        missing = "--stock" if stock is None else "--trace"
        raise click.BadParameter("--trace and --stock belong together.", param_hint=missing)
    if trace is None or stock is None:
        return synthetic(given["sales"], given["skus"], given["seed"])
    shelf = read_stock(stock)
    wishes = read_trace(trace, shelf)
    if not wishes:
        raise click.BadParameter(f"{trace} has no rows.", param_hint="--trace")
    return wishes, shelf
