"""B5, B15, B16, A17 and what else stores and marketplaces may say: odd characters, numbers and names, firewalls."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from sqlalchemy import event, select

from bridge.db.tables import FacetRow, Journal, Listing, Order, OrderLine, Problem, Product, Variant, Work
from bridge.domain.catalogue import StockReading
from bridge.domain.stock import MAX_UNITS
from bridge.flows import table
from bridge.ports.errors import AskMerchant, BridgeError, RejectItem, RetryLater
from bridge.ports.platform import ProductBatch
from tests.faults.test_marketplace_faults import listed, sets, state_of
from tests.support.demo import Demo
from tests.support.stack import Stack
from tests.support.world import World, ean

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    world = World(database_url, markets=1)
    for sku in ("A", "C", "D"):
        world.store.add(sku, 5)
    world.settle(60, step=60)
    yield world
    world.close()


def told(world: World) -> dict[str, str]:
    with world.db.read(1) as session:
        return {
            row.kind: f"{row.text} {row.detail}"
            for row in session.scalars(select(Problem).where(Problem.closed_at.is_(None)))
        }


def meant(world: World) -> list[str | None]:
    """The SKUs, as they are now, of the products that order lines were matched to."""
    with world.db.read(1) as session:
        query = select(Variant.sku).select_from(OrderLine).outerjoin(Variant, Variant.id == OrderLine.variant_id)
        return list(session.scalars(query.order_by(OrderLine.id)))


# B5


def sold(world: World, sku: str, gtin: str | None = None) -> None:
    """Somebody buys the offer that stands under ``sku`` there, which keeps the name it had."""
    market = world.markets[0]
    offer = next(offer for offer in market.offers.values() if offer.sku == sku)
    key = market.buy((sku, 1), gtin=gtin)
    market.alter(key, f"{key}-0", offer_id=offer.offer_id)


def test_b5_a_renamed_sku_is_still_the_same_product(world: World) -> None:
    sold(world, "A")
    world.hint(world.store.change("A", sku="B"))
    world.settle(400, step=100)
    assert (meant(world), told(world)) == (["B"], {})
    assert len(world.store.orders) == 1


def test_b5_a_sku_that_was_given_to_another_product_is_not_believed(world: World) -> None:
    """A becomes B, and another product becomes A. What was bought as A before anybody told the marketplace is B."""
    world.markets[0].faults.waiting["update_content"] = [RetryLater("later")] * 50
    world.hint(world.store.change("A", sku="B"))
    world.store.add("A", 7)
    sold(world, "A", gtin=ean(1))
    world.settle(400, step=100)
    assert meant(world) == ["B"], "the EAN tells which of them"
    sold(world, "A")
    world.settle(400, step=100)
    assert meant(world) == ["B", None]
    assert "order_held" in told(world), "where nothing tells, a person does"
    assert [line.sku for order in world.store.orders.values() for line in order.lines] == ["B"]


@pytest.fixture
def demo(database_url: str) -> Iterator[Demo]:
    """A marketplace on which an offer has no other name than its SKU."""
    world = Demo(database_url)
    world.settings(sites=["A1"])
    world.store.add("A", 5)
    world.settle(60, step=60)
    yield world
    world.close()


@pytest.mark.both_databases
def test_b5_an_offer_that_is_known_by_its_sku_is_not_written_over_by_another_product(demo: Demo) -> None:
    demo.hint(demo.store.change("A", sku="B"))
    demo.store.add("A", 7, gtin=ean(900))
    demo.settle(300, step=60)
    known = {offer.offer_id: (offer.sku, offer.stock) for offer in demo.market.offers.values()}
    assert known == {"A": ("A", 5)}, "the offer is that of B by now, and shows its stock"
    assert "offer_refused" in demo.problems()
    demo.hint(demo.store.change("A", sku="Z"))
    demo.settle(300, step=60)
    assert demo.market.shown("Z") == {"A1": 7}
    assert demo.problems() == {}


def test_b5_a_variant_that_is_taken_away_ends_within_two_minutes_and_its_siblings_stay(world: World) -> None:
    key = world.store.by_sku("A").product_id
    product = world.store.products[key]
    [first] = product.variants
    sibling = first.model_copy(
        update={
            "external_id": "v2",
            "sku": "A2",
            "gtin": ean(77),
            "stock": StockReading(pool="v2", managed=True, on_hand=3),
        }
    )
    world.store.products[key] = product.model_copy(update={"variants": (first, sibling)})
    world.hint(key)
    world.settle(60, step=30)
    assert (world.markets[0].stock("A"), world.markets[0].stock("A2")) == (5, 3)
    world.store.products[key] = product
    world.hint(key)
    world.settle(120, step=30)
    assert (world.markets[0].stock("A"), world.markets[0].stock("A2")) == (5, None)


# A14 and P4


def test_a14_a_catalogue_that_is_suddenly_empty_ends_nothing(stack: Stack) -> None:
    """Rights that ran out show as empty lists: each product is asked for by itself before it is believed to be gone."""
    listed(stack, A=5, C=3)
    stack.store.fault("empty_list", "products.list", times=None)
    stack.store.fault("empty_list", "orders.list", times=None)
    stack.bol.fault("empty_list", "get-orders", times=None)
    for _ in range(3):
        stack.due_now()
        stack.settle(120, 60)
    assert (stack.shown("A"), stack.shown("C")) == (5, 3)
    assert [row.deleted_at for row in stack.rows(Product)] == [None, None]


def test_p4_a_product_of_many_variants_costs_as_many_statements_as_one_of_few(world: World) -> None:
    seen: list[str] = []
    event.listen(world.db.engine, "before_cursor_execute", lambda _c, _k, statement, *_: seen.append(statement))
    key = world.store.by_sku("A").product_id
    product = world.store.products[key]
    [first] = product.variants

    def cost(count: int, units: int) -> int:
        many = tuple(
            first.model_copy(
                update={
                    "external_id": f"v{n}",
                    "sku": f"A{n}",
                    "gtin": ean(1000 + n),
                    "stock": StockReading(pool=f"v{n}", managed=True, on_hand=units),
                }
            )
            for n in range(count)
        )
        world.store.products[key] = product.model_copy(update={"variants": many})
        world.hint(key)
        seen.clear()
        for scope in table.scopes(world.engine, "stock"):
            if scope.topic == "work":
                table.run(world.engine, scope, float("inf"))
        world.clock.advance(60)
        return len(seen)

    assert cost(10, 1) > 0
    few = cost(10, 2)
    cost(1000, 1)
    assert cost(1000, 2) == few


# B15 and what cannot be kept


@pytest.mark.both_databases
@pytest.mark.parametrize(
    ("units", "shown"), [(-3, 0), (0, 0), (2**31, MAX_UNITS), (10**30, MAX_UNITS), (-(10**30), 0)], ids=str
)
def test_b15_a_quantity_that_nobody_counts_to_is_clamped_and_said(world: World, units: int, shown: int) -> None:
    world.hint(world.store.set("A", units))
    world.hint(world.store.set("C", 2))
    world.settle(120, step=60)
    assert (world.markets[0].stock("A"), world.markets[0].stock("C")) == (shown, 2)
    with world.db.read(1) as session:
        query = select(FacetRow.explain).join(Listing, Listing.id == FacetRow.listing_id)
        reason = str(session.scalars(query.where(FacetRow.facet == "stock", Listing.sku == "A")).one())
    assert ("capped at" if units > 0 else "less than nothing" if units < 0 else "on hand") in reason
    assert told(world) == {}


class Poisoned:
    """A store that cannot be read as long as one product is asked for."""

    def __init__(self, world: World, poison: str, error: Exception) -> None:
        self.whole, self.poison, self.error = world.store.fetch_products, poison, error
        self.asked: list[Sequence[str]] = []

    def __call__(self, ids: Sequence[str]) -> ProductBatch:
        self.asked.append(list(ids))
        if self.poison in ids:
            raise self.error
        return self.whole(ids)


@pytest.mark.parametrize(
    "error",
    [ValueError("no such date"), RejectItem("It has no price."), RetryLater("500 whenever it is in the list")],
    ids=lambda error: type(error).__name__,
)
def test_one_product_that_cannot_be_read_keeps_no_other(
    world: World, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison = world.store.by_sku("C").product_id
    monkeypatch.setattr(world.store, "fetch_products", Poisoned(world, poison, error))
    for sku in ("A", "C", "D"):
        world.hint(world.store.set(sku, 2))
    world.settle(180, step=20)
    assert {sku: world.markets[0].stock(sku) for sku in ("A", "C", "D")} == {"A": 2, "C": 5, "D": 2}
    with world.db.read(1) as session:
        waiting = session.scalars(
            select(Work.key).where(Work.kind == "product.read", Work.dirty_version > Work.done_version)
        )
        assert list(waiting) == [poison]
    assert ("parked.product.read" in told(world)) is isinstance(error, RejectItem)
    monkeypatch.undo()
    if isinstance(error, RetryLater):
        world.settle(900, step=100)
        assert world.markets[0].stock("C") == 2


@pytest.mark.both_databases
def test_what_only_the_merchant_can_mend_goes_on_by_itself_when_it_is_mended(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store redirects everything for an hour (maintenance), or its key lost its rights: told, and nothing is left."""
    error: BridgeError = AskMerchant("The store redirects to /maintenance.")
    monkeypatch.setattr(world.store, "fetch_products", Poisoned(world, world.store.by_sku("A").product_id, error))
    monkeypatch.setattr(world.store, "find_orders", lambda *_: (_ for _ in ()).throw(error))
    world.hint(world.store.set("A", 2))
    world.markets[0].buy(("C", 1))
    world.settle(3600, step=60)
    assert {"parked.product.read", "parked.orders.create"} <= set(told(world))
    monkeypatch.undo()
    world.settle(1200, step=60)
    assert (world.markets[0].stock("A"), world.markets[0].stock("C")) == (2, 4)
    assert len(world.store.orders) == 1
    assert told(world) == {}


