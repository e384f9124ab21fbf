"""Projecting 100,000 variants on three channels with 20 rules, beside the same data merely validated by pydantic.

Measured is what settings cost: reading a stored product and its variant, the mapping, the rules, the price, the stock
and the checks, up to the listing as it should be with its trace, 300,000 times. The reference validates what went in
(product and variant) once for each of these listings, from the same stored JSON. Both count CPU time. Beside it, the
whole flow with the database (nothing changed since the last time), and the memory it takes.
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

from bridge.bench._result import Result, options, progress, result

GOAL = 4.0
GROWTH = 1.15
LONGEST = 3600


@click.command("project")
@click.option("--variants", default=100000, show_default=True, type=click.IntRange(1000), help="How many variants.")
@click.option("--rules", "count", default=20, show_default=True, type=click.IntRange(0, 200), help="How many rules.")
def command(variants: int, count: int) -> Result:
    """Project a catalogue through rules."""
    folder = Path(tempfile.mkdtemp(prefix="storebridge-bench-"))
    url = f"sqlite:///{folder / 'bench.db'}"
    try:
        progress(f"project: {variants} variants on 3 channels, {count} rules")
        _process("seed", folder, url, str(variants), str(count))
        tenth = _process("shape", folder, url, str(variants // 10))
        shaped = _process("shape", folder, url, str(variants))
        merely = _process("validate", folder, url, str(variants))
        progress("project: with the database")
        _process("flow", folder, url)
        flow = _process("flow", folder, url)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    ratio = shaped["cpu"] / merely["cpu"]
    growth = shaped["megabytes"] / tenth["megabytes"]
    return result(
        figures={
            "variants per second, 3 channels each": variants / shaped["cpu"],
            "listings per second": 3 * variants / shaped["cpu"],
            "CPU seconds": shaped["cpu"],
            "peak MB": shaped["megabytes"],
            "peak MB for a tenth of them": tenth["megabytes"],
            "with the database, nothing changed: variants per second": variants / flow["cpu"],
            "with the database: peak MB": flow["megabytes"],
        },
        reference={
            "CPU seconds to validate": merely["cpu"],
            "variants per second, 3 times each": variants / merely["cpu"],
        },
        ratio=ratio,
        goal=f"at most {GOAL:g} x the time of validating the same data; memory flat",
        within_goal=ratio <= GOAL and growth <= GROWTH,
    )


def run(arguments: list[str]) -> Result:
    """Returns what was measured."""
    found: Result = options(command, arguments)
    return found


def _process(act: str, folder: Path, url: str, *more: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "bridge.bench._project", act, str(folder), url, *more]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST, check=False)
    if done.returncode:
        raise click.ClickException(f"{act} broke off: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
