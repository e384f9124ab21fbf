"""The rehearsal as a merchant runs it: a process of its own, real HTTP, everything tidied up whatever happens."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from bridge import app
from bridge.db.tables import Connection
from bridge.ports.errors import AskMerchant, RetryLater, SlowDown, UnknownOutcome
from bridge.ports.http.context import hurry
from bridge.rehearsal import tidy as tidying
from bridge.rehearsal.run import credentials_for, named_credentials, steps
from bridge.rehearsal.tidy import insist, tidy
from bridge.rehearsal.world import Plan, World, hands_of, open_world
from platform_adapters.woocommerce.client import WooClient
from platform_adapters.woocommerce.sandbox import create_sandbox
from tests.support.compiled import leftovers
from tests.support.demo import Demo
from tests.support.procs import Process, Procs, wait_until
from tests.support.woocommerce import Store

COMMAND = [sys.executable, "-m", "bridge.cli", "rehearse"]
pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Rehearsals put their worlds into a folder of the test's; the settings of this machine do not count."""
    folder = tmp_path / "worlds"
    folder.mkdir()
    return {"TMPDIR": str(folder), "REDIS_URL": "redis://127.0.0.1:1/0", "DATABASE_URL": "postgresql://127.0.0.1:1/x"}


@pytest.fixture
def store(serve: Callable[..., str]) -> Store:
    """A store with goods and an order of its own, which are none of the rehearsal's business."""
    found = Store(serve(create_sandbox()))
    found.control("seed", products=6, variable=1)
    found.control("checkout", lines=[{"sku": next(iter(_stock(found))), "quantity": 1}])
    return found


def _stock(store: Store) -> dict[str, int]:
    stock: dict[str, int] = store.look("stock")
    return stock


def _everything(store: Store) -> dict[str, Any]:
    """What the store holds: a rehearsal must leave it as it was."""
    orders = [(order["id"], order["status"]) for order in store.look("orders")]
    return {"stock": _stock(store), "orders": orders, "webhooks": store.get("webhooks")}


def _against(store: Store, *more: str) -> list[str]:
    return [*COMMAND, "--store", store.url, "--key", store.key, "--secret", store.secret, *more]


def _run(command: list[str], environment: Mapping[str, str], store: Store | None = None) -> Any:
    """The finished process and its world folder, which must be empty."""
    allowed = {"STOREBRIDGE_PRIVATE_HOSTS": store.url.removeprefix("http://")} if store else {}
    env = {**os.environ, **environment, **allowed}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=280, env=env, stdin=subprocess.DEVNULL
    )
    assert leftovers(Path(environment["TMPDIR"])) == []
    assert "Traceback" not in done.stderr
    return done


@pytest.mark.parametrize(
    ("channel", "module"), [("allegro", False), ("miinto", False), ("zalando", True), ("ebay", False)]
)
def test_all_steps_against_the_sandboxes(environment: dict[str, str], channel: str, module: bool) -> None:
    """One marketplace of each kind. With bol in each store: below, and in test_rehearsal_stores.py."""
    how = "--module" if module else "--no-module"
    done = _run([*COMMAND, "--platform", "woocommerce", "--channel", channel, how, "--json"], environment)
    report = json.loads(done.stdout)
    assert [step for step in report["steps"] if not step["ok"]] == []
    assert (report["ok"], done.returncode) == (True, 0)
    assert [step["name"] for step in report["steps"]] == [step.name for step in steps(Plan("", "", module=module))]
    assert all(set(step) == {"name", "ok", "seconds", "detail"} for step in report["steps"])


def test_a_real_stores_credentials_go_by_their_names() -> None:
    named = {"consumer_key": "a", "access_token": "b"}
    assert named_credentials("magento", "https://shop.example", named) == {"url": "https://shop.example", **named}
    with pytest.raises(AskMerchant, match="Magento has no credential 'key'") as caught:
        named_credentials("magento", "https://shop.example", {"key": "a"})
    assert caught.value.field == "key"
    with pytest.raises(AskMerchant, match="-c"):
        credentials_for("magento", "https://shop.example", "a", "b")


