"""Marketplaces that take minutes or days to make an offer: followed, never made twice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import select

from bridge.db.tables import Connection, Listing, Submission
from bridge.domain.listing import OfferContent
from bridge.domain.money import Money
from bridge.domain.order import StoreOrderStatus
from bridge.flows import offered
from bridge.ports.channel import SubmissionState
from tests.support.demo import DEMO, Demo
from tests.support.world import time_out


@pytest.fixture
def world(database_url: str) -> Iterator[Demo]:
    world = Demo(database_url)
    world.market.slow, world.market.delay = True, 86400
    world.settings(sites=["A1"])
    world.store.add("A", 5)
    world.settle(60, step=60)
    yield world
    world.close()


def created(world: Demo) -> int:
    return len(world.wrote("create_offers"))


def test_it_is_followed_for_days_and_what_changed_meanwhile_is_sent_when_it_is_live(world: Demo) -> None:
    world.hint(world.store.set("A", 4))
    world.settle(7200, step=1800)
    assert (world.listings(), created(world), world.market.offers) == ({"A A1": "submitted"}, 1, {})
    world.clock.advance(86400)
    world.settle(660, step=330)
    assert (world.listings(), created(world)) == ({"A A1": "live"}, 1)
    assert world.market.shown("A") == {"A1": 4}
    assert world.wrote("update_stock") == [4]
    assert world.wrote("update_prices") == []  # it went out with the offer
    assert world.wrote("update_content") == [OfferContent(title="Product A")]  # it is taken elsewhere


@pytest.mark.both_databases
def test_one_that_sells_before_its_making_is_told_has_its_number_told_anew(world: Demo) -> None:
    """Sold and cancelled: the wish is what the offer was made with, and the marketplace may show less."""
    order = world.market.buy(("A", 1))
    world.settle(600, step=60)
    assert [found.status for found in world.store.orders.values()] == [StoreOrderStatus.PROCESSING]
    world.market.alter(order, f"{order}-0", cancelled=1)
    world.settle(600, step=60)
    assert (world.store.by_sku("A").stock.on_hand, world.listings()) == (5, {"A A1": "submitted"})
    world.clock.advance(86400)
    world.settle(660, step=330)
    assert (world.listings(), world.wrote("update_stock")) == ({"A A1": "live"}, [5])


def test_the_offer_is_looked_for_when_its_submission_does_not_name_it(world: Demo) -> None:
    world.market.tells_offer = False
    world.clock.advance(86400)
    world.market.find_offers, found = (lambda skus, gtins: []), world.market.find_offers
    world.settle(660, step=330)
    assert (world.listings(), created(world)) == ({"A A1": "unknown"}, 1)
    world.market.find_offers = found
    world.settle(660, step=330)
    assert (world.listings(), created(world), world.market.shown("A")) == ({"A A1": "live"}, 1, {"A1": 5})


@pytest.mark.both_databases
def test_it_is_refused_with_the_reason_and_made_when_that_is_mended(world: Demo) -> None:
    world.store.add("DEAR", 1, price="2000.00")
    world.market.delay = 5
    world.clock.advance(150)
    world.settle(60)
    assert world.listings()["DEAR A1"] == "rejected"
    assert "refused the listing of DEAR" in world.problems()["offer_refused"]
    world.hint(world.store.change("DEAR", price=Money.of("20.00", "EUR")))
    world.settle(90)
    assert world.listings()["DEAR A1"] == "live"
    assert "offer_refused" not in world.problems()


def test_one_that_is_lost_is_looked_up_before_it_is_made_again(world: Demo) -> None:
    [(_, key, act)] = world.market.waiting
    world.market.waiting.clear()
    world.market.submissions[key] = SubmissionState.GONE
    act()
    world.settle(660, step=330)
    assert (world.listings(), created(world)) == ({"A A1": "live"}, 1)


def test_what_is_no_longer_wanted_when_it_comes_live_ends(world: Demo) -> None:
    world.hint(world.store.delete("A"))
    world.settle(60)
    assert world.listings() == {"A A1": "submitted"}
    world.clock.advance(86400)
    world.settle(660, step=330)
    assert (world.listings(), world.market.offers) == ({"A A1": "ended"}, {})


def test_a_create_in_doubt_is_looked_up_even_when_the_product_is_gone(world: Demo) -> None:
    world.market.slow = False
    world.store.add("B", 1)
    world.market.faults.after["create_offers"] = [time_out()]
    world.clock.advance(130)
    world.settle(1, step=1)
    assert world.listings()["B A1"] == "unknown"
    world.hint(world.store.delete("B"))
    world.settle(60)
    assert world.listings()["B A1"] == "ended"
    assert world.market.shown("B") == {}


@pytest.mark.both_databases
def test_a_marketplace_that_gives_nothing_to_follow_is_asked_for_the_offer(world: Demo) -> None:
    with world.db.write(1) as session:  # as if the answer had named no submission
        session.delete(session.scalars(select(Submission)).one())
        listing = session.scalars(select(Listing)).one()
        session.flush()
        offered.submitted(session, session.get_one(Connection, DEMO), listing, listing.gtin, None, world.clock())
        listing_id = listing.id
    with world.db.write(1) as session:
        session.get_one(Listing, listing_id).pending = True
    world.settle(3600, step=600)
    assert created(world) == 1
    world.clock.advance(86400)
    world.market.catch_up()
    world.settle(660, step=330)
    assert (world.listings(), created(world)) == ({"A A1": "live"}, 1)
