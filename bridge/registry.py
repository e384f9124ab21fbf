"""Finds adapters by entry point: ours and third parties' alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points

from bridge.log import get_logger
from bridge.ports.adapter import Adapter

GROUPS = {"platform": "storebridge.platforms", "channel": "storebridge.channels"}
log = get_logger(__name__)


@dataclass(frozen=True)
class Broken:
    """An entry point that gives no adapter, and why."""

    kind: str
    name: str
    module: str
    reason: str


@dataclass(frozen=True)
class Registry:
    """Adapters by name. A broken one is listed and left out; the others work."""

    platforms: Mapping[str, Adapter] = field(default_factory=dict)
    channels: Mapping[str, Adapter] = field(default_factory=dict)
    broken: tuple[Broken, ...] = ()

    def all(self) -> list[Adapter]:
        return [*self.platforms.values(), *self.channels.values()]


class NotAnAdapter(Exception):
    """What the entry point names is not what it should be."""


def discover(points: Iterable[EntryPoint] | None = None) -> Registry:
    """Every installed adapter; ``points`` instead of what is installed."""
    found = _installed() if points is None else list(points)
    adapters: dict[str, dict[str, Adapter]] = {kind: {} for kind in GROUPS}
    broken: list[Broken] = []
    for kind, group in GROUPS.items():
        for point in sorted((item for item in found if item.group == group), key=_ours_first):
            try:
                adapter = _load(point, kind, adapters[kind])
            except Exception as error:  # noqa: BLE001 - a third party's module may raise anything when imported
                broken.append(Broken(kind, point.name, point.value, f"{type(error).__name__}: {error}"))
                log.warning("adapter is broken and left out", adapter=point.name, module=point.value, error=str(error))
            else:
                adapters[kind][adapter.name] = adapter
    return Registry(adapters["platform"], adapters["channel"], tuple(broken))


def _installed() -> list[EntryPoint]:
    known = entry_points()  # once: it reads what every installed package says of itself
    return [point for group in GROUPS.values() for point in known.select(group=group)]


def _ours_first(point: EntryPoint) -> tuple[bool, str, str]:
    ours = point.value.startswith(("platform_adapters.", "channel_adapters."))
    return not ours, point.name, point.value


def _load(point: EntryPoint, kind: str, known: Mapping[str, Adapter]) -> Adapter:
    loaded = point.load()
    adapter = getattr(loaded, "ADAPTER", None)
    if not isinstance(adapter, Adapter):
        raise NotAnAdapter(f"{point.value} has no ADAPTER that is a bridge.ports.adapter.Adapter")
    if adapter.manifest.kind != kind:
        raise NotAnAdapter(f"its manifest says kind = {adapter.manifest.kind!r}, its entry point is for a {kind}")
    if adapter.name in known:
        raise NotAnAdapter(f"there is another {kind} called {adapter.name!r}")
    return adapter
