"""A marketplace that fetches: its file is written from the targets, served at a secret address, and acknowledged by a
fetch that took all of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from bridge.db.tables import Connection, FacetRow, FeedPart, FeedRow, Journal, Listing, Order, Problem
from bridge.domain.listing import Facet
from bridge.domain.money import Money
from bridge.domain.order import Address, MarketplaceOrder, OrderPhase
from bridge.flows import attend, feed_address, feeds, resting
from bridge.ports.channel import FeedEntry, FeedItem, ItemResult, Outcome, SaleStatus
from bridge.ports.errors import RejectItem
from bridge.ports.manifest import Capability, Feed, Manifest
from bridge.web import create_web
from tests.support.lively import Browser, config
from tests.support.world import MemoryMarket, World

CHANNEL = 2
NAME = "goods.txt"
ABILITIES = (Capability.FEED, Capability.ORDERS, Capability.ACCEPT)


def manifest() -> Manifest:
    feed = Feed(
        file=NAME, media_type="text/plain", updates=(Facet.STOCK, Facet.PRICE), fetched=1800, keep=3600, source="a test"
    )
    return Manifest(
        name="mem0", title="Fetcher", kind="channel", capabilities=ABILITIES, feed=feed,
        policies={"acceptance_price": 97},
    )  # fmt: skip


class Lines:
    """One line for an item: SKU, stock, price, title. What is called BAD cannot stand in the file."""

    def head(self) -> str:
        return "sku stock price title\n"

    def entry(self, item: FeedItem) -> FeedEntry:
        offer = item.offers[""]
        if "BAD" in offer.content.title:
            raise RejectItem("its title is BAD", field="title")
        title = (offer.known or offer.content).title
        warning = "its brand cannot change" if offer.known and offer.known.brand != offer.content.brand else ""
        return FeedEntry(text=f"{item.sku} {offer.stock} {offer.price.amount} {title}\n", warning=warning)

    def tail(self) -> str:
        return "end\n"


@dataclass
class Fetcher(MemoryMarket):
    manifest: Manifest = field(default_factory=manifest)
    becomes: str | None = None

    def feed(self) -> Lines:
        return Lines()

    def sale_status(self, offer_id: str) -> SaleStatus:
        return SaleStatus(offer_id=offer_id, for_sale=None)

    def accept_order(self, order: MarketplaceOrder, refused: Sequence[str]) -> ItemResult:
        self._write("accept_order", order.external_id, list(refused))
        old = self.orders.pop(order.external_id)
        self.becomes = f"{order.external_id}-accepted"
        change = {"external_id": self.becomes, "phase": OrderPhase.READY}
        self.orders[self.becomes] = old.model_copy(update=change)
        return ItemResult(key=order.external_id, outcome=Outcome.APPLIED, becomes=self.becomes)


class Shop(World):
    def __init__(self, url: str) -> None:
        super().__init__(url, markets=1, market=Fetcher)
        self.app = create_web(self.engine, config())
        with self.db.write(1) as session:
            feed_address.ensure(session, session.get_one(Connection, CHANNEL), self.clock())

    @property
    def door(self) -> FlaskClient:
        return self.app.test_client()

    def path(self, *, look: bool = False) -> str:
        with self.db.read(1) as session:
            feed = session.scalars(select(FeedRow)).one()
        return f"/feeds/{feed.secret}/{'look/' if look else ''}{NAME}"

    def fetch(self, *, look: bool = False, **options: Any) -> Any:
        with self.door.get(self.path(look=look), **options) as answer:
            answer.get_data()
            return answer

    def lines(self, *, look: bool = True) -> list[str]:
        return list(self.fetch(look=look).text.splitlines()[1:-1])

    def feed(self) -> FeedRow:
        with self.db.read(1) as session:
            return session.scalars(select(FeedRow)).one()

    def facet(self, sku: str, facet: Facet = Facet.STOCK) -> FacetRow:
        with self.db.read(1) as session:
            query = select(FacetRow).join(Listing, Listing.id == FacetRow.listing_id)
            return session.scalars(query.where(Listing.sku == sku, FacetRow.facet == facet.value)).one()

    def problems(self) -> dict[str, str]:
        with self.db.read(1) as session:
            return {row.kind: row.text for row in session.scalars(select(Problem).where(Problem.closed_at.is_(None)))}

    def later(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.settle(10, step=5)


@pytest.fixture
def shop(database_url: str) -> Iterator[Shop]:
    shop = Shop(database_url)
    shop.store.add("A", 5)
    shop.store.add("B", 9, price="19.90")
    shop.settle(60, step=20)
    yield shop
    shop.close()


def test_targets_become_a_file_and_a_fetch_acknowledges_what_stood_in_it(shop: Shop) -> None:
    assert shop.lines() == ["A 5 10.00 Product A", "B 9 19.90 Product B"]
    assert (shop.facet("A").acked, shop.facet("A").in_flight) == ({}, True)
    answer = shop.fetch()
    assert answer.headers["Content-Length"] == str(len(answer.data))
    assert shop.facet("A").acked == {"quantity": 5}
    assert (shop.facet("A").in_flight, shop.facet("B", Facet.CONTENT).acked_version) == (False, 1 + 1)
    assert (shop.feed().fetches, shop.feed().fetched, shop.feed().entries) == (1, shop.feed().generation, 2)
    assert shop.lines() == ["A 5 10.00 Product A", "B 9 19.90 Product B"]  # all of it, every time


def test_a_change_is_in_the_next_file_and_waits_for_the_next_fetch(shop: Shop) -> None:
    shop.fetch()
    shop.hint(shop.store.set("A", 3))
    shop.later(5)
    assert shop.lines()[0] == "A 3 10.00 Product A"
    assert (shop.facet("A").acked, shop.facet("A").in_flight) == ({"quantity": 5}, True)
    shop.hint(shop.store.set("A", 5))  # back to what was acknowledged, while 3 may have been fetched by somebody
    shop.later(30)
    assert shop.lines()[0] == "A 5 10.00 Product A"
    assert shop.facet("A").in_flight
    shop.fetch()
    assert (shop.facet("A").acked, shop.facet("A").in_flight) == ({"quantity": 5}, False)


def test_looking_hanging_up_and_a_wrong_address_acknowledge_nothing(shop: Shop) -> None:
    assert shop.fetch(look=True).status_code == 200
    with shop.door.get(shop.path()) as half:  # the first piece is taken, and then the line is dead
        assert next(iter(half.response)) == b"sku stock price title\n"
    assert shop.door.head(shop.path()).headers["Content-Length"] == str(shop.feed().size)
    wrong = shop.path().replace(shop.feed().secret, "guessed")
    assert shop.door.get(wrong).status_code == 404
    assert shop.door.get(shop.path().replace(NAME, "other.txt")).status_code == 404
    assert (shop.feed().fetches, shop.facet("A").acked) == (0, {})


def test_whoever_knows_the_mark_of_the_file_has_it(shop: Shop) -> None:
    mark = shop.fetch(look=True).headers["ETag"]
    answer = shop.fetch(headers={"If-None-Match": mark})
    assert (answer.status_code, answer.data) == (304, b"")
    assert shop.facet("A").acked == {"quantity": 5}


def test_a_file_written_anew_is_fetched_whole_though_it_says_the_same(shop: Shop) -> None:
    """The marketplace may have sold in between: by its own count there is less, and the same number is news to it."""
    before = shop.fetch()
    with shop.db.write(1) as session:
        feeds.ask(session, session.get_one(Connection, shop.feed().connection_id), shop.clock())
    shop.later(60)
    after = shop.fetch(headers={"If-None-Match": before.headers["ETag"]})
    assert (after.status_code, after.data) == (200, before.data)


@pytest.mark.both_databases
def test_a_fetch_under_way_gets_the_file_it_began_with_and_acknowledges_no_more(shop: Shop) -> None:
    client = shop.door
    with client.get(shop.path()) as slow:
        pieces = iter(slow.response)
        taken = [next(pieces)]
        shop.hint(shop.store.set("A", 1))
        shop.later(5)
        taken += list(pieces)
    assert b"A 5 10.00" in b"".join(taken)
    assert (shop.facet("A").acked, shop.facet("A").in_flight) == ({}, True)  # 5 is overtaken: the next one tells
    assert shop.facet("B").acked == {"quantity": 9}
    with shop.db.read(1) as session:
        assert len({part.generation for part in session.scalars(select(FeedPart))}) <= 2


@pytest.mark.both_databases
def test_what_cannot_stand_in_the_file_is_left_out_and_told(shop: Shop) -> None:
    shop.hint(shop.store.change("A", title="BAD"))
    shop.later(5)
    assert (shop.lines(), shop.feed().left_out) == (["B 9 19.90 Product B"], 1)
    assert shop.problems()["rejected.content"] == "A is not in the feed of Market 0: its title is BAD"
    shop.hint(shop.store.change("A", title="Good"))
    shop.later(30)
    assert len(shop.lines()) == 2
    assert shop.problems() == {}


@pytest.mark.both_databases
def test_texts_go_out_once_and_what_changes_later_is_not_said_to_be_there(shop: Shop) -> None:
    shop.fetch()
    product = shop.store.change("A", title="New")
    shop.store.products[product] = shop.store.products[product].model_copy(update={"brand": "Other"})
    shop.hint(product)
    shop.later(5)
    shop.fetch()
    facet = shop.facet("A", Facet.CONTENT)
    assert (facet.acked["title"], facet.desired["title"]) == ("Product A", "New")
    assert facet.acked_version == facet.desired_version
    assert "only with a new product" in (facet.error or "")
    assert "its brand cannot change" in shop.problems()["rejected.content"]


@pytest.mark.both_databases
def test_what_ends_is_told_as_sold_out_and_leaves_after_a_while(shop: Shop) -> None:
    shop.fetch()
    shop.hint(shop.store.delete("A"))
    shop.later(5)
    assert shop.lines()[0] == "A 0 10.00 Product A"
    shop.later(7200)
    assert len(shop.lines()) == 2  # nobody has fetched it yet
    shop.fetch()
    shop.later(1800)
    assert len(shop.lines()) == 2
    shop.later(1900)
    assert shop.lines() == ["B 9 19.90 Product B"]
    with shop.db.read(1) as session:
        assert {row.sku: row.state for row in session.scalars(select(Listing))} == {"A": "ended", "B": "live"}


@pytest.mark.both_databases
def test_what_rests_is_told_as_it_was_and_what_is_new_is_not_told_at_all(shop: Shop) -> None:
    shop.fetch()
    resting.hold(shop.engine, 1, CHANNEL, ["stock", "offers"], "Anna")
    shop.hint(shop.store.set("A", 1))
    shop.hint(shop.store.change("B", price=Money(amount=Decimal(20), currency="EUR")))
    shop.store.add("C", 3)
    shop.later(1000)
    assert shop.lines() == ["A 5 10.00 Product A", "B 9 20.00 Product B"]
    shop.fetch()
    assert (shop.facet("A").acked, shop.facet("B", Facet.PRICE).acked["amount"]) == ({"quantity": 5}, "20.00")
    resting.resume(shop.engine, 1, CHANNEL, [], "Anna")
    shop.later(1000)
    assert [line.split(" ")[:2] for line in shop.lines()] == [["A", "1"], ["B", "9"], ["C", "3"]]


def test_a_feed_that_nobody_fetches_is_told_until_somebody_does(shop: Shop) -> None:
    shop.later(3 * 3600)
    assert "has not fetched the product feed yet" in shop.problems()["feed_unfetched"]
    shop.fetch()
    assert shop.problems() == {}


@pytest.mark.both_databases
def test_the_page_shows_it_and_a_new_address_ends_the_old_one(shop: Shop) -> None:
    shop.fetch()
    old = shop.path()
    page = Browser(shop.app).get("").text
    assert old in page
    assert "Last fetched" in page
    shown = feed_address.renew(shop.engine, 1, CHANNEL, "a test")
    assert shop.path() in shown["address"]
    assert shop.door.get(old).status_code == 404
    assert shop.fetch().status_code == 200


@pytest.mark.both_databases
def test_an_order_that_is_accepted_goes_on_as_another_and_one_that_is_gone_is_let_go(shop: Shop) -> None:
    shop.fetch()
    market = shop.markets[0]

    def offered(price: str) -> str:
        key = market.buy(("A", 1), price=price)
        wait = {"phase": OrderPhase.AWAITING_ACCEPTANCE, "accept_by": shop.clock() + timedelta(minutes=30)}
        market.orders[key] = market.orders[key].model_copy(update={**wait, "ship_to": Address(country="DK")})
        shop.later(330)
        return key

    taken = offered("9.80")
    with shop.db.read(1) as session:
        states = {row.external_id: (row.phase, row.store_state) for row in session.scalars(select(Order))}
    assert states == {taken: ("ready", "cancelled"), f"{taken}-accepted": ("ready", "created")}
    cheap = offered("9.60")
    assert "A is sold below 97 % of your price" in shop.problems()["acceptance_asked"]
    del market.orders[cheap]
    attend.accept_order(shop.engine, 1, cheap)
    shop.drain()
    with shop.db.read(1) as session:
        row = session.scalars(select(Order).where(Order.external_id == cheap)).one()
        assert (row.store_state, row.accept_state) == ("cancelled", "done")
        told = [line.text for line in session.scalars(select(Journal).where(Journal.kind == "order"))]
    assert f"order {taken} goes on as {taken}-accepted" in told
    assert shop.problems() == {}
    assert shop.store.creates == 1


@pytest.mark.both_databases
def test_a_shipment_that_no_program_may_tell_is_asked_for(shop: Shop) -> None:
    key = shop.markets[0].buy(("A", 1))
    shop.later(330)
    [store_id] = shop.store.orders
    shop.store.ship(store_id, "3S1")
    shop.hint_order(store_id)
    shop.drain()
    assert shop.problems()["shipment_by_hand"].startswith(f"Order {key} is shipped (PostNL 3S1)")
    with shop.db.read(1) as session:
        number = session.scalars(select(Problem.id).where(Problem.kind == "shipment_by_hand")).one()
    attend.close(shop.engine, 1, number)
    shop.drain()
    with shop.db.read(1) as session:
        row = session.scalars(select(Order)).one()
        assert row.confirmed_at is not None
        assert row.closed_at is not None
