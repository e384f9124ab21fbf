"""A session sees, changes and makes rows of its own shop alone, whichever way a statement is executed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import Executable, bindparam, delete, func, select, union_all, update
from sqlalchemy.orm import Session, aliased

from bridge.db import crypto
from bridge.db.session import Database, WrongShop, core_execute
from bridge.db.tables import Connection, Shop

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
Execute = Callable[[Session, Any, dict[str, Any]], Any]
_OTHER = aliased(Connection)
_TITLES = bindparam("titles", expanding=True)
# Made once, as those of the hot path are, so that one is executed for several shops.
NAMED = select(Connection.account).where(Connection.title.in_(_TITLES)).order_by(Connection.account)
COUNTED = select(func.count()).select_from(Connection).where(Connection.title.in_(_TITLES))
JOINED = (
    select(_OTHER.account)
    .join(Connection, Connection.title == _OTHER.title)
    .where(Connection.title.in_(_TITLES))
    .order_by(_OTHER.account)
)
INNER = select(Connection.account).where(
    Connection.title.in_(_TITLES), Connection.id.in_(select(_OTHER.id).where(_OTHER.role == "platform"))
)
BOTH = union_all(select(Connection.account).where(Connection.title.in_(_TITLES)), INNER)
RENAMED = (
    update(Connection)
    .where(Connection.title.in_(_TITLES))
    .values(state_reason=bindparam("reason"))
    .execution_options(synchronize_session=False)
)
ENDED = delete(Connection).where(Connection.title.in_(_TITLES)).execution_options(synchronize_session=False)
GIVEN = {"titles": ["Store", "Market"]}


def by_orm(session: Session, statement: Executable, given: dict[str, Any]) -> Any:
    return session.execute(statement, given)


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    crypto.install(crypto.KeyRing([Fernet.generate_key().decode()]))
    db = Database(database_url)
    with db.write(None) as session:
        for number in (1, 2):
            session.add(Shop(id=number, public_id=f"s{number}", name="S", created_at=NOW))
            session.flush()
            for title, role in (("Store", "platform"), ("Market", "channel")):
                session.add(connection(f"{title.lower()}-{number}", title, role, shop_id=number))
    yield db
    db.close()


def connection(account: str, title: str, role: str, **more: Any) -> Connection:
    given: dict[str, Any] = {"credentials": {"key": account}, "state_since": NOW, "created_at": NOW, **more}
    return Connection(role=role, adapter="x", title=title, account=account, **given)


@pytest.fixture(params=[core_execute, by_orm])
def execute(request: pytest.FixtureRequest) -> Execute:
    found: Execute = request.param
    return found


@pytest.mark.parametrize("shop", [1, 2])
def test_what_is_read(db: Database, execute: Execute, shop: int) -> None:
    with db.read(shop) as session:
        for statement in (NAMED, JOINED):
            assert list(execute(session, statement, GIVEN).scalars()) == [f"market-{shop}", f"store-{shop}"]
        assert execute(session, COUNTED, GIVEN).scalar() == 2
        found = list(execute(session, BOTH, GIVEN).scalars())
    assert sorted(found) == [f"market-{shop}", f"store-{shop}", f"store-{shop}"]


def test_a_session_of_no_shop_reads_all(db: Database, execute: Execute) -> None:
    with db.read(None) as session:
        assert len(execute(session, NAMED, GIVEN).all()) == 4


def test_what_is_changed_and_deleted(db: Database, execute: Execute) -> None:
    db.transact(2, lambda session: execute(session, RENAMED, {**GIVEN, "reason": "changed"}))
    with db.read(None) as session:
        reasons = {row.account: row.state_reason for row in session.scalars(select(Connection))}
    assert reasons == {"store-1": "", "market-1": "", "store-2": "changed", "market-2": "changed"}
    db.transact(1, lambda session: execute(session, ENDED, GIVEN))
    with db.read(None) as session:
        assert sorted(session.scalars(select(Connection.account))) == ["market-2", "store-2"]


def test_an_update_that_brings_objects_in_hand_up_to_date(db: Database) -> None:
    with db.write(1) as session:
        row = session.scalars(select(Connection).where(Connection.title == "Store")).one()
        session.execute(update(Connection).where(Connection.title == "Store").values(state_reason="known at once"))
        assert row.state_reason == "known at once"


def test_a_row_of_another_shop_is_refused(db: Database) -> None:
    with pytest.raises(WrongShop), db.write(1) as session:
        session.add(connection("third", "Store", "platform", shop_id=2))
    with db.write(2) as session:
        session.add(connection("third", "Store", "platform"))
    with db.read(1) as session:
        assert session.get(Connection, 3) is None
