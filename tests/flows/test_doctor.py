"""The doctor: every finding says how it is, and what to do where something is to be done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import update

from bridge.db import crypto, work
from bridge.db.tables import Connection, Poll, Work
from bridge.flows import admin, alert_settings, polls, table
from bridge.flows.doctor import Finding, Machine, examine
from bridge.flows.engine import LANES, Engine
from platform_adapters.woocommerce.module import WooModule
from tests.support.accounts import GOOD_KEY, Outside, accounts_engine

STORE = {"url": "https://toys.example", "key": GOOD_KEY}


@pytest.fixture
def world(database_url: str) -> Iterator[tuple[Engine, Outside]]:
    engine, outside = accounts_engine(database_url)
    yield engine, outside
    engine.db.close()


@pytest.fixture
def engine(world: tuple[Engine, Outside]) -> Engine:
    return world[0]


@pytest.fixture
def outside(world: tuple[Engine, Outside]) -> Outside:
    return world[1]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path, "", "", scheduler=True, revision="7", head="7", workers=dict.fromkeys(LANES, 1))


def _connect(engine: Engine) -> tuple[int, int, int]:
    shop = admin.ensure_shop(engine, "Toys").id
    alert_settings.put(engine, shop, {"webhook": "https://hooks.shop.example/"}, "test")
    store = admin.connect(engine, shop, "platform", "woocommerce", None, STORE, {}, {})
    market = admin.connect(engine, shop, "channel", "bol", None, {"key": GOOD_KEY}, {}, {})
    with engine.db.write(shop) as session:
        session.execute(update(Poll).values(last_ok_at=engine.clock()))
    return shop, store.id, market.id


def _found(engine: Engine, machine: Machine, **more: Any) -> dict[str, Finding]:
    return {finding.name: finding for finding in examine(engine, machine, **more)}


def _bad(found: dict[str, Finding]) -> dict[str, tuple[str, str]]:
    return {name: (str(item.state), item.fix) for name, item in found.items() if item.state != "ok"}


def test_all_is_well(engine: Engine, machine: Machine) -> None:
    _connect(engine)
    found = _found(engine, machine)
    assert _bad(found) == {}
    assert found["connection 1, WooCommerce – Toys"].detail == "credentials work, answers as 'Toys'"


def test_somebody_has_to_be_told(engine: Engine, machine: Machine) -> None:
    shop, _, _ = _connect(engine)
    alert_settings.put(engine, shop, {"email": ["me@shop.example"]}, "test")
    assert set(_bad(_found(engine, machine))) == {"alerts of Toys"}, "there is no mail server"


def test_before_anything_is_connected(engine: Engine, machine: Machine) -> None:
    assert _bad(_found(engine, machine)) == {
        "connections": ("warn", "Connect a store: storebridge connect woocommerce")
    }


@pytest.mark.parametrize(
    ("change", "name", "text"),
    [
        ({"database": "connection refused"}, "database", "DATABASE_URL"),
        ({"revision": None}, "database", "storebridge migrate"),
        ({"revision": "6"}, "database", "storebridge migrate"),
        ({"redis": "REDIS_URL is not set"}, "redis", "REDIS_URL"),
        ({"scheduler": False}, "scheduler", "storebridge run"),
        ({"workers": {"stock": 1}}, "workers", "storebridge run"),
        ({"broken_adapters": [("ebay", "ImportError: no module")]}, "adapters", ""),
    ],
)
def test_the_machinery(engine: Engine, machine: Machine, change: dict[str, Any], name: str, text: str) -> None:
    findings = [item for item in examine(engine, replace(machine, **change)) if item.name == name]
    assert findings[0].state == "fail"
    assert text in findings[0].fix
    assert findings[0].fix


def test_refused_credentials(engine: Engine, machine: Machine, outside: Outside) -> None:
    shop, _, market = _connect(engine)
    with engine.db.write(shop) as session:
        session.get_one(Connection, market).credentials = {"key": "revoked"}
    found = _found(engine, machine)[f"connection {market}, bol.com – Toys at bol"]
    assert (found.state, found.detail) == ("fail", "The marketplace refuses the key.")
    assert found.fix == "Enter new credentials: storebridge connect bol --account bol"


def test_a_connection_that_is_set_aside_although_it_works(engine: Engine, machine: Machine) -> None:
    shop, _, market = _connect(engine)
    with engine.db.write(shop) as session:
        row = session.get_one(Connection, market)
        row.state, row.state_reason = "needs_reauth", "The key was refused."
    found = _found(engine, machine)[f"connection {market}, bol.com – Toys at bol"]
    assert (found.state, "set aside" in found.detail) == ("fail", True)


def test_a_right_that_is_missing_is_named_until_it_is_given(engine: Engine, machine: Machine, outside: Outside) -> None:
    outside.better = ("With the right to keep returns they are kept there.",)
    shop, store, _ = _connect(engine)
    name = f"connection {store}, WooCommerce – Toys: rights"
    assert _found(engine, machine)[name].detail == outside.better[0]
    assert _info(engine, shop, store)["better"] == list(outside.better)
    outside.better = ()
    assert name not in _found(engine, machine)
    assert polls.ask_now(engine, shop, store, "poll.check"), "and once a day by itself"
    for scope in table.scopes(engine, "sweep"):
        table.run(engine, scope, deadline=float("inf"))
    assert _info(engine, shop, store)["better"] == []


def _info(engine: Engine, shop: int, connection: int) -> dict[str, Any]:
    with engine.db.read(shop) as session:
        return dict(session.get_one(Connection, connection).info)


def test_paused_and_orphaned_connections(engine: Engine, machine: Machine) -> None:
    shop, store, market = _connect(engine)
    admin.pause(engine, shop, market)
    found = _found(replace(engine, platforms={}), machine)
    assert found[f"connection {market}, bol.com – Toys at bol"].fix == f"Go on with: storebridge resume {market}"
    assert "'woocommerce' is not installed" in found[f"connection {store}, WooCommerce – Toys"].detail


def test_a_lost_key_is_noticed(engine: Engine, machine: Machine) -> None:
    _connect(engine)
    crypto.install(crypto.KeyRing([Fernet.generate_key().decode()]))
    secrets = next(item for item in _first(engine, machine) if item.name == "secrets")
    assert secrets.state == "fail"
    assert "2 values of connections.credentials" in secrets.detail


def _first(engine: Engine, machine: Machine) -> Iterator[Finding]:
    """Up to where the connections would be read."""
    for finding in examine(engine, machine):
        yield finding
        if finding.name == "secrets":
            return


def test_webhooks_are_mended_on_request_only(engine: Engine, machine: Machine, outside: Outside) -> None:
    _, store, _ = _connect(engine)
    outside.webhooks.clear()
    _found(engine, machine)
    assert outside.webhooks == {}
    found = _found(engine, machine, mend=True)[f"connection {store}, WooCommerce – Toys: webhooks"]
    assert found.detail == "5 active, set up again: product.updated"
    assert len(outside.webhooks) == 1


@pytest.mark.both_databases
def test_questions_that_get_no_answer(engine: Engine, machine: Machine) -> None:
    shop, store, _ = _connect(engine)
    with engine.db.write(shop) as session:
        long_ago = engine.clock() - timedelta(days=9)
        session.execute(update(Poll).where(Poll.connection_id == store).values(last_ok_at=long_ago))
    bad = _bad(_found(engine, machine))
    assert set(bad) == {
        f"connection {store}, WooCommerce – Toys: webhooks",
        f"connection {store}, WooCommerce – Toys: questions",
    }


@pytest.mark.both_databases
def test_late_and_parked_work(engine: Engine, machine: Machine) -> None:
    shop, store, market = _connect(engine)
    old = engine.clock() - timedelta(hours=1)
    with engine.db.write(shop) as session:
        work.mark(session, shop, [work.Mark(store, "stock", "product.read", "1")], old)
        session.add(
            Work(connection_id=market, lane="orders", kind="x", key="y", due_at=old, first_marked_at=old, parked=True)
        )
    bad = _bad(_found(engine, machine))
    assert set(bad) == {"waiting work", "work set aside"}
    admin.pause(engine, shop)
    assert "waiting work" not in _bad(_found(engine, machine))


def test_a_store_that_cannot_reach_us(engine: Engine, machine: Machine) -> None:
    _connect(engine)
    found = _found(replace(engine, public_url="http://127.0.0.1:8000"), machine)["public address"]
    assert (found.state, "STOREBRIDGE_PUBLIC_URL" in found.fix) == ("warn", True)


def test_a_store_on_this_machine_reaches_us(engine: Engine, machine: Machine) -> None:
    shop, store, _ = _connect(engine)
    with engine.db.write(shop) as session:
        row = session.get_one(Connection, store)
        row.info = {**row.info, "url": "http://127.0.0.1:8080/shop"}
    found = _found(replace(engine, public_url="http://127.0.0.1:8000"), machine)["public address"]
    assert found.state == "ok"


def test_clocks_that_disagree(engine: Engine, machine: Machine, outside: Outside) -> None:
    _connect(engine)
    outside.clock_ahead = timedelta(minutes=10)
    bad = _bad(_found(engine, machine))
    assert set(bad) == {"connection 1, WooCommerce – Toys: clock", "connection 2, bol.com – Toys at bol: clock"}
    assert "NTP" in bad["connection 1, WooCommerce – Toys: clock"][1]


def test_an_open_door_for_stores_is_said_where_others_reach_it(engine: Engine, machine: Machine) -> None:
    _connect(engine)
    stores = dict(engine.platforms)
    stores["woocommerce"] = replace(stores["woocommerce"], module=WooModule())
    with_module = replace(engine, platforms=stores, open_door=True, public_url="http://127.0.0.1:8000")
    assert _found(with_module, machine)["door for stores"].state == "ok", "nobody else reaches 127.0.0.1"
    public = replace(with_module, public_url="https://bridge.example")
    assert "STOREBRIDGE_INSTALL_KEY" in _bad(_found(public, machine))["door for stores"][1]
    assert "door for stores" not in _bad(_found(replace(public, open_door=False), machine))
    assert "door for stores" not in _bad(_found(replace(public, platforms=engine.platforms), machine))
