"""Webhooks kept a second, through the real door, against a bare Flask view on the same kind of server.

Both answer 2xx only after a durable commit. The bare view (bridge/bench/_bare.py) verifies the signature, parses the
JSON and inserts one row; the door also looks up the shop, refuses what is nested too deep, encrypts the body,
tells repetitions apart, marks what is to be read again, and rings. They are loaded in turns (A B A B ...) by one
process with kept connections and prepared bytes; the ratio is the median over the turns. No worker runs.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import click
from sqlalchemy import func, select

from bridge.bench import _bare, _load, _postgres
from bridge.bench._result import Result, median, options, progress, quantile, result
from bridge.bench._stack import Stack, free_socket, stack, wait_until
from bridge.bench._world import STORE
from bridge.db.tables import Connection, Delivery
from bridge.flows import admin

GOAL = 0.6
SECRET = "5" * 64
WARM = 300


@click.command("ingest")
@click.option("--seconds", default=3.0, show_default=True, type=click.FloatRange(0.2, 60), help="Length of a turn.")
@click.option("--turns", default=5, show_default=True, type=click.IntRange(1, 50), help="Of each of the two.")
@click.option("--connections", default=16, show_default=True, type=click.IntRange(1, 256), help="Kept connections.")
@click.option("--database", default="both", show_default=True, help="sqlite, postgres, both, or an empty database.")
def command(seconds: float, turns: int, connections: int, database: str) -> Result:
    """Durable webhooks a second."""
    figures: dict[str, Any] = {}
    reference: dict[str, Any] = {}
    ratios: list[float] = []
    with ExitStack() as exits:
        for name, url in _databases(database, exits):
            progress(f"ingest: {name}, {2 * turns} turns of {seconds:g} s")
            turn = _measure(url, seconds, turns, connections)
            figures |= {f"{name}, {key}": value for key, value in turn.figures().items()}
            reference[name] = turn.reference()
            ratios.append(turn.ratio)
    return result(
        figures=figures,
        reference={"bare Flask view": reference},
        ratio=min(ratios),
        goal=f"at least {GOAL} of the bare view on each database, every one kept",
        within_goal=min(ratios) >= GOAL and all(value == 0 for key, value in figures.items() if "not kept" in key),
    )


def run(arguments: list[str]) -> Result:
    """Returns what was measured."""
    found: Result = options(command, arguments)
    return found


def _databases(wanted: str, exits: ExitStack) -> list[tuple[str, str | None]]:
    if wanted not in ("sqlite", "postgres", "both"):
        return [(urlsplit(wanted).scheme.partition("+")[0], wanted)]
    found: list[tuple[str, str | None]] = [] if wanted == "postgres" else [("sqlite", None)]
    programs = _postgres.binaries()
    if wanted == "postgres" and programs is None:
        raise click.BadParameter("PostgreSQL is not installed here; name a database.", param_hint="--database")
    if wanted != "sqlite" and programs is not None:
        found.append(("postgres", exits.enter_context(_postgres.server(programs))))
    return found


@dataclass
class _Turns:
    """What the turns of one database gave."""

    ours: list[_load.Load] = field(default_factory=list)
    bare: list[_load.Load] = field(default_factory=list)
    missing: int = 0

    @property
    def ratio(self) -> float:
        return median([ours.per_second / bare.per_second for ours, bare in zip(self.ours, self.bare, strict=True)])

    def figures(self) -> dict[str, Any]:
        return {
            "ratio": self.ratio,
            "kept a second": median([load.per_second for load in self.ours]),
            "p50, ms": median([quantile(load.latencies, 0.5) for load in self.ours]) * 1000,
            "p99, ms": median([quantile(load.latencies, 0.99) for load in self.ours]) * 1000,
            "acknowledged and not kept": self.missing,
        }

    def reference(self) -> dict[str, Any]:
        return {
            "a second": round(median([load.per_second for load in self.bare])),
            "p50, ms": round(median([quantile(load.latencies, 0.5) for load in self.bare]) * 1000, 1),
            "p99, ms": round(median([quantile(load.latencies, 0.99) for load in self.bare]) * 1000, 1),
        }


def _measure(url: str | None, seconds: float, turns: int, connections: int) -> _Turns:
    with stack(url) as parts:
        shop_id, connection_id = _shop(parts)
        path = urlsplit(admin.hook_url(parts.engine, shop_id, connection_id)).path
        settings = parts.config
        parts.web()
        bare = free_socket()
        bare_url = url or f"sqlite:///{parts.folder / 'bare.db'}"
        processes, threads = settings.effective_web_processes, settings.web_threads
        parts.run("bare", _bare.server, bare_url, SECRET, processes, threads, bare)
        ours_at, bare_at = ("127.0.0.1", settings.port), bare.getsockname()[:2]
        wait_until(lambda: _ready(bare_at), 30, "the bare view up", 0.1)
        maker = _Maker(path)
        for address, target in ((ours_at, path), (bare_at, "/hook")):
            _load.send(address, maker.requests(target, WARM), connections)
        done = _Turns()
        kept = WARM
        for _ in range(turns):
            done.ours.append(_turn(maker, ours_at, path, connections, seconds))
            done.bare.append(_turn(maker, bare_at, "/hook", connections, seconds))
            kept += done.ours[-1].statuses[200]
        with parts.engine.db.read(shop_id) as session:
            done.missing = kept - int(session.scalar(select(func.count(Delivery.id))) or 0)
        bare.close()
        return done


def _shop(parts: Stack) -> tuple[int, int]:
    """A shop with a store connection, without a store: nobody is asked anything here."""
    engine = parts.engine
    shop_id = admin.ensure_shop(engine, "Bench").id
    now = engine.clock()
    with engine.db.write(shop_id) as session:
        row = Connection(role="platform", adapter=STORE, account="bench", title="Bench", credentials={})
        row.webhook_secrets, row.state_since, row.created_at = [SECRET], now, now
        session.add(row)
        session.flush()
        return shop_id, row.id


class _Maker:
    """Deliveries, no two alike."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.number = 0

    def requests(self, path: str, count: int) -> list[bytes]:
        self.number += count
        numbers = range(self.number - count, self.number)
        return [_load.delivery(path, SECRET, number % 500 + 1, number) for number in numbers]


def _turn(maker: _Maker, address: tuple[str, int], path: str, connections: int, seconds: float) -> _load.Load:
    requests = maker.requests(path, int(6000 * seconds))
    time.sleep(0.2)
    load = _load.send(address, requests, connections, seconds)
    if set(load.statuses) != {200}:
        raise click.ClickException(f"answers other than 200: {dict(load.statuses)}")
    return load


def _ready(address: tuple[str, int]) -> bool:
    try:
        return bool(_load.send(address, [b"GET / HTTP/1.1\r\nHost: bench\r\n\r\n"], 1).latencies)
    except OSError:
        return False