def test_a_real_store_is_left_as_it_was(environment: dict[str, str], store: Store) -> None:
    before = _everything(store)
    done = _run(_against(store, "--yes", "--json"), environment, store)
    report = json.loads(done.stdout)
    assert [step for step in report["steps"] if not step["ok"]] == []
    assert (report["ok"], done.returncode) == (True, 0)
    assert [step["name"] for step in report["steps"]] == [step.name for step in steps(Plan("", ""))]
    assert "This rehearsal will, in the store you named" in done.stderr
    assert "Removed from the store: " in done.stderr
    assert _everything(store) == before
    assert store.secret not in done.stdout + done.stderr


def test_nothing_is_touched_before_the_merchant_agrees(environment: dict[str, str], store: Store) -> None:
    before = store.look("requests")
    done = _run(_against(store), environment, store)
    assert done.returncode == 1
    assert "Go on?" in done.stderr
    assert store.look("requests") == before


def test_a_step_that_fails_says_what_it_saw_and_the_rest_is_not_pretended(
    environment: dict[str, str], store: Store
) -> None:
    before = _everything(store)
    store.fault("slow", "products.list", times=None, seconds=1.5)  # so nobody has read it after a second
    done = _run(_against(store, "--yes", "--patience", "1"), environment, store)
    assert done.returncode == 1
    lines = {line.split("  ")[0]: line for line in done.stdout.splitlines()}
    assert "not within 1 s" in lines["FAIL product listed"]
    assert "not tried: it needs 'product listed'" in lines["FAIL stock change carried"]
    assert _everything(store) == before


def _orders(store: Store) -> int:
    return len(store.look("orders"))


def _products(store: Store) -> int:
    return len(_stock(store))


def _started(procs: Procs, environment: Mapping[str, str], store: Store) -> Process:
    allowed = {"STOREBRIDGE_PRIVATE_HOSTS": store.url.removeprefix("http://")}
    return procs.start(_against(store, "--yes"), env={**environment, **allowed})


def _until_under_way(store: Store, process: Process) -> None:
    """Until the request that the only fault is for has arrived at the store."""
    wait_until(lambda: not store.look("faults"), 100, lambda: process.output)


def _ended_tidily(process: Process, procs: Procs, environment: Mapping[str, str]) -> None:
    assert process.wait(100) == 1
    assert "Not removed" not in process.output
    assert "Traceback" not in process.output
    assert leftovers(Path(environment["TMPDIR"])) == []
    procs.assert_no_leftovers()


@pytest.mark.parametrize(
    ("how", "there"), [(signal.SIGINT, _orders), (signal.SIGTERM, _products)], ids=["an order is there", "a product is"]
)
def test_interrupted_in_the_middle_it_still_tidies_up(
    environment: dict[str, str], store: Store, procs: Procs, how: signal.Signals, there: Callable[[Store], int]
) -> None:
    before, count = _everything(store), there(store)
    process = _started(procs, environment, store)
    wait_until(lambda: there(store) > count, 100, lambda: process.output)
    process.send(how)
    _ended_tidily(process, procs, environment)
    assert _everything(store) == before


@pytest.mark.parametrize(
    ("how", "request_"), [(signal.SIGTERM, "products.create"), (signal.SIGINT, "orders.create")], ids=str
)
def test_what_the_store_was_making_when_the_signal_came_is_removed_too(
    environment: dict[str, str], store: Store, procs: Procs, how: signal.Signals, request_: str
) -> None:
    before = _everything(store)
    store.fault("slow", request_, seconds=3)
    process = _started(procs, environment, store)
    _until_under_way(store, process)
    process.send(how)
    _ended_tidily(process, procs, environment)
    made = [entry["status"] for entry in store.look("requests") if entry["op"] == request_]
    assert made == [201]
    assert _everything(store) == before


