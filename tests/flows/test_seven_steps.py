"""One order through all seven steps, and what may go wrong between them, against a store and markets in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from bridge.db.tables import Connection, FacetRow, Listing, Order, Problem, Reservation
from bridge.domain.order import Parcel, ParcelLine, StoreOrderStatus
from bridge.flows import table
from bridge.ports.channel import ItemResult, Outcome, StockUpdate
from bridge.ports.errors import Reauthorise, RetryLater
from tests.support.world import World, time_out

pytestmark = pytest.mark.both_databases


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    world = World(database_url)
    yield world
    world.close()


def orders(world: World) -> list[Order]:
    with world.db.read(1) as session:
        return list(session.scalars(select(Order).order_by(Order.id)))


def problems(world: World) -> dict[str, str]:
    with world.db.read(1) as session:
        return {p.kind: p.text for p in session.scalars(select(Problem).where(Problem.closed_at.is_(None)))}


def held(world: World) -> int:
    with world.db.read(1) as session:
        return sum(r.quantity for r in session.scalars(select(Reservation).where(Reservation.state != "released")))


def started(world: World, **stock: int) -> World:
    for sku, units in stock.items():
        world.store.add(sku, units)
    world.settle(120)
    return world


def test_products_are_listed_on_every_channel(world: World) -> None:
    started(world, A=5, B=0)
    for market in world.markets:
        assert {offer.sku: offer.stock for offer in market.offers.values()} == {"A": 5, "B": 0}


def test_a_sale_lowers_every_other_channel_before_the_store_has_heard(world: World) -> None:
    started(world, A=5)
    world.store.faults.before["find_orders"] = [RetryLater("store away")] * 50
    world.markets[0].buy(("A", 2))
    world.settle(400)
    assert world.store.orders == {}
    assert world.markets[1].stock("A") == 3
    assert world.store.stock("A") == 5


def test_an_order_that_comes_and_goes_unseen_leaves_the_right_stock_on_show(world: World) -> None:
    """The marketplace takes what it sold off its own offer, and does not put it back when the order is cancelled."""
    started(world, A=5)
    market = world.markets[0]
    key = market.buy(("A", 2))
    market.alter(key, f"{key}-0", cancelled=2)
    offer_id = next(iter(market.offers))
    market.offers[offer_id] = market.offers[offer_id].model_copy(update={"stock": 3})
    world.settle(400)
    assert [each.stock("A") for each in world.markets] == [5, 5]
    assert (world.store.orders, held(world)) == ({}, 0)


def test_an_order_goes_through_all_seven_steps(world: World) -> None:
    started(world, A=5)
    key = world.markets[0].buy(("A", 2), price="19.99")
    world.settle(400)
    assert [made.payment_text for made in world.store.drafts.values()] == [""], "as the store has it"
    [store_order] = world.store.orders.values()
    assert (str(store_order.total.amount), store_order.marketplace_ref) == ("39.98", f"mem0:{key}")
    assert (world.store.stock("A"), held(world)) == (3, 0)
    assert [market.stock("A") for market in world.markets] == [3, 3]
    world.store.ship(store_order.external_id, "3SABC")
    world.hint_order(store_order.external_id)
    world.settle(900)
    [parcel] = world.markets[0].parcels[key]
    assert (parcel.carrier, parcel.tracking, parcel.lines[0].quantity) == ("TNT", "3SABC", 2)
    [order] = orders(world)
    times = [order.placed_at, order.imported_at, order.stock_lowered_at, order.created_at, order.shipped_at,
             order.confirmed_at, order.closed_at]  # fmt: skip
    assert all(times)
    assert times == sorted(times)
    assert problems(world) == {}


def test_a_time_out_after_the_store_created_the_order_makes_no_second(world: World) -> None:
    started(world, A=5)
    world.store.faults.after["create_order"] = [time_out()]
    world.markets[0].buy(("A", 1))
    world.settle(600)
    assert len(world.store.orders) == 1
    assert [order.store_state for order in orders(world)] == ["created"]
    assert held(world) == 0


def test_a_create_that_shows_up_late_is_waited_for(world: World) -> None:
    """The store was still at work when the answer timed out: the first look-ups find nothing."""
    started(world, A=5)
    world.store.faults.after["create_order"] = [time_out()]
    world.markets[0].buy(("A", 1))
    world.settle(310, step=10)
    for order in world.store.orders:
        world.store.hidden.add(order)
    world.drain()
    world.clock.advance(20)
    world.drain()
    world.store.hidden.clear()
    world.settle(600)
    assert len(world.store.orders) == 1


def test_the_reservation_ends_only_when_a_reading_after_the_order_shows_it(world: World) -> None:
    """The webhook's reading is under way when the order is placed: its number must not count the units twice or never."""
    started(world, A=5)
    original = world.store.fetch_products

    def slow(ids):  # type: ignore[no-untyped-def]
        answer = original(ids)
        if not world.store.orders:
            world.markets[0].buy(("A", 2))
            world.store.fetch_products = original  # type: ignore[method-assign]
            world.mark("orders", "orders.pull", "changes", connection=2)
            while not world.store.orders:
                world.clock.advance(1)
                for scope in table.scopes(world.engine, "orders"):
                    table.run(world.engine, scope, float("inf"))
        return answer

    world.store.fetch_products = slow  # type: ignore[method-assign]
    world.clock.advance(10)  # the last reading is long enough ago for the hint to be served at once
    world.hint(world.store.set("A", 5))
    world.drain()
    assert held(world) in (0, 2)
    published = [market.stock("A") for market in world.markets]
    assert published == [3, 3]
    world.settle(60)
    assert held(world) == 0
    assert [market.stock("A") for market in world.markets] == [3, 3]


