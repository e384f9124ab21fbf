"""A merchant without the page: connecting, looking, asking the doctor and letting go, against real sandboxes."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from click.testing import Result

from bridge.flows import resting
from bridge.flows.admin import sandbox_place
from channel_adapters.bol import ADAPTER as BOL
from platform_adapters.woocommerce import ADAPTER as WOOCOMMERCE
from tests.support.command import storebridge


class Merchant:
    """Somebody at a terminal, with a store and a marketplace."""

    def __init__(self, folder: Path, store: str, market: str) -> None:
        self.store, self.market = store, market
        hosts = ",".join(url.removeprefix("http://") for url in (store, market))
        self.environment = {"STOREBRIDGE_DATA_DIR": str(folder / "data"), "STOREBRIDGE_PRIVATE_HOSTS": hosts}
        self.secret = folder / "secret.txt"
        self.secret.write_text(WOOCOMMERCE.sandbox_credentials["consumer_secret"] + "\n")

    def run(self, *arguments: str, **options: str) -> Result:
        return storebridge(self.environment, *arguments, **options)

    def connect_store(self, *more: str) -> Result:
        key = WOOCOMMERCE.sandbox_credentials["consumer_key"]
        credentials = ("-c", f"url={self.store}", "-c", f"consumer_key={key}", "-c", f"consumer_secret=@{self.secret}")
        return self.run("connect", "woocommerce", *credentials, *more)

    def connect_market(self, *more: str) -> Result:
        credentials, urls = sandbox_place(BOL, self.market)
        options = [part for pair in credentials.items() for part in ("-c", "=".join(pair))]
        options += [part for pair in urls.items() for part in ("-u", "=".join(pair))]
        return self.run("connect", "bol", *options, *more)


@pytest.fixture
def merchant(tmp_path: Path, serve: Callable[..., str]) -> Merchant:
    found = Merchant(tmp_path, serve(WOOCOMMERCE.sandbox()), serve(BOL.sandbox()))
    assert found.run("migrate").exit_code == 0
    return found


def _said(result: Result, code: int = 0) -> str:
    assert result.exit_code == code, result.output
    return result.output


def test_connect_says_what_it_found(merchant: Merchant) -> None:
    said = _said(merchant.connect_store())
    assert "Connected: WooCommerce – Sandbox Store (connection " in said
    assert "EUR" in said
    assert "8 active" in said
    found = json.loads(_said(merchant.connect_market("-s", "buffer=2", "--json")))
    assert (found["account"], found["created"], found["shop"]) == ("bol", True, "My shop")
    assert "Renewed: " in _said(merchant.connect_market("-s", "buffer=3"))


def test_a_marketplace_can_be_connected_held(merchant: Merchant) -> None:
    """As on the page: nothing is sent before it goes live."""
    _said(merchant.connect_store())
    assert "Until then nothing is sent" in _said(merchant.connect_market("--hold"))
    with closing(sqlite3.connect(Path(merchant.environment["STOREBRIDGE_DATA_DIR"]) / "storebridge.db")) as base:
        held = {row[0] for row in base.execute("SELECT flow FROM holds WHERE reason = 'not live yet'")}
    assert held == set(resting.FLOWS)


def test_refused_credentials_save_nothing(merchant: Merchant) -> None:
    merchant.secret.write_text("cs_wrong")
    said = _said(merchant.connect_store(), 1)
    assert "cs_wrong" not in said
    assert "no shop yet" not in said
    assert "names no single connection; there are: none" in _said(merchant.run("pause", "woocommerce"), 2)


def test_a_private_host_that_nobody_allowed_is_refused(merchant: Merchant) -> None:
    merchant.environment["STOREBRIDGE_PRIVATE_HOSTS"] = ""
    assert "STOREBRIDGE_PRIVATE_HOSTS" in _said(merchant.connect_store(), 2)


def test_the_doctor_knows_every_connection(merchant: Merchant) -> None:
    merchant.connect_store()
    merchant.connect_market()
    checks = {item["name"]: item for item in json.loads(merchant.run("doctor", "--json").stdout)["checks"]}
    assert checks["database"]["state"] == "ok"
    assert checks["scheduler"]["state"] == "fail"
    assert checks["secrets"]["state"] == "ok"
    names = [name for name in checks if name.startswith("connection")]
    assert any("bol.com" in name for name in names)
    store = next(name for name in names if name.endswith("WooCommerce – Sandbox Store"))
    assert checks[store]["state"] == "ok"
    mended = json.loads(merchant.run("doctor", "--mend", "--json").stdout)["checks"]
    assert next(item for item in mended if item["name"] == f"{store}: webhooks")["detail"] == "8 active"


def test_looking_before_anything_happened(merchant: Merchant) -> None:
    merchant.connect_store()
    merchant.connect_market()
    assert "No orders yet." in _said(merchant.run("orders"))
    assert "Nothing needs your attention." in _said(merchant.run("problems"))
    assert json.loads(_said(merchant.run("orders", "--json"))) == []
    assert merchant.run("explain", "NOTHING").exit_code in (0, 2)


def test_replay_imports_an_order_by_hand(merchant: Merchant) -> None:
    merchant.connect_store()
    merchant.connect_market()
    said = _said(merchant.run("replay", "C0017WDRQP", "--channel", "bol"))
    assert "order C0017WDRQP is looked up on bol.com" in said
    assert "no order 'X-1' here" in _said(merchant.run("replay", "X-1"), 2)


def test_pause_resume_and_new_secret(merchant: Merchant) -> None:
    merchant.connect_store()
    assert "Paused: WooCommerce" in _said(merchant.run("pause", "woocommerce"))
    assert "Resumed: WooCommerce" in _said(merchant.run("resume", "woocommerce"))
    assert "not paused but active" in _said(merchant.run("resume", "woocommerce"), 2)
    assert "New secret: 8 webhooks" in _said(merchant.run("new-webhook-secret", "woocommerce"))
    assert "Paused: My shop" in _said(merchant.run("pause"))


def test_disconnect_asks_and_removes_webhooks(merchant: Merchant) -> None:
    merchant.connect_store()
    assert merchant.run("disconnect", "woocommerce", input="n\n").exit_code == 1
    assert "webhooks removed   8" in _said(merchant.run("disconnect", "woocommerce", input="y\n"))
    with httpx.Client(base_url=merchant.store) as client:
        client.post("/_sandbox/webhooks/flush")
    assert "disconnected already" in _said(merchant.run("disconnect", "woocommerce", "-y"), 2)
