"""A test event of a store, asked for on its account's page or under Diagnostics: sandbox stores with and without our module inside, and a
bridge on real sockets, seen by a browser without a script."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from bridge import app as bootstrap
from bridge import config
from bridge.db.tables import Connection, Delivery, Journal, ModuleRow, Work
from bridge.flows import admin, replay, trying
from bridge.flows.engine import Engine
from bridge.ports.errors import AskMerchant
from bridge.registry import Registry
from bridge.web import create_web
from platform_adapters.magento import ADAPTER as MAGENTO
from platform_adapters.magento.sandbox import SANDBOX_KEYS
from platform_adapters.woocommerce import ADAPTER as WOO
from platform_adapters.woocommerce.sandbox import SANDBOX_KEY, SANDBOX_SECRET
from tests.support import magento, woocommerce
from tests.support.databases import make_tables
from tests.support.procs import free_port, wait_until
from tests.support.serve import serve
from tests.web.test_setting_up import Visitor

PLATFORMS = {"woocommerce": (WOO, woocommerce.open_store), "magento": (MAGENTO, magento.open_store)}
KEYS = {
    "woocommerce": {"consumer_key": SANDBOX_KEY, "consumer_secret": SANDBOX_SECRET},
    "magento": dict(SANDBOX_KEYS),
}
ASK, DIAGNOSTICS = "Send a test event", "settings/diagnostics"


@dataclass
class Place:
    """A store, and the bridge beside it."""

    engine: Engine
    url: str
    platform: str
    store: Any
    ahead: timedelta = timedelta()

    def by_module(self) -> Place:
        told = self.store.control("module/connect", bridge=self.url)
        assert told["status"] == 200, told
        return self

    def by_keys(self) -> Place:
        shop = admin.ensure_shop(self.engine, "By hand")
        keys = {"url": f"{self.store.url}/", **KEYS[self.platform]}
        admin.connect(self.engine, shop.id, "platform", self.platform, "the-shop", keys, {}, {})
        return self

    def rows(self, table: Any) -> list[Any]:
        with self.engine.db.read(None) as session:
            return list(session.scalars(select(table)))

    @property
    def row(self) -> Connection:
        [found] = self.rows(Connection)
        assert isinstance(found, Connection)
        return found

    def seen(self) -> trying.Seen:
        with self.engine.db.read(self.row.shop_id) as session:
            return trying.shown(self.engine, session, session.get_one(Connection, self.row.id))

    def visit(self, where: str = "") -> Visitor:
        visitor = Visitor(self.url)
        visitor.go(where or self.page)
        return visitor

    @property
    def page(self) -> str:
        return f"accounts/{self.row.id}"


@contextmanager
def open_place(folder: Path, database_url: str, platform: str, *, module: bool) -> Iterator[Place]:
    adapter, open_store = PLATFORMS[platform]
    found: list[Place] = []
    with ExitStack() as exits:
        store = exits.enter_context(open_store(module=module))
        host = urlsplit(store.url).netloc
        port = free_port()
        given: dict[str, Any] = {"data_dir": folder, "database_url": database_url, "demo": False, "port": port}
        given |= {"public_url": f"http://127.0.0.1:{port}", "private_hosts": (host,)}
        chosen = config.load(given)
        make_tables(database_url)
        engine = bootstrap.bootstrap(
            chosen,
            registry=Registry({platform: adapter}, {}),
            ring=lambda lanes: None,
            clock=lambda: datetime.now(UTC) + (found[0].ahead if found else timedelta()),
        )
        exits.callback(bootstrap.close, engine)
        url = exits.enter_context(serve(create_web(engine, chosen), port))
        found.append(Place(engine, url, platform, store))
        yield found[0]


@pytest.fixture(params=PLATFORMS)
def place(request: pytest.FixtureRequest, tmp_path: Path, database_url: str) -> Iterator[Place]:
    with open_place(tmp_path, database_url, request.param, module=True) as found:
        yield found.by_module()


@pytest.fixture(params=PLATFORMS)
def bare(request: pytest.FixtureRequest, tmp_path: Path, database_url: str) -> Iterator[Place]:
    with open_place(tmp_path, database_url, request.param, module=False) as found:
        yield found.by_keys()


@pytest.mark.both_databases
class TestWithTheModule:
    @pytest.mark.parametrize("where", ["", DIAGNOSTICS])
    def test_it_arrives_and_changes_nothing(self, place: Place, where: str) -> None:
        marked = {(row.kind, row.key) for row in place.rows(Work)}
        visitor = place.visit(where)
        assert "No event of this store has arrived yet." in visitor.text
        visitor.send("send_test")
        wait_until(lambda: place.seen().state == "arrived", 30, "the test event arrives")
        for _ in range(2):
            shown = visitor.go(where or place.page)
            assert "It arrived." in shown
            assert "signed as it should be, by the module in the store" in shown
        seen = place.seen()
        assert seen.trial is not None
        [delivery] = [row for row in place.rows(Delivery) if row.topic == trying.TOPIC]
        assert delivery.external_id == seen.trial.external_id
        assert seen.seconds == (delivery.received_at - seen.trial.at).total_seconds() < 30
        assert not {(row.kind, row.key) for row in place.rows(Work)} - marked
        [line] = [row for row in place.rows(Journal) if "a test event was asked for" in row.text]
        assert (line.author, line.detail) == (seen.trial.by, {"marker": seen.trial.external_id})
        assert line.author
        with pytest.raises(AskMerchant, match="nothing follows from it"):
            replay.replay(place.engine, place.row.shop_id, str(delivery.id))

    def test_each_is_one_of_its_own(self, place: Place) -> None:
        for count in (1, 2):
            trying.send(place.engine, place.row, "anna")
            wait_until(lambda: place.seen().state == "arrived", 30, "the test event arrives")
            assert sum(row.topic == trying.TOPIC for row in place.rows(Delivery)) == count

    def test_one_that_does_not_arrive_is_waited_for_a_minute(self, place: Place) -> None:
        with place.engine.db.write(None) as session:
            session.scalars(select(ModuleRow)).one().secrets = ["0" * 64]
        visitor = place.visit()
        assert "It is on its way." in visitor.send("send_test")
        place.ahead = trying.PATIENCE + timedelta(seconds=1)
        assert "Nothing was heard of it for a minute." in visitor.go(f"accounts/{place.row.id}")
        place.ahead = trying.SHOWN + timedelta(hours=1)
        assert "has not arrived" not in visitor.go(f"accounts/{place.row.id}")
        assert place.rows(Delivery) == []

    def test_a_store_that_cannot_be_asked_says_why(self, place: Place) -> None:
        visitor = place.visit()
        with place.engine.db.write(None) as session:
            row = session.scalars(select(Connection)).one()
            broken = {name: "ck_0" if name == "consumer_key" else "cs_0" for name in KEYS[place.platform]}
            row.credentials = {**(row.credentials or {}), **broken}
        assert "The test event has not arrived." in visitor.send("send_test")
        seen = place.seen()
        assert (seen.state, bool(seen.trial and seen.trial.trouble)) == ("refused", True)

    def test_a_store_that_is_asked_too_often_was_not_asked_and_nothing_goes_on(self, place: Place) -> None:
        visitor = place.visit()
        place.store.control("faults", kind="throttle", times=None, params={"retry_after": 60})
        page = visitor.send("send_test")
        assert "This was not done: try again" in page
        assert "by itself" not in page

    def test_a_module_that_is_connected_to_nobody_says_so(self, place: Place) -> None:
        visitor = place.visit()
        secrets = place.rows(ModuleRow)[0].secrets
        with place.engine.db.write(None) as session:
            session.scalars(select(Connection)).one().state = "disconnected"
        place.store.control("module/flush")
        with place.engine.db.write(None) as session:
            session.scalars(select(Connection)).one().state = "active"
        assert place.rows(ModuleRow)[0].secrets == secrets
        assert "is not connected." in visitor.send("send_test")


@pytest.mark.both_databases
def test_without_the_module_the_reason_stands_there(bare: Place) -> None:
    adapter, _ = PLATFORMS[bare.platform]
    [reason] = adapter.manifest.cannot_alone.values()
    for where in (bare.page, DIAGNOSTICS):
        visitor = bare.visit(where)
        assert visitor.text.count(reason) == 1
        assert ASK not in visitor.text
    with pytest.raises(AskMerchant) as refused:
        trying.send(bare.engine, bare.row, "anna")
    assert refused.value.merchant == reason
    with pytest.raises(AskMerchant) as asked:
        bare.engine.platform(bare.row).send_test_event("abc1")
    assert asked.value.merchant == reason