def test_five_three_five_ends_at_five(world: World) -> None:
    started(world, A=5)
    world.clock.advance(10)
    world.hint(world.store.set("A", 3))
    world.markets[0].faults.after["update_stock"] = [time_out()]
    world.drain()
    world.hint(world.store.set("A", 5))
    world.settle(600)
    assert [market.stock("A") for market in world.markets] == [5, 5]


def test_a_marketplace_that_wants_to_be_given_time_is_given_it(world: World) -> None:
    started(world, A=5)
    market = world.markets[0]
    send = market.update_stock
    tried: list[datetime] = []

    def later(updates: Sequence[StockUpdate]) -> list[ItemResult]:
        tried.append(world.clock())
        if len(tried) > 1:
            return send(updates)
        return [ItemResult(key=item.key, outcome=Outcome.RETRY, after=timedelta(hours=2)) for item in updates]

    market.update_stock = later  # type: ignore[method-assign]
    world.hint(world.store.set("A", 3))
    world.settle(30)
    world.settle(6600, step=2200)
    assert (len(tried), market.stock("A")) == (1, 5)
    world.settle(1200, step=600)
    assert (len(tried), market.stock("A")) == (2, 3)


def test_a_cancellation_in_the_store_is_told_to_the_marketplace(world: World) -> None:
    started(world, A=5)
    key = world.markets[0].buy(("A", 2))
    world.settle(400)
    [order] = world.store.orders
    world.store.cancel_order(order, "by hand")
    world.hint_order(order)
    world.settle(900)
    assert world.markets[0].orders[key].lines[0].cancelled == 2
    assert (world.store.stock("A"), world.markets[1].stock("A")) == (5, 5)


def test_a_buyers_request_is_carried_to_both_sides(world: World) -> None:
    started(world, A=5)
    key = world.markets[0].buy(("A", 2))
    world.settle(400)
    world.markets[0].alter(key, f"{key}-0", cancellation_requested=True)
    world.settle(900)
    assert world.markets[0].orders[key].lines[0].cancelled == 2
    assert [o.status for o in world.store.orders.values()] == [StoreOrderStatus.CANCELLED]
    assert (world.store.stock("A"), world.markets[1].stock("A"), held(world)) == (5, 5, 0)


