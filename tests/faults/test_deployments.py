"""Q6, Q9, Q12, X3: rows and questions of another version, adapters that are gone, work that breaks off half-way, a queue
without end, and what somebody else puts into Redis."""

from __future__ import annotations

import os
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq import Callback, Queue
from rq.serializers import DefaultSerializer, JSONSerializer
from sqlalchemy import event, insert, select

from bridge.db import planner, work
from bridge.db.tables import Connection, Poll, Problem, Work
from bridge.flows import admin, catalogue, polls, project, table
from bridge.flows.overview import gauges
from bridge.flows.watching import Watching
from bridge.jobs.queues import TASK, queue_name
from tests.support.lane_app import LANE, Lane
from tests.support.procs import Procs, wait_until
from tests.support.world import Died, World

pytestmark = pytest.mark.both_databases
on_sqlite = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    world = World(database_url)
    for number in range(12):
        world.store.add(f"S{number}", 9)
    world.settle(60, step=60)
    yield world
    world.close()


def told(world: World) -> dict[str, str]:
    with world.db.read(1) as session:
        return {row.kind: row.text for row in session.scalars(select(Problem).where(Problem.closed_at.is_(None)))}


def test_q6_what_another_version_left_is_parked_or_dropped_and_all_else_goes_on(world: World) -> None:
    now = world.clock()
    with world.db.write(1) as session:
        work.mark(
            session, 1, [work.Mark(2, "orders", "orders.of_old", "7"), work.Mark(2, "stock", "stock.of_old", "8")], now
        )
        session.add(
            Poll(connection_id=2, flow="poll.of_old", lane="sweep", every=60, next_at=now, cursor={}, last_count=0)
        )
    world.engine = world.new_engine()
    polls.catch_up(world.engine)
    world.hint(world.store.set("S1", 3))
    world.markets[0].buy(("S1", 1))
    world.settle(1800, step=60)
    assert [market.stock("S1") for market in world.markets] == [2, 2]
    assert len(world.store.orders) == 1
    assert {"parked.orders.of_old", "parked.stock.of_old"} <= set(told(world))
    with world.db.read(1) as session:
        assert session.scalars(select(Poll).where(Poll.flow == "poll.of_old")).all() == []
        assert {row.kind for row in session.scalars(select(Work).where(Work.parked))} == {
            "orders.of_old",
            "stock.of_old",
        }


def test_q6_an_adapter_that_is_not_installed_any_more_holds_up_nobody(world: World) -> None:
    """A third party's package was left out of a deployment, or does not load: its listings wait, the others go on."""
    channels = world.engine.channels
    missing = channels.pop("mem1")  # type: ignore[attr-defined]
    world.engine.installed.clear()
    world.hint(world.store.set("S1", 3))
    world.markets[0].buy(("S2", 1))
    with world.db.write(1) as session:  # what was on its way when it went
        work.mark(session, 1, [work.Mark(3, "orders", "orders.import", "m1")], world.clock())
    world.settle(900, step=60)
    Watching(world.engine).look()
    assert world.markets[0].stock("S1") == 3
    assert world.markets[0].stock("S2") == world.store.stock("S2") == 8
    assert world.markets[1].stock("S1") == 9
    assert "Market 1: the adapter mem1 is not installed here" in told(world)["adapter_missing"]
    assert set(told(world)) == {"adapter_missing"}
    channels["mem1"] = missing  # type: ignore[index]
    with world.db.write(1) as session:
        work.mark(session, 1, [work.Mark(3, "sweep", "project.connection", "all")], world.clock())
    world.settle(900, step=60)
    Watching(world.engine).look()
    assert world.markets[1].stock("S1") == 3
    assert told(world) == {}


