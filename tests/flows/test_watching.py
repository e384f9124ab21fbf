"""The watch: what is wrong becomes one problem, and closes by itself when it is over."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import NullPool, create_engine, select, text, update

from bridge.db.records import open_problem
from bridge.db.tables import AlertRow, Connection, FacetRow, Listing, Order, Poll, Problem, Shop, Work
from bridge.flows import leaving, needs, resting, watched
from bridge.flows.watched import LITTLE_SPACE
from bridge.flows.watching import Watching
from bridge.jobs.watch import GRACE, Watch
from tests.support.world import World

pytestmark = pytest.mark.both_databases

MARKET = 2


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    world = World(database_url, markets=1)
    yield world
    world.close()


def problems(world: World) -> dict[str, Problem]:
    with world.db.read(1) as session:
        rows = session.scalars(select(Problem).where(Problem.closed_at.is_(None)))
        return {f"{row.kind}: {row.subject}": row for row in rows}


def order(number: str, at: datetime, **values: object) -> Order:
    given = {"connection_id": MARKET, "external_id": number, "ref": f"mem0:{number}", "currency": "EUR", "total": "1.00",
             "buyer": {}, "raw": {}, "placed_at": at, "imported_at": at}  # fmt: skip
    return Order(**{**given, **values})


def asked(world: World) -> None:
    """All recurring questions have just been answered."""
    with world.db.write(1) as session:
        session.execute(update(Poll).values(last_ok_at=world.clock()))


def test_a_busy_channel_that_falls_silent_is_told_and_closes_with_the_next_order(world: World) -> None:
    watching, chance = Watching(world.engine), random.Random("silence")
    start = world.clock()
    at = start - timedelta(weeks=4)
    with world.db.write(1) as session:
        number = 0
        while at < start:
            session.add(order(f"O{number}", at, closed_at=at))
            at += timedelta(hours=chance.expovariate(1.5))
            number += 1
    asked(world)
    watching.look()
    assert problems(world) == {}
    hours = 0
    while "silence: connection 2" not in problems(world):
        world.clock.advance(3600)
        hours += 1
        assert hours < 12, "two normal gaps are some nine hours here"
        asked(world)
        watching.look()
    told = problems(world)["silence: connection 2"]
    assert told.text.startswith("Market 0: no order since 23 Nov 2026 0")
    world.clock.advance(40 * 86400)
    asked(world)
    Watching(world.engine).look()
    assert list(problems(world)) == ["silence: connection 2"], "a month later it is still silent"
    with world.db.write(1) as session:
        session.add(order("again", world.clock(), closed_at=world.clock()))
    watching.look()
    assert problems(world) == {}
    with world.db.read(1) as session:
        assert list(session.scalars(select(AlertRow.event).order_by(AlertRow.id))) == ["opened", "closed"]


def test_a_channel_that_does_not_answer_is_not_silent_but_stale(world: World) -> None:
    with world.db.write(1) as session:
        start = world.clock()
        session.add_all(order(f"O{n}", start - timedelta(hours=n), closed_at=start) for n in range(1, 600))
    asked(world)
    world.clock.advance(2 * 86400)
    watching = Watching(world.engine)
    watching.look()
    found = problems(world)
    assert "silence: connection 2" not in found
    stale = found["stale: orders.changes of connection 2"]
    assert stale.severity == "error"
    assert "“new and changed orders” since 23 Nov 2026 08:00 (UTC)" in stale.text
    assert found["stale: poll.offers of connection 2"].severity == "warning"
    count = stale.count
    watching.look()
    assert problems(world)["stale: orders.changes of connection 2"].count == count, "the same is not told again"
    with world.db.write(1) as session:
        session.get_one(Connection, MARKET).state = "paused"
    watching.look()
    assert not [name for name in problems(world) if "connection 2" in name]
    asked(world)
    watching.look()
    assert problems(world) == {}


def test_work_that_lies_about_is_told_until_it_is_done_or_the_shop_rests(world: World) -> None:
    watching = Watching(world.engine)
    world.mark("orders", "store_order.read", "7")
    asked(world)
    watching.look()
    assert problems(world) == {}
    world.clock.advance(16 * 60)
    asked(world)
    watching.look()
    assert "waits since 23 Nov 2026 08:00" in problems(world)["work_late: lane orders"].text
    with world.db.write(1) as session:
        session.get_one(Shop, 1).paused = True
    watching.look()
    assert problems(world) == {}
    with world.db.write(1) as session:
        session.get_one(Shop, 1).paused = False
    watching.look()
    assert list(problems(world)) == ["work_late: lane orders"]
    with world.db.write(1) as session:
        session.execute(update(Work).values(done_version=Work.dirty_version))
    watching.look()
    assert problems(world) == {}


def test_work_that_a_person_lets_rest_is_not_late(world: World) -> None:
    watching = Watching(world.engine)
    resting.hold(world.engine, 1, MARKET, ["cancellation", "shipments"], "Anna")
    for lane, kind in (("orders", "cancel.send"), ("shipments", "parcel.confirm")):
        world.mark(lane, kind, "7", connection=MARKET)
    world.clock.advance(16 * 60)
    asked(world)
    watching.look()
    assert problems(world) == {}
    world.mark("shipments", "follow", "1", connection=MARKET)
    world.clock.advance(16 * 60)
    asked(world)
    watching.look()
    assert list(problems(world)) == ["work_late: lane shipments"], "what was sent is followed to its end"
    resting.resume(world.engine, 1, MARKET, ["cancellation"], "Anna")
    asked(world)
    watching.look()
    assert sorted(problems(world)) == ["work_late: lane orders", "work_late: lane shipments"]


def test_stock_that_does_not_arrive_is_told(world: World) -> None:
    world.store.add("A", 5)
    world.settle(120)
    watching = Watching(world.engine)
    with world.db.write(1) as session:
        session.execute(
            update(FacetRow)
            .where(FacetRow.facet == "stock")
            .values(desired_version=FacetRow.acked_version + 1, desired_at=world.clock(), event_at=world.clock())
        )
    world.clock.advance(20 * 60)
    asked(world)
    watching.look()
    assert problems(world) == {}
    world.clock.advance(20 * 60)
    asked(world)
    watching.look()
    assert problems(world)["stock_stuck: connection 2"].text.endswith("such as A.")
    world.settle(120)
    watching.look()
    assert problems(world) == {}


def test_shipments_that_are_due_are_told_before_and_after(world: World) -> None:
    watching, now = Watching(world.engine), world.clock()
    with world.db.write(1) as session:
        session.add_all(
            [
                order("due", now, ship_by=now + timedelta(hours=6), store_state="created"),
                order("far", now, ship_by=now + timedelta(hours=60), store_state="created"),
                order("by the marketplace", now, ship_by=now, store_state="skipped"),
            ]
        )
    asked(world)
    watching.look()
    assert problems(world) == {}
    for hours, severity in ((3, "warning"), (4, "error")):
        world.clock.advance(hours * 3600)
        asked(world)
        watching.look()
        told = problems(world)["ship_by: connection 2"]
        assert told.severity == severity
        assert told.text.endswith("the first by 23 Nov 2026 14:00 (UTC): due.")
    with world.db.write(1) as session:
        session.execute(update(Order).where(Order.external_id == "due").values(confirmed_at=world.clock()))
    watching.look()
    assert problems(world) == {}


def test_one_watch_looks_after_a_while_and_tells(world: World, tmp_path: Path) -> None:
    moment = [1000.0]
    watch = Watch(world.engine, tmp_path, clock=lambda: moment[0])
    other = Watch(world.engine, tmp_path, clock=lambda: moment[0])
    world.clock.advance(86400)
    watch.round()
    assert problems(world) == {}
    moment[0] += GRACE
    other.round()
    assert problems(world) == {}, "another holds the lease"
    watch.round()
    assert "stale: orders.changes of connection 2" in problems(world)
    with world.db.write(1) as session:
        open_problem(session, world.clock(), "disk", "data folder", "full", "Make room.")
    moment[0] += 60
    watch.round()
    room = shutil.disk_usage(tmp_path).free >= LITTLE_SPACE
    assert ("disk: data folder" in problems(world)) is not room
    with world.db.read(1) as session:
        assert not session.scalars(select(AlertRow).where(AlertRow.spread.is_(False))).all()


def test_a_transaction_that_is_left_open_is_told_until_it_ends(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """On PostgreSQL nothing is cleaned up behind it; SQLite has one writer, who would be heard of at once."""
    monkeypatch.setattr(watched, "LONG", timedelta(seconds=0.2))
    watching, there = Watching(world.engine), world.db.engine.dialect.name == "postgresql"
    watching.look()
    assert "database: database" not in problems(world)
    other = create_engine(world.db.engine.url, poolclass=NullPool)
    with other.connect() as connection:
        connection.execute(text("SELECT 1"))
        time.sleep(0.4)
        watching.look()
        told = problems(world).get("database: database")
        assert (told is not None) is there
        assert told is None or "is open for" in told.text
    watching.look()
    assert "database: database" not in problems(world)


def test_a_full_disk_is_told_until_there_is_room(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watching, room = Watching(world.engine, tmp_path), [LITTLE_SPACE - 1]
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=room[0]))
    watching.look()
    assert problems(world)["disk: data folder"].fix.startswith("Make room")
    room[0] = LITTLE_SPACE
    watching.look()
    assert "disk: data folder" not in problems(world)


def test_what_was_said_of_a_connection_ends_with_it_but_for_what_a_person_has_to_do_there(world: World) -> None:
    said = ("drift", "silence", "parked.orders.pull", "rejected.stock", "reauthorise", "return_open", "order_held")
    with world.db.write(1) as session:
        for kind in said:
            open_problem(session, world.clock(), kind, f"{kind} there", "x", "Mend it.", connection_id=MARKET)
        open_problem(session, world.clock(), "drift", "elsewhere", "x", "Mend it.", connection_id=1)
    leaving.disconnect(world.engine, 1, MARKET, zero_listings=False)
    assert sorted(problems(world)) == [
        "drift: elsewhere",
        "order_held: order_held there",
        "return_open: return_open there",
    ]


def test_categories_and_requirements_that_are_in_order_again_are_told_no_more(world: World) -> None:
    def settle(*gone: str) -> None:
        with world.db.write(1) as session:
            needs._settle(session, session.get_one(Connection, MARKET), gone, world.clock())

    settle("C1", "C2")
    assert len(problems(world)) == 2
    settle("C2")
    assert [name.partition(" on ")[0] for name in problems(world)] == ["category_gone: category C2"]
    settle()
    assert problems(world) == {}
    world.store.add("A", 3)
    world.settle(60, step=60)
    with world.db.write(1) as session:
        listing = session.scalars(select(Listing).where(Listing.sku == "A")).one()
        listing.findings = [{"rule": "required", "field": "colour", "text": "missing"}]
        title = session.get_one(Connection, MARKET).title
        subject = f"category C1 on {title}"
        open_problem(session, world.clock(), needs.KIND, subject, "x", "Map.", connection_id=MARKET, detail="A")
    settle()
    assert f"{needs.KIND}: {subject}" in problems(world)
    with world.db.write(1) as session:
        session.scalars(select(Listing).where(Listing.sku == "A")).one().findings = []
    settle()
    assert problems(world) == {}
