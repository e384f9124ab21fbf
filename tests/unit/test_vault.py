"""Leases and the token vault: one holder at a time, over threads, processes and machines."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import text

from bridge.config import database_url as with_driver
from bridge.db import crypto, leases
from bridge.db.clock import DatabaseClock
from bridge.db.session import Database
from bridge.db.tables import Connection, Shop
from bridge.db.vault import DatabaseVault, parse_account
from bridge.ports.errors import RetryLater
from bridge.ports.http import Token, TokenSource

LONG, SHORT = timedelta(seconds=60), timedelta(seconds=0.2)
ACCOUNT = "1:1"
NOW = datetime.now(UTC)


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    crypto.install(crypto.KeyRing([Fernet.generate_key().decode()]))
    database = Database(with_driver(database_url))
    with database.write(None) as session:
        session.add(Shop(id=1, public_id="shop", name="Shop", created_at=NOW))
        session.flush()
        for number in (1, 2):
            session.add(Connection(id=number, shop_id=1, role="channel", adapter="bol", account=str(number), title="",
                                   credentials={}, state_since=NOW, created_at=NOW))  # fmt: skip
    yield database
    database.close()


def token(access: str, hours: int = 1, refresh: str | None = None) -> Token:
    return Token(access, NOW + timedelta(hours=hours), refresh)


class TestLeases:
    def test_one_holder_at_a_time(self, db: Database) -> None:
        assert leases.acquire(db, "leader", "a", LONG)
        assert leases.acquire(db, "leader", "a", LONG)
        assert not leases.acquire(db, "leader", "b", LONG)
        assert leases.acquire(db, "another", "b", LONG)

    def test_of_many_at_once_one_wins(self, db: Database) -> None:
        start = threading.Barrier(8)

        def attempt(number: int) -> bool:
            start.wait()
            return leases.acquire(db, "leader", str(number), LONG)

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(attempt, range(8))) == 1

    def test_free_again_when_it_ran_out_or_was_released(self, db: Database) -> None:
        assert leases.acquire(db, "leader", "a", SHORT)
        time.sleep(0.3)
        assert leases.acquire(db, "leader", "b", LONG)
        assert not leases.renew(db, "leader", "a", LONG)
        leases.release(db, "leader", "a")
        assert not leases.acquire(db, "leader", "a", LONG)
        leases.release(db, "leader", "b")
        assert leases.acquire(db, "leader", "a", LONG)

    def test_renewed_in_time_only(self, db: Database) -> None:
        assert leases.acquire(db, "leader", "a", SHORT)
        assert leases.renew(db, "leader", "a", SHORT)
        time.sleep(0.3)
        assert not leases.renew(db, "leader", "a", LONG)

    def test_tells_for_how_long(self, db: Database) -> None:
        assert leases.held_for(db, "leader") is None
        leases.acquire(db, "leader", "a", LONG)
        assert timedelta(seconds=50) < (leases.held_for(db, "leader") or timedelta(0)) <= LONG
        leases.acquire(db, "short", "a", SHORT)
        time.sleep(0.3)
        assert leases.held_for(db, "short") is None


class TestVault:
    def test_keeps_tokens_encrypted(self, db: Database) -> None:
        vault = DatabaseVault(db)
        assert vault.load(ACCOUNT) is None
        vault.save(ACCOUNT, token("access-1", refresh="refresh-1"))
        assert DatabaseVault(db).load(ACCOUNT) == token("access-1", refresh="refresh-1")
        with db.read(None) as session:
            [[raw]] = session.execute(text("SELECT token FROM tokens")).all()
        assert "access-1" not in json.dumps(raw)
        assert "refresh-1" not in json.dumps(raw)

    def test_accounts_are_apart(self, db: Database) -> None:
        vault = DatabaseVault(db)
        vault.save("1:1", token("one"))
        vault.save("1:2", token("two"))
        assert vault.load("1:1") == token("one")
        vault.forget("1:1")
        assert vault.load("1:1") is None
        assert vault.load("1:2") == token("two")

    def test_a_late_save_does_not_undo_a_newer_one(self, db: Database) -> None:
        vault = DatabaseVault(db)
        vault.save(ACCOUNT, token("newer", hours=2))
        vault.save(ACCOUNT, token("older", hours=1))
        assert vault.load(ACCOUNT) == token("newer", hours=2)

    def test_many_first_saves_at_once(self, db: Database) -> None:
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda hours: DatabaseVault(db).save(ACCOUNT, token(str(hours), hours)), range(1, 7)))
        assert DatabaseVault(db).load(ACCOUNT) == token("6", 6)

    def test_the_lock_is_exclusive_and_patient_for_so_long(self, db: Database) -> None:
        vault = DatabaseVault(db)
        with vault.lock(ACCOUNT, 30):
            began = time.monotonic()
            with pytest.raises(RetryLater), DatabaseVault(db).lock(ACCOUNT, 0.3):
                pytest.fail("two holders")
            assert time.monotonic() - began < 2
            with DatabaseVault(db).lock("1:2", 1):
                pass
        with DatabaseVault(db).lock(ACCOUNT, 1):
            pass

    def test_the_lock_of_the_dead_is_free_in_the_end(self, db: Database) -> None:
        leases.acquire(db, f"token:{ACCOUNT}", "a process that was killed", timedelta(seconds=0.5))
        with DatabaseVault(db).lock(ACCOUNT, 5), pytest.raises(RetryLater), DatabaseVault(db).lock(ACCOUNT, 0.1):
            pytest.fail("two holders")

    def test_eight_workers_renew_a_single_use_token_once(self, db: Database) -> None:
        """A9."""
        fetched: list[str | None] = []

        def fetch(refresh: str | None) -> Token:
            fetched.append(refresh)
            time.sleep(0.2)
            return Token(f"access-{len(fetched)}", datetime.now(UTC) + timedelta(hours=1), f"refresh-{len(fetched)}")

        sources = [TokenSource(ACCOUNT, fetch, DatabaseVault(db), refresh="refresh-0") for _ in range(8)]
        with ThreadPoolExecutor(8) as pool:
            got = {item.access for item in pool.map(lambda source: source.current(), sources)}
        assert got == {"access-1"}
        assert fetched == ["refresh-0"]

    @pytest.mark.parametrize("account", ["", "1", "bol:1", "1:x", "1:2:3"])
    def test_accounts_are_connection_keys(self, account: str) -> None:
        with pytest.raises(ValueError, match="connection key"):
            parse_account(account)


class TestClock:
    def test_follows_the_database(self, db: Database) -> None:
        clock = DatabaseClock(db)
        assert abs((clock() - datetime.now(UTC)).total_seconds()) < 5
        first = clock()
        time.sleep(0.05)
        assert timedelta(seconds=0.04) < clock() - first < timedelta(seconds=2)

    @pytest.mark.parametrize("database_kind", ["postgres"], indirect=True)
    def test_does_not_jump_with_this_machines_clock(self, db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        """Q10, where the database has a clock of its own."""
        clock = DatabaseClock(db)
        before, real = clock(), time.time
        monkeypatch.setattr(time, "time", lambda: real() + 3600)
        assert clock() - before < timedelta(seconds=5)

    def test_goes_on_while_the_database_is_away(self, db: Database) -> None:
        clock = DatabaseClock(db)
        before = clock()
        db.close()
        missing = DatabaseClock(Database("postgresql+psycopg://nobody@127.0.0.1:1/none?connect_timeout=1"))
        assert abs((missing() - datetime.now(UTC)).total_seconds()) < 5
        assert clock() >= before
