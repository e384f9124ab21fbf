"""A sandbox store on a real socket, and a receiver for its webhooks."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from woocommerce import API

from bridge.ports.adapter import Connection
from bridge.ports.http import HttpServices, MemoryRecorder, Transport
from bridge.ports.manifest import Limit
from platform_adapters.woocommerce import ADAPTER
from platform_adapters.woocommerce.platform import WooPlatform
from platform_adapters.woocommerce.sandbox import SANDBOX_KEY, SANDBOX_SECRET, create_sandbox
from tests.support.serve import serve

FIXTURES = Path(__file__).parents[1] / "fixtures" / "woocommerce"


def utc_now() -> datetime:
    return datetime.now(UTC)


def recorded(name: str) -> dict[str, Any]:
    """A delivery of a real store: ``headers`` and ``raw_body`` as they were sent."""
    found: dict[str, Any] = json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))
    return found


@dataclass
class Store:
    """The sandbox as a merchant and as a REST client see it (OAuth1 over http, as the package signs it)."""

    url: str
    key: str = SANDBOX_KEY
    secret: str = SANDBOX_SECRET

    @property
    def api(self) -> API:
        return API(self.url, self.key, self.secret, timeout=30)

    def get(self, path: str, **params: Any) -> Any:
        return self._json(self.api.get(path, params=params), 200)

    def post(self, path: str, body: Any, status: int = 201) -> Any:
        return self._json(self.api.post(path, body), status)

    def put(self, path: str, body: Any, status: int = 200) -> Any:
        return self._json(self.api.put(path, body), status)

    def delete(self, path: str, status: int = 200, **params: Any) -> Any:
        return self._json(self.api.delete(path, params=params), status)

    def control(self, name: str, **body: Any) -> Any:
        return requests.post(f"{self.url}/_sandbox/{name}", json=body, timeout=60).json()

    def look(self, name: str) -> Any:
        return requests.get(f"{self.url}/_sandbox/{name}", timeout=30).json()

    def fault(self, kind: str, operation: str = "*", times: int | None = 1, **params: Any) -> None:
        self.control("faults", kind=kind, operation=operation, times=times, params=params)

    def product(self, sku: str, stock: int = 10, **more: Any) -> int:
        body = {"name": f"Product {sku}", "sku": sku, "regular_price": "10.00", "manage_stock": True}
        found: int = self.post("products", body | {"stock_quantity": stock} | more)["id"]
        return found

    def stock(self, sku: str) -> int | None:
        found: int | None = self.look("stock")[sku]
        return found

    def order(self, *lines: tuple[int, int], status: str = "processing", **more: Any) -> dict[str, Any]:
        rows = [{"product_id": product, "quantity": quantity} for product, quantity in lines]
        found: dict[str, Any] = self.post("orders", {"status": status, "line_items": rows, **more})
        return found

    @staticmethod
    def _json(response: requests.Response, status: int) -> Any:
        assert response.status_code == status, (response.status_code, response.text[:500])
        return response.json()


@contextlib.contextmanager
def open_store(state_path: Path | None = None, **options: Any) -> Iterator[Store]:
    with serve(create_sandbox(state_path, **{"delay": 0, **options})) as url:
        yield Store(url)


@dataclass
class Delivery:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def topic(self) -> str:
        return self.headers.get("X-WC-Webhook-Topic", "ping")

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Receiver:
    """Answers ``statuses`` in turn, then ``status``; ``pause`` seconds before each answer."""

    url: str = ""
    status: int = 200
    statuses: list[int] = field(default_factory=list)
    pause: float = 0.0
    got: list[Delivery] = field(default_factory=list)

    def topics(self) -> list[str]:
        return [delivery.topic for delivery in self.got]

    def wait(self, count: int, timeout: float = 10.0) -> list[Delivery]:
        limit = time.monotonic() + timeout
        while len(self.got) < count and time.monotonic() < limit:
            time.sleep(0.01)
        assert len(self.got) >= count, self.topics()
        return self.got


@contextlib.contextmanager
def open_receiver() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            time.sleep(receiver.pause)
            receiver.got.append(Delivery(self.path, dict(self.headers.items()), body))
            self.send_response(receiver.statuses.pop(0) if receiver.statuses else receiver.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Account:
    """The store's Platform over the real transport to a sandbox, and all that was exchanged."""

    def __init__(
        self,
        store: Store,
        *,
        settings: dict[str, Any] | None = None,
        clock: Callable[[], datetime] = utc_now,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self.store = store
        self.recorder = MemoryRecorder()
        host = urlsplit(store.url).netloc
        services = HttpServices.build(recorder=self.recorder, allowed_hosts=[host], clock=clock)
        if trust is not None:
            services = replace(services, ssl_context=lambda: trust)
        given = {"url": store.url, "consumer_key": store.key, "consumer_secret": store.secret}
        defaults = {item.name: item.default for item in ADAPTER.manifest.settings}
        self.transport = Transport(
            account="woo:1",
            title="WooCommerce",
            services=services,
            limits={"*": Limit(calls=1000, seconds=1)},
            secrets=[store.key, store.secret],
        )
        self.connection = Connection(
            key="1:1",
            account="woo",
            credentials=given,
            settings={**defaults, **(settings or {})},
            urls={},
            transport=self.transport,
            clock=clock,
        )
        self.platform = WooPlatform(self.connection)

    def operations(self) -> list[str]:
        """What was called since the last look, the hourly question for our plugin left out."""
        found = [item.operation for item in self.recorder.exchanges if item.operation != "plugin.health"]
        self.recorder.exchanges.clear()
        return found
