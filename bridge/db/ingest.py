"""Keeping deliveries before they are acknowledged.

SQLite: writers only stand in each other's way, its busy handler is unfair to them, and a commit costs about the same
for one row as for fifty; so whatever waits in a process is kept by one commit. PostgreSQL: one statement for each.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Dialect, PoolProxiedConnection, Table, bindparam, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from bridge.db import work
from bridge.db.crypto import installed
from bridge.db.group import GroupCommit
from bridge.db.session import Database, worth_repeating
from bridge.db.tables import Base, Delivery
from bridge.db.work import Mark

ATTEMPTS = 5
DELIVERIES = Base.metadata.tables["deliveries"]
WORK = Base.metadata.tables["work"]
# What of each is written: the columns of `_row` and of `work.row_of`.
_KEPT = ("shop_id", "connection_id", "topic", "external_id", "body_hash", "body", "received_at", "seen", "last_seen_at")
_MARKED = (
    "shop_id", "connection_id", "lane", "kind", "key", "priority", "dirty_version", "done_version", "due_at",
    "first_marked_at", "attempts", "parked",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Arrival:
    """A delivery ready to be kept: ``body`` is sealed, ``mark`` is the work it points at."""

    shop_id: int
    connection_id: int
    topic: str
    external_id: str
    body_hash: str
    body: str
    received_at: datetime
    mark: Mark


def keep_rows(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Deliveries as part of a transaction that does more; their ``body`` is not sealed yet. The same again only counts
    up."""
    if rows:
        insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
        session.connection().execute(_or_seen_again(insert(DELIVERIES)), list(rows))


def seal(body: str) -> str:
    """The body as the column keeps it: encryption is done by each sender, not by the one who commits for all."""
    return installed().seal(body)


class Ingest:
    """Keeps arrivals: the delivery and the mark of what to read again, or neither.

    The statements are made by SQLAlchemy once, and given to the driver as they are: of a request's time, what is
    saved so is more than the database itself takes.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._dialect = db.engine.dialect
        self._write: _Rows | _One = _Rows(self._dialect) if db.is_sqlite else _One(self._dialect)
        self._together = GroupCommit(self._keep_all) if db.is_sqlite else None
        self._lines: list[PoolProxiedConnection] = []
        event.listen(db.engine, "engine_disposed", lambda _engine: self._hang_up())

    def keep(self, arrival: Arrival) -> None:
        """Durable on return. The same delivery again only counts up; its mark is set again all the same,
        because equal bytes do not prove that nothing happened in between."""
        if self._together is not None:
            self._together(arrival)
        else:
            self._keep_all([arrival])

    def _keep_all(self, arrivals: Sequence[Arrival]) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._try(arrivals)
            except DBAPIError as error:
                self._hang_up()
                if attempt == ATTEMPTS or not worth_repeating(error):
                    raise
                time.sleep(0.01 * 2**attempt)
        raise AssertionError("unreachable")

    def _try(self, arrivals: Sequence[Arrival]) -> None:
        """On a connection that is kept from commit to commit."""
        try:
            line = self._lines.pop()
        except IndexError:
            line = self._db.engine.raw_connection()
            self._write.prepare(line.driver_connection)
        try:
            with self._db.turn(first=True):
                self._write(line.driver_connection, arrivals)
        except BaseException as error:
            line.invalidate()
            raise self._as_sqlalchemy(error) from error
        self._lines.append(line)

    def _as_sqlalchemy(self, error: BaseException) -> BaseException:
        base = self._dialect.loaded_dbapi.Error
        if not isinstance(error, base):
            return error
        lost = self._dialect.is_disconnect(error, None, None)
        return DBAPIError.instance(
            None, None, error, base, hide_parameters=True, connection_invalidated=lost, dialect=self._dialect
        )

    def _hang_up(self) -> None:
        while self._lines:
            self._lines.pop().invalidate()


class _Rows:
    """SQLite: all that wait in one transaction."""

    def __init__(self, dialect: Dialect) -> None:
        insert = sqlite.insert(DELIVERIES).inline()
        self._deliveries = _Many(_or_seen_again(insert), _KEPT, dialect)
        names = (*_MARKED, *work.TIMES)
        self._work = {
            settle: _Many(work.or_again(sqlite.insert(WORK).inline(), settle=settle, wake=True), names, dialect)
            for settle in (True, False)
        }

    def prepare(self, driver: Any) -> None:
        """Nothing: the database does it for each connection."""

    def __call__(self, driver: Any, arrivals: Sequence[Arrival]) -> None:
        now = max(arrival.received_at for arrival in arrivals)
        driver.execute("BEGIN IMMEDIATE")
        try:
            self._deliveries(driver, [_row(arrival) for arrival in arrivals])
            for settle, rows in _marks(arrivals, now).items():
                if rows:
                    self._work[settle](driver, rows)
        except BaseException:
            driver.execute("ROLLBACK")
            raise
        driver.execute("COMMIT")


class _Many:
    """A statement for many rows."""

    def __init__(self, statement: Any, names: Sequence[str], dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=names)
        self._text = str(compiled)
        self._order = compiled.positiontup
        self._constants = {name: value for name, value in compiled.params.items() if name not in names}

    def __call__(self, driver: Any, rows: Sequence[Mapping[str, Any]]) -> None:
        known = ({**self._constants, **row} for row in rows)
        driver.executemany(self._text, [[_plain(row[name]) for name in self._order] for row in known])


def _plain(value: Any) -> Any:
    """As SQLAlchemy writes it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")
    return value


