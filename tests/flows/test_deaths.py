"""A worker that dies in the middle of what bol's sandbox has no counterpart for: answers to orders and to buyers, refunds.

Everywhere else processes are killed for good (tests/faults/test_killed_at_every_step.py).
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import select

from bridge.db.tables import Cancellation, RefundRow
from bridge.flows import attend
from tests.support.demo import Demo

POINTS = ("waiting", "before", "after")


class Died(BaseException):
    """No handler sees it: what was not committed is gone, and leases are left behind."""


@pytest.fixture
def world(database_url: str) -> Iterator[Demo]:
    world = Demo(database_url)
    world.market.asynchronous = False
    world.settings(sites=["A1"], buyer_cancellation="ask")
    world.store.add("A", 50)
    world.settle(60, step=60)
    yield world
    world.close()


def dies(world: Demo, point: str, operation: str) -> None:
    """The worker dies there; another one finds its work when the lease has run out."""
    getattr(world.market.faults, point)[operation] = [Died()]
    with pytest.raises(Died):
        world.drain()
    world.clock.advance(60)
    world.settle(60, step=30)


def sold(world: Demo, **change: object) -> str:
    key = world.market.buy(("A", 1))
    world.market.alter(key, f"{key}-0", **change)
    return str(key)


def test_an_order_is_accepted_once(world: Demo) -> None:
    for point in POINTS:
        world.market.await_acceptance(sold(world))
        world.mark("orders", "orders.pull", "changes", connection=2)
        dies(world, point, "accept_order")
    assert len(world.wrote("accept_order")) == 3
    assert {order.phase.value for order in world.market.orders.values()} == {"ready"}
    assert world.store.creates == 3


def test_a_buyer_is_told_once(world: Demo) -> None:
    for point in POINTS:
        key = sold(world, cancellation_requested=True)
        world.mark("orders", "orders.pull", "changes", connection=2)
        world.drain()
        attend.refuse_cancellation(world.engine, 1, key)
        dies(world, point, "refuse_cancellation")
    assert len(world.wrote("refuse_cancellation")) == 3
    with world.db.read(1) as session:
        assert [row.state for row in session.scalars(select(Cancellation))] == ["refused"] * 3


def test_a_refund_is_paid_once(world: Demo) -> None:
    for point in POINTS:
        key = sold(world)
        world.mark("orders", "orders.pull", "changes", connection=2)
        world.drain()
        back = world.market.announce_return(key, 1)
        world.mark("shipments", "returns.pull", "all", connection=2)
        world.drain()
        attend.decide_return(world.engine, 1, back, "accepted")
        dies(world, point, "refund")
    assert len(set(world.wrote("refund"))) == len(world.market.refunds) == 3
    with world.db.read(1) as session:
        assert [row.state for row in session.scalars(select(RefundRow))] == ["done"] * 3
