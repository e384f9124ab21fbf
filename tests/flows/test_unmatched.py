"""A sale of something that is no product of the store: by the merchant's word the order comes all the same, and what has
no product is shipped, cancelled and given back like the rest, takes no stock, and stays a problem until it is matched."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import select

from bridge.db.tables import Connection, Order, OrderLine, Problem, Reservation
from bridge.domain.returns import ReturnDecision
from bridge.flows import attend, connecting, unmatched
from bridge.ports.manifest import Feature
from tests.support.demo import Demo
from tests.support.world import World, time_out

pytestmark = pytest.mark.both_databases


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    world = World(database_url)
    world.store.add("A", 9)
    world.settle(120)
    yield world
    world.close()


def choose(world: World, choice: str) -> None:
    with world.db.write(1) as session:
        row = session.get_one(Connection, 2)
        row.settings = {**row.settings, "unmatched": choice}


def bought(world: World, *lines: tuple[str, int]) -> tuple[str, Order]:
    key = world.markets[0].buy(*lines)
    world.settle(400)
    return key, order(world, key)


def order(world: World, key: str) -> Order:
    with world.db.read(1) as session:
        return session.scalars(select(Order).where(Order.external_id == key)).one()


def free(world: World) -> OrderLine:
    with world.db.read(1) as session:
        return session.scalars(select(OrderLine).where(OrderLine.without_product)).one()


def problems(world: World) -> dict[str, str]:
    with world.db.read(1) as session:
        return {p.kind: p.text for p in session.scalars(select(Problem).where(Problem.closed_at.is_(None)))}


def units_held(world: World) -> int:
    with world.db.read(1) as session:
        return sum(r.quantity for r in session.scalars(select(Reservation).where(Reservation.state != "released")))


def test_it_waits_unless_the_merchant_says_otherwise(world: World) -> None:
    _, waits = bought(world, ("A", 1), ("OLD", 2))
    assert (waits.store_state, world.store.orders) == ("held", {})
    assert "order_held" in problems(world)


def test_it_comes_with_the_marketplaces_words_to_the_cent_and_takes_no_stock(world: World) -> None:
    choose(world, "create")
    key, made = bought(world, ("A", 1), ("OLD", 2))
    [draft] = world.store.drafts.values()
    assert [(line.sku, line.product_id is None, line.quantity) for line in draft.lines] == [
        ("A", False, 1), ("OLD", True, 2),
    ]  # fmt: skip
    assert (made.store_state, made.store_total, made.total) == ("created", "30.00", "30.00")
    assert (world.store.stock("A"), units_held(world)) == (8, 0)
    assert [market.stock("A") for market in world.markets] == [8, 8]
    found = problems(world)
    assert found == {
        unmatched.KIND: f"Order {key} is in the store as {made.store_number} with lines that are no product there: OLD."
    }


def test_one_parcel_or_several_tell_of_it_too(world: World) -> None:
    choose(world, "create")
    key, _ = bought(world, ("A", 1), ("OLD", 2))
    [made] = world.store.orders.values()
    world.store.ship(made.external_id, "P1", {made.lines[1].external_id: 1}, complete=False)
    world.hint_order(made.external_id)
    world.settle(400)
    world.store.ship(made.external_id, "P2")
    world.hint_order(made.external_id)
    world.settle(900)
    sent = [[(line.external_id, line.quantity) for line in p.lines] for p in world.markets[0].parcels[key]]
    assert sent == [[(f"{key}-1", 1)], [(f"{key}-0", 1), (f"{key}-1", 1)]]
    assert order(world, key).closed_at is not None


def test_it_is_cancelled_in_part_and_goes_on_no_shelf(world: World) -> None:
    choose(world, "create")
    key, _ = bought(world, ("A", 1), ("OLD", 2))
    world.markets[0].alter(key, f"{key}-1", cancelled=2)
    world.settle(900)
    [made] = world.store.orders.values()
    assert [line.refunded for line in made.lines] == [0, 2]
    assert problems(world) == {}, "what is cancelled has nothing to be matched"
    assert world.store.stock("A") == 8


def test_it_comes_back_and_goes_on_no_shelf(world: World) -> None:
    choose(world, "create")
    key, _ = bought(world, ("OLD", 1))
    [made] = world.store.orders.values()
    world.store.ship(made.external_id, "P1")
    world.hint_order(made.external_id)
    world.settle(900)
    back = world.markets[0].announce_return(key, 1)
    world.settle(900)
    attend.decide_return(world.engine, 1, back, ReturnDecision.ACCEPTED.value, restock=True)
    world.settle(900)
    assert [line.refunded for line in next(iter(world.store.orders.values())).lines] == [1]


def test_matched_by_hand_it_is_over_and_reserves_nothing(world: World) -> None:
    choose(world, "create")
    key, made = bought(world, ("A", 1), ("OLD", 2))
    attend.match_line(world.engine, 1, made.id, free(world).id, "A")
    world.settle(400)
    assert problems(world) == {}
    assert (free(world).variant_id is not None, units_held(world)) == (True, 0)
    assert world.store.stock("A") == 8
    assert order(world, key).store_order_id == made.store_order_id


def test_a_product_that_appears_later_ends_it(world: World) -> None:
    choose(world, "create")
    bought(world, ("A", 1), ("OLD", 2))
    world.store.add("OLD", 4)
    world.settle(900)
    assert problems(world) == {}
    assert (world.store.stock("OLD"), units_held(world)) == (4, 0)
    assert [market.stock("OLD") for market in world.markets] == [4, 4]


def test_dealt_with_it_does_not_come_again(world: World) -> None:
    choose(world, "create")
    key, _ = bought(world, ("OLD", 1))
    with world.db.read(1) as session:
        [problem] = session.scalars(select(Problem.id).where(Problem.kind == unmatched.KIND))
    attend.close(world.engine, 1, problem)
    world.markets[0].alter(key, f"{key}-0", title="As it is called now")
    world.settle(900)
    assert problems(world) == {}


def test_an_order_that_waits_comes_as_soon_as_it_may(database_url: str) -> None:
    world = Demo(database_url)  # its marketplace can be asked who it is, which a changed setting needs
    world.settle(60, step=60)
    key, waits = bought(world, ("OLD", 1))
    assert waits.store_state == "held"
    connecting.connect(world.engine, 1, "channel", "mem0", "mem0", {}, {"unmatched": "create"}, {})
    world.drain()
    assert order(world, key).store_state == "created"
    assert set(problems(world)) == {unmatched.KIND}
    world.close()


def test_matched_while_it_waits_it_is_a_product_like_any_other(world: World) -> None:
    world.store.faults.before["find_orders"] = [time_out()] * 50
    choose(world, "create")
    key, waiting = bought(world, ("OLD", 2))
    assert waiting.store_state == "ready"
    attend.match_line(world.engine, 1, waiting.id, free(world).id, "A")
    world.store.faults.before["find_orders"] = []
    world.settle(900)
    [draft] = world.store.drafts.values()
    assert [line.product_id is None for line in draft.lines] == [False]
    assert (order(world, key).store_state, world.store.stock("A"), problems(world)) == ("created", 7, {})


def test_what_the_store_was_asked_for_stays_whatever_is_matched_meanwhile(world: World) -> None:
    """The create got no answer: when it is found, its line is of no product, though it has one here by now."""
    choose(world, "create")
    world.store.faults.after["create_order"] = [time_out()]
    key = world.markets[0].buy(("OLD", 2))
    world.settle(310, step=10)
    attend.match_line(world.engine, 1, order(world, key).id, free(world).id, "A")
    world.settle(900)
    assert len(world.store.orders) == 1
    assert (order(world, key).store_state, units_held(world), world.store.stock("A")) == ("created", 0, 9)


def test_a_store_that_has_no_such_lines_has_the_order_wait(world: World) -> None:
    choose(world, "create")
    manifest = world.store.manifest.model_copy(update={"cannot": {Feature.FREE_LINES: "It knows products alone."}})
    world.store.manifest = manifest
    world.engine = world.new_engine()
    _, waits = bought(world, ("OLD", 1))
    assert (waits.store_state, world.store.orders) == ("held", {})
