"""The two trees: everything on one machine, and the workers of one of several machines."""

from __future__ import annotations

import functools
import http.client
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
from redis.exceptions import RedisError
from sqlalchemy.engine import make_url

from bridge import app, log, metrics
from bridge.config import LANES, Config, ConfigError, bracketed
from bridge.jobs.queues import quick_redis
from bridge.ports.adapter import Adapter
from bridge.registry import Registry, discover
from bridge.supervisor import checks
from bridge.supervisor.redis import Server
from bridge.supervisor.tree import Child, Tree

STOP_WITHIN = 6.0
READY_WITHIN = 60.0
METRICS = "metrics"
DEFAULT_STORE = "woocommerce"
DEFAULT_CHANNELS = ("bol",)


@dataclass(frozen=True)
class Sandbox:
    """A sandbox to start: its adapter and the socket it answers on."""

    adapter: Adapter
    socket: socket.socket
    url: str


@dataclass
class Plan:
    """What will run."""

    config: Config
    registry: Registry
    web: socket.socket
    sandboxes: list[Sandbox] = field(default_factory=list)
    redis: Server | None = None

    @property
    def store(self) -> Sandbox | None:
        return next((item for item in self.sandboxes if item.adapter.manifest.kind == "platform"), None)


def run(config: Config, *, all_channels: bool = False) -> None:
    """Everything, until SIGTERM or SIGINT. Raises ConfigError when something cannot be used."""
    log.configure(config.log_format, config.log_level)
    app.prepare_folder(config.data_dir)
    lock = checks.lock_folder(config.data_dir)
    web = checks.listen(config.host, config.port, "--port or STOREBRIDGE_PORT")
    app.key_ring(config)
    prepared = checks.in_child(functools.partial(checks.prepare_database, config))
    tree = Tree()
    plan = Plan(config, discover(), web)
    try:
        if not config.redis_url:
            plan.redis = Server(config.data_dir, config.data_dir / app.REDIS_NOTE)
            plan.redis.start()
        database = prepared()
        if config.demo and (database["sandbox"] or not database["real"]):
            plan.sandboxes = _sandboxes(config, plan.registry, all_channels=all_channels)
        _start(tree, plan)
        tree.run(functools.partial(_is_ready, plan), READY_WITHIN)
        if not tree.stopping:
            click.echo(describe(plan))
        tree.run(functools.partial(_watch, plan))
    finally:
        _end(tree, plan)
        lock.close()


def work(config: Config, lanes: Sequence[str] = LANES, *, scheduler: bool = True) -> None:
    """Workers and a scheduler, for a machine beside others. Raises ConfigError."""
    log.configure(config.log_format, config.log_level)
    app.prepare_folder(config.data_dir)
    if app.redis_url(config) is None:
        raise ConfigError("REDIS_URL is not set: give the address of the Redis that web and workers share.")
    checks.in_child(functools.partial(checks.is_migrated, config))()
    metrics.use_folder(config.data_dir / METRICS)
    tree = Tree()
    registry = discover()
    try:
        _start_workers(tree, config, registry, lanes)
        if scheduler:
            tree.start(Child("scheduler", functools.partial(_children().scheduler, config, registry)))
        click.echo(f"Workers run for {_counted(config, lanes)}. Ctrl-C ends them.")
        tree.run(lambda: False)
    finally:
        tree.stop(STOP_WITHIN * 3)


def _children() -> Any:
    """Imported late: a wrong setting is said before everything is loaded."""
    from bridge.supervisor import children  # noqa: PLC0415

    return children


def _start(tree: Tree, plan: Plan) -> None:
    children = _children()
    metrics.clean_folder(plan.config.data_dir / METRICS)
    metrics.use_folder(plan.config.data_dir / METRICS)
    config = _config_of_children(plan)
    for item in plan.sandboxes:
        state = config.data_dir / "sandboxes" / f"{item.adapter.name}.db"
        main = functools.partial(children.sandbox, item.adapter, state, item.socket.fileno())
        tree.start(Child(f"sandbox {item.adapter.name}", main))
    tree.start(Child("web", functools.partial(children.web, config, plan.registry, plan.web.fileno())))
    _start_workers(tree, config, plan.registry, LANES)
    tree.start(Child("scheduler", functools.partial(children.scheduler, config, plan.registry)))
    if plan.store is not None:
        channels = {item.adapter.name: item.url for item in plan.sandboxes if item is not plan.store}
        tree.start(
            Child("demo", functools.partial(children.demo, config, plan.registry, plan.store.url, channels), once=True)
        )


