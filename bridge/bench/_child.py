"""What runs in the processes of a benchmark: the parts of production, and sandboxes with options."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bridge import app
from bridge.config import Config
from bridge.flows.engine import Engine
from bridge.jobs.schedule import Scheduler
from bridge.jobs.worker import WorkerProcess
from bridge.ports.adapter import Adapter
from bridge.ports.manifest import Limit
from bridge.registry import Registry, discover
from bridge.supervisor.servers import serve
from bridge.supervisor.tree import die_with
from bridge.web import create_web

SANDBOX_THREADS = 32
Limits = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Tune:
    """Limits of an adapter's operations, (calls, seconds), instead of those in its manifest, and the share of all
    limits that holds. The manifest's hold for sandboxes too."""

    limits: Mapping[str, Limits] = field(default_factory=dict)
    share: float = 1.0

    def registry(self) -> Registry:
        found = discover()
        channels = {name: self._tuned(adapter) for name, adapter in found.channels.items()}
        platforms = {name: self._tuned(adapter) for name, adapter in found.platforms.items()}
        return Registry(platforms, channels, found.broken)

    def _tuned(self, adapter: Adapter) -> Adapter:
        own = self.limits.get(adapter.name, {})
        changed = {
            name: Limit(calls=calls, seconds=seconds, source="benchmark") for name, (calls, seconds) in own.items()
        }
        manifest = adapter.manifest
        limits = {
            name: limit.model_copy(update={"calls": limit.calls * self.share})
            for name, limit in {**manifest.limits, **changed}.items()
        }
        return replace(adapter, manifest=manifest.model_copy(update={"limits": limits}), sandbox_limits=None)


def enter(log: Path) -> None:
    """The first step of each process: its output into a file, its end with whoever started it."""
    die_with(os.getppid())
    with log.open("ab", buffering=0) as output:
        os.dup2(output.fileno(), sys.stdout.fileno())
        os.dup2(output.fileno(), sys.stderr.fileno())


def web(log: Path, config: Config, tune: Tune, door: socket.socket) -> None:
    enter(log)
    engines: list[Engine] = []

    def make() -> Any:
        engines.append(app.bootstrap(config, registry=tune.registry(), pool_size=config.web_threads))
        return create_web(engines[0], config)

    def end() -> None:
        for engine in engines:
            app.close(engine)

    serve(make, door.fileno(), processes=config.effective_web_processes, threads=config.web_threads, at_exit=end)


def worker(log: Path, config: Config, tune: Tune, lane: str) -> None:
    enter(log)
    engine = app.bootstrap(config, registry=tune.registry(), pool_size=5)
    WorkerProcess(engine, lane, config.redis_url).run()
    app.close(engine)


def scheduler(log: Path, config: Config, tune: Tune) -> None:
    enter(log)
    engine = app.bootstrap(config, registry=tune.registry(), pool_size=2)
    Scheduler(engine).run()
    app.close(engine)


def sandbox(log: Path, kind: str, name: str, options: Mapping[str, Any], door: socket.socket) -> None:
    enter(log)
    found = discover()
    adapter = (found.platforms if kind == "platform" else found.channels)[name]
    serve(lambda: adapter.sandbox(None, **options), door.fileno(), threads=SANDBOX_THREADS)
