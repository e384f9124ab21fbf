"""By what offers and order lines find their products, as the merchant has chosen it; what fits several is a problem."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from bridge.db.tables import Connection, Listing, LooseOffer, Order, OrderLine, Problem, Variant
from bridge.domain.listing import LiveOffer
from bridge.flows import linking, matching, resting
from tests.support.world import World, ean

pytestmark = pytest.mark.both_databases

CHANNEL = 2
OTHER = ean(900)
LOOSE = {"match_sku": "loose"}


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    """Nothing is offered before the marketplace's own offers have been compared, as in a setup."""
    world = World(database_url, markets=1)
    resting.hold(world.engine, 1, CHANNEL, ["offers"], "Ann")
    yield world
    world.close()


def choose(world: World, **settings: str) -> None:
    with world.db.write(1) as session:
        row = session.get_one(Connection, CHANNEL)
        row.settings = {**row.settings, **settings}


def offer(world: World, name: str, sku: str | None, gtin: str | None) -> None:
    world.markets[0].offers[name] = LiveOffer(offer_id=name, sku=sku, gtin=gtin, stock=1, title=name)


def compared(world: World) -> dict[str, int]:
    world.settle(200, step=100)
    matching.again(world.engine, 1, CHANNEL)
    world.settle(200, step=100)
    with world.db.read(1) as session:
        found = matching.shown(session, session.get_one(Connection, CHANNEL))["offers"]
    return {name: found[name] for name in ("by_sku", "by_gtin", "several", "unknown") if found[name]}


def offered(world: World) -> None:
    resting.resume(world.engine, 1, CHANNEL, ["offers"], "Ann")
    world.settle(300, step=100)


def rows(world: World, table: Any, *where: Any) -> list[Any]:
    with world.db.read(1) as session:
        return list(session.scalars(select(table).where(*where).order_by(table.id)))


def listing(world: World, sku: str) -> Listing:
    [found] = rows(world, Listing, Listing.sku == sku)
    return found


SAME = ean(1)  # of the first product of the store
CASES = [
    pytest.param({}, "A", OTHER, "by_sku", id="both: the SKU comes first"),
    pytest.param({}, "X", SAME, "by_gtin", id="both: the EAN where the SKU says nothing"),
    pytest.param({}, " a", None, "unknown", id="both, exactly: another spelling"),
    pytest.param({"match_by": "sku"}, "A", None, "by_sku", id="SKU alone"),
    pytest.param({"match_by": "sku"}, "X", SAME, "unknown", id="SKU alone: the EAN says nothing"),
    pytest.param({"match_by": "ean"}, "X", SAME, "by_gtin", id="EAN alone"),
    pytest.param({"match_by": "ean"}, "A", OTHER, "unknown", id="EAN alone: the SKU says nothing"),
    pytest.param(LOOSE, " a", None, "by_sku", id="loosely: case and spaces do not count"),
    pytest.param({**LOOSE, "match_by": "sku"}, "a ", OTHER, "by_sku", id="SKU alone, loosely"),
    pytest.param({**LOOSE, "match_by": "ean"}, "a", None, "unknown", id="EAN alone: no spelling of the SKU counts"),
]


@pytest.mark.parametrize(("settings", "sku", "gtin", "how"), CASES)
def test_an_offer_that_stands_there_is_taken_over_or_left(
    world: World, settings: dict[str, str], sku: str, gtin: str | None, how: str
) -> None:
    world.store.add("A", 5)
    offer(world, "X-1", sku, gtin)
    choose(world, **settings)
    assert compared(world) == {how: 1}
    offered(world)
    row = listing(world, "A")
    assert row.state == "live"
    assert (row.offer_id == "X-1") == (how != "unknown"), "never listed twice, never taken from somebody"
    assert world.markets[0].offers["X-1"].stock == (1 if how == "unknown" else 5)


def test_an_offer_that_stands_on_two_pages_is_one_offer(world: World) -> None:
    """Lists that shrink are read in pages that overlap."""
    for number in range(20):
        world.store.add(f"SKU-{number}", 5)
        offer(world, f"X-{number}", f"X-{number}", ean(1 + number))
    assert compared(world) == {"by_gtin": 20}


