"""Every store with every marketplace, each rehearsal in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain

from bridge.ports.adapter import Adapter
from bridge.ports.errors import AskMerchant
from bridge.registry import discover
from bridge.rehearsal.report import Report, Result
from bridge.rehearsal.world import Plan

ALL = "all"
COMMAND = (sys.executable, "-c", "from bridge.cli import main; main()", "rehearse", "--json")


def plans(plan: Plan, module: bool | None) -> list[Plan]:
    """One for each store and marketplace, where ``plan`` says ``all`` of either; a store that has a plugin or module is
    there with it and without, unless ``module`` says which.

    Raises AskMerchant for what only one world has: a real store, a database.
    """
    if plan.store or plan.database_url:
        field = "store" if plan.store else "database"
        raise AskMerchant("All of them are rehearsed with sandboxes, each in a database of its own.", field=field)
    found = discover()
    return [
        replace(plan, platform=platform, channel=channel, module=way)
        for platform in _named(plan.platform, found.platforms)
        for way in _ways(found.platforms.get(platform), module)
        for channel in _named(plan.channel, found.channels)
    ]


def _named(name: str, known: Mapping[str, Adapter]) -> list[str]:
    return sorted(known) if name == ALL else [name]


def _ways(adapter: Adapter | None, module: bool | None) -> list[bool]:
    has_one = adapter is not None and adapter.package is not None
    return [way for way in (False, True) if (has_one or not way) and module in (None, way)]


def apart(plan: Plan, stories: Sequence[str], interrupted: threading.Event) -> Report:
    """One rehearsal in a process of its own, as settings, keys and migrations are those of a process; what it has to
    say stands on stderr. Raises KeyboardInterrupt once it has tidied up after ``interrupted``."""
    told = chain.from_iterable(("--story", story) for story in stories)
    words = ["--platform", plan.platform, "--channel", plan.channel, "--patience", str(plan.patience), *told]
    flags = ["--module" if plan.module else "--no-module", *(["--keep"] if plan.keep else [])]
    with subprocess.Popen([*COMMAND, *words, *flags], stdout=subprocess.PIPE, text=True) as child:
        output = _output(child, interrupted)
    if interrupted.is_set():
        raise KeyboardInterrupt
    try:
        return Report([Result(**step) for step in json.loads(output)["steps"]])
    except ValueError:
        return Report([Result("rehearsal", False, 0.0, f"It ended with {child.returncode}; what it said is above.")])


def _output(child: subprocess.Popen[str], interrupted: threading.Event) -> str:
    while True:
        try:
            return child.communicate(timeout=0.2)[0]
        except subprocess.TimeoutExpired:
            if interrupted.is_set():
                child.terminate()
