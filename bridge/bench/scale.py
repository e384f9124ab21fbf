"""A full compare of every variant with three channels: how time, memory and queries grow from 10,000 to 100,000.

The first compare makes every listing; the second finds nothing to do, as on most nights. Both are the flow that
the full sweep runs (flows/catalogue.project_connection), each in a process of its own, on a seeded database. On
SQLite, where the database works inside that process, the time that counts is its CPU time: others on the machine
do not slow it down.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from bridge.bench import _postgres
from bridge.bench._result import Result, options, progress, result
from bridge.bench._scale import CHANNELS
from bridge.bench._stack import DATABASE

GROWTH = 11.0
MEGABYTES = 300
STEADY = 1.1
LONGEST = 1800


@click.command("scale")
@click.option("--small", default=10000, show_default=True, type=click.IntRange(100), help="Variants of the small one.")
@click.option("--large", default=100000, show_default=True, type=click.IntRange(200), help="Variants of the large one.")
@click.option(
    "--database", default=None, help=f"{DATABASE} With an address, the small catalogue is deleted for the large."
)
def command(small: int, large: int, database: str | None) -> Result:
    """Full compare of a large catalogue."""
    if large <= small:
        raise click.BadParameter("must be more than --small.", param_hint="--large")
    with ExitStack() as exits:
        found = {size: _size(size, database, exits) for size in (small, large)}
    figures: dict[str, Any] = {}
    for size, rounds in found.items():
        for name, one in rounds.items():
            figures[f"{size} variants, {name}: seconds"] = one["seconds"]
            figures[f"{size} variants, {name}: CPU seconds"] = one["cpu"]
            figures[f"{size} variants, {name}: queries per variant"] = round(one["queries"] / size, 4)
            figures[f"{size} variants, {name}: peak MB"] = one["megabytes"]
    clock = "cpu" if database in (None, "sqlite") else "seconds"
    growth = {name: found[large][name][clock] / found[small][name][clock] for name in found[small]}
    waited = {name: found[large][name]["seconds"] / found[small][name]["seconds"] for name in found[small]}
    queries = {name: found[large][name]["queries"] / found[small][name]["queries"] for name in found[small]}
    for name, value in growth.items():
        figures[f"{name}: time grows"] = f"{value:.2f} x (by the clock on the wall {waited[name]:.2f} x)"
    allowed = GROWTH * large / small / 10
    peak = max(one["megabytes"] for rounds in found.values() for one in rounds.values())
    steady = all(value <= large / small * STEADY for value in queries.values())
    return result(
        figures=figures,
        reference={"variants grow": large / small, "channels": CHANNELS},
        ratio=max(growth.values()),
        goal=f"time grows at most {allowed:g} x, peak memory under {MEGABYTES} MB, queries per variant constant",
        within_goal=max(growth.values()) <= allowed and peak < MEGABYTES and steady,
    )


def run(arguments: list[str]) -> Result:
    """Returns what was measured."""
    found: Result = options(command, arguments)
    return found


def _size(size: int, database: str | None, exits: ExitStack) -> dict[str, dict[str, Any]]:
    folder = Path(tempfile.mkdtemp(prefix="storebridge-bench-"))
    exits.callback(shutil.rmtree, folder, ignore_errors=True)
    url = _postgres.address(database, exits) or f"sqlite:///{folder / 'bench.db'}"
    progress(f"scale: {size} variants")
    _process("seed", folder, url, str(size))
    found = {"first compare": _process("compare", folder, url), "nothing changed": _process("compare", folder, url)}
    if url == database:
        _process("clear", folder, url)
    return found


def _process(act: str, folder: Path, url: str, *more: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "bridge.bench._scale", act, str(folder), url, *more]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST, check=False)
    if done.returncode:
        raise click.ClickException(f"{act} of the catalogue broke off: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