def _start_workers(tree: Tree, config: Config, registry: Registry, lanes: Sequence[str]) -> None:
    for lane in lanes:
        main = functools.partial(_children().worker, config, registry, lane)
        for number in range(config.workers_of(lane)):
            tree.start(Child(f"worker {lane} {number + 1}", main))


def _config_of_children(plan: Plan) -> Config:
    """With the Redis we started, and leave to call the sandboxes on this machine."""
    changes: dict[str, Any] = {}
    if plan.redis is not None:
        changes["redis_url"] = plan.redis.url
    hosts = tuple(urlsplit(item.url).netloc for item in plan.sandboxes)
    changes["private_hosts"] = (*plan.config.private_hosts, *hosts)
    return plan.config.model_copy(update=changes)


def _sandboxes(config: Config, registry: Registry, *, all_channels: bool) -> list[Sandbox]:
    """One store and the marketplaces, each on its own fixed port."""
    store = registry.platforms.get(DEFAULT_STORE)
    if store is None:
        return []
    names = sorted(registry.channels) if all_channels else [x for x in DEFAULT_CHANNELS if x in registry.channels]
    adapters = [store, *(registry.channels[name] for name in names)]
    return [_sandbox(config.demo_port + place, adapter) for place, adapter in enumerate(adapters)]


def _sandbox(port: int, adapter: Adapter) -> Sandbox:
    server = checks.listen("127.0.0.1", port, "STOREBRIDGE_DEMO_PORT (or go without with --no-demo)")
    return Sandbox(adapter, server, f"http://127.0.0.1:{port}")


def _is_ready(plan: Plan) -> bool:
    if plan.redis is not None:
        plan.redis.look_after()
        if not plan.redis.is_up():
            return False
    return _answers(plan.web)


def _answers(server: socket.socket) -> bool:
    host, port = server.getsockname()[:2]
    connection = http.client.HTTPConnection("127.0.0.1" if host == "0.0.0.0" else host, port, timeout=2)  # noqa: S104
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _watch(plan: Plan) -> bool:
    if plan.redis is not None:
        plan.redis.look_after()
    return False


def _end(tree: Tree, plan: Plan) -> None:
    began = time.monotonic()
    tree.stop(STOP_WITHIN)
    if plan.redis is not None:
        plan.redis.stop(max(1.0, STOP_WITHIN + 1 - (time.monotonic() - began)))


def describe(plan: Plan) -> str:
    """What is running, for a person."""
    config = plan.config
    rows = [
        ("page", f"http://{bracketed(config.host)}:{config.port}/"),
        ("database", _database(config)),
        (
            "queue",
            f"{plan.redis.program.rpartition('/')[2]}, data in {plan.redis.folder}" if plan.redis else "REDIS_URL",
        ),
        ("web", f"{_many(config.effective_web_processes, 'process', 'processes')}, {config.web_threads} threads"),
        ("workers", _counted(config, LANES)),
    ]
    rows += [
        (item.adapter.manifest.kind, f"{item.url}  (sandbox of {item.adapter.manifest.title})")
        for item in plan.sandboxes
    ]
    lines = [f"  {name:<10}{text}" for name, text in rows]
    return "\n".join(["", "Storebridge is running. Ctrl-C ends it.", "", *lines, ""])


def _database(config: Config) -> str:
    if config.is_sqlite:
        return f"SQLite, {make_url(config.effective_database_url).database}"
    url = make_url(config.effective_database_url)
    return f"PostgreSQL, {url.database} on {url.host or 'the local socket'}"


def _queue(plan: Plan) -> str:
    if plan.redis is not None:
        return f"{Path(plan.redis.program).name}, data in {plan.redis.folder}"
    parts = urlsplit(plan.config.redis_url)
    place = f"{parts.hostname}:{parts.port or 6379}" if parts.hostname else parts.path
    try:
        with quick_redis(plan.config.redis_url, 2.0) as client:
            client.ping()
    except (RedisError, OSError):
        return f"{place} does not answer; the workers wait for it (REDIS_URL)"
    return place


def _counted(config: Config, lanes: Sequence[str]) -> str:
    counts = [(lane, config.workers_of(lane)) for lane in lanes]
    return ", ".join(lane if count == 1 else f"{lane} ({count})" for lane, count in counts if count)


def _many(count: int, one: str, more: str) -> str:
    return f"{count} {one if count == 1 else more}"
