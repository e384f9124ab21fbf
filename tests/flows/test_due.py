"""What is due, over orders, buyers' questions and returns: all of it in one list, by its time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bridge.flows import attend, due
from tests.support.demo import Demo

pytestmark = pytest.mark.both_databases


@pytest.fixture
def world(database_url: str) -> Iterator[Demo]:
    world = Demo(database_url)
    world.store.add("A", 50)
    world.use("A1")
    world.settings(sites=["A1"], buyer_cancellation="ask", acceptance="ask")
    world.settle(60, step=60)
    yield world
    world.close()


def listed(world: Demo) -> list[dict[str, Any]]:
    with world.db.read(1) as session:
        return due.due(session, world.clock())


def told(world: Demo) -> list[tuple[str, str, str]]:
    return [(item["what"], item["number"], item["urgency"]) for item in listed(world)]


def test_everything_with_a_deadline_stands_in_one_list_by_its_time(world: Demo) -> None:
    shipped, waits, asks = (world.market.buy(("A", units)) for units in (1, 2, 3))
    to_accept = world.market.await_acceptance(world.market.buy(("A", 1)), hours=20)
    world.clock.advance(330)
    world.settle(60)
    by_ref = {order.marketplace_ref: key for key, order in world.store.orders.items()}
    world.store.ship(by_ref[f"mem0:{shipped}"], "3S1")
    world.hint_order(by_ref[f"mem0:{shipped}"])
    world.market.alter(asks, f"{asks}-0", cancellation_requested=True)
    world.clock.advance(330)
    world.settle(60)
    back = world.market.announce_return(shipped, 1)
    world.clock.advance(900)
    world.settle(60)
    assert told(world) == [
        ("accept", to_accept, "soon"),
        ("ship", waits, ""),
        ("cancel", asks, ""),
        ("decide", back, ""),
    ]
    assert [item["items"] for item in listed(world)] == [[(1, "A")], [(2, "A")], [(3, "A")], [(1, "A")]]
    moments = [item["at"] for item in listed(world)]
    assert moments == sorted(moments)

    attend.refuse_cancellation(world.engine, 1, f"mem0:{asks}")
    attend.decide_return(world.engine, 1, back, "accepted")
    assert told(world)[-1] == ("refund", back, ""), "until the money is back"
    world.settle(60)
    assert [item[:2] for item in told(world)] == [("accept", to_accept), ("ship", waits), ("ship", asks)]
    world.clock.advance(2 * 86400)
    assert [urgency for _, _, urgency in told(world)] == ["late"] * 3


def test_what_is_sold_and_gone_is_asked_of_the_merchant_before_it_has_to_be_shipped(world: Demo) -> None:
    first = world.market.buy(("A", 40))
    world.clock.advance(1)
    second = world.market.buy(("A", 20))
    world.clock.advance(330)
    world.settle(120)
    assert [item[:2] for item in told(world)] == [("ship", first), ("gone", second)]
