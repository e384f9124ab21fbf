"""Everything of a shop is deleted by its merchant's word: now, or when what is under way is over; told with a report; and
how long what is kept is the merchant's to shorten."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Table, func, select

from bridge.db.base import Base
from bridge.db.tables import Connection, Journal, Order, PrivacyRequest, Problem, Shop
from bridge.flows import ending, forgetting, keeping, privacy
from bridge.flows.chores import chores
from bridge.flows.ending import KEEP, NOW, OVER, ZERO
from bridge.flows.forms import FieldErrors
from bridge.ports.errors import AskMerchant, RetryLater
from tests.support.world import Died, World

pytestmark = pytest.mark.both_databases

DAY = 86400
SAID = {"name": "Shop", "listings": ZERO, "when": NOW}


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    """Two products on two marketplaces, an order that has gone through, and another shop."""
    world = World(database_url)
    for sku in ("A", "B"):
        world.store.add(sku, 5)
    world.settle(300, step=100)
    buy(world)
    ship(world)
    with world.db.write(None) as session:
        session.add(Shop(public_id="other", name="Other", created_at=world.clock(), settings={}))
        session.flush()
    with world.db.write(2) as session:
        now = world.clock()
        session.add(Journal(at=now, kind="order", text="theirs"))
        session.add(
            Connection(
                role="channel", adapter="mem0", account="x", title="Theirs", credentials={}, webhook_secrets=[],
                state_since=now, created_at=now,
            )
        )  # fmt: skip
    yield world
    world.close()


def buy(world: World) -> str:
    number = world.markets[0].buy(("A", 1))
    world.settle(400, step=100)
    return number


def ship(world: World) -> None:
    order = list(world.store.orders)[-1]
    world.store.ship(order, "3S1")
    world.hint_order(order)
    world.settle(400, step=100)


def held_of(world: World, shop_id: int) -> dict[str, int]:
    """Rows of a shop, by table."""
    tables: list[Table] = [table for table in Base.metadata.sorted_tables if "shop_id" in table.columns]
    with world.db.read(None) as session:
        counts = {
            table.name: session.scalar(select(func.count()).select_from(table).where(table.c.shop_id == shop_id)) or 0
            for table in tables
            if table.name != "privacy_requests"
        }
    return {name: count for name, count in counts.items() if count}


def requests(world: World) -> list[PrivacyRequest]:
    with world.db.read(None) as session:
        return list(session.scalars(select(PrivacyRequest).order_by(PrivacyRequest.id)))


def stocks(world: World) -> set[int | None]:
    return {offer.stock for market in world.markets for offer in market.offers.values()}


def test_now_and_nothing_of_it_is_left(world: World) -> None:
    theirs = held_of(world, 2)
    report = ending.ask(world.engine, 1, SAID, "Ann")
    assert report is not None
    assert held_of(world, 1) == {}
    assert held_of(world, 2) == theirs
    assert stocks(world) == {0}, "nothing is sold any more"
    assert {name: report["erased"][name] for name in ("orders", "products", "listings", "accounts")} == {
        "orders": 1, "products": 2, "listings": 4, "accounts": 3,
    }  # fmt: skip
    assert [(item["account"], item["listings_set_to_0"]) for item in report["accounts"]] == [
        ("Market 0", 2), ("Market 1", 2), ("Store", 0),
    ]  # fmt: skip
    assert (report["shop"], report["asked_by"], report["under_way"]) == ("Shop", "Ann", [])
    assert [bool(item["why"] and item["until"]) for item in report["kept"]] == [True] * 3
    [request] = requests(world)
    assert (request.kind, request.report, request.subject) == (privacy.ERASE_SHOP, report, {})
    assert json.loads(json.dumps(report)) == report
    world.drain()
    with world.db.read(None) as session:
        assert [shop.name for shop in session.scalars(select(Shop))] == ["Other"]


def test_listings_may_stay_as_they_are(world: World) -> None:
    before = stocks(world)
    ending.ask(world.engine, 1, {**SAID, "listings": KEEP}, "Ann")
    assert stocks(world) == before
    assert held_of(world, 1) == {}


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"name": "shop"}, "name"),
        ({"name": ""}, "name"),
        ({"listings": ""}, "listings"),
        ({"listings": "all"}, "listings"),
        ({"when": ""}, "when"),
    ],
)
def test_nobody_deletes_by_mistake(world: World, said: dict[str, str], field: str) -> None:
    buy(world)
    before = held_of(world, 1)
    with pytest.raises(FieldErrors) as refused:
        ending.ask(world.engine, 1, {**SAID, **said}, "Ann")
    assert list(refused.value.errors) == [field]
    assert (held_of(world, 1), requests(world)) == (before, [])


def test_what_is_under_way_is_waited_for(world: World) -> None:
    buy(world)
    with world.db.read(1) as session:
        at_stake = ending.stakes(session, 1)
    assert [(item.what, item.count) for item in at_stake.matters] == [("orders", 1)]
    assert at_stake.matters[0].until == world.markets[0].orders[buy_of(world)].lines[0].ship_by
    assert ending.ask(world.engine, 1, {**SAID, "when": OVER}, "Ann") is None
    with pytest.raises(AskMerchant, match="already"):
        ending.ask(world.engine, 1, SAID, "Ben")
    chores(world.engine)
    assert held_of(world, 1)["orders"] == 2, "everything goes on"
    ship(world)
    chores(world.engine)
    assert held_of(world, 1) == {}
    assert stocks(world) == {0}
    assert requests(world)[0].report["erased"]["orders"] == 2


def buy_of(world: World) -> str:
    """The last order."""
    return list(world.markets[0].orders)[-1]


def test_it_is_waited_for_thirty_days_and_no_longer(world: World) -> None:
    buy(world)
    ending.ask(world.engine, 1, {**SAID, "when": OVER}, "Ann")
    world.clock.advance(29 * DAY)
    chores(world.engine)
    assert held_of(world, 1)["orders"] == 2
    world.clock.advance(DAY)
    world.markets[0].faults.before["update_stock"] = [RetryLater("closed")] * 9
    chores(world.engine)
    assert held_of(world, 1) == {}, "whatever a marketplace says of its listings then"
    assert [item["count"] for item in requests(world)[0].report["under_way"]] == [1]


def test_it_can_be_taken_back_while_it_waits(world: World) -> None:
    buy(world)
    ending.ask(world.engine, 1, {**SAID, "when": OVER}, "Ann")
    ending.take_back(world.engine, 1, "Ben")
    world.clock.advance(40 * DAY)
    chores(world.engine)
    assert held_of(world, 1)["orders"] == 2
    assert requests(world) == []
    with pytest.raises(AskMerchant, match="No deletion waits"):
        ending.take_back(world.engine, 1, "Ben")
    with world.db.read(1) as session:
        told = session.scalars(select(Journal.text).where(Journal.kind == "privacy").order_by(Journal.id)).all()
    assert told == [
        "everything of this shop is deleted when what is under way is over (Ann)",
        "the deletion of everything is taken back (Ben)",
    ]


def test_where_a_marketplace_does_not_answer_nothing_is_deleted(world: World) -> None:
    before = held_of(world, 1)["orders"]
    world.markets[0].faults.before["update_stock"] = [RetryLater("closed")] * 9
    with pytest.raises(RetryLater):
        ending.ask(world.engine, 1, SAID, "Ann")
    assert held_of(world, 1)["orders"] == before
    assert requests(world) == [], "it is not done behind the merchant's back later"


def test_one_that_broke_off_is_gone_on_with(world: World) -> None:
    buy(world)
    world.store.faults.before["remove_webhooks"] = [Died()]
    with pytest.raises(Died):
        ending.ask(world.engine, 1, SAID, "Ann")
    assert held_of(world, 1)["orders"] == 2
    chores(world.engine)
    assert held_of(world, 1)["orders"] == 2, "somebody may be at it"
    world.clock.advance(ending.BROKEN_OFF.total_seconds())
    chores(world.engine)
    assert held_of(world, 1) == {}
    [request] = requests(world)
    assert request.done_at is not None
    assert request.report["erased"]["orders"] == 2
    assert [item["account"] for item in request.report["accounts"]] == ["Store"], "the marketplaces were let go before"


def test_the_record_of_it_goes_after_three_years(world: World) -> None:
    ending.ask(world.engine, 1, SAID, "Ann")
    world.clock.advance(privacy.RECORD.total_seconds() - DAY)
    chores(world.engine)
    assert len(requests(world)) == 1
    world.clock.advance(2 * DAY)
    chores(world.engine)
    assert requests(world) == []


# How long what is kept


def kept(world: World) -> Any:
    with world.db.read(1) as session:
        return keeping.kept(world.engine, session, 1)


def test_a_shop_keeps_less_if_it_wants_and_never_more(world: World) -> None:
    assert kept(world) == (timedelta(days=60), timedelta(days=180))
    keeping.choose(world.engine, 1, {"records_days": 10, "buyers_days": 2}, "Ann")
    assert kept(world) == (timedelta(days=10), timedelta(days=2))
    for wrong in ({"records_days": 61, "buyers_days": 2}, {"records_days": 6, "buyers_days": 181}):
        with pytest.raises(FieldErrors):
            keeping.choose(world.engine, 1, wrong, "Ann")
    assert kept(world) == (timedelta(days=10), timedelta(days=2))
    world.engine.retention = timedelta(days=8)
    assert kept(world) == (timedelta(days=8), timedelta(days=2)), "the installation keeps less now"
    keeping.choose(world.engine, 1, {"records_days": None, "buyers_days": None}, "Ann")
    assert kept(world) == (timedelta(days=8), timedelta(days=180))


def test_what_is_too_old_for_the_shop_goes(world: World) -> None:
    keeping.choose(world.engine, 1, {"records_days": 10, "buyers_days": 2}, "Ann")
    with world.db.write(1) as session:
        old = world.clock() - timedelta(days=11)
        for subject, closed in (("old", old), ("new", old + timedelta(days=2))):
            row = Problem(kind="drift", subject=subject, text="x", opened_at=old, seen_at=old, closed_at=closed)
            session.add(row)
        session.add(Journal(at=old, kind="order", text="old"))
    world.clock.advance(3 * DAY)
    world.mark("sweep", "poll.retention", "all")
    world.drain()
    with world.db.read(1) as session:
        assert [row.subject for row in session.scalars(select(Problem).where(Problem.closed_at.is_not(None)))] == []
        assert session.scalars(select(Journal).where(Journal.text == "old")).all() == []
        assert [bool(order.buyer) for order in session.scalars(select(Order))] == [False]
    assert forgetting.forget(world.engine, 1) == 0