def test_characters_that_no_database_keeps_are_replaced_and_nothing_stops(stack: Stack) -> None:
    """NUL in a product and in an order; what else there is stands in tests/unit/transport/test_http_verdicts.py."""
    listed(stack, A=5, C=5)
    [row] = stack.store.get("products", sku="A")
    stack.store.put(f"products/{row['id']}", {"name": "Nul \u0000 whole \U0001f600", "description": "\u0000"})
    stack.bol.fault("mutate", "get-order", times=None, params={"set": {"orderItems.0.product.title": "x\u0000y"}})
    sets(stack, "A", 3)
    sets(stack, "C", 2)
    order = stack.sells("C", 1)
    stack.settle(200, 20)
    assert (stack.shown("A"), stack.shown("C")) == (3, 1)
    assert len(stack.orders_of(order)) == 1
    assert stack.rows(Work, Work.parked) == []
    assert stack.rows(OrderLine)[0].title == "x\ufffdy"
    assert len(stack.rows(Journal, Journal.kind == "exchange")) > 0


# B16

ODD = {
    "a pickup point": {"shipmentDetails.pickupPointName": "Albert Heijn: UTRECHT", "pickupPoint": True},
    "200 letters": {
        "shipmentDetails.firstName": "N" * 200,
        "shipmentDetails.surname": "O" * 200,
        "shipmentDetails.streetName": "S" * 200,
    },
    "no phone, no e-mail": {
        "shipmentDetails.deliveryPhoneNumber": None,
        "shipmentDetails.email": None,
        "billingDetails.email": None,
    },
    "emoji": {"shipmentDetails.firstName": "👩‍👩‍👧 Zoë", "shipmentDetails.surname": "O'Brien & <b>Söhne</b>"},
    "from right to left": {
        "shipmentDetails.firstName": "\u202eמשה",
        "shipmentDetails.surname": "محمد",
        "shipmentDetails.city": "القاهرة",
    },
    "no house number": {"shipmentDetails.houseNumber": None, "shipmentDetails.houseNumberExtension": "bis \u0000"},
    "an address nobody has": {
        "shipmentDetails.email": "no address",
        "shipmentDetails.countryCode": "XX",
        "shipmentDetails.zipCode": "12",
    },
}


