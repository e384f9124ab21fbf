"""Statements that are made once say to the driver what SQLAlchemy would have said, and answer the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import bindparam, event, func, insert, literal, select, text, union_all, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from bridge.db import crypto, work
from bridge.db.bulk import update_rows
from bridge.db.prepared import KEPT, LONGEST, Prepared, as_sqlalchemy
from bridge.db.session import Database, core_execute, core_execute_many, line, worth_repeating
from bridge.db.tables import Connection, Product, Shop, UtcTime, Work
from bridge.db.work import Mark

NOW = datetime(2026, 11, 27, 9, 30, 0, 250000, tzinfo=UTC)
_IDS: Any = bindparam("ids", expanding=True)
_PRODUCTS = select(Product.id, Product.external_id, Product.data, Product.read_at).where(Product.external_id.in_(_IDS))
_SINCE = select(Product.external_id).where(Product.read_at >= bindparam("since", type_=UtcTime())).order_by(Product.id)
_TWO = union_all(
    select(literal("here").label("name"), Product.id).where(Product.external_id.in_(_IDS)),
    select(literal("all").label("name"), func.count(Product.id)),
)
_LIMITED = select(Product.id).where(Product.title == "T").order_by(Product.id).limit(bindparam("most"))
_READ = update(Product).where(Product.external_id.in_(_IDS)).values(data=bindparam("told"), title="new")
_READ_BACK = _READ.returning(Product.id, Product.data)
_INSERT = insert(Product.__table__)


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    db = Database(database_url)
    with db.write(None) as session:
        session.add_all([Shop(id=number, public_id=f"s{number}", name="S", created_at=NOW) for number in (1, 2)])
    for shop, keys in ((1, "abc"), (2, "ab")):
        with db.write(shop) as session:
            for at, key in enumerate(keys):
                data = {"n": at, "ü": [1, None]}
                session.add(Product(external_id=key, title="T", data=data, read_at=NOW + timedelta(seconds=at)))
    yield db
    db.close()


def told(rows: Any) -> list[tuple[Any, ...]]:
    return sorted(tuple(row) for row in rows)


@pytest.mark.parametrize("ids", [[], ["a"], ["a", "b"], ["a", "b", "zz"], ["a", "b", "c", "d"]])
def test_rows_are_those_of_sqlalchemy_for_each_number_of_values(db: Database, ids: list[str]) -> None:
    with db.read(1) as session:
        wanted = session.execute(_PRODUCTS, {"ids": ids}).all()
        found = core_execute(session, _PRODUCTS, {"ids": ids})
        assert sorted(map(repr, map(tuple, found))) == sorted(map(repr, map(tuple, wanted)))
        assert {row.external_id for row in found} == set(ids) & set("abc")
        assert told(core_execute(session, _TWO, {"ids": ids})) == told(session.execute(_TWO, {"ids": ids}))


def test_few_texts_are_kept_and_none_of_long_lists(db: Database) -> None:
    with db.read(1) as session:
        made = Prepared(_PRODUCTS, line(session).dialect)
        for length in (*range(KEPT + 5), LONGEST + 1, 3):
            rows = made.run(line(session), {"ids": ["a"] * length})
            assert len(rows) == (2 if length else 0), "one in each shop"
    assert len(made._ways) == KEPT
    assert max(lengths for (lengths,) in made._ways) == KEPT + 4


def test_times_and_limits_go_in_as_they_should(db: Database) -> None:
    with db.read(1) as session:
        assert core_execute(session, _SINCE, {"since": NOW + timedelta(seconds=1)}).scalars() == ["b", "c"]
        assert len(core_execute(session, _LIMITED, {"most": 2})) == 2
        row = core_execute(session, _PRODUCTS, {"ids": ["b"]}).one()
        assert (row.read_at, row.data) == (NOW + timedelta(seconds=1), {"n": 1, "ü": [1, None]})


def test_a_statement_stays_inside_its_shop_whichever_was_first(db: Database) -> None:
    for shop, keys in ((2, {"a", "b"}), (1, {"a", "b", "c"})):
        with db.glance(shop) as glance:
            found = core_execute(glance, _PRODUCTS, {"ids": list("abc")})
        assert {row.external_id for row in found} == keys
    with db.write(2) as session:
        core_execute(session, _READ, {"ids": list("abc"), "told": {"x": 1}})
    with db.read(None) as session:
        titles = dict(session.execute(select(Product.shop_id, func.min(Product.title)).group_by(Product.shop_id)).all())
    assert titles == {1: "T", 2: "new"}
    with db.glance(None) as glance:
        assert len(core_execute(glance, _PRODUCTS, {"ids": ["a"]})) == 2


def test_what_is_written_is_there_and_comes_back(db: Database) -> None:
    with db.write(1) as session:
        rows = core_execute(session, _READ_BACK, {"ids": ["a", "c"], "told": {"deep": [{"x": "ü"}]}})
        assert [row.data for row in rows] == [{"deep": [{"x": "ü"}]}] * 2
        update_rows(session, Product, [{"id": row.id, "title": f"T{row.id}", "read_at": None} for row in rows])
    with db.read(1) as session:
        products = session.scalars(select(Product).where(Product.external_id.in_(["a", "c"]))).all()
        assert all(row.title == f"T{row.id}" and row.read_at is None for row in products)


def test_work_that_is_marked_is_claimed_and_done(db: Database) -> None:
    """The hot path's own statements, one after the other."""
    crypto.install(crypto.KeyRing([Fernet.generate_key().decode()]))
    given: dict[str, Any] = {"state_since": NOW, "created_at": NOW, "credentials": {}}
    with db.write(1) as session:
        session.add(Connection(id=1, role="platform", adapter="x", account="x", title="X", **given))
    mark = Mark(1, "stock", "product.read", "7")
    for settle in (False, True):
        db.transact(1, work.mark, 1, [mark, Mark(1, "stock", "product.read", "8", settle=settle)], NOW)
    claims = db.take(1, work.claim, "stock", 1, NOW, 10)
    with db.glance(1) as glance:
        assert work.still_mine(glance, claims) == {claim.id for claim in claims}
    assert sorted((claim.key, claim.version) for claim in claims) == [("7", 2), ("8", 2)]
    db.transact(1, work.done, claims, NOW)
    with db.read(1) as session:
        assert all(row.done_version == 2 and row.lease_token is None for row in session.scalars(select(Work)))


