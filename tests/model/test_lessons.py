"""The ledger: each is a fault that was there once, in the shortest story that shows it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridge.domain.order import StoreOrderStatus
from bridge.domain.returns import RefundLine
from bridge.flows import table
from tests.model.machine import Died, Machine
from tests.support.world import time_out


@pytest.fixture
def m() -> Iterator[Machine]:
    machine = Machine()
    yield machine
    machine.close()


def made(m: Machine, units: int = 3) -> tuple[str, str]:
    """A sale of A on the first market and its order in the store."""
    m.store_sets("A", 9)
    key = m.sell(0, ("A", units))
    m._settle()
    [order] = m.store.orders
    return key, order


def until_made(m: Machine) -> None:
    for _ in range(10):
        m._settle_once()
        if m.store.orders:
            return
        m.time_passes(60)
    raise AssertionError("no order was made")


def test_a_partial_cancellation_whose_record_was_lost_is_not_sent_for_more(m: Machine) -> None:
    key, order = made(m)
    m.merchant_refunds(order, 1)
    m.fails(1, "cancel_line", "after", Died())  # type: ignore[arg-type]
    m.world.hint_order(order)
    for _ in range(4):
        m.run(0)
    m.come_to_rest()
    assert m.markets[0].orders[key].lines[0].cancelled == 1


def test_a_second_refund_in_the_store_is_told_too(m: Machine) -> None:
    key, order = made(m)
    for _ in range(2):
        m.merchant_refunds(order, 1)
        m.world.hint_order(order)
        m._settle()
    m.come_to_rest()
    assert m.markets[0].orders[key].lines[0].cancelled == 2


def test_a_parcel_with_part_of_a_line_is_confirmed_once(m: Machine) -> None:
    key, order = made(m)
    m.merchant_ships(order, 1)
    m.fails(1, "confirm_shipment", "after", time_out())
    m.come_to_rest()
    assert [part.quantity for parcel in m.markets[0].parcels[key] for part in parcel.lines] == [1]


def test_an_order_cancelled_while_the_store_makes_it_is_cancelled_there(m: Machine) -> None:
    m.fails(0, "create_order", "after", time_out())
    key = m.sell(0, ("A", 2))
    until_made(m)
    m.market_cancels(0, key, 2)
    m.come_to_rest()
    assert [order.status for order in m.store.orders.values()] == [StoreOrderStatus.CANCELLED]
    assert m.store.stock("A") == 5


def test_an_order_seen_in_the_store_after_the_look_up_is_not_made_again(m: Machine) -> None:
    m.fails(0, "create_order", "after", Died())  # type: ignore[arg-type]
    m.sell(0, ("A", 1))
    until_made(m)
    [order] = m.store.orders
    m.store.hidden.add(order)  # the look-up is behind
    m.time_passes(50)

    def webhook() -> None:
        m.world.hint_order(order)
        for scope in table.scopes(m.world.engine, "orders"):
            table.run(m.world.engine, scope, float("inf"))

    m.meanwhile(0, "find_orders", "after", webhook)
    for _ in range(6):
        m.run(0)
    m.store.hidden.clear()
    m.come_to_rest()
    assert list(m.store.orders) == [order]


def test_our_own_refund_seen_before_it_is_recorded_cancels_nothing_more(m: Machine) -> None:
    key, order = made(m)
    m.fails(0, "refund_lines", "after", Died())  # type: ignore[arg-type]
    m.market_cancels(0, key, 1)
    m._settle_once()
    m.world.hint_order(order)
    m.come_to_rest()
    assert m.markets[0].orders[key].lines[0].cancelled == 1
    assert m.store.orders[order].lines[0].refunded == 1


def test_an_order_partly_cancelled_before_it_is_made_raises_no_alarm(m: Machine) -> None:
    key = m.sell(0, ("A", 3))
    m.market_cancels(0, key, 1)
    m.come_to_rest()
    assert [line.quantity for order in m.store.orders.values() for line in order.lines] == [2]
    m.market_cancels(0, key, 1)
    m.come_to_rest()
    assert [line.refunded for order in m.store.orders.values() for line in order.lines] == [1]


def test_a_parcel_read_before_it_is_followed_is_counted_once(m: Machine) -> None:
    key, order = made(m, 2)
    m.merchant_ships(order, 1)
    m.world.hint_order(order)
    for _ in range(3):
        m.run(0)
    m.time_passes(6)
    m.world.mark("orders", "orders.import", key, connection=2)
    for _ in range(3):
        m.run(0)
    m._settle()
    m.merchant_ships(order)
    m.come_to_rest()
    assert m.markets[0].orders[key].lines[0].shipped == 2


def test_what_the_merchant_refunds_and_the_market_cancels_is_refunded_once(m: Machine) -> None:
    key, order = made(m)
    line = m.store.orders[order].lines[0]
    m.market_cancels(0, key, 1)
    m.store.refund_lines(order, [RefundLine(store_line_id=line.external_id, quantity=1)], "by hand", "hand")
    m.world.hint_order(order)
    m.come_to_rest()
    assert m.store.orders[order].lines[0].refunded == 1
