"""Exchanges reach the journal in time, whatever happens to the database meanwhile."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType

import pytest
from sqlalchemy import select

from bridge.config import database_url as with_driver
from bridge.db.recorder import BATCH, JournalRecorder
from bridge.db.session import Database
from bridge.db.tables import Journal, Shop
from bridge.ports.http import Exchange
from tests.support.procs import wait_until


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    database = Database(with_driver(database_url))
    with database.write(None) as session:
        session.add(Shop(id=1, public_id="shop", name="Shop", created_at=datetime.now(UTC)))
    yield database
    database.close()


@pytest.fixture
def recorder(db: Database) -> Iterator[JournalRecorder]:
    recorder = JournalRecorder(db, every=0.1)
    yield recorder
    recorder.close()


def exchange(operation: str = "offers.get", account: str = "1:7", status: int | None = 200, **subject: str) -> Exchange:
    return Exchange(
        account=account, operation=operation, at=datetime.now(UTC), seconds=0.25, method="GET", url="https://x/offers",
        status=status, request_excerpt="", response_excerpt="{}", subject=MappingProxyType(subject), lane="stock",
    )  # fmt: skip


def rows(db: Database) -> list[Journal]:
    with db.read(1) as session:
        return list(session.scalars(select(Journal).order_by(Journal.id)))


def test_an_exchange_is_a_row_that_can_be_found_by_its_subject(db: Database, recorder: JournalRecorder) -> None:
    recorder.record(exchange(order="B-1", sku="A-1", delivery="12"))
    [row] = wait_until(lambda: rows(db), 5, "a row")
    assert (row.kind, row.connection_id, row.order_ref, row.sku, row.delivery_id) == ("exchange", 7, "B-1", "A-1", 12)
    assert row.text == "offers.get: 200 after 0.25 s"
    assert row.detail["status"] == 200
    assert row.detail["lane"] == "stock"
    assert row.detail["got"] == "{}"


def test_many_are_written_together_and_in_order(db: Database, recorder: JournalRecorder) -> None:
    for number in range(3 * BATCH + 7):
        recorder.record(exchange(f"op{number}"))
    wait_until(lambda: len(rows(db)) == 3 * BATCH + 7, 5, "all rows")
    assert [row.detail["operation"] for row in rows(db)] == [f"op{number}" for number in range(3 * BATCH + 7)]


def test_what_is_of_no_connection_of_ours_is_left_out(db: Database, recorder: JournalRecorder) -> None:
    recorder.record(exchange(account="rehearsal"))
    recorder.record(exchange(account="99:1"))  # a shop that was deleted
    recorder.record(exchange())
    recorder.flush()
    assert len(rows(db)) == 1
    assert recorder.dropped == 1


def test_the_end_writes_what_waits(db: Database) -> None:
    recorder = JournalRecorder(db, every=60)
    recorder.record(exchange())
    recorder.close()
    assert len(rows(db)) == 1


def test_a_forked_process_has_a_thread_of_its_own(db: Database) -> None:
    recorder = JournalRecorder(db, every=60)
    recorder.record(exchange("parent"))
    db.close()
    pid = os.fork()
    if not pid:
        recorder.record(exchange("child"))
        recorder.close()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    recorder.close()
    assert sorted(row.detail["operation"] for row in rows(db)) == ["child", "parent"]


def test_while_the_database_is_away_the_newest_are_kept() -> None:
    away = Database("sqlite:////no/such/folder/file.db")
    recorder = JournalRecorder(away, every=60, most=250)
    for number in range(300):
        recorder.record(exchange(f"op{number}"))
    assert not recorder.flush()
    assert recorder.dropped == 50
    assert [item.operation for item in recorder._waiting] == [f"op{number}" for number in range(50, 300)]
    recorder._waiting.clear()
    recorder.close()


def test_what_went_well_is_put_in_words_by_whoever_writes_it(db: Database) -> None:
    recorder = JournalRecorder(db, every=60)
    made: list[str] = []

    def later(name: str) -> Exchange:
        made.append(name)
        return exchange(name)

    recorder.later(partial(later, "one"))
    recorder.record(exchange("two"))
    recorder.later(partial(later, "three"))
    assert made == []
    assert recorder.flush()
    assert made == ["one", "three"]
    assert [row.detail["operation"] for row in rows(db)] == ["one", "two", "three"]
    recorder.close()


def test_of_many_that_wait_no_more_than_a_batch_is_kept_whole() -> None:
    away = Database("sqlite:////no/such/folder/file.db")
    recorder = JournalRecorder(away, every=60)
    for number in range(BATCH + 50):
        recorder.later(partial(exchange, f"op{number}"))
    assert sum(not isinstance(item, Exchange) for item in recorder._waiting) == BATCH
    assert not recorder.flush()
    assert all(isinstance(item, Exchange) for item in list(recorder._waiting)[:BATCH])
    assert len(recorder._waiting) == BATCH + 50
    recorder._waiting.clear()
    recorder.close()


def test_one_that_cannot_be_put_in_words_stops_no_other(db: Database) -> None:
    recorder = JournalRecorder(db, every=60)

    def broken() -> Exchange:
        raise ValueError("no words")

    recorder.later(broken)
    recorder.later(partial(exchange, "good"))
    assert recorder.flush()
    assert [row.detail["operation"] for row in rows(db)] == ["good"]
    assert recorder.dropped == 1
    recorder.close()


def test_they_are_written_when_the_database_is_back(database_url: str, db: Database) -> None:
    recorder = JournalRecorder(db, every=60)
    with db.write(None) as session:
        Journal.__table__.drop(session.connection())  # type: ignore[attr-defined]
    recorder.record(exchange())
    assert not recorder.flush()
    with db.write(None) as session:
        Journal.__table__.create(session.connection())  # type: ignore[attr-defined]
    assert recorder.flush()
    assert len(rows(db)) == 1
    recorder.close()


def test_what_cannot_be_kept_stops_nothing(db: Database, recorder: JournalRecorder) -> None:
    """NUL and halves of UTF-16 pairs; a text that is longer than its column."""
    odd = replace(exchange(sku="A\x00\ud800"), response_excerpt="\x00 and \udfff", error="\x00")
    for found in (odd, replace(exchange("x" * 100), lane="l" * 5000), exchange("after")):
        recorder.record(found)
    kept = wait_until(lambda: [row for row in rows(db) if row.text.startswith("after")] and rows(db), 5, "the rows")
    assert (kept[0].sku, kept[0].detail["got"]) == ("A��", "� and �")
