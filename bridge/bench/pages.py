"""The listings page over 100,000 listings: what the server takes, beside the bare queries behind it.

A shop with 100,000 products on one marketplace in SQLite; a hundredth of the listings are blocked. The page is asked
for in the ways people ask for it: the first one, one in the middle, by state, by marketplace and reason, by words of a
title, by SKU. The reference are the statements that the page sends to the database, sent again by themselves. Both
count CPU time, which on a quiet machine is the server's time: the database is in the same process.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from bridge.bench._result import Result, options, progress, quantile, result

MILLISECONDS = 300
GOAL = 4.0
LONGEST = 3600


@click.command("pages")
@click.option("--listings", default=100000, show_default=True, type=click.IntRange(1000), help="How many listings.")
@click.option(
    "--times", default=20, show_default=True, type=click.IntRange(5), help="How often each page is asked for."
)
def command(listings: int, times: int) -> Result:
    """Ask for pages of a large catalogue."""
    folder = Path(tempfile.mkdtemp(prefix="storebridge-bench-"))
    url = f"sqlite:///{folder / 'bench.db'}"
    try:
        progress(f"pages: {listings} listings")
        _process("seed", folder, url, str(listings))
        progress("pages: asking")
        found = _process("ask", folder, url, str(times))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    pages = {name: quantile(one["page"], 0.95) * 1000 for name, one in found.items()}
    bare = {name: quantile(one["bare"], 0.95) * 1000 for name, one in found.items()}
    p95 = quantile([value for one in found.values() for value in one["page"]], 0.95) * 1000
    queries = quantile([value for one in found.values() for value in one["bare"]], 0.95) * 1000
    figures: dict[str, Any] = {"p95 in ms": p95}
    figures |= {f"{name}: p95 in ms": value for name, value in pages.items()}
    figures |= {f"{name}: statements": one["statements"] for name, one in found.items()}
    reference = {"bare queries: p95 in ms": queries} | {f"{name}: p95 in ms": value for name, value in bare.items()}
    return result(
        figures=figures,
        reference=reference,
        ratio=p95 / queries,
        goal=f"p95 under {MILLISECONDS} ms on a quiet machine; judged: at most {GOAL:g} x the bare queries",
        within_goal=p95 / queries <= GOAL,
    )


def run(arguments: list[str]) -> Result:
    """Returns what was measured."""
    found: Result = options(command, arguments)
    return found


def _process(act: str, folder: Path, url: str, *more: str) -> Any:
    command = [sys.executable, "-m", "bridge.bench._pages", act, str(folder), url, *more]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST, check=False)
    if done.returncode:
        raise click.ClickException(f"{act} broke off: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])
