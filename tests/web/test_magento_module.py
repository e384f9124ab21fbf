"""A Magento store with our module and a real bridge, over real sockets: connected by one click, changes told, the page."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from bridge import app as bootstrap
from bridge import config
from bridge.db.tables import Connection, ModuleRow, Work
from bridge.flows.engine import Engine
from bridge.registry import Registry
from bridge.web import create_web
from platform_adapters.magento import ADAPTER
from platform_adapters.magento.sandbox import SANDBOX_KEYS
from platform_adapters.magento.storemodule import PACKAGE
from tests.support.databases import make_tables
from tests.support.magento import Store, open_store
from tests.support.serve import serve


class Bridge:
    def __init__(self, engine: Engine, url: str) -> None:
        self.engine = engine
        self.url = url

    def store(self) -> Connection:
        with self.engine.db.read(None) as session:
            return session.scalars(select(Connection)).one()

    def module(self) -> ModuleRow:
        with self.engine.db.read(None) as session:
            return session.scalars(select(ModuleRow)).one()

    def marked(self) -> set[tuple[str, str]]:
        with self.engine.db.read(None) as session:
            return {(row.kind, row.key) for row in session.scalars(select(Work))}


@contextlib.contextmanager
def open_bridge(folder: Path, database_url: str, store: Store) -> Iterator[Bridge]:
    host = urlsplit(store.url).netloc
    chosen = config.load({"data_dir": folder, "database_url": database_url, "demo": False, "private_hosts": (host,)})
    make_tables(database_url)
    engine = bootstrap.bootstrap(chosen, registry=Registry({"magento": ADAPTER}, {}), ring=lambda lanes: None)
    try:
        with serve(create_web(engine, chosen)) as url:
            yield Bridge(engine, url)
    finally:
        bootstrap.close(engine)


@pytest.fixture
def store() -> Iterator[Store]:
    with open_store(module=True) as found:
        yield found


@pytest.mark.both_databases
def test_from_the_click_to_the_page(store: Store, tmp_path: Path, database_url: str) -> None:
    with open_bridge(tmp_path, database_url, store) as bridge:
        told = store.control("module/connect", bridge=bridge.url)
        assert told["status"] == 200, told
        row = bridge.store()
        assert (row.id, row.adapter, row.state) == (told["connection"], "magento", "active")
        assert {name: row.credentials[name] for name in SANDBOX_KEYS} == SANDBOX_KEYS
        key = store.product("A", 10)
        order = store.control("checkout", lines=[{"sku": "A", "quantity": 1}])["order"]
        assert store.control("module/flush")["left"] == 0
        assert {("product.read", key), ("store_order.read", str(order))} <= bridge.marked()
        module = bridge.module()
        assert (module.version, module.health["depth"]) == (PACKAGE.version, 0)
        page = store.control("module/page", path="")
        assert (page["status"], page["genuine"], page["page"]["status"]) == (200, True, 200)
        assert "sb-magento" in page["page"]["html"]
        # Once more renews the keys, and doubles nothing.
        assert store.control("module/connect", bridge=bridge.url)["connection"] == row.id