def test_signals_while_tidying_up_change_nothing(environment: dict[str, str], store: Store, procs: Procs) -> None:
    before, count = _everything(store), _products(store)
    store.fault("slow", "products.delete", seconds=2)
    process = _started(procs, environment, store)
    wait_until(lambda: _products(store) > count, 100, lambda: process.output)
    process.send(signal.SIGTERM)
    _until_under_way(store, process)
    for how in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.killpg(process.pid, how)
    _ended_tidily(process, procs, environment)
    assert process.output.count("Stopping.") == 1
    assert _everything(store) == before


@pytest.fixture
def world(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world in this process that is connected to the store."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("STOREBRIDGE_PRIVATE_HOSTS", store.url.removeprefix("http://"))
    credentials = {"url": store.url, "consumer_key": store.key, "consumer_secret": store.secret}
    with open_world(Plan("woocommerce", "bol", credentials)) as found:
        found.connect_store()
        yield found


def _make(world: World) -> str:
    return world.store.create_product("REHEARSAL-1", "4006381333931", "Rehearsal", "19.95", 5)


def test_tidying_up_may_wait_when_the_engine_may_not_any_more(store: Store, world: World) -> None:
    _make(world)
    world.stop()
    store.fault("throttle", "products.get", retry_after=1, times=2)
    with pytest.raises(SlowDown, match="being stopped"):
        world.store.stock_of("REHEARSAL-1")
    hands = hands_of(app.afterwards(world.engine), world.row(world.store_id))
    assert hands.traces(["REHEARSAL-1"], [])
    hands.set_stock("REHEARSAL-1", 4)
    assert store.stock("REHEARSAL-1") == 4


def test_what_arrives_after_its_answer_was_lost_is_removed_too(store: Store, world: World) -> None:
    count = _products(store)
    store.fault("slow", "products.create", seconds=2)
    world.engine.create_patience = timedelta(seconds=12)
    with hurry(0.5), pytest.raises(UnknownOutcome):
        _make(world)
    world.stop()
    assert _products(store) == count
    said = tidy(world, "REHEARSAL-1")
    assert [line.partition(" (")[0] for line in said if "webhooks" not in line] == [
        "Removed from the store: product REHEARSAL-1"
    ]
    assert (_products(store), store.get("webhooks")) == (count, [])


def test_what_cannot_be_removed_is_named_and_holds_up_nothing_else(
    store: Store, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    count, product = _products(store), int(_make(world))
    world.stop()
    meta = [{"key": "_storebridge_order", "value": "bol:1"}]
    order = store.order((product, 1), meta_data=meta)
    store.fault("error", "orders.delete", times=None, status=500)
    monkeypatch.setattr(tidying, "INSIST", 3)
    said = tidy(world, "REHEARSAL-1")
    assert said[0] == f"Removed from the store: product REHEARSAL-1 ({product})"
    assert said[1].startswith(f"Not removed from the store, please do it there: order {order['id']} (")
    assert said[2] == "Removed from the store: 8 webhooks"
    assert (_products(store), store.get("webhooks")) == (count, [])


def test_nothing_else_is_removed_where_the_store_knows_no_filters(
    store: Store, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders, products = WooClient.orders, WooClient.products
    monkeypatch.setattr(WooClient, "orders", lambda client, **filters: orders(client, status=filters["status"]))
    monkeypatch.setattr(WooClient, "products", lambda client, **_: products(client, status="any"))
    other = store.product("MUG")
    store.order((other, 1), meta_data=[{"key": "_storebridge_order", "value": "bol:1"}])
    kept, count = _everything(store)["orders"], _products(store)
    product = int(_make(world))
    store.order((product, 1), meta_data=[{"key": "_storebridge_order", "value": "bol-x:2"}])
    world.stop()
    said = tidy(world, "REHEARSAL-1")
    assert [line.split()[4] for line in said[:2]] == ["order", "product"], said
    assert (_everything(store)["orders"], _products(store)) == (kept, count)


def test_its_article_goes_on_sandboxes_only(database_url: str) -> None:
    demo = Demo(database_url)
    for sku in ("A", "REHEARSAL-ABC234"):
        demo.store.add(sku, 3)
    demo.settle(120, step=60)
    real = {offer.sku for offer in demo.market.offers.values()}
    with demo.db.write(1) as session:
        session.execute(update(Connection).where(Connection.role == "channel").values(sandbox=True))
    demo.store.add("REHEARSAL-XYZ567", 3)
    demo.settle(600, step=60)
    played = {offer.sku for offer in demo.market.offers.values()}
    demo.close()
    assert (real, "REHEARSAL-XYZ567" in played) == ({"A"}, True)


def test_a_store_that_cannot_be_asked_any_more_leaves_names(
    store: Store, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.stop()
    store.fault("error", "*", times=None, status=403)
    said = tidy(world, "REHEARSAL-1")
    assert len(said) == 2
    assert said[0].startswith("Not removed from the store, please do it there: product REHEARSAL-1 (")
    assert said[1].startswith("Not removed from the store, please do it there: webhooks to http://127.0.0.1:")


@pytest.mark.parametrize("error", [RetryLater("The store does not answer."), UnknownOutcome("Nobody knows.")])
def test_a_store_in_trouble_is_asked_again_while_tidying_up(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tidying, "AGAIN", 0.01)
    answers: list[Any] = [error, error, "done"]

    def act() -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    assert insist(act, time.monotonic() + 60) == "done"
    answers[:] = [error]
    with pytest.raises(type(error)):
        insist(act, time.monotonic() - 1)


def test_refused_credentials_are_one_clear_step(environment: dict[str, str], store: Store) -> None:
    store.secret = "cs_wrong"
    done = _run(_against(store, "--yes", "--json"), environment, store)
    [first] = json.loads(done.stdout)["steps"]
    assert (done.returncode, first["ok"]) == (1, False)
    assert "Make a new key in WooCommerce" in first["detail"]


def test_a_private_host_must_be_allowed_by_name(environment: dict[str, str], store: Store) -> None:
    env = {**os.environ, **environment}
    command = _against(store, "--yes", "--json")
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100, env=env)
    assert done.returncode == 1
    assert "STOREBRIDGE_PRIVATE_HOSTS" in json.loads(done.stdout)["steps"][0]["detail"]


def test_an_own_database_must_be_empty(environment: dict[str, str], tmp_path: Path) -> None:
    from bridge.db import migrations
    from bridge.db.session import Database

    database = Database(f"sqlite:///{tmp_path / 'mine.db'}")
    migrations.upgrade(database)
    database.close()
    done = _run([*COMMAND, "--database", database.url], environment)
    assert done.returncode == 2
    assert "not empty" in done.stderr


def test_every_store_in_one_command(environment: dict[str, str]) -> None:
    done = _run([*COMMAND, "--platform", "all", "--story", "late-tracking", "--json"], environment)
    told = json.loads(done.stdout)
    ways = [(item["platform"], item["channel"], item["module"], item["ok"]) for item in told["rehearsals"]]
    assert ways == [
        ("magento", "bol", False, True),
        ("magento", "bol", True, True),
        ("shopify", "bol", False, True),
        ("woocommerce", "bol", False, True),
        ("woocommerce", "bol", True, True),
    ], done.stdout
    assert (done.returncode, told["ok"]) == (0, True)
    refused = _run([*COMMAND, "--channel", "all", "--database", "sqlite:///x.db"], environment)
    assert (refused.returncode, "each in a database of its own" in refused.stderr) == (2, True)
