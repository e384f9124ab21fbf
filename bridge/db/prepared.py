"""Statements that are made once, given to the driver as it takes them.

SQLAlchemy compiles such a statement once for each number of values in its lists, and says how values go in and come
out. Sent through its own execution a statement costs some twenty times what the database itself takes.
"""

from __future__ import annotations

import threading
from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Dialect, Executable
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.dml import Insert

# Texts are kept for so many numbers of values, and for no longer lists: a chunk of products and its marketplaces.
KEPT, LONGEST = 20, 600
Given = Mapping[str, Any]
Process = Callable[[Any], Any] | None


class Rows(list[Any]):
    """What a statement answers: named tuples, all of them read."""

    def all(self) -> list[Any]:
        return self

    def first(self) -> Any:
        return self[0] if self else None

    def one(self) -> Any:
        (row,) = self
        return row

    def scalar(self) -> Any:
        return self[0][0] if self else None

    def scalars(self) -> list[Any]:
        return [row[0] for row in self]


class Prepared:
    """A statement for one kind of database. ``names``: the columns that an insert is given."""

    def __init__(self, statement: Executable, dialect: Dialect, names: Sequence[str] | None = None) -> None:
        self._dialect = dialect
        self._compiled: Any = statement.compile(dialect=dialect, column_keys=names)  # type: ignore[attr-defined]
        self._columns = [column.type for column in getattr(statement, "exported_columns", ())]
        self._lists = sorted(name for bind, name in self._compiled.bind_names.items() if bind.expanding)
        self._constants: Given = self._compiled.construct_params(_check=False)
        self._ways: dict[tuple[int, ...], _Way] = {}
        self._reader: _Reader | None = None
        self._lock = threading.Lock()

    def run(self, connection: Connection, given: Given) -> Rows:
        """Inside the connection's transaction."""
        way = self._way(given)
        cursor = send(connection, way.text, way.values(given))
        if cursor.description is None:
            return Rows()
        if self._reader is None:
            self._reader = _Reader(cursor.description, self._columns, self._dialect)
        return self._reader(cursor.fetchall())

    def run_many(self, connection: Connection, rows: Iterable[Given]) -> None:
        """Once for each of ``rows``, which hold no lists."""
        way = self._way({})
        send(connection, way.text, [way.values(row) for row in rows], many=True)

    def _way(self, given: Given) -> _Way:
        lengths = tuple([len(given[name] if name in given else self._constants[name]) for name in self._lists])
        way = self._ways.get(lengths)
        if way is None:
            lists = dict(zip(self._lists, ([None] * length for length in lengths), strict=True))
            way = _Way(self._compiled, lists, self._dialect)
            self._keep(lengths, way)
        return way

    def _keep(self, lengths: tuple[int, ...], way: _Way) -> None:
        if sum(lengths) > LONGEST:
            return
        with self._lock:
            while len(self._ways) >= KEPT:
                self._ways.pop(next(iter(self._ways)))
            self._ways[lengths] = way


class _Way:
    """The text of a statement for lists of certain lengths, and how its values go in."""

    def __init__(self, compiled: Any, lists: Given, dialect: Dialect) -> None:
        state = compiled.construct_expanded_state({**compiled.construct_params(_check=False), **lists})
        processes = {
            name: bind.type.dialect_impl(dialect).bind_processor(dialect) for bind, name in compiled.bind_names.items()
        }
        self.text: str = state.statement
        self._constants = compiled.construct_params(_check=False)
        spread = {new: (name, at) for name, parts in state.parameter_expansion.items() for at, new in enumerate(parts)}
        self._by_place = state.positiontup is not None
        self._steps: list[tuple[str, str, int | None, Process]] = []
        for final in state.positiontup or state.parameters:
            name, at = spread.get(final, (final, None))
            if name in lists and at is None:
                continue  # the list itself, which is empty or spread
            self._steps.append((final, name, at, processes[name]))

    def values(self, given: Given) -> Any:
        found = []
        for _, name, at, process in self._steps:
            value = given[name] if name in given else self._constants[name]
            if at is not None:
                value = value[at]
            found.append(process(value) if process is not None else value)
        return found if self._by_place else dict(zip([step[0] for step in self._steps], found, strict=True))


class _Reader:
    """Makes named tuples of what the driver brings."""

    def __init__(self, description: Sequence[Any], types: Sequence[Any], dialect: Dialect) -> None:
        row: Any = namedtuple("Row", [part[0] for part in description], rename=True)  # type: ignore[misc]  # noqa: PYI024
        self._make = row._make
        processes = [
            type_.dialect_impl(dialect).result_processor(dialect, part[1])
            for type_, part in zip(types, description, strict=True)
        ]
        self._processes = [(place, process) for place, process in enumerate(processes) if process is not None]

    def __call__(self, found: Iterable[Sequence[Any]]) -> Rows:
        if not self._processes:
            return Rows(map(self._make, found))
        return Rows(map(self._read, found))

    def _read(self, found: Sequence[Any]) -> Any:
        values = list(found)
        for place, process in self._processes:
            values[place] = process(values[place])
        return self._make(values)


def names_of(statement: Executable, rows: Sequence[Given]) -> tuple[str, ...] | None:
    """What an insert is given, as far as compiling it needs to know."""
    return tuple(rows[0]) if isinstance(statement, Insert) else None


def send(connection: Connection, text: str, values: Any, *, many: bool = False) -> Any:
    """To the driver; whoever listens to what is executed hears of it. Raises what SQLAlchemy raises."""
    driver: Any = connection.connection.dbapi_connection
    cursor = None
    try:
        cursor = driver.cursor()
        for told in connection.dispatch.before_cursor_execute:
            told(connection, cursor, text, values, None, many)
        (cursor.executemany if many else cursor.execute)(text, values)
    except connection.dialect.loaded_dbapi.Error as error:
        lost = connection.dialect.is_disconnect(error, driver, cursor)
        if lost:
            connection.invalidate(error)
        raise as_sqlalchemy(error, connection.dialect, text, lost=lost) from error
    return cursor


def as_sqlalchemy(error: Exception, dialect: Dialect, text: str | None = None, *, lost: bool = False) -> BaseException:
    """A driver's error as everybody else knows it; what it was about is not told."""
    base = dialect.loaded_dbapi.Error
    return DBAPIError.instance(
        text, None, error, base, hide_parameters=True, connection_invalidated=lost, dialect=dialect
    )
