"""The key ring: made once, readable by its owner only, changed while everything runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select, text

from bridge import app
from bridge.config import Config, ConfigError
from bridge.db import crypto, keys
from bridge.db.crypto import KeyRing
from bridge.db.session import Database
from bridge.db.tables import Connection, Order, Shop
from bridge.supervisor import rotation

NOW = datetime.now(UTC)


@pytest.fixture
def config(database_url: str, tmp_path: Path) -> Config:
    return Config(database_url=database_url, data_dir=tmp_path / "data")


@pytest.fixture
def db(config: Config) -> Iterator[Database]:
    config.data_dir.mkdir()
    with closing(Database(config.effective_database_url)) as database:
        yield database


def add_rows(db: Database, count: int = 3) -> None:
    with db.write(None) as session:
        session.add(Shop(id=1, public_id="shop", name="Shop", created_at=NOW))
        session.flush()
        for number in range(1, count + 1):
            session.add(Connection(id=number, shop_id=1, role="channel", adapter="bol", account=str(number), title="",
                                   credentials={"secret": f"s{number}"}, state_since=NOW, created_at=NOW))  # fmt: skip
            session.flush()
            session.add(Order(connection_id=number, shop_id=1, external_id=str(number), ref=str(number), currency="EUR",
                              total="1.00", buyer={"name": "Jan"}, raw={}, placed_at=NOW, imported_at=NOW))  # fmt: skip


def credentials(db: Database) -> list[Any]:
    with db.read(1) as session:
        return list(session.scalars(select(Connection.credentials).order_by(Connection.id)))


def test_the_file_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    path = keys.key_file(tmp_path)
    [key] = keys.ensure_keys(path)
    assert keys.ensure_keys(path) == [key]
    assert path.stat().st_mode & 0o777 == 0o600
    keys.write_keys(path, ["b", "a"])
    assert keys.read_keys(path) == ["b", "a"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_two_processes_make_the_same_key(tmp_path: Path) -> None:
    found: list[list[str]] = []
    threads = [threading.Thread(target=lambda: found.append(keys.ensure_keys(tmp_path / "keys"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({tuple(item) for item in found}) == 1
    assert found[0] != []


def test_a_running_process_sees_a_new_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "keys"
    ring = keys.FileKeyRing(path)
    sealed = ring.seal("old")
    new = Fernet.generate_key().decode()
    keys.write_keys(path, [new, *keys.read_keys(path)])
    assert ring.open(KeyRing([new]).seal("by another process")) == "by another process"
    assert ring.open(sealed) == "old"
    time.sleep(keys.LOOK_AGAIN + 0.1)
    assert KeyRing([new]).open(ring.seal("mine")) == "mine"


def test_what_is_recalled_is_opened_once_and_forgotten_with_its_key(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    ring = keys.FileKeyRing(path)
    sealed = ring.seal({"token": "old"})
    first = ring.recall(sealed)
    first["token"] = "changed by its reader"
    assert ring.recall(sealed) == {"token": "old"}
    new = Fernet.generate_key().decode()
    keys.write_keys(path, [new])
    assert ring.recall(KeyRing([new]).seal("by another process")) == "by another process"
    with pytest.raises(ValueError, match="no key"):
        ring.recall(sealed)


def test_rotation_re_encrypts_everything_and_drops_the_old_key(config: Config, db: Database) -> None:
    """X6: another process goes on reading and writing meanwhile."""
    ring = app.key_ring(config)
    crypto.install(ring)
    add_rows(db)
    [old] = keys.read_keys(keys.key_file(config.data_dir))
    stop, failures = threading.Event(), []

    def live() -> None:
        while not stop.is_set():
            try:
                assert [item["secret"] for item in credentials(db)] == ["s1", "s2", "s3"]
                with db.write(1) as session:
                    session.scalars(select(Order).order_by(Order.id)).first().buyer = {"name": "Piet"}  # type: ignore[union-attr]
            except Exception as error:  # noqa: BLE001 - whatever it is, the test tells
                failures.append(error)
                return

    thread = threading.Thread(target=live)
    thread.start()
    said = rotation.rotate(config)
    time.sleep(0.2)
    stop.set()
    thread.join()
    assert failures == []
    assert "values are encrypted with a new key" in said
    [new] = keys.read_keys(keys.key_file(config.data_dir))
    assert new != old
    crypto.install(KeyRing([new]))
    assert credentials(db)[0] == {"secret": "s1"}
    with db.read(1) as session:
        assert {order.buyer["name"] for order in session.scalars(select(Order))} == {"Jan", "Piet"}


def test_rotation_with_keys_from_the_environment(config: Config, db: Database) -> None:
    old, new = (Fernet.generate_key().decode() for _ in range(2))
    crypto.install(KeyRing([old]))
    add_rows(db)
    said = rotation.rotate(config.model_copy(update={"keys": (new, old)}))
    assert "not needed any more" in said
    crypto.install(KeyRing([new]))
    assert len(credentials(db)) == 3
    assert not keys.key_file(config.data_dir).exists()


def test_a_missing_old_key_drops_nothing(config: Config, db: Database) -> None:
    crypto.install(KeyRing([Fernet.generate_key().decode()]))
    add_rows(db)
    with pytest.raises(ConfigError, match="Nothing was dropped"):
        rotation.rotate(config)
    assert len(keys.read_keys(keys.key_file(config.data_dir))) == 2


def test_a_stolen_database_tells_nothing(config: Config, db: Database) -> None:
    """X5."""
    crypto.install(app.key_ring(config))
    add_rows(db)
    with db.read(None) as session:
        for table, column in keys.secret_columns():
            for [value] in session.execute(text(f"SELECT {column.name} FROM {table.name}")):
                assert value is None or value.startswith("gAAAA")


@pytest.mark.parametrize("content", ["", "short\n", "ä\n"])
def test_a_broken_key_file_is_a_sentence(tmp_path: Path, content: str) -> None:
    keys.key_file(tmp_path).write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match="holds something that is no key"):
        app.key_ring(Config(data_dir=tmp_path))
