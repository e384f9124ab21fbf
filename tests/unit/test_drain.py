"""Drains: every scope in a thread of its own, woken by marks from inside, ended when nothing is left."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from sqlalchemy.exc import OperationalError

from bridge.flows.engine import Engine
from bridge.jobs.drain import Drainer, drain


@dataclass
class Rung:
    lanes: list[str] = field(default_factory=list)

    def __call__(self, lanes: Iterable[str]) -> None:
        self.lanes.extend(lanes)


class FakeTable:
    """Work as counters: ``pending[scope]`` items are due, ``later`` become due at a time."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.pending: dict[str, int] = {}
        self.later: dict[str, datetime] = {}
        self.ran: list[str] = []
        self.on_run: Callable[[str], None] = lambda scope: None
        self.looks = 0

    def scopes(self, engine: Engine, lane: str) -> list[str]:
        with self.lock:
            self.looks += 1
            now = datetime.now(UTC)
            for scope in [scope for scope, due in self.later.items() if due <= now]:
                del self.later[scope]
                self.pending[scope] = self.pending.get(scope, 0) + 1
            return [scope for scope, count in self.pending.items() if count]

    def next_due(self, engine: Engine, lane: str) -> datetime | None:
        return min(self.later.values(), default=None)

    def run(self, engine: Engine, scope: str, deadline: float) -> None:
        self.on_run(scope)
        with self.lock:
            self.ran.append(scope)
            self.pending[scope] = 0


@pytest.fixture
def table() -> FakeTable:
    return FakeTable()


@pytest.fixture
def rung() -> Rung:
    return Rung()


@pytest.fixture
def engine(rung: Rung) -> Engine:
    return Engine(db=cast(Any, None), platforms={}, channels={}, make_transport=cast(Any, None),
                  clock=lambda: datetime.now(UTC), ring=rung)  # fmt: skip


@pytest.fixture
def drainer(engine: Engine, table: FakeTable) -> Drainer:
    return Drainer(engine, cast(Any, table))


def timed(act: Callable[[], None]) -> float:
    began = time.monotonic()
    act()
    return time.monotonic() - began


def test_ends_when_nothing_is_left(drainer: Drainer, table: FakeTable) -> None:
    table.pending = {"a": 3, "b": 1}
    assert timed(lambda: drainer.drain("stock")) < 1
    assert sorted(table.ran) == ["a", "b"]


def test_one_blocked_scope_holds_up_no_other(drainer: Drainer, table: FakeTable) -> None:
    let_go = threading.Event()
    table.on_run = lambda scope: let_go.wait(5) and None if scope == "blocked" else None
    table.pending = {"blocked": 1, "a": 1}
    thread = threading.Thread(target=drainer.drain, args=("stock",))
    thread.start()
    for number in range(20):
        with table.lock:
            table.pending[f"late-{number}"] = 1
        drainer.engine.ring(["stock"])
        time.sleep(0.005)
    deadline = time.monotonic() + 2
    while len(table.ran) < 21 and time.monotonic() < deadline:
        time.sleep(0.005)
    assert len(table.ran) == 21
    assert "blocked" not in table.ran
    let_go.set()
    thread.join(2)
    assert not thread.is_alive()
    assert "blocked" in table.ran


def test_a_mark_from_inside_wakes_the_drain_without_redis(
    drainer: Drainer, table: FakeTable, engine: Engine, rung: Rung
) -> None:
    def mark_more(scope: str) -> None:
        if scope == "first":
            with table.lock:
                table.pending["second"] = 1
            engine.ring(["stock", "orders"])

    table.on_run = mark_more
    table.pending = {"first": 1}
    drainer.drain("stock")
    assert table.ran == ["first", "second"]
    assert rung.lanes == ["orders"]


def test_outside_a_drain_rings_go_out(drainer: Drainer, engine: Engine, rung: Rung) -> None:
    engine.ring({"stock"})
    assert rung.lanes == ["stock"]


def test_waits_for_what_falls_due_soon_and_not_for_what_falls_due_later(drainer: Drainer, table: FakeTable) -> None:
    now = datetime.now(UTC)
    table.later = {"soon": now + timedelta(seconds=0.3), "late": now + timedelta(seconds=5)}
    assert 0.25 < timed(lambda: drainer.drain("stock")) < 1
    assert table.ran == ["soon"]


