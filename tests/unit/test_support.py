"""The tests' own ground holds: servers answer, databases are fresh, nothing is left behind."""

from __future__ import annotations

import sys
import textwrap
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from flask import Flask
from redis import Redis
from sqlalchemy import create_engine, func, inspect, select, text
from sqlalchemy.pool import NullPool

from bridge.config import database_url as with_driver
from bridge.db import migrations
from bridge.db.session import Database
from bridge.db.tables import Base, Shop
from tests.support.postgres import Postgres
from tests.support.procs import Procs
from tests.support.serve import serve as serve_app
from tests.support.serve import start_gunicorn

ROOT = Path(__file__).parents[2]
SERVE_AND_FORK = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
print("child", child.pid)
time.sleep(600)
"""


@pytest.mark.parametrize("turn", [1, 2])
def test_redis_is_empty_for_each_test(redis_url: str, turn: int) -> None:
    with Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("left", turn)


@pytest.mark.parametrize("turn", [1, 2])
def test_a_bare_database_is_empty_for_each_test(bare_database_url: str, database_kind: str, turn: int) -> None:
    engine = create_engine(bare_database_url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE left_behind (n INTEGER)"))
    assert engine.dialect.name == {"sqlite": "sqlite", "postgres": "postgresql"}[database_kind]


@pytest.mark.parametrize("turn", [1, 2, 3, 4])
def test_a_database_has_its_tables_for_each_test_and_nothing_else(database_url: str, turn: int) -> None:
    """A test may leave rows, numbers that were given, tables and columns behind."""
    with closing(Database(with_driver(database_url))) as db:
        assert migrations.is_current(db)
        with db.engine.begin() as connection:
            assert set(inspect(connection).get_table_names()) == {*Base.metadata.tables, "alembic_version"}
            assert "left" not in {column["name"] for column in inspect(connection).get_columns("shops")}
            assert all(
                connection.scalar(select(func.count()).select_from(table)) == 0
                for table in Base.metadata.tables.values()
            )
        with db.write(None) as session:
            session.add(shop := Shop(public_id="left", name="Left", created_at=datetime.now(UTC)))
            session.flush()
            assert shop.id == 1
        with db.engine.begin() as connection:
            if turn == 2:
                connection.execute(text("CREATE TABLE left_behind (n INTEGER)"))
            if turn == 3:
                connection.execute(text('ALTER TABLE shops ADD COLUMN "left" INTEGER'))


def test_who_is_left_over_from_a_test_does_not_meet_the_next(postgres_cluster: Postgres) -> None:
    with postgres_cluster.with_tables() as url, psycopg.connect(url) as left:
        left.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError):
        left.execute("SELECT 1")
    with postgres_cluster.with_tables() as next_url:
        assert next_url != url
        with pytest.raises(psycopg.OperationalError, match="does not exist"):
            psycopg.connect(url)


def test_postgres_template_is_built_once_and_copied(postgres_cluster: Postgres) -> None:
    built: list[str] = []

    def build(url: str) -> None:
        built.append(url)
        engine = create_engine(url, poolclass=NullPool)
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE ready (n INTEGER)"))

    for _ in range(2):
        with postgres_cluster.database(postgres_cluster.template("support", build)) as url:
            engine = create_engine(url, poolclass=NullPool)
            with engine.begin() as connection:
                connection.execute(text("INSERT INTO ready VALUES (1)"))
                assert connection.scalar(text("SELECT count(*) FROM ready")) == 1
    assert len(built) == 1


def test_a_child_that_outlives_its_parent_is_found(procs: Procs) -> None:
    parent = procs.start([sys.executable, "-c", SERVE_AND_FORK])
    child = int(parent.wait_for_line(r"^child (\d+)")[1])
    parent.kill()
    assert list(procs.alive()) == [child]
    with pytest.raises(AssertionError, match="no process left"):
        procs.assert_no_leftovers(within=0.1)
    procs.kill_all()
    procs.assert_no_leftovers(within=1)


def test_a_process_that_ends_too_soon_shows_its_output(procs: Procs) -> None:
    process = procs.start([sys.executable, "-c", "print('no such setting'); raise SystemExit(2)"])
    with pytest.raises(AssertionError, match=r"ended with 2.*\n.*no such setting"):
        process.wait_for_line("ready")


def test_an_app_is_served_from_a_thread(serve: Callable[..., str]) -> None:
    app = Flask("served")
    app.add_url_rule("/", view_func=lambda: "here")
    assert httpx.get(serve(app)).text == "here"


def test_a_server_costs_nothing_while_nobody_asks_and_ends_at_once() -> None:
    others = set(threading.enumerate())
    with serve_app(Flask("idle")):
        [server] = set(threading.enumerate()) - others
        clock = time.pthread_getcpuclockid(server.ident or 0)
        before = time.clock_gettime(clock)
        time.sleep(1)
        spent = time.clock_gettime(clock) - before
        began = time.monotonic()
    assert spent < 0.001
    assert time.monotonic() - began < 2


def test_what_is_still_being_answered_is_waited_for() -> None:
    begun, ended = threading.Event(), threading.Event()

    def slow(_environ: Any, start: Any) -> list[bytes]:
        begun.set()
        time.sleep(0.4)
        ended.set()
        start("200 OK", [])
        return [b""]

    with serve_app(slow) as url:
        caller = threading.Thread(target=httpx.get, args=(url,))
        caller.start()
        assert begun.wait(10)
    assert ended.is_set()
    caller.join()


def test_an_app_is_served_by_gunicorn(procs: Procs) -> None:
    process, address = start_gunicorn(procs, "tests.unit.test_support:create_app()", "--workers", "1")
    assert httpx.get(address, timeout=60).text == "gunicorn"
    process.terminate()
    procs.assert_no_leftovers()


def create_app() -> Flask:
    app = Flask("gunicorn")
    app.add_url_rule("/", view_func=lambda: "gunicorn")
    return app


@pytest.mark.parametrize(("strict", "code", "shown"), [("", 0, "abacus: 2 skipped (buy one)"), ("1", 1, "2 error")])
def test_what_is_missing_is_named_and_with_strict_fails(
    procs: Procs, tmp_path: Path, strict: str, code: int, shown: str
) -> None:
    source = """
        import pytest
        from tests.support.needs import needs

        @pytest.fixture(scope="session")
        def abacus():
            needs("abacus", "buy one")

        @pytest.mark.parametrize("n", [1, 2])
        def test_counting(abacus, n): pass
    """
    tests = tmp_path / "test_counting.py"
    tests.write_text(textwrap.dedent(source), encoding="utf-8")
    run = procs.start(
        [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider", tests],
        env={"STRICT": strict},
        cwd=ROOT,
    )
    assert run.wait(60) == code, run.output
    assert shown in run.output
