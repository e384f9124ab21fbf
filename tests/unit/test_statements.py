"""That no statement is executed on SQLite only is said, and fails the run."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import event, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bridge.db import work
from bridge.db.session import Database
from bridge.db.tables import Order, Problem
from bridge.flows import polls
from tests.support.databases import make_tables
from tests.support.statements import Statements, parts, text_of

DIALECTS = (sqlite.dialect(), postgresql.psycopg.dialect())


def of_both(statement: Any, **options: Any) -> list[set[str]]:
    return [parts(text_of(statement.compile(dialect=dialect, **options))) for dialect in DIALECTS]


def test_one_statement_is_the_same_on_both():
    found = select(Order.id).where(Order.id.in_([1, 2]), Order.closed_at.is_(None)).limit(3)
    on_sqlite, on_postgres = of_both(found)
    assert on_sqlite == on_postgres
    longer = select(Order.id).where(Order.id.in_([1, 2, 3]), Order.closed_at.is_(None)).limit(9)
    assert of_both(longer)[0] == on_sqlite
    assert of_both(select(Order.id).where(Order.id.in_([1, 2])))[0] != on_sqlite


def test_what_each_makes_in_its_own_words_is_the_same():
    texts = [
        parts(text_of(work._upsert(dialect.name, settle=True, wake=True).compile(dialect=dialect)))  # type: ignore[attr-defined]
        for dialect in DIALECTS
    ]
    assert texts[0] == texts[1]


def test_rows_are_taken_by_column():
    [on_sqlite, on_postgres] = of_both(insert(Problem), column_keys=["kind", "text"])
    assert on_sqlite == on_postgres
    assert on_sqlite > {"INSERT INTO problems (kind)", "INSERT INTO problems (text)"}, "and those that have a default"
    changed = update(Problem).where(Problem.id == 1).values(kind="a", seen_at=None)
    where = "WHERE problems.id = %(id_1)s::INTEGER"
    assert of_both(changed) == 2 * [{f"UPDATE problems SET kind {where}", f"UPDATE problems SET seen_at {where}"}]
    counted = update(Problem).where(Problem.id == 1).values(count=Problem.count + 1)
    assert len(of_both(counted)[0]) == 1
    assert of_both(counted)[0] != of_both(update(Problem).where(Problem.id == 1).values(count=1))[0]


def config(**options: Any) -> Any:
    given = {"db": "chosen", "statements": False, "keyword": "", "markexpr": "", "collectonly": False, **options}
    return SimpleNamespace(args_source=pytest.Config.ArgsSource.TESTPATHS, option=SimpleNamespace(**given))


def ended(found: Statements, **options: Any) -> int:
    session: Any = SimpleNamespace(config=config(**options), exitstatus=pytest.ExitCode.OK)
    found.pytest_sessionfinish(session)
    return int(session.exitstatus)


def test_a_whole_run_fails_where_postgresql_has_not_met_one():
    found = Statements()
    found.add(
        {
            "sqlite": ["SELECT 1", "SELECT 2", "SELECT json_each(x)", "INSERT INTO _alembic_tmp_a"],
            "postgresql": ["SELECT 1", "SELECT 3"],
        }
    )
    assert found.missing() == ["SELECT 2"]
    assert ended(found) == pytest.ExitCode.TESTS_FAILED
    assert ended(found, db="sqlite") == pytest.ExitCode.OK
    assert ended(found, keyword="flows") == pytest.ExitCode.OK
    assert ended(found, keyword="flows", statements=True) == pytest.ExitCode.TESTS_FAILED
    found.pytest_testnodedown(SimpleNamespace(workeroutput={"statements": {"postgresql": ["SELECT 2"]}}), None)
    assert found.missing() == []
    assert ended(found) == pytest.ExitCode.OK


def test_a_process_of_xdist_hands_over_what_it_has_seen():
    found = Statements()
    found.add({"sqlite": ["SELECT 2", "SELECT 1"]})
    session: Any = SimpleNamespace(config=SimpleNamespace(workeroutput={}))
    found.pytest_sessionfinish(session)
    assert session.config.workeroutput == {"statements": {"sqlite": ["SELECT 1", "SELECT 2"], "postgresql": []}}


def test_what_the_product_executes_counts_and_what_a_test_asks_does_not(tmp_path):
    url = f"sqlite:///{tmp_path / 'storebridge.db'}"
    make_tables(url)
    found = Statements()
    found._counts = True
    with closing(Database(url)) as db:
        event.listen(db.engine, "before_cursor_execute", found._executed)
        with db.read(None) as session:
            assert list(session.scalars(select(Problem))) == []
        assert found.seen["sqlite"] == set()
        db.transact(1, polls.due_now, [1], "poll.check", datetime(2026, 11, 27, tzinfo=UTC))
    [text] = found.seen["sqlite"]
    assert text.startswith("UPDATE polls SET next_at WHERE polls.connection_id IN (")
