"""The plugin's own PHP against a real bridge: each side's signatures, bodies and answers are what the other reads.

The store is the sandbox with the plugin before it: what is asked of ``wc-storebridge`` and of the admin goes to PHP.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from bridge import app, config
from bridge.db.tables import Connection, Delivery, ModuleRow
from bridge.flows import admin, trying
from bridge.flows.engine import Engine
from bridge.web import create_web
from platform_adapters.woocommerce import ADAPTER
from platform_adapters.woocommerce.sandbox import SANDBOX_KEY, create_sandbox
from tests.support.databases import make_tables
from tests.support.needs import needs
from tests.support.procs import Procs, accepts, free_port, wait_until
from tests.support.serve import serve

PHP = Path(__file__).parents[1] / "php" / "woocommerce" / "serve.php"
INSIDE = ("/wp-json/wc-storebridge/", "/php/", "/wp-admin/")


class Before:
    """WSGI: what the plugin serves, served by PHP; the rest of the store is the sandbox."""

    def __init__(self, sandbox: Any, port: int) -> None:
        self.sandbox, self.base = sandbox, f"http://127.0.0.1:{port}"
        self.http = httpx.Client(timeout=60, trust_env=False)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        path, query = environ["PATH_INFO"], environ["QUERY_STRING"]
        if not path.startswith(INSIDE):
            return self.sandbox(environ, start_response)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        headers = {"Content-Type": environ.get("CONTENT_TYPE", "")}
        answer = self.http.request(
            environ["REQUEST_METHOD"], f"{self.base}{path}?{query}", content=body, headers=headers
        )
        kept = [(name, value) for name, value in answer.headers.items() if name in ("content-type", "location")]
        start_response(f"{answer.status_code} {answer.reason_phrase}", kept)
        return [answer.content]


@dataclass
class World:
    engine: Engine
    shop: str
    bridge: str

    def act(self, name: str, body: Any = None) -> dict[str, Any]:
        answer = httpx.post(f"{self.shop}/php/{name}", json=body or {}, timeout=60, trust_env=False)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def page(self, path: str, form: dict[str, str] | None = None) -> httpx.Response:
        address = f"{self.shop}/wp-admin/admin.php?page=storebridge&path={path}"
        how = {"timeout": 60.0, "trust_env": False}
        return httpx.post(address, data=form, **how) if form else httpx.get(address, **how)  # type: ignore[arg-type]

    def store(self) -> Connection:
        with self.engine.db.read(None) as session:
            return session.scalars(select(Connection)).one()

    def module(self) -> ModuleRow:
        with self.engine.db.read(None) as session:
            return session.get_one(ModuleRow, self.store().id)

    def told(self) -> list[tuple[str, str]]:
        with self.engine.db.read(None) as session:
            rows = session.scalars(select(Delivery).order_by(Delivery.id)).all()
        return [(row.topic, row.external_id) for row in rows]


@pytest.fixture
def world(tmp_path: Path, procs: Procs) -> Iterator[World]:
    php = shutil.which("php") or needs("php", "apt-get install php-cli php-sqlite3 php-mbstring")
    inner, outer = free_port(), free_port()
    shop = f"http://127.0.0.1:{outer}"
    env = {"STANDIN_DB": str(tmp_path / "wp.db"), "STANDIN_HOME": shop, "PHP_CLI_SERVER_WORKERS": "3"}
    env["STANDIN_HASH"] = SANDBOX_KEY.removeprefix("ck_")
    procs.start([php, "-S", f"127.0.0.1:{inner}", str(PHP)], env=env)
    wait_until(lambda: accepts(inner), 60, "PHP listens")
    port = free_port()
    given = {
        "data_dir": tmp_path, "database_url": f"sqlite:///{tmp_path / 'bridge.db'}", "redis_url": "", "demo": False,
        "port": port, "public_url": f"http://127.0.0.1:{port}", "private_hosts": (f"127.0.0.1:{outer}",),
    }  # fmt: skip
    settings = config.load(given)
    make_tables(settings.effective_database_url)
    engine = app.bootstrap(settings, ring=lambda _lanes: None)
    try:
        with serve(Before(create_sandbox(), inner), outer), serve(create_web(engine, settings), port) as bridge:
            yield World(engine, shop, bridge)
    finally:
        app.close(engine)


def shown_trial(world: World) -> trying.Seen:
    with world.engine.db.read(world.store().shop_id) as session:
        return trying.shown(world.engine, session, world.store())


def test_what_keeps_a_test_event_away_is_told(world: World) -> None:
    world.act("connect", {"bridge": world.bridge})
    with world.engine.db.write(None) as session:
        session.get_one(ModuleRow, world.store().id).secrets = ["0" * 64]
    trying.send(world.engine, world.store(), "anna")
    seen = shown_trial(world)
    assert seen.state == "refused"
    assert seen.trial is not None
    assert "could not send it and says: " in seen.trial.trouble
    assert world.told() == []


def test_the_plugin_and_the_bridge_understand_each_other(world: World) -> None:
    told = world.act("connect", {"bridge": world.bridge})
    assert told["status"] == 200, told
    assert (world.store().state, told["connection"]) == ("active", world.store().id)

    rows = [
        ["product", "11", "product.updated"],
        ["order", "12", "order.updated"],
        ["product", "11", "product.updated"],
    ]
    sent = world.act("changes", rows)
    assert (sent["taken"], sent["outbox"]["depth"], sent["retry"]) == (3, 0, False)
    assert sent["latest"] == ADAPTER.package.version
    assert world.told() == [("order.updated", "12"), ("product.updated", "11")]
    row = world.module()
    assert (row.version, row.health["depth"], row.health["platform_version"]) == (ADAPTER.package.version, 0, "11.0.1")

    trying.send(world.engine, world.store(), "anna")
    seen = shown_trial(world)
    assert (seen.state, seen.trial and seen.trial.by, seen.seconds < 30) == ("arrived", "anna", True)

    page = world.page("")
    assert page.status_code == 200
    assert re.search(r'<div class="wrap"><div class="sb sb-wordpress"', page.text)
    assert 'name="_wpnonce" value="nonce-of-storebridge_page"' in page.text
    assert world.page("orders%2F999").text.count("notice-error") == 0
    pause = {"_wpnonce": "nonce-of-storebridge_page", "do": "pause", "connection": str(world.store().id)}
    assert world.page("", {**pause, "_wpnonce": "stolen"}).status_code == 403
    assert world.store().state == "active"
    done = world.page("", pause)
    assert (done.status_code, done.headers["location"]) == (
        302,
        f"{world.shop}/wp-admin/admin.php?page=storebridge&done=pause",
    )
    assert world.store().state == "paused"

    assert world.act("forget") == {"connected": False}
    assert world.store().state == "disconnected"


def test_what_the_bridge_let_go_of_is_gone_in_the_store(world: World) -> None:
    world.act("connect", {"bridge": world.bridge})
    admin.disconnect(world.engine, world.store().shop_id, world.store().id, zero_listings=False)
    assert world.act("beat") == {"connected": False, "gone": "yes"}
    assert world.act("connect", {"bridge": world.bridge})["status"] == 200
    assert world.act("beat") == {"connected": True, "gone": ""}
    assert world.store().state == "active"
