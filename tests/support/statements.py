"""Which SQL statements the tests execute on which database.

Most tests of flows, faults, plans and pages run on SQLite only (tests/conftest.py): what they prove does not depend
on the database. So that PostgreSQL has met every statement of theirs all the same, the statements are collected, and
a whole run fails where one of them was executed on SQLite only (docs/decisions/0034). Two statements are the same
when PostgreSQL would be sent the same text, apart from values and the length of lists. What is written to a row is
taken column by column, since which of them change together is chance. What a test itself asks does not count, and
what other processes execute is not seen.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.dialects.postgresql import psycopg
from sqlalchemy.dialects.sqlite.dml import OnConflictClause

from bridge.db.prepared import Prepared

DIALECT: Any = psycopg.dialect()
OnConflictClause.constraint_target = None  # type: ignore[attr-defined]  # all that PostgreSQL's own has besides
# The folders whose tests run on SQLite; on PostgreSQL, too, where they are marked so.
ON_SQLITE = ("faults", "flows", "plans", "web")
# Of statements that the product has for SQLite alone, where PostgreSQL has its own or needs none.
SQLITES_OWN = ("json_each(", "sqlite_stat1", "_alembic_tmp_")
_INSERT = re.compile(r"INSERT INTO (\w+) \(([\w, \"]+)\) VALUES \([%()\w, :]+\)( RETURNING .*)?")
_UPDATE = re.compile(r"UPDATE (\w+) SET ((?:\"?\w+\"?=%\(\w+\)s[\w: ]*(?:, )?)+) WHERE (.*)")
HERE = Path(__file__)
TESTS, PRODUCT = str(HERE.parents[1]), str(HERE.parents[2])
# Who stands between a statement and whoever wanted it.
BETWEEN = (
    str(HERE),
    str(HERE.parents[2] / "bridge" / "db" / "session.py"),
    str(HERE.parents[2] / "bridge" / "db" / "prepared.py"),
)


class Statements:
    """A plugin of pytest: collects in each process, and compares where the run is reported."""

    def __init__(self) -> None:
        self.seen: dict[str, set[str]] = {"sqlite": set(), "postgresql": set()}
        self._counts = False  # on SQLite, of the test that is running

    def watch(self) -> None:
        """From now on, in this process."""
        event.listen(Engine, "before_cursor_execute", self._executed)
        for name in ("run", "run_many"):
            setattr(Prepared, name, self._noting(getattr(Prepared, name)))

    def _executed(self, _line: Any, _cursor: Any, _text: str, _values: Any, context: Any, _many: bool) -> None:
        compiled = getattr(context, "compiled", None)
        if compiled is not None and not context.isddl:
            self._note(compiled)

    def _noting(self, run: Any) -> Any:
        @wraps(run)
        def noting(prepared: Prepared, *args: Any, **kwargs: Any) -> Any:
            self._note(prepared._compiled)
            return run(prepared, *args, **kwargs)

        return noting

    def _note(self, compiled: Any) -> None:
        """Once for each compiled statement: they are kept, and used again."""
        noted = compiled.__dict__.setdefault("noted_by", [])
        counts = self._counts or compiled.dialect.name == "postgresql"
        if counts and self not in noted and not _is_a_tests_own():
            noted.append(self)
            self.seen[compiled.dialect.name] |= parts(text_of(compiled))

    def missing(self) -> list[str]:
        """What was executed on SQLite and not on PostgreSQL."""
        return sorted(
            text
            for text in self.seen["sqlite"] - self.seen["postgresql"]
            if not any(word in text for word in SQLITES_OWN)
        )

    def add(self, seen: Mapping[str, Iterable[str]]) -> None:
        for name, texts in seen.items():
            self.seen[name].update(texts)

    # pytest
    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
        self._counts = "database_kind" in getattr(item, "fixturenames", ()) and folder_of(item.path) in ON_SQLITE
        try:
            return (yield)
        finally:
            self._counts = False

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """A process of xdist has ended."""
        self.add(getattr(node, "workeroutput", {}).get("statements", {}))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output["statements"] = {name: sorted(texts) for name, texts in self.seen.items()}
        elif is_asked(session.config) and self.missing() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any, config: pytest.Config) -> None:
        if not is_asked(config):
            return
        on_sqlite, on_postgres, missing = self.seen["sqlite"], self.seen["postgresql"], self.missing()
        terminalreporter.section("SQL statements")
        terminalreporter.line(
            f"{len(on_sqlite)} on SQLite, {len(on_postgres)} on PostgreSQL, {len(missing)} on SQLite only"
        )
        for text in missing:
            terminalreporter.line(f"on SQLite only: {' '.join(text.split())}")
        if missing:
            terminalreporter.line("Mark a test that executes them with both_databases (CONTRIBUTING.md).")


def is_asked(config: pytest.Config) -> bool:
    """Of the whole run, and where ``--statements`` wants to know."""
    option = config.option
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS and option.db == "chosen"
    narrowed = option.keyword or option.markexpr or option.collectonly or getattr(option, "lf", False)
    return bool(option.statements or (whole and not narrowed))


def folder_of(path: Path) -> str:
    """Of a test, below tests/."""
    return path.relative_to(TESTS).parts[0] if path.is_relative_to(TESTS) else ""


def _is_a_tests_own() -> bool:
    frame = sys._getframe(2)
    while frame.f_back is not None:
        name = frame.f_code.co_filename
        if name.startswith(PRODUCT) and "/.venv/" not in name and name not in BETWEEN:
            return name.startswith(TESTS)
        frame = frame.f_back
    return False


def text_of(compiled: Any) -> str:
    """What PostgreSQL would be sent, whichever database it was compiled for."""
    return str(compiled.statement.compile(dialect=DIALECT, column_keys=compiled.column_keys))


def parts(text: str) -> set[str]:
    """The statement itself; of a row that is written, each column by itself."""
    line = " ".join(text.split())
    if found := _INSERT.fullmatch(line):
        return {f"INSERT INTO {found[1]} ({column})" for column in found[2].split(", ")}
    if found := _UPDATE.fullmatch(line):
        return {f"UPDATE {found[1]} SET {change.partition('=')[0]} WHERE {found[3]}" for change in found[2].split(", ")}
    return {line}
