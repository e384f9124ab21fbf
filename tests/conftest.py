"""Fixtures over real servers. Options: --db chosen|sqlite|postgres|both. Environment: STRICT, STOREBRIDGE_SPECS."""

from __future__ import annotations

import gc
import logging
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support import compiled, turns
from tests.support import redis_server as redis_support
from tests.support.databases import make_tables
from tests.support.needs import is_strict, needs, parse
from tests.support.postgres import Postgres, cluster
from tests.support.procs import Procs
from tests.support.serve import serve as serve_app
from tests.support.statements import ON_SQLITE, Statements, folder_of

# Whoever starts us in the background may have us ignore Ctrl-C; what we start inherits that, and is tested for heeding it.
signal.signal(signal.SIGINT, signal.default_int_handler)
# Compiled code is kept whatever the machine says otherwise: `storebridge` is started hundreds of times.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
compiled.keep()
DATABASES = {"sqlite": ["sqlite"], "postgres": ["postgres"], "both": ["sqlite", "postgres"]}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--db",
        choices=["chosen", *DATABASES],
        default="chosen",
        help="databases to test on (chosen: both; flows, faults, plans, web: SQLite, and PostgreSQL where marked)",
    )
    parser.addoption("--statements", action="store_true", help="say which SQL statements were executed on SQLite only")


def pytest_configure(config: pytest.Config) -> None:
    if not config.pluginmanager.has_plugin("statements"):
        statements = Statements()
        statements.watch()
        config.pluginmanager.register(statements, "statements")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """``-n auto``: three for each core, since many tests wait for processes and servers of their own."""
    return max(2, (os.cpu_count() or 1) * 3)


def pytest_sessionstart(session: pytest.Session) -> None:
    compiled.rewrite_share(session.config)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    parts = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    items[:] = turns.dealt(items, parts, float(config.getini("timeout") or 0))


def pytest_collection_finish() -> None:
    """What was collected stays to the end: looked through again and again, it was an eighth of the suite's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Whatever uses a database runs once on each, unless the test itself names one."""
    named = any("database_kind" in mark.args[0] for mark in metafunc.definition.iter_markers("parametrize"))
    if "database_kind" in metafunc.fixturenames and not named:
        metafunc.parametrize("database_kind", _kinds(metafunc), indirect=True, scope="session")


def _kinds(metafunc: pytest.Metafunc) -> list[str]:
    option = metafunc.config.getoption("--db")
    if option != "chosen":
        return DATABASES[option]
    marked = metafunc.definition.get_closest_marker("both_databases")
    return DATABASES["sqlite" if folder_of(metafunc.definition.path) in ON_SQLITE and not marked else "both"]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    return _fail_if_strict(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    report = yield
    return _fail_if_strict(report)


def _fail_if_strict(report: Any) -> Any:
    if is_strict() and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"STRICT=1 allows no skip. {reason}"
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Name every program that was missing, once, with how to get it."""
    missing: dict[str, tuple[str, int]] = {}
    for report in terminalreporter.stats.get("skipped", []):
        if found := parse(str(report.longrepr)):
            name, hint = found
            missing[name] = (hint.removesuffix("')"), missing.get(name, (hint, 0))[1] + 1)
    if missing:
        terminalreporter.section("not tested here")
    for name, (hint, count) in sorted(missing.items()):
        terminalreporter.line(f"{name}: {count} skipped ({hint})")


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis_support.redis_server(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """A Redis-compatible server, empty."""
    redis_support.flush(redis_server)
    return redis_server


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[Postgres]:
    with cluster() as postgres:
        yield postgres


@pytest.fixture(scope="session")
def database_kind(request: pytest.FixtureRequest) -> str:
    """``sqlite`` or ``postgres``."""
    kind: str = request.param
    return kind


@pytest.fixture
def database_url(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database with all tables and nothing in them."""
    if database_kind == "sqlite":
        url = f"sqlite:///{tmp_path / 'storebridge.db'}"
        make_tables(url)
        yield url
        return
    postgres: Postgres = request.getfixturevalue("postgres_cluster")
    with postgres.with_tables() as url:
        yield url


@pytest.fixture
def bare_database_url(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without tables, as whoever installs Storebridge has made it."""
    if database_kind == "sqlite":
        yield f"sqlite:///{tmp_path / 'storebridge.db'}"
        return
    postgres: Postgres = request.getfixturevalue("postgres_cluster")
    with postgres.database() as url:
        yield url


@pytest.fixture
def procs(tmp_path: Path) -> Iterator[Procs]:
    """Starts processes; whatever the test leaves behind is killed."""
    folder = tmp_path / "procs"
    folder.mkdir()
    started = Procs(folder)
    yield started
    started.kill_all()


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    """``serve(app)``: the address of a WSGI app on a real socket, until the end of the test."""
    with ExitStack() as stack:
        yield lambda app, port=0: stack.enter_context(serve_app(app, port))


@pytest.fixture(scope="session")
def specs_dir() -> Path:
    """The folder of official marketplace specifications."""
    named = os.environ.get("STOREBRIDGE_SPECS", "")
    if not named or not Path(named).is_dir():
        needs("specifications", "STOREBRIDGE_SPECS names the folder they were downloaded to")
    return Path(named)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's program; the one without a window costs a quarter less."""
    found = filter(
        None, map(shutil.which, ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"))
    )
    return next(found, None) or needs("chromium", "apt-get install chromium-headless-shell")


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """Whatever a test makes of the process's logging ends with it: the rehearsal's command sets the level for its own
    process, which here is the tests'."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    root.setLevel(level)
    for handler in [handler for handler in root.handlers if handler not in handlers]:
        root.removeHandler(handler)
    for logger in list(logging.Logger.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger):
            logger.disabled = False
