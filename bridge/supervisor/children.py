"""What runs in each forked process. Each makes its own engine: nothing is shared but the code."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from bridge import app
from bridge.config import Config, ConfigError
from bridge.flows import admin, feed_address
from bridge.flows.engine import Engine
from bridge.jobs.schedule import Scheduler
from bridge.jobs.watch import Watch
from bridge.jobs.worker import WorkerProcess
from bridge.log import get_logger
from bridge.ports.adapter import Adapter
from bridge.ports.errors import BridgeError
from bridge.registry import Registry
from bridge.supervisor.servers import serve
from bridge.web import create_web

SANDBOX_THREADS = 16
WATCH_ENDS = 5.0
log = get_logger(__name__)


def web(config: Config, registry: Registry, socket_fd: int) -> None:
    engines: list[Engine] = []

    def make() -> Any:
        engines.append(app.bootstrap(config, registry=registry, pool_size=config.web_threads))
        return create_web(engines[0], config)

    def end() -> None:
        for engine in engines:
            app.close(engine)

    serve(make, socket_fd, processes=config.effective_web_processes, threads=config.web_threads, at_exit=end)


def worker(config: Config, registry: Registry, lane: str) -> None:
    url = app.redis_url(config)
    if url is None:
        raise ConfigError("REDIS_URL is not set: give the address of the Redis that web and workers share.")
    engine = app.bootstrap(config, registry=registry, pool_size=5)
    WorkerProcess(engine, lane, url).run()
    app.close(engine)


def scheduler(config: Config, registry: Registry) -> None:
    engine = app.bootstrap(config, registry=registry, pool_size=2)
    watch = Watch(engine, config.data_dir)
    watch.start()
    Scheduler(engine).run()
    watch.join(WATCH_ENDS)
    app.close(engine)


def sandbox(adapter: Adapter, state: Path, socket_fd: int) -> None:
    state.parent.mkdir(parents=True, exist_ok=True)
    serve(lambda: adapter.sandbox(state), socket_fd, threads=SANDBOX_THREADS)


def demo(config: Config, registry: Registry, store_url: str, channel_urls: Mapping[str, str]) -> None:
    """Fill the sandbox store and connect the sandboxes; nothing changes where that was done before."""
    engine = app.bootstrap(config, registry=registry, pool_size=2)
    catalogue = {"products": config.demo_products, "variable": config.demo_products // 5}
    try:
        httpx.post(f"{store_url}/_sandbox/seed", json=catalogue, timeout=60, trust_env=False).raise_for_status()
        shop = admin.ensure_demo(engine, store_url, channel_urls)
        _tell_feeds(engine, shop.id, channel_urls)
    except (BridgeError, httpx.HTTPError) as error:
        log.warning("the sandboxes are not connected yet", error=str(error))
        sys.exit(1)
    finally:
        app.close(engine)


def _tell_feeds(engine: Engine, shop_id: int, channel_urls: Mapping[str, str]) -> None:
    """As the merchant does by hand: marketplaces that fetch are told where."""
    with engine.db.read(shop_id) as session:
        known = feed_address.shown(engine, session).values()
    for feed in known:
        if url := channel_urls.get(feed["adapter"]):
            told = {"url": feed["address"]}
            httpx.post(f"{url}/_sandbox/feed", json=told, timeout=60, trust_env=False).raise_for_status()