class _One:
    """PostgreSQL: an arrival is one statement, which is a transaction of its own in one round trip. The server does
    its own grouping of commits, so that waiting for company here would only cost time (measured)."""

    def __init__(self, dialect: Dialect) -> None:
        self._statements: dict[bool, tuple[str, dict[str, Any]]] = {}
        for settle in (True, False):
            compiled = _delivery_and_work(settle=settle).compile(dialect=dialect)
            self._statements[settle] = str(compiled), compiled.construct_params(_check=False)

    def prepare(self, driver: Any) -> None:
        driver.autocommit = True

    def __call__(self, driver: Any, arrivals: Sequence[Arrival]) -> None:
        for arrival in arrivals:
            text, constants = self._statements[arrival.mark.settle]
            marked = work.row_of(arrival.shop_id, arrival.mark, arrival.received_at)
            given = {f"{_DELIVERY}{name}": value for name, value in _row(arrival).items()}
            given |= {f"{_WORK}{name}": value for name, value in marked.items()}
            driver.execute(text, {**constants, **given, **arrival.mark.pace.times(arrival.received_at)})


_DELIVERY, _WORK = "delivery_", "work_"


def _delivery_and_work(*, settle: bool) -> Any:
    kept = postgresql.insert(DELIVERIES).inline().values(_parameters(_DELIVERY, DELIVERIES, _KEPT))
    marked = postgresql.insert(WORK).inline().values(_parameters(_WORK, WORK, _MARKED))
    return work.or_again(marked, settle=settle, wake=True).add_cte(_or_seen_again(kept).cte("kept"))


def _parameters(prefix: str, table: Table, names: Iterable[str]) -> dict[str, Any]:
    return {name: bindparam(f"{prefix}{name}", type_=table.c[name].type) for name in names}


def _marks(arrivals: Iterable[Arrival], now: datetime) -> dict[bool, list[dict[str, Any]]]:
    """Rows of work with the moments they settle by, by whether they settle; each key once."""
    marked = {(arrival.mark.connection_id, arrival.mark.kind, arrival.mark.key): arrival for arrival in arrivals}
    rows: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
    for key in sorted(marked):
        mark = marked[key].mark
        rows[mark.settle].append(work.row_of(marked[key].shop_id, mark, now) | mark.pace.times(now))
    return rows


def _row(arrival: Arrival) -> dict[str, Any]:
    return {
        "shop_id": arrival.shop_id,
        "connection_id": arrival.connection_id,
        "topic": arrival.topic,
        "external_id": arrival.external_id,
        "body_hash": arrival.body_hash,
        "body": arrival.body,
        "received_at": arrival.received_at,
        "seen": 1,
        "last_seen_at": arrival.received_at,
    }


def _or_seen_again(insert: Any) -> Any:
    return insert.on_conflict_do_update(
        index_elements=["connection_id", "topic", "external_id", "body_hash"],
        set_={"seen": Delivery.seen + insert.excluded.seen, "last_seen_at": insert.excluded.last_seen_at},
    )