def test_who_listens_hears_every_statement(db: Database) -> None:
    heard: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda _c, _k, statement, *_: heard.append(statement))
    with db.read(1) as session:
        core_execute(session, _SINCE, {"since": NOW})
    assert [text for text in heard if "read_at >=" in text]


def test_an_error_is_sqlalchemys_and_tells_no_value(db: Database) -> None:
    row = {"shop_id": 1, "external_id": "a", "title": "secret words", "data": {}, "snapshot_version": 0}
    with pytest.raises(IntegrityError) as caught, db.write(1) as session:
        core_execute_many(line(session), _INSERT, [row])
    assert "secret words" not in str(caught.value)
    with db.read(1) as session:
        assert len(core_execute(session, _PRODUCTS, {"ids": list("abc")})) == 3


def test_an_insert_is_made_for_the_columns_it_is_given(db: Database) -> None:
    rows = [{"shop_id": 1, "external_id": key, "title": "N", "data": {"k": key}, "snapshot_version": 4} for key in "xy"]
    with db.write(1) as session:
        core_execute_many(line(session), _INSERT, rows)
        core_execute_many(line(session), _INSERT, [{**rows[0], "external_id": "z", "read_at": NOW}])
        found = core_execute(session, _PRODUCTS, {"ids": list("xyz")})
    assert {row.external_id: row.read_at for row in found} == {"x": None, "y": None, "z": NOW}


def test_a_database_that_was_away_is_worth_another_try(db: Database) -> None:
    """What a connection that broke says: done again on a new one, as with SQLAlchemy's own statements."""
    tries: list[int] = []

    def act(session: Any) -> int:
        tries.append(1)
        if len(tries) == 1:
            line(session).connection.dbapi_connection.close()  # type: ignore[union-attr]
        return len(core_execute(session, _PRODUCTS, {"ids": ["a"]}))

    assert db.transact(1, act) == 1
    assert len(tries) == 2


def test_a_locked_database_is_worth_another_try(db: Database) -> None:
    """Found out by the driver, told as SQLAlchemy tells it."""
    error = db.engine.dialect.loaded_dbapi.OperationalError("database is locked")  # type: ignore[union-attr]
    told_as = as_sqlalchemy(error, db.engine.dialect)
    assert isinstance(told_as, DBAPIError)
    assert worth_repeating(told_as)


def closed_at_the_other_end(db: Database) -> None:
    others = text("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = current_database()")
    with closing(Database(db.url)) as beside, beside.engine.connect() as connection:
        connection.execute(text(f"{others} AND pid <> pg_backend_pid()"))


@pytest.mark.parametrize("database_kind", ["postgres"], indirect=True)
def test_whoever_finds_a_connection_closed_opens_another(db: Database) -> None:
    query = select(func.count(Product.id))
    assert db.transact(1, lambda session: core_execute(session, _TWO, {"ids": ["a"]}))
    closed_at_the_other_end(db)
    assert db.transact(1, lambda session: session.scalar(query)) == 3, "it is repeated"
    closed_at_the_other_end(db)
    assert db.take(1, lambda glance: core_execute(glance, _TWO, {"ids": ["a"]})), "it is repeated"
    closed_at_the_other_end(db)
    with db.read(1) as session:
        assert session.scalar(query) == 3, "it is asked first"


def test_a_glance_is_over_with_its_statement(db: Database) -> None:
    """Nothing stays open at the database, and what is asked next is as of then."""
    with db.glance(1) as glance:
        before = core_execute(glance, _PRODUCTS, {"ids": ["a"]}).one().data
        db.transact(1, lambda session: session.execute(update(Product).values(data={"n": 99})))
        after = core_execute(glance, _PRODUCTS, {"ids": ["a"]}).one().data
    assert (before["n"], after) == (0, {"n": 99})
