"""The tests' own ground holds: servers answer, databases are fresh, nothing is left behind."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from flask import Flask
from redis import Redis
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from tests.support.postgres import Postgres
from tests.support.procs import Procs
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
def test_database_is_empty_for_each_test(database_url: str, database_kind: str, turn: int) -> None:
    engine = create_engine(database_url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE left_behind (n INTEGER)"))
    assert engine.dialect.name == {"sqlite": "sqlite", "postgres": "postgresql"}[database_kind]


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


def test_an_app_is_served_by_gunicorn(procs: Procs) -> None:
    process, address = start_gunicorn(procs, "tests.unit.test_support:create_app()", "--workers", "1")
    assert httpx.get(address).text == "gunicorn"
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