def test_q9_a_worker_that_dies_half_way_sends_nothing_twice(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Out of memory in the middle of a comparison, and again in the middle of sending: what was decided and what was
    acknowledged stays, and only the rest is sent."""
    monkeypatch.setattr(catalogue, "CHUNK", 4)
    whole, chunks = project.project, Counter[str]()

    def dying(*args: Any, **given: Any) -> Any:
        chunks["all"] += 1
        if chunks["all"] == 2:
            raise Died
        return whole(*args, **given)

    with world.db.write(1) as session:
        row = session.get_one(Connection, 2)
        row.settings = {**row.settings, "buffer": 2}
        work.mark(session, 1, [work.Mark(2, "sweep", "project.connection", "all")], world.clock())
    world.markets[0].writes.clear()
    monkeypatch.setattr(project, "project", dying)
    with pytest.raises(Died):
        world.drain()
    monkeypatch.setattr(project, "project", whole)
    world.markets[0].faults.after["update_stock"] = [lambda: None, lambda: None, Died()]  # type: ignore[list-item]
    world.clock.advance(60)
    with pytest.raises(Died):
        world.drain()
    before = Counter(sku for _, sku, _ in world.markets[0].writes)
    world.clock.advance(60)
    world.settle(120, step=60)
    assert {offer.stock for offer in world.markets[0].offers.values()} == {7}
    sent = Counter(sku for operation, sku, _ in world.markets[0].writes if operation == "update_stock")
    assert set(sent) == {f"S{n}" for n in range(12)}
    again = [sku for sku, times in sent.items() if times > 1]
    assert set(again) <= set(before), "what had been acknowledged before is not sent again"
    assert len(again) <= 4, "only what was in hand when it died"


def test_when_the_next_falls_due_is_told_where_it_is_near(world: World) -> None:
    at = world.clock() + timedelta(seconds=60)
    with world.db.write(1) as session:
        work.mark(session, 1, [work.Mark(1, "stock", "product.read", "7")], at)
    assert table.next_due(world.engine, "stock") is None
    world.clock.advance(58)
    assert table.next_due(world.engine, "stock") == at
    assert table.next_due(world.engine, "orders") is None


@on_sqlite
def test_q12_a_look_costs_the_same_however_much_waits(world: World) -> None:
    """A queue of four thousand costs what one of two hundred does, in memory and in steps of the database, also where it
    waits for a connection that is paused or for its time to come; and its age is told."""
    steps = Counter[str]()

    def step() -> int:
        steps["all"] += 1
        return 0

    def count(connection: Any, _record: Any, _proxy: Any) -> None:
        connection.set_progress_handler(step if tracemalloc.is_tracing() else None, 10)

    event.listen(world.db.engine, "checkout", count)

    def look() -> tuple[int, int]:
        tracemalloc.start()
        steps.clear()
        assert table.lanes_with_work(world.engine) >= {"stock"}
        assert list(table.scopes(world.engine, "stock"))
        table.next_due(world.engine, "stock")
        with world.db.write(1) as session:
            taken = work.claim(session, "stock", 1, world.clock(), 100)
        assert len(taken) == 100
        done = steps["all"]
        with world.db.read(None) as session:
            numbers = {gauge.name: gauge.samples for gauge in gauges(session, world.clock())}
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        ages = [
            value
            for name, samples in numbers.items()
            if "age" in name
            for key, value in samples.items()
            if "stock" in key
        ]
        assert max(ages) > 3000, numbers
        return peak, done

    def queue(count: int, start: int) -> None:
        marks = [work.Mark(1, "stock", "product.read", f"p{start + n}") for n in range(count)]
        marks += [work.Mark(3, "stock", "stock.gone", f"paused{start + n}") for n in range(count)]
        later = world.clock() + timedelta(days=1)
        marks += [work.Mark(1, "stock", "product.read", f"later{start + n}", due_at=later) for n in range(count)]
        rows = [work.row_of(1, mark, world.clock()) for mark in marks]
        with world.db.write(1) as session:
            session.execute(insert(Work.__table__), rows)  # type: ignore[arg-type]
        world.clock.advance(3600)

    planner.advise(world.db)
    world.db.close()
    admin.pause(world.engine, 1, 3)
    queue(200, 0)
    look()
    few = look()
    queue(4000, 1000)
    many = look()
    assert many[0] < 1.5 * few[0], (few, many)
    assert many[1] < 1.5 * few[1], (few, many)


class Bomb:
    """What is run when a pickle of it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


@on_sqlite
def test_x3_what_somebody_else_puts_into_redis_is_not_run(
    procs: Procs, database_url: str, redis_url: str, tmp_path: Path
) -> None:
    """Pickles that run when they are loaded, and jobs that name a function of Python's own."""
    proof = [tmp_path / f"ran {number}" for number in range(4)]
    with closing(Lane(procs, database_url, redis_url, tmp_path)) as lane, Redis.from_url(redis_url) as redis:
        worker = lane.start("worker")
        lane.mark("a:0")
        wait_until(lambda: "a:0" in lane.notes("done"), 20, lambda: worker.output)
        pickled, plain = (
            Queue(queue_name(LANE), connection=redis, serializer=kind) for kind in (DefaultSerializer, JSONSerializer)
        )
        pickled.enqueue("os.getpid", Bomb(proof[0]))
        pickled.enqueue("os.mkdir", str(proof[1]))
        plain.enqueue("os.mkdir", str(proof[2]))
        job = plain.enqueue(TASK, LANE, on_success=Callback("tests.faults.test_deployments.called"))
        redis.set("called", str(proof[3]))
        wait_until(lambda: not redis.llen(pickled.key), 20, lambda: worker.output)
        lane.mark("b:0")
        wait_until(lambda: "b:0" in lane.notes("done"), 20, lambda: worker.output)
        wait_until(lambda: job.get_status(refresh=True) != "started", 20, lambda: worker.output)
        assert worker.is_running
        assert [path.name for path in proof if path.exists()] == []


def called(job: Any, connection: Redis, _result: Any) -> None:
    """What a stranger would have called back, in the process of the worker."""
    Path((connection.get("called") or b"").decode()).mkdir()
