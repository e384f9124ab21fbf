"""What every benchmark hands back, and small sums over measurements."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import click

Result = dict[str, Any]


def result(*, figures: dict[str, Any], reference: Any, ratio: float | None, goal: str, within_goal: bool) -> Result:
    """One benchmark's outcome. ``ratio`` is the worst of what was measured, None where nothing could be judged;
    ``goal`` says it in words."""
    return {
        "figures": {name: tidy(value) for name, value in figures.items()},
        "reference": reference,
        "ratio": tidy(ratio),
        "goal": goal,
        "within_goal": bool(within_goal),
    }


def tidy(value: Any) -> Any:
    """Numbers as people read them: three significant digits, more only before the point."""
    if not isinstance(value, float) or not math.isfinite(value):
        return value
    digits = max(0, 2 - math.floor(math.log10(abs(value)))) if value else 0
    return round(value, min(digits, 6)) if abs(value) < 100 else round(value)


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` of all are not above. Not a number when there is none."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, math.ceil(share * len(ordered)) - 1))]


def median(values: Sequence[float]) -> float:
    return quantile(values, 0.5)


def options(command: click.Command, arguments: Sequence[str]) -> Any:
    """Run a benchmark's own command line. Raises click's errors, which the caller shows, and its Exit where the options
    were asked for and nothing was measured."""
    found = command.main(list(arguments), prog_name=f"storebridge bench {command.name}", standalone_mode=False)
    if isinstance(found, int):
        raise click.exceptions.Exit(found)
    return found


def progress(text: str) -> None:
    """To standard error, so that --json stays one object."""
    click.echo(text, err=True)
