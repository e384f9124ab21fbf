"""The daily proof: the orders of a day on the marketplace, here and in the store, id by id; repaired, then signed off."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select, update

from bridge.cli import cli
from bridge.db.tables import Connection, Order, Poll, Problem, ProofRow
from bridge.flows import overview, proof
from bridge.ports.errors import AskMerchant, RetryLater
from tests.faults.test_marketplace_faults import listed
from tests.support.stack import Stack, open_stack
from tests.support.world import World

pytestmark = pytest.mark.both_databases

DAY = date(2026, 11, 24)
MARKET = 2


@pytest.fixture
def stack(database_url: str, tmp_path: Path) -> Iterator[Stack]:
    with open_stack(tmp_path, database_url) as stack:
        yield stack.connect()


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    """Three orders of 24 Nov, all the way into the store; it is 25 Nov."""
    world = World(database_url, markets=1)
    world.store.add("A", 50)
    world.settle(120)
    world.clock.advance(30 * 3600)
    for _ in range(3):
        world.markets[0].buy(("A", 1))
    world.settle(400, step=100)
    world.clock.advance(12 * 3600)
    yield world
    world.close()


def row(world: World) -> Connection:
    with world.db.read(1) as session:
        return session.get_one(Connection, MARKET)


def proved(world: World) -> list[ProofRow]:
    with world.db.read(1) as session:
        return list(session.scalars(select(ProofRow).order_by(ProofRow.day)))


def problem(world: World) -> str | None:
    with world.db.read(1) as session:
        query = select(Problem.text).where(Problem.kind == proof.KIND, Problem.closed_at.is_(None))
        return session.scalars(query).first()


def hour(world: World) -> None:
    """The proof as it is scheduled, and what it leads to."""
    world.clock.advance(3700)
    with world.db.write(1) as session:
        session.execute(update(Poll).where(Poll.flow == "poll.proof").values(next_at=world.clock()))
    world.settle(30)


def test_a_day_without_a_difference_is_signed_off_once(world: World) -> None:
    hour(world)
    [known] = proved(world)
    assert (known.day, known.rounds) == ("2026-11-24", 1)
    assert known.signed_at is not None
    assert known.found == {
        "marketplace": 3, "here": 3, "expected": 3, "store": 3,
        "not_here": [], "not_there": [], "not_in_store": [], "on_the_way": [],
    }  # fmt: skip
    hour(world)
    assert [item.rounds for item in proved(world)] == [1], "nobody is asked again"
    world.clock.advance(86400)
    hour(world)
    assert [(item.day, item.found["here"]) for item in proved(world)] == [("2026-11-24", 3), ("2026-11-25", 0)]
    assert problem(world) is None


def test_an_order_that_is_missing_here_is_read_and_then_signed_off(world: World) -> None:
    lost = next(iter(world.markets[0].orders))
    with world.db.write(1) as session:
        order = session.scalars(select(Order).where(Order.external_id == lost)).one()
        session.delete(order)
    found = proof.prove(world.engine, row(world), DAY)
    assert (found["not_here"], found["marketplace"], found["here"], found["store"]) == ([lost], 3, 2, 2)
    assert found["signed_at"] is None
    world.drain()
    found = proof.prove(world.engine, row(world), DAY)
    assert (found["not_here"], found["store"], found["signed_at"] is not None) == ([], 3, True)
    assert len(world.store.orders) == 3, "looked up in the store, not made again"
    assert problem(world) is None, "an hour is given to repair it"


def test_an_order_that_went_missing_in_the_store_is_a_persons_to_decide_on(world: World) -> None:
    key, gone = next(iter(world.store.orders.items()))
    del world.store.orders[key]
    for _ in range(2):
        hour(world)
    assert proved(world)[0].signed_at is None
    text = problem(world)
    assert text is not None
    assert f"2026-11-24: 1 gone from the store ({str(gone.marketplace_ref).removeprefix('mem0:')})" in text
    assert len(world.store.orders) == 2, "what somebody deleted is not made again"
    world.store.orders[key] = gone
    hour(world)
    assert proved(world)[0].signed_at is not None
    assert problem(world) is None


def test_what_the_marketplace_leaves_out_is_asked_for_by_its_id(world: World) -> None:
    market = world.markets[0]
    (first, order), *_ = market.orders.items()
    del market.orders[first]
    found = proof.prove(world.engine, row(world), DAY)
    assert (found["not_there"], found["marketplace"], found["here"]) == ([first], 2, 3)
    market.orders[first] = order
    assert proof.prove(world.engine, row(world), DAY)["signed_at"] is not None


def test_an_order_on_its_way_to_the_store_is_told_and_hurried(world: World) -> None:
    number = world.markets[0].buy(("OLD", 1))
    world.settle(400, step=100)
    day = world.clock().date()
    for _ in range(2):
        found = proof.prove(world.engine, row(world), day)
    assert (found["on_the_way"], found["expected"], found["store"]) == ([number], 1, 0)
    assert f"1 not in the store yet ({number})" in str(problem(world))
    world.store.add("OLD", 5)
    world.settle(400, step=100)
    world.clock.advance(1000)
    assert proof.prove(world.engine, row(world), day)["signed_at"] is not None
    with pytest.raises(AskMerchant, match="has not begun"):
        proof.prove(world.engine, row(world), day + timedelta(days=2))


def test_a_side_that_does_not_answer_proves_nothing(world: World) -> None:
    world.store.faults.before["find_orders"] = [RetryLater("away")]
    hour(world)
    assert [item.signed_at is not None for item in proved(world)] in ([], [True])
    with world.db.write(1) as session:
        session.get_one(Connection, 1).state = "paused"
        for item in session.scalars(select(ProofRow)):
            session.delete(item)
    found = proof.prove(world.engine, row(world), DAY)
    assert (found["store"], found["signed_at"]) == (None, None)
    assert problem(world) is None


def test_the_command_proves_a_day_over_both_sandboxes(stack: Stack) -> None:
    listed(stack, A=9)
    sold = stack.sells("A")
    stack.pull()
    stack.settle(40)
    env: dict[str, Any] = {**stack.env, "DATABASE_URL": stack.config.database_url}
    with stack.engine.db.read(stack.shop.id) as session:
        today = f"{stack.clock().astimezone(overview.zone(session)):%Y-%m-%d}"
    told = CliRunner().invoke(cli, ["proof", "--day", today, "--json"], env=env)
    assert told.exit_code == 0, told.output
    [found] = json.loads(told.output)
    assert (found["marketplace"], found["here"], found["store"], found["not_here"]) == (1, 1, 1, [])
    [order] = stack.orders_of(sold)
    stack.store.delete(f"orders/{order['id']}", force="true")
    told = CliRunner().invoke(cli, ["proof", "--day", today, "--channel", "bol"], env=env)
    assert told.exit_code == 1
    assert f"1 gone from the store ({sold})" in told.output
    with stack.engine.db.read(stack.shop.id) as session:
        assert [item["store"] for item in proof.shown(session)] == [0]