@pytest.mark.parametrize("oddity", ODD)
def test_b16_an_order_for_an_odd_address_is_made_whole(stack: Stack, oddity: str) -> None:
    listed(stack, A=5)
    change: dict[str, Any] = ODD[oddity]
    stack.bol.fault("mutate", "get-order", times=None, params={"set": change})
    order = stack.sells("A", 1)
    stack.settle(60, 20)
    [made] = stack.orders_of(order)
    [row] = stack.rows(Order)
    shipping = made["shipping"]
    assert row.store_state == "created"
    kept = row.buyer["ship_to"]
    if oddity == "a pickup point":
        assert "Albert Heijn: UTRECHT" in shipping["address_2"]
    if oddity in ("200 letters", "emoji", "from right to left"):
        assert (shipping["first_name"], shipping["last_name"]) == (kept["first_name"], kept["last_name"])
        assert kept["last_name"] == change["shipmentDetails.surname"]
    assert stack.problems() == {}


# A17


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a17_a_host_that_turns_bursts_away_is_called_more_rarely_and_nothing_is_set_aside(stack: Stack) -> None:
    """A firewall's page is no word of the store about rights: everything waits a moment and goes on, more slowly."""
    listed(stack, A=5)
    page = "<html><body>Access denied. Your IP has been blocked.</body></html>"
    stack.store.fault("error", "*", times=4, status=403, body=page)
    sets(stack, "A", 2)
    order = stack.sells("A", 1)
    slept = threading.Event()
    for _ in range(12):
        stack.settle(20, 20)
        if stack.orders_of(order):
            break
        slept.wait(2)  # the blocks of this process are in real seconds
    stack.settle(60, 20)
    assert state_of(stack, stack.store_id) == "active"
    assert stack.rows(Work, Work.parked) == []
    assert stack.problems() == {}
    assert len(stack.orders_of(order)) == 1
    assert stack.shown("A") == stack.store.stock("A") == 1
