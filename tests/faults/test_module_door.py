"""W7, W11 for the modules' door: whoever dies there loses nothing that was acknowledged, and what was taken once is not
taken again by the next process."""

from __future__ import annotations

import itertools
import json
import os
import secrets
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from flask import Flask
from sqlalchemy import select

from bridge import app as bootstrap
from bridge import config
from bridge.db.tables import Delivery, ModuleRow, Work
from bridge.domain import signed
from bridge.flows.engine import Engine
from bridge.registry import Registry
from bridge.web import create_web
from tests.support.databases import make_tables
from tests.support.engines import PUBLIC_ID, add_connection, add_shop
from tests.support.modules import store_with_module
from tests.support.procs import Procs, free_port, wait_until
from tests.support.serve import start_gunicorn

SECRET = "5" * 64
DEATHS, BETWEEN = 4, 15


def create_app() -> Flask:
    settings = config.load({"data_dir": os.environ["DOOR_FOLDER"], "database_url": os.environ["DOOR_DATABASE"]})
    return create_web(_engine(settings), settings)


def _engine(settings: config.Config) -> Engine:
    return bootstrap.bootstrap(settings, registry=Registry({"woocommerce": store_with_module()}, {}))


@contextmanager
def connected(folder: Path, database_url: str) -> Iterator[Engine]:
    make_tables(database_url)
    engine = _engine(config.load({"data_dir": folder, "database_url": database_url}))
    shop_id = add_shop(engine)
    number, now = add_connection(engine, shop_id), engine.clock()
    module = ModuleRow(connection_id=number, secrets=[SECRET], made_at=now, beat=0, health={}, epoch="", version="")
    engine.db.transact(shop_id, lambda session: session.add(module))
    yield engine
    bootstrap.close(engine)


class Sender:
    """Sends one batch after the other from an outbox, each until it is acknowledged."""

    def __init__(self, url: str, numbers: Iterator[int]) -> None:
        self.url, self.numbers = url, numbers
        self.taken: list[int] = []
        self.calls: list[tuple[bytes, dict[str, str]]] = []
        self.stop = threading.Event()

    def run(self) -> None:
        with httpx.Client(timeout=20) as client:
            while not self.stop.is_set():
                batch = [next(self.numbers) for _ in range(3)]
                while not self.send(client, batch):
                    self.stop.wait(0.1)
                self.taken += batch
                self.stop.wait(0.02)

    def send(self, client: httpx.Client, batch: list[int]) -> bool:
        rows = [{"id": number, "kind": "product", "external_id": str(number), "topic": "p"} for number in batch]
        body = json.dumps({"epoch": "one", "events": rows}).encode()
        header = str(signed.sign(SECRET, "events", body, datetime.now(UTC), secrets.token_hex(16)))
        with suppress(httpx.HTTPError):
            answer = client.post(self.url, content=body, headers={signed.HEADER: header})
            if answer.status_code == 200:
                self.calls.append((body, {signed.HEADER: header}))
                return True
        return False


def test_whoever_dies_loses_nothing_that_was_acknowledged(procs: Procs, tmp_path: Path) -> None:
    database_url = f"sqlite:///{tmp_path / 'storebridge.db'}"
    env = {"DOOR_FOLDER": str(tmp_path), "DOOR_DATABASE": database_url}
    with connected(tmp_path, database_url) as engine:
        options = ("--preload", "--workers", "1", "--worker-class", "gthread", "--threads", "4")
        process, address = start_gunicorn(
            procs, "tests.faults.test_module_door:create_app()", *options, port=free_port(), env=env
        )
        url = f"{address}/modules/{PUBLIC_ID}/1/events"
        senders = [Sender(url, numbers) for numbers in itertools.repeat(_together(), 3)]
        threads = [threading.Thread(target=sender.run) for sender in senders]
        for thread in threads:
            thread.start()
        try:
            for death in range(1, DEATHS + 1):
                wait_until(lambda due=death * BETWEEN: _taken(senders) >= due, 60, "acknowledged")
                _kill_workers(process.pid)
        finally:
            for sender in senders:
                sender.stop.set()
            for thread in threads:
                thread.join()
        taken = {number for sender in senders for number in sender.taken}
        assert _kept(engine) >= taken
        assert _marked(engine) >= taken
        assert _highest(engine) >= max(taken)
        again = [httpx.post(url, content=body, headers=headers).status_code for body, headers in senders[0].calls[:5]]
        assert set(again) == {401}
        process.terminate()


def _taken(senders: list[Sender]) -> int:
    return sum(len(sender.taken) for sender in senders)


def _together() -> Iterator[int]:
    """One outbox for all senders: its numbers come in any order."""
    lock, numbers = threading.Lock(), itertools.count(1)

    class Numbers:
        def __iter__(self) -> Iterator[int]:
            return self

        def __next__(self) -> int:
            with lock:
                return next(numbers)

    return Numbers()


def _kill_workers(pid: int) -> None:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
    for child in children:
        with suppress(ProcessLookupError):
            os.kill(int(child), signal.SIGKILL)


def _read(engine: Engine, column: Any) -> list[Any]:
    with engine.db.read(None) as session:
        return list(session.scalars(select(column)))


def _kept(engine: Engine) -> set[int]:
    return {int(name) for name in _read(engine, Delivery.external_id)}


def _marked(engine: Engine) -> set[int]:
    return {int(key) for key in _read(engine, Work.key)}


def _highest(engine: Engine) -> int:
    return int(_read(engine, ModuleRow.last_event)[0])
