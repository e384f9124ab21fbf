"""S1, S2, S3, S6, S7: what a database may do, to one order's whole way and to what runs beside it."""

from __future__ import annotations

import itertools
import logging
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session

from bridge.db import records, session
from bridge.db.session import Database
from bridge.db.tables import AlertRow, Delivery, Work
from bridge.flows import alert_settings, alerts, polls, table
from bridge.flows.engine import LANES
from bridge.jobs.schedule import Scheduler
from bridge.web import create_web
from tests.faults.test_marketplace_faults import listed, sets
from tests.support.engines import signed
from tests.support.stack import Stack
from tests.support.world import World

pytestmark = [pytest.mark.both_databases, pytest.mark.timeout(120)]
on_postgres = pytest.mark.parametrize("database_kind", ["postgres"], indirect=True)
on_sqlite = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    world = World(database_url)
    world.store.add("A", 9)
    world.store.add("B", 9)
    world.settle(60, step=60)
    yield world
    world.close()


def conclude(world: World) -> None:
    """Each order once in the store, each parcel, return and refund once, and every number right."""
    refs = [order.marketplace_ref for order in world.store.orders.values()]
    assert len(refs) == len(set(refs)) == world.store.creates
    assert all(len(parcels) == 1 for market in world.markets for parcels in market.parcels.values())
    for market in world.markets:
        assert {offer.sku: offer.stock for offer in market.offers.values()} == {
            variant.sku: variant.stock.on_hand
            for product in world.store.products.values()
            for variant in product.variants
        }
        assert not any(line.open for order in market.orders.values() for line in order.lines)
    with world.db.read(1) as read:
        assert read.scalars(select(Work.kind).where(Work.parked)).all() == []


def whole_way(world: World) -> None:
    """Sold, made and sent; sold and sent back; sold and cancelled in the store."""
    sold = [world.markets[0].buy(("A", 2)), world.markets[1].buy(("B", 1)), world.markets[0].buy(("B", 3))]
    world.settle(2000, step=100)
    made = {order.marketplace_ref: key for key, order in world.store.orders.items()}
    for market, key in enumerate(sold[:2]):
        number = made[f"mem{market}:{key}"]
        world.store.ship(number, f"3S{market}{key}")
        world.hint_order(number)
    number = made[f"mem0:{sold[2]}"]
    world.store.cancel_order(number, "by hand")
    world.hint_order(number)
    world.hint(world.store.by_sku("B").product_id)
    world.settle(300, step=100)
    world.hint(world.store.set("A", 4))
    world.settle(300, step=100)


class _Refused(Exception):
    sqlstate = "40001"


