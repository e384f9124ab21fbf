"""Sold and not there: asked about, cancelled or kept, by line and quantity, once; and cancellations that cross parcels."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import select

from bridge.db.tables import Cancellation
from bridge.domain.order import CancelReason
from bridge.flows import attend
from bridge.ports.errors import AskMerchant
from tests.support.demo import Demo


@pytest.fixture
def world(database_url: str) -> Iterator[Demo]:
    world = Demo(database_url)
    world.market.asynchronous = False
    world.store.add("A", 3)
    world.settle(60, step=60)
    yield world
    world.close()


def sell_out(world: Demo) -> list[str]:
    """Three are on the shelf, two orders of two units come: the second goes one short."""
    keys = []
    for _ in range(2):
        keys.append(world.market.buy(("A", 2)))
        world.clock.advance(1)
    world.clock.advance(330)
    world.settle(120)
    return keys


def cancelled(world: Demo, key: str) -> int:
    return sum(line.cancelled for line in world.market.orders[key].lines)


def states(world: Demo) -> list[tuple[str, str, int]]:
    with world.db.read(1) as session:
        rows = session.scalars(select(Cancellation).order_by(Cancellation.id))
        return [(row.origin, row.state, row.quantity) for row in rows]


def test_by_default_the_merchant_is_asked_about_the_newest_and_one_word_cancels_one_unit(world: Demo) -> None:
    old, new = sell_out(world)
    assert states(world) == [("bridge", "asked", 1)]
    assert f"1 of A of order {new} is sold and not in stock" in world.problems()["stock_gone"]
    assert (cancelled(world, old), cancelled(world, new)) == (0, 0)
    attend.accept_cancellation(world.engine, 1, new)
    world.settle(300)
    assert (cancelled(world, old), cancelled(world, new)) == (0, 1)
    assert world.wrote("cancel_line") == [CancelReason.OUT_OF_STOCK]
    assert (world.store.stock("A"), world.problems()) == (0, {})  # back on the shelf once, and gone to the others


def test_what_comes_in_meanwhile_answers_the_question(world: Demo) -> None:
    _, new = sell_out(world)
    world.hint(world.store.set("A", 4))
    world.settle(120)
    assert (states(world), world.problems()) == ([("bridge", "withdrawn", 1)], {})
    with pytest.raises(AskMerchant, match="No buyer asks"):
        attend.accept_cancellation(world.engine, 1, new)


@pytest.mark.both_databases
def test_what_was_asked_is_asked_no_more_once_the_policy_answers_it(world: Demo) -> None:
    _, new = sell_out(world)
    assert "stock_gone" in world.problems()
    world.settings(no_stock="cancel")
    world.hint(world.store.set("A", world.store.stock("A")))
    world.settle(300)
    assert (states(world), cancelled(world, new), world.problems()) == ([("bridge", "done", 1)], 1, {})


def test_kept_as_a_backorder_it_is_not_asked_again_and_a_parcel_goes_out(world: Demo) -> None:
    _, new = sell_out(world)
    page = f"orders/{world.newest().id}"
    browser = world.browser()
    assert "Keep it as a backorder" in browser.get(page).text
    assert browser.post(page, "keep").status_code == 303
    world.settle(300)
    assert (states(world), world.problems()) == ([("bridge", "kept", 1)], {})
    world.store.ship(str(world.newest().store_order_id), "3S9")
    world.hint_order(str(world.newest().store_order_id))
    world.settle(60)
    assert world.market.parcels[new]
    assert (world.wrote("cancel_line"), world.wrote("refuse_cancellation")) == ([], [])


def test_by_policy_it_is_cancelled_at_once_but_never_on_one_reading(world: Demo) -> None:
    world.settings(no_stock="cancel")
    key = world.market.buy(("A", 2))
    world.clock.advance(330)
    world.settle(30)
    world.hint(world.store.set("A", -2))  # a feed that empties everything, and mends it half a minute later
    world.drain()
    world.clock.advance(20)
    world.hint(world.store.set("A", 1))
    world.settle(120)
    assert (states(world), cancelled(world, key)) == ([], 0)
    world.hint(world.store.set("A", -2))
    world.settle(300)
    assert (states(world), cancelled(world, key)) == ([("bridge", "done", 2)], 2)
    assert world.store.stock("A") == 0


@pytest.mark.both_databases
def test_the_merchant_cancels_a_part_from_here(world: Demo) -> None:
    key = world.market.buy(("A", 3))
    world.clock.advance(330)
    world.settle(30)
    with pytest.raises(AskMerchant, match="from 1 to 3"):
        attend.cancel_order(world.engine, 1, key, "damaged", "A", 4)
    attend.cancel_order(world.engine, 1, key, "damaged", "A", 1)
    world.settle(60)
    attend.cancel_order(world.engine, 1, key, "damaged", "A", 1)
    world.settle(60)
    assert (cancelled(world, key), world.wrote("cancel_line")) == (2, [CancelReason.DAMAGED] * 2)
    assert world.store.stock("A") == 2
    world.store.ship(str(world.newest().store_order_id), "3S1")
    world.hint_order(str(world.newest().store_order_id))
    world.settle(60)
    with pytest.raises(AskMerchant, match="Nothing of order"):
        attend.cancel_order(world.engine, 1, key, "damaged")


@pytest.mark.parametrize(("policy", "asynchronous"), [("accept", True), ("ask", False)])
def test_a_request_seen_right_before_a_parcel_is_confirmed_has_one_outcome(
    world: Demo, policy: str, asynchronous: bool
) -> None:
    """The parcel has left: it is confirmed, the request is answered by it, and the merchant is told."""
    world.settings(buyer_cancellation=policy)
    world.market.asynchronous, world.market.delay = asynchronous, 30.0
    key = world.market.buy(("A", 1))
    world.clock.advance(330)
    world.settle(30)
    world.market.alter(key, f"{key}-0", cancellation_requested=True)
    store_id = str(world.newest().store_order_id)
    world.store.ship(store_id, "3S1")
    world.hint_order(store_id)
    world.settle(180)
    line = world.market.orders[key].lines[0]
    assert (line.shipped, line.cancelled, world.wrote("cancel_line")) == (1, 0, [])
    assert states(world) == [("buyer", "overtaken", 1)]
    assert list(world.problems()) == ["cancellation_overtaken"]
    assert "already shipped when the buyer asked" in world.problems()["cancellation_overtaken"]
