"""A scheduler's round: who leads ticks and sweeps, everyone else waits."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from sqlalchemy import text

from bridge.config import database_url as with_driver
from bridge.db import leases
from bridge.db.session import Database
from bridge.flows.engine import Engine
from bridge.jobs.schedule import LEASE, RENEW, SWEEP, Scheduler
from tests.support.engines import Rung


class FakeFlows:
    def __init__(self) -> None:
        self.ticks = 0
        self.sweeps = 0
        self.caught_up = 0
        self.due: set[str] = set()
        self.work: set[str] = set()

    def tick(self, engine: Engine) -> set[str]:
        self.ticks += 1
        return self.due

    def catch_up(self, engine: Engine) -> None:
        self.caught_up += 1

    def lanes_with_work(self, engine: Engine) -> set[str]:
        self.sweeps += 1
        return self.work


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    database = Database(with_driver(database_url))
    yield database
    database.close()


@pytest.fixture
def engine(db: Database) -> Engine:
    return Engine(db=db, platforms={}, channels={}, make_transport=cast(Any, None), clock=lambda: datetime.now(UTC),
                  ring=Rung())  # fmt: skip


def rung(engine: Engine) -> list[str]:
    return sorted(cast(Rung, engine.ring).lanes)


def test_the_leader_ticks_each_round_and_sweeps_now_and_then(engine: Engine) -> None:
    flows, clock = FakeFlows(), Clock()
    scheduler = Scheduler(engine, flows, flows, clock)
    flows.work = {"stock"}
    scheduler.round()
    scheduler.round()
    assert (flows.ticks, flows.sweeps, rung(engine)) == (2, 1, ["stock"])
    flows.due = {"orders"}
    clock.now += SWEEP
    scheduler.round()
    assert (flows.ticks, flows.sweeps, rung(engine)) == (3, 2, ["orders", "stock", "stock"])


def test_a_second_one_waits_until_the_first_resigns(engine: Engine) -> None:
    flows, clock = FakeFlows(), Clock()
    first, second = (Scheduler(engine, flows, flows, clock) for _ in range(2))
    first.round()
    second.round()
    assert (first.leads, second.leads, flows.ticks) == (True, False, 1)
    first.resign()
    clock.now += RENEW
    second.round()
    assert second.leads
    assert leases.held_for(engine.db, LEASE) is not None
    clock.now += RENEW
    first.round()
    assert not first.leads


def test_a_round_that_breaks_off_is_followed_by_another(engine: Engine) -> None:
    flows = FakeFlows()

    def broken(engine: Engine) -> set[str]:
        raise RuntimeError("an adapter's manifest is odd")

    flows.tick = broken  # type: ignore[method-assign]
    scheduler = Scheduler(engine, flows, flows, Clock())
    scheduler.try_round()
    del flows.tick
    scheduler.try_round()
    assert flows.ticks == 1


def test_without_the_database_it_does_not_believe_to_lead(engine: Engine, db: Database) -> None:
    flows, clock = FakeFlows(), Clock()
    scheduler = Scheduler(engine, flows, flows, clock)
    scheduler.try_round()
    assert scheduler.leads
    with db.write(None) as session:
        session.execute(text("ALTER TABLE leases RENAME TO away"))
    clock.now += RENEW
    scheduler.try_round()
    assert not scheduler.leads
    scheduler.resign()
    with db.write(None) as session:
        session.execute(text("ALTER TABLE away RENAME TO leases"))
    scheduler.try_round()
    assert scheduler.leads
    assert flows.ticks == 2
