"""Orders that have to be accepted, or paid, before they are the store's business."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select

from bridge.db.tables import Order, OrderLine, Problem, Reservation
from bridge.domain.money import Money
from bridge.domain.order import OrderPhase
from bridge.flows import attend, order_view
from bridge.ports.errors import AskMerchant, RetryLater
from tests.support.demo import Demo
from tests.support.world import time_out

EUR = "EUR"


@pytest.fixture
def world(database_url: str) -> Iterator[Demo]:
    world = Demo(database_url)
    world.store.add("A", 5)
    world.store.add("B", 1)
    world.settle(60, step=60)
    yield world
    world.close()


def held(world: Demo) -> int:
    with world.db.read(1) as session:
        return sum(r.quantity for r in session.scalars(select(Reservation).where(Reservation.state != "released")))


def pull(world: Demo, seconds: float = 60) -> None:
    """The next poll of orders, and what follows from it."""
    world.clock.advance(330)
    world.settle(int(seconds), step=30)


def test_an_order_that_stock_covers_is_accepted_and_then_created_once_with_its_address(world: Demo) -> None:
    world.market.await_acceptance(world.market.buy(("A", 2), ("B", 1)))
    world.market.delay = 90
    world.market.faults.before["follow"] = [RetryLater("away")]
    pull(world, 30)
    order = world.order()
    assert (order.phase, order.accept_state, order.site) == ("awaiting_acceptance", "submitted", "B2")
    assert (held(world), world.market.shown("A"), world.store.orders) == (3, {"A1": 3, "B2": 3}, {})
    pull(world, 90)
    assert world.wrote("accept_order") == [[]]
    [draft] = world.store.drafts.values()
    assert draft.ship_to.city == "Amsterdam"
    assert (world.order().phase, world.order().accept_state, world.store.creates) == ("ready", "done", 1)
    assert world.problems() == {}
    assert held(world) == 0 or world.store.stock("A") == 3


def test_an_order_that_stock_does_not_cover_is_asked_about_and_accepted_when_it_does(world: Demo) -> None:
    key = world.market.await_acceptance(world.market.buy(("A", 2), ("B", 3)))
    pull(world)
    order = world.order()
    assert (order.accept_state, world.wrote("accept_order")) == ("asked", [])
    assert (
        f"Order {key} on Market 0 waits to be accepted before {order.accept_by:%d %b %Y %H:%M} UTC: B is not"
        in (world.problems()["acceptance_asked"])
    )
    with world.db.read(1) as session:
        [shown] = order_view.orders(session, 5)
        assert (shown["waits_for"], shown["accept_by"], shown["channel"]) == (
            "acceptance",
            order.accept_by,
            "Market 0 B2",
        )
    assert held(world) == 5  # kept back in any case
    world.hint(world.store.set("B", 3))
    pull(world)
    assert world.wrote("accept_order") == [[]]
    assert world.store.creates == 1
    assert world.problems() == {}


def test_the_merchant_takes_what_is_there_and_declines_the_rest(world: Demo) -> None:
    world.settings(acceptance="ask")
    world.market.asynchronous = False
    key = world.market.await_acceptance(world.market.buy(("A", 2), ("B", 3)))
    pull(world)
    assert world.wrote("accept_order") == []
    with pytest.raises(AskMerchant, match="no line 'x'"):
        attend.accept_order(world.engine, 1, key, ["x"])
    said = attend.accept_order(world.engine, 1, key, only_covered=True)
    assert said == f"Order {key}: the marketplace is told that it is accepted, but for 1 of its lines."
    world.drain()
    assert world.wrote("accept_order") == [[f"{key}-1"]]
    [order] = world.store.orders.values()
    assert [(line.sku, line.quantity) for line in order.lines] == [("A", 2)]
    with pytest.raises(AskMerchant, match="does not wait to be accepted"):
        attend.decline_order(world.engine, 1, key)
    pull(world)
    assert (held(world), world.market.shown("B"), world.problems()) == (0, {"A1": 1, "B2": 1}, {})


def test_a_declined_order_gives_its_units_back(world: Demo) -> None:
    world.settings(acceptance="ask")
    key = world.market.await_acceptance(world.market.buy(("A", 4)))
    pull(world)
    assert world.market.shown("A") == {"A1": 1, "B2": 1}
    page = f"orders/{world.order().id}"
    browser = world.browser()
    shown = browser.get(page).text
    assert "Waits to be accepted" in shown
    assert "Accept what is in stock, decline the rest" in shown
    assert "Waits to be accepted" in browser.get("orders").text
    assert "Orders to accept or decline" in browser.get("problems").text
    assert browser.post(page, "decline").status_code == 303
    assert "Accept this order?" not in browser.get(f"{page}?done=decline").text
    assert browser.post(page, "take").status_code == 303  # until the marketplace has it, minds may change
    assert browser.post(page, "decline").status_code == 303
    assert world.wrote("accept_order") == []
    pull(world)
    assert world.wrote("accept_order") == [[f"{key}-0"]]
    assert (world.store.orders, held(world), world.market.shown("A")) == ({}, 0, {"A1": 5, "B2": 5})
    assert world.order().store_state == "cancelled"


def test_an_acceptance_without_an_answer_is_looked_up_and_not_sent_twice(world: Demo) -> None:
    world.market.asynchronous = False
    world.market.faults.after["accept_order"] = [time_out()]
    world.market.await_acceptance(world.market.buy(("A", 1)))
    pull(world)
    assert world.wrote("accept_order") == [[]]
    assert (world.order().accept_state, world.store.creates) == ("done", 1)


@pytest.mark.both_databases
def test_one_that_is_refused_is_told_and_tried_again_by_hand(world: Demo) -> None:
    world.settings(acceptance="accept")
    world.market.asynchronous = False
    world.market.await_acceptance(world.market.buy(("nothing known", 1)))
    world.market.refuses_acceptance = True
    pull(world)
    assert "acceptance_refused" in world.problems()
    world.market.refuses_acceptance = False
    with world.db.read(1) as session:
        number = session.scalars(select(Problem.id).where(Problem.kind == "acceptance_refused")).one()
    attend.retry(world.engine, 1, number)
    world.drain()
    assert world.order().phase == "ready"
    assert list(world.problems()) == ["order_held"]  # accepted as the setting says; its product is still unknown


def test_an_unpaid_order_waits_and_one_that_is_never_paid_leaves_nothing_behind(world: Demo) -> None:
    paid, lost = world.market.buy(("A", 1)), world.market.buy(("A", 2))
    for key in (paid, lost):
        world.market.orders[key] = world.market.orders[key].model_copy(update={"phase": OrderPhase.PENDING})
    pull(world)
    assert (world.store.orders, held(world), world.market.shown("A")) == ({}, 3, {"A1": 2, "B2": 2})
    with world.db.read(1) as session:
        assert {row["waits_for"] for row in order_view.orders(session, 5)} == {"payment"}
    world.market.orders[paid] = world.market.orders[paid].model_copy(update={"phase": OrderPhase.READY})
    world.market.alter(lost, f"{lost}-0", cancelled=2)
    pull(world)
    assert [order.marketplace_ref for order in world.store.orders.values()] == [f"mem0:{paid}"]
    pull(world)
    assert (held(world), world.market.shown("A"), world.store.creates) == (0, {"A1": 4, "B2": 4}, 1)


@pytest.mark.both_databases
def test_unpaid_orders_that_are_paid_for_together_become_one(world: Demo) -> None:
    first, second, other = world.market.buy(("A", 1)), world.market.buy(("A", 2)), world.market.buy(("A", 1))
    for key in (first, second, other):
        world.market.orders[key] = world.market.orders[key].model_copy(update={"phase": OrderPhase.PENDING})
    pull(world)
    assert held(world) == 4
    parts = [world.market.orders.pop(key).lines[0] for key in (first, second)]
    joined = world.market.buy(("A", 3))
    change = {"lines": tuple(parts), "takes_over": True}
    world.market.orders[joined] = world.market.orders[joined].model_copy(update=change)
    pull(world)
    assert [order.marketplace_ref for order in world.store.orders.values()] == [f"mem0:{joined}"]
    pull(world)
    assert (held(world), world.store.creates) == (1, 1)  # the other one still waits to be paid
    with world.db.read(1) as session:
        states = {row.external_id: row.store_state for row in session.scalars(select(Order))}
    assert states == {first: "cancelled", second: "cancelled", other: "ready", joined: "created"}


def test_taxes_are_kept_and_handed_on_to_the_cent(world: Demo) -> None:
    key = world.market.buy(("A", 3), price="10.00")
    world.market.alter(key, f"{key}-0", tax=Money.of("5.21", EUR), discount=Money.of("1.00", EUR), cancelled=1)
    order = world.market.orders[key]
    money = {"shipping": Money.of("4.99", EUR), "shipping_tax": Money.of("0.87", EUR), "tax_by_channel": True}
    world.market.orders[key] = order.model_copy(update={**money, "accept_by": world.clock() + timedelta(hours=1)})
    pull(world)
    [draft] = world.store.drafts.values()
    assert (draft.lines[0].quantity, draft.lines[0].tax) == (2, Money.of("3.47", EUR))
    assert (draft.shipping_tax, draft.tax_by_channel) == (Money.of("0.87", EUR), True)
    with world.db.read(1) as session:
        line = session.scalars(select(OrderLine)).one()
        assert (line.tax, line.discount) == ("5.21", "1.00")
