"""Workers and schedulers as real processes over a real Redis: killed, stopped, cut off."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from redis import Redis
from sqlalchemy import text

from bridge.config import LANES
from bridge.db import leases
from bridge.jobs import health
from bridge.jobs.schedule import LEASE
from tests.support.lane_app import LANE, Lane
from tests.support.procs import Process, Procs, free_port, wait_until
from tests.support.redis_server import find_binary

pytestmark = pytest.mark.both_databases
on_postgres = pytest.mark.parametrize("database_kind", ["postgres"], indirect=True)
on_sqlite = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


@pytest.fixture
def lane(procs: Procs, database_url: str, redis_url: str, tmp_path: Path) -> Iterator[Lane]:
    with closing(Lane(procs, database_url, redis_url, tmp_path)) as lane:
        yield lane


@pytest.fixture
def cut_off(procs: Procs, database_url: str, tmp_path: Path) -> Iterator[Lane]:
    """A lane whose Redis is not there (yet)."""
    with closing(Lane(procs, database_url, f"redis://127.0.0.1:{free_port()}/0", tmp_path)) as lane:
        yield lane


def done(lane: Lane, key: str, within: float = 20) -> None:
    wait_until(lambda: key in lane.notes("done"), within, lambda: f"{key} done; log:\n{lane.log_path.read_text()}")


def began(lane: Lane, key: str, within: float = 20) -> None:
    wait_until(lambda: key in lane.notes("began"), within, lambda: f"{key} begun; log:\n{lane.log_path.read_text()}")


def start_redis(lane: Lane) -> Process:
    port = urlsplit(lane.redis_url).port or 0
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    process = lane.procs.start([find_binary(), *options])
    process.wait_for_port(port)
    return process


def test_a_ring_gets_work_done_and_what_comes_meanwhile_too(lane: Lane) -> None:
    lane.start("worker")
    lane.mark("a:0.3")
    began(lane, "a:0.3")
    lane.mark("b:0")
    done(lane, "a:0.3")
    done(lane, "b:0")
    lane.mark("c:0")
    done(lane, "c:0", within=3)


def test_the_sweeper_finds_what_nobody_rang_for(lane: Lane) -> None:
    """W11: the process was killed between its commit and its ring."""
    lane.start("worker")
    lane.start("scheduler")
    lane.mark("a:0", ring=False)
    done(lane, "a:0", within=15)


@on_sqlite
def test_kill_9_in_the_middle_of_work_is_made_good_within_a_minute(lane: Lane) -> None:
    lane.start("scheduler")
    worker = lane.start("worker")
    lane.mark("a:2")
    began(lane, "a:2")
    worker.kill()
    killed = time.monotonic()
    lane.start("worker")
    done(lane, "a:2", within=60)
    assert time.monotonic() - killed < 60
    assert lane.notes("done") == ["a:2"]


@on_sqlite
def test_sigterm_hands_work_back_and_another_worker_takes_it_at_once(lane: Lane) -> None:
    worker = lane.start("worker")
    lane.mark("a:30")
    began(lane, "a:30")
    assert worker.terminate(within=5) == 0
    assert lane.notes("back") == ["a:30"]
    lane.start("scheduler")
    lane.start("worker")
    wait_until(lambda: len(lane.notes("began")) == 2, 15, lane.log_path.read_text)


@on_sqlite
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_worker_and_an_idle_scheduler_end_at_once(lane: Lane, number: signal.Signals) -> None:
    processes = [lane.start("worker"), lane.start("scheduler")]
    wait_until(lambda: health.check(lane.engine.db, lane.redis_url).workers.get(LANE), 15, "a worker")
    wait_until(lambda: leases.held_for(lane.engine.db, LEASE), 15, "a leader")
    for process in processes:
        process.send(number)
        assert process.wait(within=5) == 0
    assert leases.held_for(lane.engine.db, LEASE) is None
    lane.procs.assert_no_leftovers()


@on_sqlite
def test_two_workers_share_a_lane_and_nothing_is_done_twice(lane: Lane) -> None:
    for _ in range(2):
        lane.start("worker")
    keys = [f"k{number}:0.01" for number in range(60)]
    for key in keys:
        lane.mark(key)
    for key in keys:
        done(lane, key)
    assert sorted(lane.notes("done")) == sorted(keys)
    assert lane.notes("lost") == []


@on_sqlite
def test_flushall_in_the_middle_loses_nothing(lane: Lane) -> None:
    """Q2: SQL feeds Redis again."""
    lane.start("scheduler")
    lane.start("worker")
    keys = [f"k{number}:0.01" for number in range(80)]
    lane.mark(*keys)
    began(lane, keys[20])
    with Redis.from_url(lane.redis_url) as redis:
        redis.flushall()
    for key in keys:
        done(lane, key, within=30)


@on_sqlite
def test_redis_may_come_late_go_and_come_back(cut_off: Lane) -> None:
    """Q3: neither worker nor scheduler ends; work goes on when Redis is back, empty."""
    worker, scheduler = cut_off.start("worker"), cut_off.start("scheduler")
    cut_off.mark("a:0")
    worker.wait_for_line("Redis is away")
    redis = start_redis(cut_off)
    done(cut_off, "a:0", within=15)
    redis.kill()
    cut_off.mark("b:0")
    time.sleep(3)
    start_redis(cut_off)
    done(cut_off, "b:0", within=20)
    assert worker.is_running
    assert scheduler.is_running
    assert worker.terminate(within=5) == 0


@on_postgres
def test_the_database_may_go_and_come_back(lane: Lane) -> None:
    worker, scheduler = lane.start("worker"), lane.start("scheduler")
    lane.mark("a:0")
    done(lane, "a:0")
    name = lane.url.rpartition("/")[2]
    with psycopg.connect(lane.url.replace(name, "postgres"), autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        scheduler.wait_for_line("the database is away")
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    lane.mark("b:0", ring=False)
    done(lane, "b:0")
    assert worker.is_running
    assert scheduler.is_running
    assert scheduler.output.count("the database is away") == 1


@on_postgres
def test_dropped_connections_are_made_again(lane: Lane) -> None:
    worker = lane.start("worker")
    lane.mark("a:1")
    began(lane, "a:1")
    with lane.engine.db.write(None) as session:
        session.execute(text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                             " WHERE datname = current_database() AND pid <> pg_backend_pid()"))  # fmt: skip
    done(lane, "a:1")
    lane.mark("b:0")
    done(lane, "b:0")
    assert worker.is_running


@on_sqlite
def test_sigterm_while_redis_is_away(cut_off: Lane) -> None:
    worker = cut_off.start("worker")
    worker.wait_for_line("Redis is away")
    assert worker.terminate(within=5) == 0


def test_two_schedulers_have_one_leader_and_the_other_takes_over(lane: Lane) -> None:
    """S5."""
    first, second = lane.start("scheduler"), lane.start("scheduler")
    wait_until(lambda: "this scheduler leads" in first.output + second.output, 15, "a leader")
    time.sleep(3)
    leader, other = (first, second) if "this scheduler leads" in first.output else (second, first)
    assert "this scheduler leads" not in other.output
    leader.kill()
    other.wait_for_line("this scheduler leads", within=20)


@on_sqlite
def test_nothing_in_redis_but_names_of_lanes(lane: Lane) -> None:
    """X3, I6: JSON only, ids only."""
    with Redis.from_url(lane.redis_url) as redis:
        lane.engine.ring(LANES)
        keys = [key for key in redis.scan_iter("rq:job:*") if redis.type(key) == b"hash"]
        assert len(keys) == len(LANES)
        for key in keys:
            job = redis.hgetall(key)
            assert job[b"description"].split()[1].decode() in LANES
            assert not any(value.startswith(b"\x80") for value in job.values())
