"""Every store with every marketplace, one rehearsal after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bridge.ports.adapter import Adapter
from bridge.ports.errors import AskMerchant
from bridge.registry import discover
from bridge.rehearsal.world import Plan

ALL = "all"


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
