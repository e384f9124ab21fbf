"""A WooCommerce sandbox with the least of a module inside, and the bridge that it is connected to."""

from __future__ import annotations

import dataclasses
import json
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from flask import Flask, Response, jsonify, request
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from bridge import app as bootstrap
from bridge import config
from bridge.db.tables import Connection
from bridge.domain import signed
from bridge.flows.engine import Engine
from bridge.ports.adapter import Adapter
from bridge.ports.errors import AskMerchant
from bridge.ports.http import Transport
from bridge.ports.package import Package
from bridge.ports.storemodule import Activation, Asked, Proof, call_back
from bridge.registry import Registry
from bridge.web import create_web
from platform_adapters.woocommerce import ADAPTER as WOO
from platform_adapters.woocommerce.sandbox import SANDBOX_KEY, SANDBOX_SECRET, create_sandbox
from tests.support.databases import make_tables

URL = "https://shop.example"


class TestModule:
    """The adapter's half, of a few lines, with a handshake as Magento's is."""

    __test__ = False

    def activated(self, form: Mapping[str, str]) -> Activation | None:
        if not form.get("consumer_key"):
            raise AskMerchant("The handshake has no key.", field="consumer_key")
        return Activation(name=form["consumer_key"], store_url=form.get("base", ""), content=dict(form))

    def prove(
        self,
        asked: Asked,
        challenge: str,
        transport: Transport,
        clock: Callable[[], datetime],
        activation: Activation | None,
    ) -> Proof:
        known = {"consumer_secret": activation.content["consumer_secret"]} if activation else {}
        return call_back(transport, f"{asked.api_url}wc-storebridge/v1/prove", asked, challenge, credentials=known)


def store_with_module() -> Adapter:
    package = Package(source=Path(__file__).parent, name="module", version="1.2.0")
    return dataclasses.replace(WOO, module=TestModule(), package=package)


@dataclass
class Shop:
    """The store: one click makes a code and a secret, the call of the bridge uses the code up. ``says`` replaces parts
    of what it answers; while it is not ``open`` it keeps callers waiting."""

    sandbox: Flask = field(default_factory=create_sandbox)
    url: str = URL
    codes: list[str] = field(default_factory=list)
    secret: str = ""
    proofs: int = 0
    says: dict[str, Any] = field(default_factory=dict)
    leaves_out: tuple[str, ...] = ()
    lock: threading.Lock = field(default_factory=threading.Lock)
    open: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.open.set()
        self.sandbox.add_url_rule("/wp-json/wc-storebridge/v1/prove", "prove", self._prove, methods=["POST"])

    def _prove(self) -> Response | tuple[Response, int]:
        sent = request.get_json()
        with self.lock:
            self.proofs += 1
        self.open.wait(30)
        with self.lock:
            if sent["code"] not in self.codes:
                return jsonify(code="forbidden", message="no such code"), 403
            self.codes.remove(sent["code"])
        keys = {"url": self.url, "consumer_key": SANDBOX_KEY, "consumer_secret": SANDBOX_SECRET}
        keys = {name: value for name, value in keys.items() if name not in self.leaves_out}
        answer = {"challenge": sent["challenge"], "store_url": self.url, "credentials": keys, "secret": self.secret}
        return jsonify({**answer, **self.says})

    def click(self) -> dict[str, Any]:
        """What the module sends."""
        code = secrets.token_hex(32)
        self.codes.append(code)
        self.secret = secrets.token_hex(32)
        api = f"{self.url}/wp-json/"
        return {
            "platform": "woocommerce", "store_url": self.url, "api_url": api, "code": code, "version": "1.2.0",
            "platform_version": "10.5.0", "user": "anna", "locale": "en_GB", "later": {"a": 1},
        }  # fmt: skip


@dataclass
class Place:
    """The bridge, and the store beside it. ``at`` is the module's address once it is connected."""

    engine: Engine
    app: Flask
    shop: Shop
    settings: config.Config
    shift: timedelta = field(default_factory=timedelta)
    at: str = ""

    @property
    def web(self) -> FlaskClient:
        return self.app.test_client()

    def ask(self, body: Any = None, address: str = "192.0.2.7") -> Any:
        given = self.shop.click() if body is None else body
        return self.web.post("/modules/connect", json=given, environ_overrides={"REMOTE_ADDR": address})

    def connect(self) -> dict[str, Any]:
        answer = self.ask()
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json
        self.at = f"/modules/{found['shop']}/{found['connection']}/"
        return found

    def headers(self, act: str, body: bytes, *, secret: str = "", age: float = 0, nonce: str = "") -> dict[str, str]:
        now = self.engine.clock() - timedelta(seconds=age)
        signature = signed.sign(secret or self.shop.secret, act, body, now, nonce or secrets.token_hex(16))
        return {signed.HEADER: str(signature), "Content-Type": "application/json"}

    def tell(self, act: str, content: Any, *, address: str = "192.0.2.7", **how: Any) -> Any:
        body = content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False).encode()
        headers = self.headers(act, body, **how)
        return self.web.post(self.at + act, data=body, headers=headers, environ_overrides={"REMOTE_ADDR": address})

    @contextmanager
    def beside(self) -> Iterator[Place]:
        """Another process of the same bridge, as good as: nothing is shared but the database and Redis."""
        engine = _engine(self.settings, self.shop, self.engine.clock, no_bell)
        try:
            yield Place(engine, create_web(engine, self.settings), self.shop, self.settings, self.shift, self.at)
        finally:
            bootstrap.close(engine)

    def row(self) -> Connection:
        with self.engine.db.read(None) as session:
            return session.scalars(select(Connection)).one()

    def rows(self, table: Any, *order: Any) -> list[Any]:
        with self.engine.db.read(None) as session:
            return list(session.scalars(select(table).order_by(*order)))

    def count(self, table: Any) -> int:
        with self.engine.db.read(None) as session:
            return session.scalar(select(func.count()).select_from(table)) or 0


def no_bell(lanes: Iterable[str]) -> None:
    """Nobody hears it."""


def _engine(
    settings: config.Config, shop: Shop, clock: Callable[[], datetime], ring: Callable[[Iterable[str]], None] | None
) -> Engine:
    return bootstrap.bootstrap(
        settings,
        registry=Registry({"woocommerce": store_with_module()}, {}),
        ring=ring,
        wire=httpx.WSGITransport(DispatcherMiddleware(shop.sandbox, {"/other": shop.sandbox})),
        clock=clock,
    )


@contextmanager
def open_place(folder: Path, database_url: str, ring: Any = no_bell, **settings: Any) -> Iterator[Place]:
    """``ring`` None: the doorbell as it is set up."""
    shop = Shop()
    found: list[Place] = []
    clock = lambda: datetime.now(UTC) + (found[0].shift if found else timedelta())  # noqa: E731
    chosen = config.load({"data_dir": folder, "database_url": database_url, "demo": False, **settings})
    make_tables(database_url)
    engine = _engine(chosen, shop, clock, ring)
    found.append(Place(engine, create_web(engine, chosen), shop, chosen))
    try:
        yield found[0]
    finally:
        bootstrap.close(engine)