def test_a_request_that_comes_after_the_parcel_left_is_overtaken(world: World) -> None:
    started(world, A=5)
    key = world.markets[0].buy(("A", 1))
    world.settle(400)
    [order] = world.store.orders
    world.store.ship(order, "3S1")
    world.hint_order(order)
    world.settle(300)
    world.markets[0].alter(key, f"{key}-0", cancellation_requested=True)
    world.settle(900)
    assert world.markets[0].orders[key].lines[0].cancelled == 0
    assert [o.status for o in world.store.orders.values()] == [StoreOrderStatus.COMPLETED]


def test_an_order_without_a_product_is_held_whole_and_goes_on_when_it_appears(world: World) -> None:
    started(world, A=5)
    world.markets[0].buy(("A", 1), ("NEW", 1))
    world.settle(400)
    assert world.store.orders == {}
    assert "NEW" in problems(world)["order_held"]
    assert world.markets[1].stock("A") == 4
    world.hint(world.store.add("NEW", 9))
    world.settle(400)
    [store_order] = world.store.orders.values()
    assert [line.sku for line in store_order.lines] == ["A", "NEW"]
    assert problems(world) == {}


def test_missing_tracking_is_a_problem_and_never_sent(world: World) -> None:
    started(world, A=5)
    key = world.markets[0].buy(("A", 1))
    world.settle(400)
    [order] = world.store.orders
    world.store.update(order, status=StoreOrderStatus.COMPLETED, raw_status="completed")
    world.hint_order(order)
    world.settle(300)
    assert world.markets[0].parcels == {}
    assert "tracking" in problems(world)["tracking_missing"]
    world.store.ship(order, "3SLATE")
    world.hint_order(order)
    world.settle(300)
    assert world.markets[0].parcels[key][0].tracking == "3SLATE"
    assert problems(world) == {}


def test_partial_shipments_by_line_and_quantity(world: World) -> None:
    started(world, A=5, B=5)
    key = world.markets[0].buy(("A", 2), ("B", 1))
    world.settle(400)
    [order] = world.store.orders.values()
    world.store.ship(order.external_id, "P1", {order.lines[0].external_id: 1}, complete=False)
    world.hint_order(order.external_id)
    world.settle(300)
    world.store.ship(order.external_id, "P2", {order.lines[0].external_id: 1, order.lines[1].external_id: 1})
    world.hint_order(order.external_id)
    world.settle(600)
    sent = [[(line.external_id, line.quantity) for line in p.lines] for p in world.markets[0].parcels[key]]
    assert sent == [[(f"{key}-0", 1)], [(f"{key}-0", 1), (f"{key}-1", 1)]]


def test_parcels_are_told_once_the_whole_order_has_left_where_that_is_wished(world: World) -> None:
    started(world, A=5, B=5)
    with world.db.write(1) as session:
        row = session.get_one(Connection, 2)
        row.settings = {**row.settings, "parcels": "whole", "order_label": "Shop24 {order} ({marketplace})",
                        "payment_label": "{marketplace}: {name}, {order}"}  # fmt: skip
        title = row.title
    key = world.markets[0].buy(("A", 2), ("B", 1))
    world.settle(400)
    [order] = world.store.orders.values()
    assert [made.label for made in world.store.drafts.values()] == [f"Shop24 {key} ({title})"]
    assert [made.payment_text for made in world.store.drafts.values()] == [f"{title}: Shop24 {key} ({title}), {key}"]
    world.store.ship(order.external_id, "P1", {order.lines[0].external_id: 2}, complete=False)
    world.hint_order(order.external_id)
    world.settle(600)
    assert key not in world.markets[0].parcels
    world.store.ship(order.external_id, "P2", {order.lines[1].external_id: 1})
    world.hint_order(order.external_id)
    world.settle(600)
    assert [parcel.tracking for parcel in world.markets[0].parcels[key]] == ["P1", "P2"]
    assert orders(world)[0].confirmed_at is not None