@pytest.mark.parametrize(("settings", "sku", "gtin", "how"), CASES)
def test_an_order_line_finds_the_same_product(
    world: World, settings: dict[str, str], sku: str, gtin: str | None, how: str
) -> None:
    world.store.add("A", 5)
    choose(world, **settings)
    world.settle(200, step=100)
    number = world.markets[0].buy((sku, 1), gtin=gtin)
    world.settle(400, step=100)
    [order] = rows(world, Order, Order.external_id == number)
    [line] = rows(world, OrderLine, OrderLine.order_id == order.id)
    assert (line.variant_id is None) == (how == "unknown")
    assert order.store_state == ("held" if how == "unknown" else "created")


def test_an_order_for_one_of_two_that_are_alike_waits_for_a_person(world: World) -> None:
    for sku in ("Cup", "CUP"):
        world.store.add(sku, 5)
    choose(world, **LOOSE)
    world.settle(200, step=100)
    number = world.markets[0].buy(("cup", 1))
    world.settle(400, step=100)
    [order] = rows(world, Order, Order.external_id == number)
    assert order.store_state == "held"
    assert rows(world, Problem, Problem.kind == "order_held", Problem.closed_at.is_(None))


def test_an_offer_that_fits_two_products_is_nobodys(world: World) -> None:
    for sku in ("Cup", "CUP"):
        world.store.add(sku, 5)
    offer(world, "X-1", "cup", None)
    choose(world, **LOOSE)
    assert compared(world) == {"several": 1}
    offered(world)
    assert {listing(world, sku).state for sku in ("Cup", "CUP")} == {"rejected"}
    texts = [row.text for row in rows(world, Problem, Problem.kind == "offer_refused")]
    assert all("several products of the store have this SKU but for its case (CUP, Cup)" in text for text in texts)
    assert len(texts) == 2
    assert set(world.markets[0].offers) == {"X-1"}, "and nothing is made beside it"


def test_of_two_offers_with_the_ean_of_one_product_a_person_says_which(world: World) -> None:
    world.store.add("A", 5)
    for name in ("X-1", "X-2"):
        offer(world, name, None, SAME)
    assert compared(world) == {"several": 2}
    offered(world)
    assert listing(world, "A").state == "rejected"
    assert set(world.markets[0].offers) == {"X-1", "X-2"}
    [problem] = rows(world, Problem, Problem.kind == "offer_refused")
    assert "several offers there fit it (X-1, X-2): link the right one by hand, under Links" in problem.text
    assert [row.offer_id for row in rows(world, LooseOffer)] == ["X-1", "X-2"]
    linking.link(world.engine, 1, linking.Offer(CHANNEL, "", "X-2"), "A", "Ann")
    world.settle(300, step=100)
    assert (listing(world, "A").offer_id, listing(world, "A").state) == ("X-2", "live")
    assert {name: item.stock for name, item in world.markets[0].offers.items()} == {"X-1": 1, "X-2": 5}
    assert rows(world, Problem, Problem.kind == "offer_refused", Problem.closed_at.is_(None)) == []


def test_its_own_offer_comes_before_another_with_its_ean(world: World) -> None:
    world.store.add("A", 5)
    offer(world, "X-1", "used", SAME)
    offer(world, "X-2", "A", SAME)
    offer(world, "X-3", "worn", SAME)
    assert compared(world) == {"by_sku": 1, "several": 2}
    offered(world)
    assert listing(world, "A").offer_id == "X-2"
    assert {name: item.stock for name, item in world.markets[0].offers.items()} == {"X-1": 1, "X-2": 5, "X-3": 1}


def test_a_new_choice_goes_through_what_waits(world: World) -> None:
    world.store.add("A", 5)
    offer(world, "X-1", " a", None)
    assert compared(world) == {"unknown": 1}
    number = world.markets[0].buy((" a", 2))
    world.settle(400, step=100)
    assert rows(world, Order)[0].store_state == "held"
    choose(world, **LOOSE)
    with world.db.write(1) as session:
        row = session.get_one(Connection, CHANNEL)
        matching.changed(world.engine, session, row, world.clock())
    world.settle(400, step=100)
    [order] = rows(world, Order, Order.external_id == number)
    assert order.store_state == "created"
    assert world.store.stock("A") == 3
    offered(world)
    assert listing(world, "A").offer_id == "X-1"


def test_an_order_that_waits_is_looked_at_when_its_product_comes_in_another_spelling(world: World) -> None:
    choose(world, **LOOSE)
    number = world.markets[0].buy(("MUG-1", 1))
    world.settle(400, step=100)
    assert rows(world, Order)[0].store_state == "held"
    world.hint(world.store.add("mug-1", 5))
    world.settle(200, step=100)
    [order] = rows(world, Order, Order.external_id == number)
    assert order.store_state == "created"
    assert len(rows(world, Variant)) == 1