def test_overdue_work_that_may_not_be_done_does_not_keep_it_spinning(drainer: Drainer, table: FakeTable) -> None:
    table.next_due = lambda engine, lane: datetime.now(UTC) - timedelta(minutes=1)  # type: ignore[method-assign]
    assert timed(lambda: drainer.drain("stock")) < 0.5
    assert table.looks <= 3


def test_work_that_comes_back_at_once_is_not_run_without_pause(drainer: Drainer, table: FakeTable) -> None:
    runs = 0

    def run(engine: Engine, scope: str, deadline: float) -> None:
        nonlocal runs
        runs += 1

    table.run = run  # type: ignore[method-assign]
    table.pending = {"held": 1}
    drainer.drain("stock", seconds=1)
    assert 3 < runs < 20


def test_rings_again_when_time_is_over_and_others_join_when_much_is_due(
    drainer: Drainer, table: FakeTable, rung: Rung
) -> None:
    table.pending = {str(number): 1 for number in range(8)}
    table.on_run = lambda scope: time.sleep(0.3)
    drainer.drain("stock", seconds=0.1)
    assert rung.lanes == ["stock", "stock"]
    assert drainer.close(2)


def test_a_scope_that_outlives_its_drain_is_not_started_twice(drainer: Drainer, table: FakeTable) -> None:
    starts: list[str] = []
    let_go = threading.Event()

    def run(scope: str) -> None:
        starts.append(scope)
        let_go.wait(5)

    table.on_run = run
    table.pending = {"slow": 1}
    drainer.drain("stock", seconds=0.1)
    drainer.drain("stock", seconds=0.1)
    assert starts == ["slow"]
    let_go.set()
    assert drainer.close(2)


def test_stopping_ends_it_at_once(drainer: Drainer, table: FakeTable, engine: Engine, rung: Rung) -> None:
    table.on_run = lambda scope: engine.stopping.wait(10) and None
    table.pending = {"a": 1}
    threading.Timer(0.2, engine.stopping.set).start()
    assert timed(lambda: drainer.drain("stock")) < 1
    assert rung.lanes == []
    assert drainer.close(2)


def test_a_ring_that_comes_as_the_drain_ends_is_not_lost(engine: Engine, table: FakeTable, rung: Rung) -> None:
    """Whatever is marked before ring() is done by this drain or rung for outside."""
    drainer = Drainer(engine, cast(Any, table))
    for number in range(200):
        rung.lanes.clear()
        marked = threading.Event()

        def mark(number: int = number, marked: threading.Event = marked) -> None:
            with table.lock:
                table.pending[f"n{number}"] = 1
            engine.ring(["stock"])
            marked.set()

        threading.Thread(target=mark).start()
        drainer.drain("stock")
        assert marked.wait(1)
        assert f"n{number}" in table.ran or rung.lanes


def test_a_database_that_is_away_ends_the_drain(drainer: Drainer, table: FakeTable) -> None:
    def away(engine: Engine, lane: str) -> list[str]:
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    table.scopes = away  # type: ignore[method-assign]
    assert timed(lambda: drainer.drain("stock")) < 0.5


def test_an_engine_has_one_drainer(engine: Engine, table: FakeTable) -> None:
    drainer = Drainer(engine, cast(Any, table))
    assert Drainer.of(engine) is drainer
    table.pending = {"a": 1}
    drain(engine, "stock")
    assert table.ran == ["a"]


def test_what_runs_beside_belongs_to_the_drain(drainer: Drainer, table: FakeTable, engine: Engine) -> None:
    done: list[str] = []

    def later() -> None:
        time.sleep(0.4)
        done.append(threading.current_thread().name)

    table.pending = {"a": 1}
    table.on_run = lambda scope: engine.beside("stock", later)  # type: ignore[misc]
    drainer.drain("stock", seconds=60, linger=0)
    assert done, "the drain was over before it"
    assert done[0] != threading.current_thread().name


def test_when_it_is_to_stop_nothing_more_is_begun_beside(drainer: Drainer, engine: Engine) -> None:
    done: list[str] = []
    engine.stopping.set()
    assert not drainer.beside("stock", lambda: done.append("it"))
    assert drainer.close(5)
    assert not done