@pytest.mark.parametrize("happened", [False, True], ids=["s1_refused", "s2_answer_lost"])
def test_s1_s2_each_commit_fails_once(world: World, happened: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every commit of every step: refused (deadlock, serialization), or done and nobody hears of it. Whoever asked runs it
    again, and it has one effect."""
    monkeypatch.setattr(session, "time", SimpleNamespace(sleep=lambda _seconds: None, monotonic=time.monotonic))
    failed, fails_last, chance, turn, here = [0], [False], random.Random(7), threading.Lock(), threading.local()

    def failing(opened: Callable[..., AbstractContextManager[Session]]) -> Callable[..., Any]:
        @contextmanager
        def inner(shop_id: int | None) -> Iterator[Session]:
            with turn:  # every other one, and of those that happened a third: a claim nobody hears of is waited for
                in_a_row = getattr(here, "in_a_row", 0)  # what fails for ever is for whoever calls to try again
                fails = in_a_row < 3 and (chance.random() < 0.3 if happened else not fails_last[0])
                fails_last[0], here.in_a_row = fails, in_a_row + 1 if fails else 0
                failed[0] += fails
            with opened(shop_id) as found:
                yield found
                if fails and not happened:
                    raise OperationalError("COMMIT", None, _Refused("could not serialize access"))
            if fails:
                raise OperationalError("COMMIT", None, _Refused("gone"), connection_invalidated=True)

        return inner

    for name in ("write", "_take"):
        monkeypatch.setattr(world.db, name, failing(getattr(world.db, name)))
    whole_way(world)
    monkeypatch.undo()
    assert failed[0] > 50
    world.settle(1000, step=100)  # claims that nobody heard of run out one after the other
    conclude(world)


@on_postgres
def test_s3_what_was_numbered_first_and_committed_later_is_told_too(world: World) -> None:
    """Nothing here reads on from the last number it saw: an alert with a lower number that shows up later is found."""
    alert_settings.put(world.engine, 1, {"webhook": "https://alerts.example/x"}, "test")
    with world.db.write(1) as slow:
        records.open_problem(slow, world.clock(), "disk", "first", "x", "Mend it.")
        slow.flush()
        with world.db.write(1) as quick:
            records.open_problem(quick, world.clock(), "disk", "second", "x", "Mend it.")
        alerts.send(world.engine, lambda: False)
        world.db.transact(1, alerts._spread, world.engine, 1)
        with world.db.read(1) as read:
            assert list(read.scalars(select(AlertRow.subject).where(AlertRow.spread))) == ["second"]
    world.db.transact(1, alerts._spread, world.engine, 1)
    with world.db.read(1) as read:
        numbers = {row.subject: row.id for row in read.scalars(select(AlertRow).where(AlertRow.spread))}
        assert numbers["first"] < numbers["second"]


@on_sqlite
def test_s6_a_backup_that_is_put_back_is_caught_up_with(world: World, tmp_path: Path) -> None:
    """Hours are missing: orders made and shipped since stand in the store and on the marketplaces, and nowhere here."""
    path, kept = Path(str(world.db.engine.url.database)), tmp_path / "backup.db"
    before = world.markets[0].buy(("A", 1))
    world.settle(600, step=100)
    with closing(sqlite3.connect(path)) as live, closing(sqlite3.connect(kept)) as backup:
        live.backup(backup)
    made = next(iter(world.store.orders))
    world.store.ship(made, f"3S{before}")
    world.hint_order(made)
    whole_way(world)
    world.clock.advance(3 * 3600)
    world.db.close()
    for name in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
        name.unlink(missing_ok=True)
    path.write_bytes(kept.read_bytes())
    world.db = Database(f"sqlite:///{path}")
    world.engine = world.new_engine()
    writes = [len(market.writes) for market in world.markets]
    world.settle(7 * 3600, step=600)
    conclude(world)
    told = [
        operation for market, seen in zip(world.markets, writes, strict=True) for operation, *_ in market.writes[seen:]
    ]
    assert "confirm_shipment" not in told, "a parcel that is known there is not told again"
    assert "cancel_line" not in told


@contextmanager
def read_only(stack: Stack) -> Iterator[None]:
    """The database takes no change: a disk that is full or was mounted anew, a stand-by that is no primary yet."""
    engines = (stack.engine.db.engine, stack.engine.db._taking)
    if stack.engine.db.is_sqlite:
        for engine in engines:
            event.listen(engine, "connect", _refuse)
            engine.dispose()
        yield
        for engine in engines:
            event.remove(engine, "connect", _refuse)
            engine.dispose()
        return
    url = stack.env["DATABASE_URL"]
    name = url.rpartition("/")[2]
    with psycopg.connect(url.replace(name, "postgres"), autocommit=True) as admin:
        for setting in ("on", "off"):
            admin.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = {setting}")
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
            if setting == "on":
                yield


def _refuse(connection: Any, *_: object) -> None:
    connection.execute("PRAGMA query_only=ON")


def test_s7_a_database_that_takes_nothing_stops_everything_and_it_goes_on_by_itself(
    stack: Stack, caplog: pytest.LogCaptureFixture
) -> None:
    listed(stack, A=5)
    client = create_web(stack.engine, stack.config).test_client()
    hook = stack.hook_url.partition("/hooks/")[2]
    [row] = stack.store.get("products", sku="A")
    passed = itertools.count()
    scheduler = Scheduler(stack.engine, clock=lambda: 2.1 * next(passed))  # each round renews its leadership
    scheduler.try_round()
    assert scheduler.leads
    sets(stack, "A", 3)
    order = stack.sells("A", 1)
    stack.due_now()
    since = max(item["seq"] for item in stack.bol.control("GET", "requests"))

    def deliver(number: int) -> Any:
        body = b'{"id":%d,"n":%d}' % (row["id"], number)
        secret = stack.rows(table.Connection, table.Connection.id == stack.store_id)[0].webhook_secrets[0]
        return client.post(f"/hooks/{hook}", data=body, headers=signed(body, secret=secret))

    assert deliver(1).status_code == 200
    with read_only(stack):
        answer = deliver(2)
        assert (answer.status_code, "Retry-After" in answer.headers) == (503, True), "the sender must send it again"
        for _ in range(5):
            scheduler.try_round()
            for lane in LANES:
                for scope in table.scopes(stack.engine, lane):
                    table.run(stack.engine, scope, float("inf"))
        assert not scheduler.leads, "it lets go, and readyz says that none runs"
    loud = [item for item in caplog.records if item.levelno >= logging.ERROR]
    assert loud == [], "a line for each attempt would fill what is left of a disk"
    assert stack.bol.control("GET", f"requests?since={since}") == [], "work that cannot be claimed is not done"
    assert deliver(2).status_code == 200
    scheduler.try_round()
    assert scheduler.leads
    scheduler.resign()
    stack.settle(120)
    assert len(stack.orders_of(order)) == 1
    assert stack.shown("A") == stack.store.stock("A") == 2
    assert len(stack.rows(Delivery)) >= 2
    stack.check_invariants()


@on_sqlite
def test_s7_a_full_disk_refuses_what_needs_room_and_takes_it_later(stack: Stack) -> None:
    """SQLite's own answer to a full disk, for a body that needs new pages."""
    client = create_web(stack.engine, stack.config).test_client()
    secret = stack.rows(table.Connection, table.Connection.id == stack.store_id)[0].webhook_secrets[0]
    body = b'{"id":77,"more":"%s"}' % (b"x" * 400_000)
    path = f"/hooks/{stack.hook_url.partition('/hooks/')[2]}"

    def full(connection: Any, *_: object) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages}")

    def room(connection: Any, *_: object) -> None:
        connection.execute("PRAGMA max_page_count=1073741823")

    engine = stack.engine.db.engine
    event.listen(engine, "checkout", full)
    assert client.post(path, data=body, headers=signed(body, secret=secret)).status_code == 503
    assert stack.rows(Delivery, Delivery.external_id == "77") == []
    assert stack.rows(Work, Work.key == "77") == []
    event.remove(engine, "checkout", full)
    event.listen(engine, "checkout", room)
    assert client.post(path, data=body, headers=signed(body, secret=secret)).status_code == 200
    [kept] = stack.rows(Delivery, Delivery.external_id == "77")
    assert kept.seen == 1
    with pytest.raises(SQLAlchemyError):
        stack.engine.db.transact(stack.shop.id, lambda found: found.get_one(Delivery, 0))
    assert polls.tick(stack.engine) is not None