def test_a_time_out_while_confirming_confirms_once(world: World) -> None:
    started(world, A=5)
    key = world.markets[0].buy(("A", 1))
    world.settle(400)
    [order] = world.store.orders
    world.markets[0].faults.after["confirm_shipment"] = [time_out()]
    world.store.ship(order, "3S1")
    world.hint_order(order)
    world.settle(900)
    assert len(world.markets[0].parcels[key]) == 1
    assert orders(world)[0].confirmed_at is not None


@pytest.mark.parametrize("late", [True, False])
def test_a_part_that_may_still_be_at_work_there_is_not_told_twice(world: World, late: bool) -> None:
    """A marketplace that works later and whose answer was lost: it does so ten minutes on, or never got it."""
    started(world, A=5)
    market = world.markets[0]
    market.manifest = market.manifest.model_copy(update={"works_within": 1800})
    world.engine = world.new_engine()
    key = market.buy(("A", 3))
    world.settle(400)
    [order] = world.store.orders.values()
    market.faults.before["confirm_shipment"] = [time_out()]
    world.store.ship(order.external_id, "P1", {order.lines[0].external_id: 1}, complete=False)
    world.hint_order(order.external_id)
    world.settle(900)
    assert key not in market.parcels
    part = ParcelLine(external_id=f"{key}-0", quantity=1)
    if late:
        done = Parcel(reference="", carrier="", tracking="P1", lines=(part,), shipped_at=world.clock())
        market.confirm_shipment(market.orders[key], done)
    world.settle(2400)
    assert [(parcel.tracking, parcel.lines[0].quantity) for parcel in market.parcels[key]] == [("P1", 1)]
    world.store.ship(order.external_id, "P2", {order.lines[0].external_id: 2})
    world.hint_order(order.external_id)
    world.settle(600)
    assert [parcel.tracking for parcel in market.parcels[key]] == ["P1", "P2"]
    assert orders(world)[0].confirmed_at is not None


def test_a_return_is_decided_told_and_restocked(world: World) -> None:
    from bridge.db.tables import ReturnRow
    from bridge.domain.returns import ReturnDecision
    from bridge.flows import returns

    started(world, A=5)
    key = world.markets[0].buy(("A", 2))
    world.settle(400)
    [order] = world.store.orders
    world.store.ship(order, "3S1")
    world.hint_order(order)
    world.settle(300)
    rma = world.markets[0].announce_return(key, 1)
    world.settle(1000)
    assert "return_open" in problems(world)
    with world.db.write(1) as session:
        row = session.scalars(select(ReturnRow)).one()
        returns.decide(session, row, ReturnDecision.ACCEPTED, 1, True, world.clock())
    world.settle(1000)
    assert world.markets[0].decisions[rma] == (ReturnDecision.ACCEPTED, 1)
    assert len(world.store.refunds) == 1
    assert (world.store.stock("A"), world.markets[1].stock("A")) == (4, 4)
    assert problems(world) == {}


def test_a_return_that_is_not_decided_is_said_a_day_before_and_when_it_is_too_late(world: World) -> None:
    from bridge.db.tables import ReturnRow

    started(world, A=5)
    key = world.markets[0].buy(("A", 2))
    world.settle(400)
    [order] = world.store.orders
    world.store.ship(order, "3S1")
    world.hint_order(order)
    world.settle(300)
    rma = world.markets[0].announce_return(key, 1)
    world.settle(1000)
    with world.db.read(1) as session:
        row = session.scalars(select(ReturnRow)).one()
    assert row.respond_by == row.registered_at + timedelta(hours=48)
    assert "return_due" not in problems(world)
    world.clock.now = row.respond_by - timedelta(hours=23)
    world.settle(1000)
    assert {"return_open", "return_due"} <= set(problems(world))
    world.clock.now = row.respond_by + timedelta(hours=1)
    world.settle(1000)
    assert "return_late" in problems(world)
    assert "return_due" not in problems(world)
    world.markets[0].handled(rma)
    world.settle(1000)
    assert not {"return_open", "return_due", "return_late"} & set(problems(world))


