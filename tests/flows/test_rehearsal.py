"""The rehearsal as a merchant runs it: a process of its own, real HTTP, everything tidied up whatever happens."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from bridge.ports.errors import RetryLater
from bridge.rehearsal.run import STEPS, insist
from bridge.rehearsal.world import World
from tests.support.procs import Procs, wait_until
from tests.support.woocommerce import Store, create_sandbox

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
    assert list(Path(environment["TMPDIR"]).iterdir()) == []
    assert "Traceback" not in done.stderr
    return done


def test_all_steps_against_the_sandboxes(environment: dict[str, str]) -> None:
    done = _run([*COMMAND, "--json"], environment)
    report = json.loads(done.stdout)
    assert [step for step in report["steps"] if not step["ok"]] == []
    assert (report["ok"], done.returncode) == (True, 0)
    assert [step["name"] for step in report["steps"]] == [step.name for step in STEPS]
    assert all(set(step) == {"name", "ok", "seconds", "detail"} for step in report["steps"])


def test_a_real_store_is_left_as_it_was(environment: dict[str, str], store: Store) -> None:
    before = _everything(store)
    done = _run(_against(store, "--yes", "--json"), environment, store)
    report = json.loads(done.stdout)
    assert [step for step in report["steps"] if not step["ok"]] == []
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
    done = _run(_against(store, "--yes", "--patience", "1"), environment, store)
    assert done.returncode == 1
    lines = {line.split("  ")[0]: line for line in done.stdout.splitlines()}
    assert "not within 1 s" in lines["FAIL product listed"]
    assert "not tried: it needs 'product listed'" in lines["FAIL stock change carried"]
    assert _everything(store) == before


def test_a_store_in_trouble_is_asked_again_while_tidying_up() -> None:
    answers: list[Any] = [RetryLater("The store does not answer."), ["Removed from the store: 8 webhooks"]]

    def act(_world: World) -> list[str]:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return list(answer)

    assert insist(cast(World, None), act) == ["Removed from the store: 8 webhooks"]


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("how", "when"), [(signal.SIGINT, "an order is there"), (signal.SIGTERM, "a product is there")]
)
def test_interrupted_in_the_middle_it_still_tidies_up(
    environment: dict[str, str], store: Store, procs: Procs, how: signal.Signals, when: str
) -> None:
    before = _everything(store)
    allowed = {"STOREBRIDGE_PRIVATE_HOSTS": store.url.removeprefix("http://")}
    process = procs.start(_against(store, "--yes"), env={**environment, **allowed})
    count, before_it = ("orders", 1) if "order" in when else ("stock", len(_stock(store)))
    wait_until(lambda: len(store.look(count)) > before_it, 100, lambda: process.output)
    process.send(how)
    assert process.wait(100) == 1
    assert _everything(store) == before
    assert list(Path(environment["TMPDIR"]).iterdir()) == []
    procs.assert_no_leftovers()


def test_refused_credentials_are_one_clear_step(environment: dict[str, str], store: Store) -> None:
    store.secret = "cs_wrong"
    done = _run(_against(store, "--yes", "--json"), environment, store)
    first = json.loads(done.stdout)["steps"][0]
    assert (done.returncode, first["ok"]) == (1, False)
    assert "Consumer secret" in first["detail"] or "consumer" in first["detail"].lower()


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
