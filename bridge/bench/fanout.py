"""From a sale on one marketplace to the stock call at every other one, against one of them alone.

The clock starts when the sale can be seen on the marketplace where it happened, which then rings, and stops when the
call with the lower stock is in the log of another one's sandbox. In between lie the push message, the reading of the
order, the reservation, the projection of every listing, and for each marketplace the claim, the fence, the limiter and
the call. In the same run, in turns, the same is measured with all other marketplaces paused: that is "alone".

A marketplace whose documented limits leave more than a second between two stock calls is named and not judged: it is
told when its turn has come.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import click

from bridge.bench._markets import Markets, called, open_markets
from bridge.bench._result import Result, median, options, progress, quantile, result
from bridge.bench._stack import DATABASE, stack, wait_until

GOAL = 2.0
PATIENCE = 30.0
LOOK = 0.25
Seconds = dict[str, list[float]]


@click.command("fanout")
@click.option("--seller", default="bol", show_default=True, help="Where the sales happen; it must send push messages.")
@click.option("--rounds", default=4, show_default=True, type=click.IntRange(1, 50), help="Of each, in turns.")
@click.option(
    "--sales", default=3, show_default=True, type=click.IntRange(1, 20), help="In each turn, one after another."
)
@click.option("--database", default=None, help=DATABASE)
def command(seller: str, rounds: int, sales: int, database: str | None) -> Result:
    """A sale, told to all other marketplaces."""
    names = called()
    if seller not in names:
        raise click.BadParameter(f"there is no marketplace {seller!r}; there are: {', '.join(names)}.")
    with stack(database) as parts:
        world = open_markets(parts, names, sales * (rounds * len(names) + 2), {})
        return _measure(world, seller, rounds, sales)


def run(arguments: list[str]) -> Result:
    """Returns what was measured."""
    found: Result = options(command, arguments)
    return found


def _measure(world: Markets, seller: str, rounds: int, sales: int) -> Result:
    goods = _in_turn(world.skus)
    others = [name for name in world.markets if name != seller]
    progress("fanout: the first sales, to warm up")
    for _ in range(2):
        _warm_up(world, seller, next(goods), others)
    judged = [name for name in others if name in world.unthrottled()]
    if not judged:
        raise click.ClickException("Every marketplace is held up by its own limits: there is nothing to compare.")
    alone: Seconds = defaultdict(list)
    together: Seconds = defaultdict(list)
    last: list[float] = []
    for turn in range(rounds):
        progress(f"fanout: turn {turn + 1} of {rounds}")
        for name in judged:
            world.only([seller, name], lambda name=name: _sales(world, seller, goods, sales, [name], alone))  # type: ignore[misc]
        last += _sales(world, seller, goods, sales, judged, together)
    return _judge(world, others, judged, alone, together, last)


def _in_turn(skus: Sequence[str]) -> Iterator[str]:
    """Each SKU once before one comes again: it rests meanwhile."""
    while True:
        yield from skus


def _sales(
    world: Markets, seller: str, goods: Iterator[str], sales: int, names: Sequence[str], found: Seconds
) -> list[float]:
    """Sales one after another. Returns the seconds until the last marketplace was told, of each sale."""
    last = []
    for _ in range(sales):
        seconds = _sell(world, seller, next(goods), names)
        for name, value in seconds.items():
            found[name].append(value)
        last.append(max(seconds.values()))
    return last


def _warm_up(world: Markets, seller: str, sku: str, others: Sequence[str]) -> None:
    """A sale that most are told of at once; whoever is held up by limits of its own may be late."""
    since = world.places(others)
    world.buy(seller, sku)
    first = wait_until(lambda: any(world.told(name, sku, since[name]) for name in others), PATIENCE * 4, "a sale told")
    deadline = time.monotonic() + PATIENCE / 3
    while first and time.monotonic() < deadline and not all(world.told(name, sku, since[name]) for name in others):
        time.sleep(LOOK)


def _sell(world: Markets, seller: str, sku: str, names: Sequence[str]) -> dict[str, float]:
    """Seconds until each of ``names`` was told of one sale."""
    since = world.places(names)
    sold = world.buy(seller, sku)
    found: dict[str, float] = {}

    def whole() -> bool:
        for name in set(names) - set(found):
            if (at := world.told(name, sku, since[name])) is not None:
                found[name] = at - sold
        return len(found) == len(names)

    wait_until(whole, PATIENCE, f"all of {', '.join(names)} told of a sale of {sku}", LOOK)
    return found


def _judge(
    world: Markets, others: Sequence[str], judged: Sequence[str], alone: Seconds, together: Seconds, last: list[float]
) -> Result:
    slowest = max(judged, key=lambda name: median(together[name]))
    single = {name: median(alone[name]) for name in judged}
    ratio = median(last) / max(single.values())
    figures: dict[str, Any] = {
        "marketplaces told of each sale": len(judged),
        "sales": len(last),
        "last of all told, p50, ms": median(last) * 1000,
        "last of all told, p90, ms": quantile(last, 0.9) * 1000,
        "slowest of them": slowest,
    }
    for name in judged:
        figures[f"{name}, p50, ms"] = median(together[name]) * 1000
        figures[f"{name}, times as long as alone"] = median(together[name]) / single[name]
    figures["not judged, held up by their own limits"] = {
        name: f"{world.spacing(name):g} s between two calls" for name in others if name not in judged
    }
    return result(
        figures=figures,
        reference={f"{name} alone, p50, ms": round(value * 1000) for name, value in single.items()},
        ratio=ratio,
        goal=f"all told within {GOAL:g} x the time of the slowest one alone (medians)",
        within_goal=ratio <= GOAL,
    )