def test_a_deleted_product_ends_its_offers(world: World) -> None:
    started(world, A=5)
    world.hint(world.store.delete("A"))
    world.settle(60)
    assert [market.offers for market in world.markets] == [{}, {}]


def test_a_double_sku_publishes_nothing_on_a_guess(world: World) -> None:
    world.store.add("A", 5)
    world.store.add("A", 7)
    world.settle(120)
    assert [market.offers for market in world.markets] == [{}, {}]
    with world.db.read(1) as session:
        assert {row.state for row in session.scalars(select(Listing))} == {"blocked"}


def test_drift_is_found_corrected_and_in_the_end_a_persons_business(world: World) -> None:
    started(world, A=5)
    market = world.markets[0]
    [key] = market.offers
    for _ in range(6):
        market.offers[key] = market.offers[key].model_copy(update={"stock": 99})
        world.clock.advance(30000)
        world.settle(200)
    assert len([w for w in market.writes if w[0] == "update_stock"]) <= 3
    assert "drift" in problems(world)
    market.offers[key] = market.offers[key].model_copy(update={"stock": 5})
    world.clock.advance(30000)
    world.settle(200)
    assert "drift" not in problems(world), "mended by whoever changed it"


def test_refused_credentials_park_and_reconnecting_catches_up(world: World) -> None:
    from bridge.db.tables import Connection

    started(world, A=5)
    world.markets[0].faults.before["update_stock"] = [Reauthorise("The password was changed.")]
    world.hint(world.store.set("A", 2))
    world.settle(300)
    assert (world.markets[0].stock("A"), world.markets[1].stock("A")) == (5, 2)
    assert "reauthorise" in problems(world)
    with world.db.write(1) as session:
        row = session.get_one(Connection, 2)
        row.state = "active"
    world.settle(600)
    assert world.markets[0].stock("A") == 2


def test_a_poison_order_is_set_aside_alone(world: World) -> None:
    started(world, A=5)
    bad = world.markets[0].buy(("A", 1))
    good = world.markets[0].buy(("A", 1))
    original = world.markets[0].fetch_order

    def fetch(key: str):  # type: ignore[no-untyped-def]
        if key == bad:
            raise ValueError("a fault of ours")
        return original(key)

    world.markets[0].fetch_order = fetch  # type: ignore[method-assign]
    world.settle(2000)
    assert [o.marketplace_ref for o in world.store.orders.values()] == [f"mem0:{good}"]
    assert any(kind.startswith("parked") for kind in problems(world))


def test_the_number_explains_itself(world: World) -> None:
    started(world, A=8)
    world.store.faults.before["find_orders"] = [RetryLater("store away")] * 50
    key = world.markets[0].buy(("A", 2))
    world.settle(400)
    with world.db.read(1) as session:
        query = select(FacetRow).join(Listing).where(FacetRow.facet == "stock", Listing.connection_id == 3)
        facet = session.scalars(query).one()
    assert facet.explain["orders"] == [f"mem0:{key} x2"]
    assert (facet.explain["on_hand"], facet.explain["reserved"], facet.acked["quantity"]) == (8, 2, 6)


def test_a_draft_is_not_offered_and_a_product_taken_back_shows_zero(world: World) -> None:
    started(world, A=5, B=5)
    world.hint(world.store.change("A", published=False))
    world.settle(60)
    assert [market.stock("A") for market in world.markets] == [0, 0]
    key = world.store.add("C", 7)
    world.store.change("C", published=False)
    world.hint(key)
    world.settle(60)
    assert [market.stock("C") for market in world.markets] == [None, None]
    world.hint(world.store.change("C", published=True))
    world.settle(60)
    assert [market.stock("C") for market in world.markets] == [7, 7]
