"""Sending a mountain of stock changes to a marketplace that allows r calls a second, against N / r.

The catalogue stands in the database and the offers in the sandbox; everything from there on is real: the stock
worker, the shared limiter, the fence before each write, the HTTP calls. While the mountain is worked off, some
of what still waits changes once more: the older value must not be sent at all.
"""

from __future__ import annotations

import itertools
import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import click
from sqlalchemy import select

from bridge.bench import _long_push, _seed
from bridge.bench._child import Tune
from bridge.bench._result import Result, median, options, progress, result
from bridge.bench._stack import DATABASE, Control, Stack, stack, wait_until
from bridge.db.tables import FacetRow, Listing, Variant
from bridge.flows import admin

OPERATION = "update-offer"
GOAL = 1.05


@click.command("drain")
@click.option("--changes", default=5000, show_default=True, type=click.IntRange(1, 100000), help="Variants to change.")
@click.option("--rate", default=100, show_default=True, type=click.IntRange(1, 1000), help="Calls a second allowed.")
@click.option("--superseded", default=500, show_default=True, type=click.IntRange(0), help="Of them changed again.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 16), help="Stock workers.")
@click.option("--channel", default=None, help="A marketplace, or all: under its own documented limits instead.")
@click.option(
    "--share",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0, 1, min_open=True),
    help="With --channel: how much of the documented limits holds, in our limiter and in the sandbox, so that a "
    "machine that also plays the marketplace can be quicker than they are. Batches stay as they are.",
)
@click.option("--database", default=None, help=DATABASE)
def command(
    changes: int, rate: int, superseded: int, workers: int, channel: str | None, share: float, database: str | None
) -> Result:
    """Drain a mountain of stock changes."""
    if channel is not None:
        return _long_push.measure(channel, changes, share, database)
    if share != 1:
        raise click.BadParameter("it is of a marketplace's own limits: name one with --channel.", param_hint="--share")
    tune = Tune({"bol": {OPERATION: (rate, 1.0)}})
    with stack(database, tune) as parts:
        return _measure(parts, changes, rate, min(superseded, changes), workers)


def run(arguments: list[str]) -> Result:
    """Returns what was measured."""
    found: Result = options(command, arguments)
    return found


@dataclass(frozen=True)
class _Place:
    parts: Stack
    market: Control
    shop_id: int


def _measure(parts: Stack, changes: int, rate: int, superseded: int, workers: int) -> Result:
    market = parts.sandbox("channel", "bol", {"limits": {OPERATION: rate}})
    shop_id = admin.ensure_shop(parts.engine, "Bench").id
    place = _Place(parts, market, shop_id)
    progress(f"drain: {changes} offers are put in place")
    _offer(place, changes)
    parts.workers(("stock",), {"stock": workers})
    _long_push.warm_up(parts, shop_id)
    before = market.last_request()
    progress(f"drain: {changes} changes at {rate} calls a second, about {changes / rate:.0f} s")
    began = time.time()
    _seed.change_stock(parts.engine, shop_id, dict.fromkeys(range(1, changes + 1), 7))
    time.sleep(changes / rate / 4)
    again = _still_waiting(place, superseded)
    _seed.change_stock(parts.engine, shop_id, dict.fromkeys(again, 11))
    wait_until(lambda: _seed.unsent(parts.engine, shop_id) == 0, changes / rate * 4 + 30, "everything sent", 0.25)
    return _judge(place, before, began, changes, rate, again)


def _offer(place: _Place, count: int) -> None:
    """Offers in the sandbox, and listings that know them."""
    engine = place.parts.engine
    place.parts.connect(place.shop_id, "channel", "bol", place.market, {"send_content": False})
    _seed.seed(engine, place.shop_id, count, 50)
    _seed.project_all(engine, place.shop_id, engine.clock())

    def offer(number: int) -> tuple[int, str]:
        body = {"sku": _seed.sku(number), "ean": _seed.ean13(number), "stock": 50, "price": 10.95}
        return number, place.market.post("offers", body)["offer_id"]

    with ThreadPoolExecutor(4) as pool:
        offers = dict(pool.map(offer, range(1, count + 1)))
    _seed.adopt(engine, place.shop_id, offers)


def _still_waiting(place: _Place, count: int) -> list[int]:
    """Variants whose change has not been claimed yet, those that would come last first."""
    query = (
        select(Variant.external_id)
        .join(Listing, Listing.variant_id == Variant.id)
        .join(FacetRow, FacetRow.listing_id == Listing.id)
        .where(FacetRow.facet == "stock", FacetRow.desired_version > FacetRow.acked_version)
        .where(FacetRow.in_flight.is_(False))
        .order_by(FacetRow.due_at.desc(), FacetRow.id.desc())
        .limit(count)
    )
    with place.parts.engine.db.read(place.shop_id) as session:
        return [int(name) for name in session.scalars(query)]


def _judge(place: _Place, before: int, began: float, changes: int, rate: int, again: list[int]) -> Result:
    log = [entry for entry in place.market.get("requests", since=before) if entry["op"] == OPERATION]
    good = [entry for entry in log if entry["status"] < 400]
    seconds = max(entry["at"] for entry in good) - began
    stock = {offer["sku"]: offer["stock"] for offer in place.market.get("offers")}
    twice = set(again)
    right = sum(stock[_seed.sku(number)] == (11 if number in twice else 7) for number in range(1, changes + 1))
    outdated = _outdated(place, good, twice)
    ideal = changes / rate
    figures: dict[str, Any] = {
        "changes": changes + len(again),
        "superseded while waiting": len(again),
        "older values of those sent": outdated,
        "calls sent": len(log),
        "refused with 429": sum(entry["status"] == 429 for entry in log),
        "right at the end": right,
        "seconds": seconds,
        "calls in the busiest second": _busiest(good),
        "calls a second, median": median(_per_second(good)),
    }
    ratio = seconds / ideal
    return result(
        figures=figures,
        reference={"allowed calls a second": rate, "seconds for N / r": ideal},
        ratio=ratio,
        goal=f"all sent within {GOAL} x N / r, no older value of a superseded change, every value right",
        within_goal=ratio <= GOAL and outdated == 0 and right == changes,
    )


def _outdated(place: _Place, good: list[dict[str, Any]], twice: set[int]) -> int:
    """How many superseded values went out all the same."""
    ids = {offer["offer_id"]: offer["sku"] for offer in place.market.get("offers")}
    names = {_seed.sku(number) for number in twice}
    sent = ((ids.get(entry["path"].rpartition("/")[2]), json.loads(entry["body"])) for entry in good)
    return sum(name in names and body.get("stock", {}).get("amount") == 7 for name, body in sent)


def _per_second(log: list[dict[str, Any]]) -> list[float]:
    seconds = sorted(int(entry["at"]) for entry in log)
    return [float(len(list(group))) for _, group in itertools.groupby(seconds)]


def _busiest(log: list[dict[str, Any]]) -> float:
    return max(_per_second(log), default=0.0)
