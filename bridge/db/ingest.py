"""Keeping deliveries before they are acknowledged, many in one transaction.

A commit costs about the same for one row as for fifty, SQLite's busy handler is unfair to several writers, and
PostgreSQL's cost is the way there: so all requests of a process that wait are served by one commit.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from itertools import groupby
from typing import Any, cast

import sqlalchemy
from sqlalchemy import TIMESTAMP, Connection, Executable, Table, Text, bindparam, column, event, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from bridge.db import work
from bridge.db.crypto import installed
from bridge.db.group import GroupCommit
from bridge.db.session import Database, worth_repeating
from bridge.db.tables import Delivery, UtcTime, Work
from bridge.db.work import Mark

ATTEMPTS = 5
# The body comes sealed: under a name of its own, so that the column does not seal it a second time.
SEALED = "sealed"
_DELIVERIES = cast(Table, Delivery.__table__)
_WORK = cast(Table, Work.__table__)
_COLUMNS = ("shop_id", "connection_id", "topic", "external_id", "body_hash", "received_at", "seen", "last_seen_at")


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


def seal(body: str) -> str:
    """The body as the column keeps it: encryption is done by each sender, not by the one who commits for all."""
    return installed().seal(body)


class Ingest:
    """Keeps arrivals: the delivery and the mark of what to read again, or neither."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._write = _row_by_row if db.is_sqlite else _at_once
        # PostgreSQL: one statement, which is a transaction of its own in one round trip.
        self._options: dict[str, Any] = {"write": True} if db.is_sqlite else {"isolation_level": "AUTOCOMMIT"}
        self._commit = GroupCommit(self._keep_all)
        self._line: Connection | None = None
        event.listen(db.engine, "engine_disposed", lambda _engine: self._hang_up())

    def keep(self, arrival: Arrival) -> None:
        """Durable on return. The same delivery again only counts up; its mark is set again all the same,
        because equal bytes do not prove that nothing happened in between."""
        self._commit(arrival)

    def _keep_all(self, arrivals: Sequence[Arrival]) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                line = self._pick_up()
                with line.begin():
                    return self._write(line, arrivals)
            except DBAPIError as error:
                self._hang_up()
                if attempt == ATTEMPTS or not worth_repeating(error):
                    raise
                time.sleep(0.01 * 2**attempt)
        raise AssertionError("unreachable")

    def _pick_up(self) -> Connection:
        """One connection, kept from commit to commit: only one thread commits at a time."""
        if self._line is None:
            self._line = self._db.engine.execution_options(**self._options).connect()
        return self._line

    def _hang_up(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            with suppress(SQLAlchemyError):
                line.invalidate()
                line.close()


def _row_by_row(line: Connection, arrivals: Sequence[Arrival]) -> None:
    """SQLite: nothing to save on the way, so rows are bound one by one."""
    line.execute(_insert_rows(), [_row(arrival) for arrival in arrivals])
    for shop_id, group in groupby(sorted(arrivals, key=_shop), key=_shop):
        same = list(group)
        work.mark_on(line, shop_id, (arrival.mark for arrival in same), _latest(same))


def _at_once(line: Connection, arrivals: Sequence[Arrival]) -> None:
    """PostgreSQL: all rows as JSON parameters of one statement, at a third of the cost of binding each.

    In one order in every process, so that no two wait for each other's rows.
    """
    now = _latest(arrivals)
    kept: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in map(_row, arrivals):
        first = kept.setdefault(_key(row), row)
        first["seen"] += first is not row
    marked = {(item.mark.connection_id, item.mark.kind, item.mark.key): item for item in arrivals}
    wanted = [
        (item.mark.settle, work.row_of(item.shop_id, item.mark, now)) for _, item in sorted(marked.items(), key=_first)
    ]
    line.execute(
        _insert_all(),
        {
            "deliveries": _json([row for _, row in sorted(kept.items(), key=_first)]),
            "settling": _json([row for settle, row in wanted if settle]),
            "plain": _json([row for settle, row in wanted if not settle]),
            **work.times(now),
        },
    )


def _row(arrival: Arrival) -> dict[str, Any]:
    return {
        "shop_id": arrival.shop_id,
        "connection_id": arrival.connection_id,
        "topic": arrival.topic,
        "external_id": arrival.external_id,
        "body_hash": arrival.body_hash,
        SEALED: arrival.body,
        "received_at": arrival.received_at,
        "seen": 1,
        "last_seen_at": arrival.received_at,
    }


def _key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return row["connection_id"], row["topic"], row["external_id"], row["body_hash"]


def _shop(arrival: Arrival) -> int:
    return arrival.shop_id


def _first(pair: tuple[Any, Any]) -> Any:
    return pair[0]


def _latest(arrivals: Sequence[Arrival]) -> datetime:
    return max(arrival.received_at for arrival in arrivals)


def _json(rows: list[dict[str, Any]]) -> str:
    return json.dumps(rows, default=datetime.isoformat)


@cache
def _insert_rows() -> Executable:
    insert = sqlite.insert(_DELIVERIES).inline().values(body=bindparam(SEALED, type_=Text()))
    return cast(Executable, _or_seen_again(insert))


@cache
def _insert_all() -> Executable:
    """Deliveries and work in one statement: all of it, or nothing."""
    names = [*_COLUMNS, SEALED]
    targets = [*_COLUMNS, "body"]
    rows = select(_recordset("deliveries", _DELIVERIES, names))
    kept = _or_seen_again(postgresql.insert(_DELIVERIES).from_select(targets, rows, include_defaults=False))
    return cast(Executable, _insert_work("plain", settle=False).add_cte(
        kept.cte("kept"), _insert_work("settling", settle=True).cte("settled")
    ))  # fmt: skip


def _insert_work(parameter: str, *, settle: bool) -> Any:
    names = list(work.row_of(0, Mark(0, "", "", ""), datetime.fromtimestamp(0, UTC)))
    rows = select(_recordset(parameter, _WORK, names))
    return work.or_again(
        postgresql.insert(_WORK).from_select(names, rows, include_defaults=False), settle=settle, wake=True
    )


def _or_seen_again(insert: Any) -> Any:
    return insert.on_conflict_do_update(
        index_elements=["connection_id", "topic", "external_id", "body_hash"],
        set_={"seen": Delivery.seen + insert.excluded.seen, "last_seen_at": insert.excluded.last_seen_at},
    )


def _recordset(parameter: str, table: Table, names: Sequence[str]) -> Any:
    """The JSON array ``parameter`` as rows with these columns of ``table``."""
    columns = [column(name, _plain(table, name)) for name in names]
    rows = func.json_to_recordset(sqlalchemy.cast(bindparam(parameter, type_=Text()), postgresql.JSON()))
    return rows.table_valued(*columns, name=f"given_{parameter}").render_derived(with_types=True)


def _plain(table: Table, name: str) -> Any:
    if name == SEALED:
        return Text()
    return TIMESTAMP(timezone=True) if isinstance(table.c[name].type, UtcTime) else table.c[name].type
