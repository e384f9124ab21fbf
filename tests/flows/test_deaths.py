"""A worker that dies in the middle of what bol's sandbox has no counterpart for: answers to orders and to buyers, refunds.

Everywhere else processes are killed for good (tests/faults/test_killed_at_every_step.py).
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import select

from bridge.db.tables import Cancellation, Order, RefundRow
from bridge.flows import attend
from bridge.ports.errors import AskMerchant, RetryLater, SlowDown
from tests.support.demo import Demo
from tests.support.world import Died

pytestmark = pytest.mark.both_databases

POINTS = ("waiting", "before", "after")


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


def test_where_nothing_tells_a_refund_in_doubt_is_a_persons_to_judge(world: Demo) -> None:
    world.market.manifest = world.market.manifest.model_copy(update={"refund_lookup": False})
    world.engine = world.new_engine()
    keys = []
    for point in ("before", "after"):  # killed before it was paid, and after
        keys.append(sold(world))
        world.mark("orders", "orders.pull", "changes", connection=2)
        world.drain()
        back = world.market.announce_return(keys[-1], 1)
        world.mark("shipments", "returns.pull", "all", connection=2)
        world.drain()
        attend.decide_return(world.engine, 1, back, "accepted")
        dies(world, point, "refund")
    assert len(world.market.refunds) == 1  # neither was sent again
    assert "It is not known whether 10.00 EUR of order" in world.problems()["refund_doubtful"]
    with world.db.read(1) as session:
        rows = list(session.scalars(select(RefundRow).order_by(RefundRow.id)))
        numbers = {key: session.scalars(select(Order.id).where(Order.external_id == key)).one() for key in keys}
    assert [row.state for row in rows] == ["doubtful", "doubtful"]
    browser = world.browser()
    page = f"orders/{numbers[keys[0]]}"
    assert "Pay again" in browser.get(page).text
    assert browser.post(page, "refund_again", refund=str(rows[0].id)).status_code == 303
    said = attend.judge_refund(world.engine, 1, keys[1], paid=True)
    assert said == f"Order {keys[1]}: 1 refund noted as paid."
    world.settle(60, step=30)
    assert len(world.market.refunds) == 2
    assert world.problems() == {}
    with pytest.raises(AskMerchant, match="No refund of order"):
        attend.judge_refund(world.engine, 1, keys[1], paid=False)


def test_a_refund_that_was_surely_not_sent_is_sent_without_a_question(world: Demo) -> None:
    world.market.manifest = world.market.manifest.model_copy(update={"refund_lookup": False})
    world.engine = world.new_engine()
    key = sold(world)
    world.mark("orders", "orders.pull", "changes", connection=2)
    world.drain()
    world.market.faults.before["refund"] = [SlowDown("busy"), RetryLater("away")]
    back = world.market.announce_return(key, 1)
    world.mark("shipments", "returns.pull", "all", connection=2)
    world.drain()
    attend.decide_return(world.engine, 1, back, "accepted")
    world.settle(120, step=30)
    assert (len(world.market.refunds), world.problems()) == (1, {})


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
