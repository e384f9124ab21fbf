"""Keeping deliveries before they are acknowledged, many in one transaction.

A commit costs about the same for one row as for fifty, and SQLite's busy handler is unfair to several writers.
So whoever arrives while a commit is under way waits, and the first of those waiting commits for all of them
(leader and followers: no thread of its own, nothing to start after a fork).
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice
from typing import Any, Generic, TypeVar

from sqlalchemy import Text, bindparam
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from bridge.db import work
from bridge.db.crypto import installed
from bridge.db.session import Database
from bridge.db.tables import Delivery
from bridge.db.work import Mark

T = TypeVar("T")
BATCH = 64


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


class _Turn(Generic[T]):
    """One item waiting for a commit. ``woken`` is let go when it is done, or when its thread is to lead."""

    __slots__ = ("done", "error", "item", "woken")

    def __init__(self, item: T) -> None:
        self.item = item
        self.done = False
        self.error: BaseException | None = None
        self.woken = threading.Lock()
        self.woken.acquire()


class GroupCommit(Generic[T]):
    """``commit`` gets all items that wait, up to ``most`` at once, and is never run by two threads at a time."""

    def __init__(self, commit: Callable[[Sequence[T]], None], most: int = BATCH) -> None:
        self._commit = commit
        self._most = most
        self._lock = threading.Lock()
        self._waiting: deque[_Turn[T]] = deque()
        self._busy = False

    def __call__(self, item: T) -> None:
        """Returns when ``item`` is committed; raises what its commit raised."""
        turn = _Turn(item)
        with self._lock:
            self._waiting.append(turn)
            leads = not self._busy
            self._busy = True
        if not leads:
            turn.woken.acquire()
        if not turn.done:
            self._lead()
        if turn.error is not None:
            raise turn.error

    def _lead(self) -> None:
        """Commit for everyone waiting: our own turn is the first of them."""
        with self._lock:
            turns = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
        try:
            self._settle(turns)
        except BaseException as error:
            for turn in turns:
                turn.error = turn.error or error
            raise
        finally:
            self._hand_over()
            for turn in turns:
                turn.done = True
            for turn in islice(turns, 1, None):
                turn.woken.release()

    def _settle(self, turns: Sequence[_Turn[T]]) -> None:
        """One transaction for all; where an item spoils it for the others, one for each."""
        try:
            self._commit([turn.item for turn in turns])
        except (IntegrityError, DataError) as error:
            if len(turns) == 1:
                turns[0].error = error
                return
            for turn in turns:
                self._settle([turn])
        except Exception as error:  # noqa: BLE001 - each waiting request must get the fault as its own
            for turn in turns:
                turn.error = error

    def _hand_over(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting[0].woken.release()
            else:
                self._busy = False


class Ingest:
    """Keeps arrivals: the delivery and the mark of what to read again, or neither."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._insert = _insert(db.is_sqlite)
        self._commit = GroupCommit(self._keep_all)

    def keep(self, arrival: Arrival) -> None:
        """Durable on return. The same delivery again only counts up; its mark is set again all the same,
        because equal bytes do not prove that nothing happened in between."""
        self._commit(arrival)

    def _keep_all(self, arrivals: Sequence[Arrival]) -> None:
        # In one order everywhere, so that two processes never wait for each other's rows.
        rows = sorted((_row(arrival) for arrival in arrivals), key=_key)
        by_shop = sorted(arrivals, key=lambda arrival: arrival.shop_id)

        def act(session: Session) -> None:
            session.connection().execute(self._insert, rows)
            for shop_id, group in groupby(by_shop, key=lambda arrival: arrival.shop_id):
                same = list(group)
                now = max(arrival.received_at for arrival in same)
                work.mark(session, shop_id, (arrival.mark for arrival in same), now)

        self._db.transact(None, act)


def _row(arrival: Arrival) -> dict[str, Any]:
    return {
        "shop_id": arrival.shop_id,
        "connection_id": arrival.connection_id,
        "topic": arrival.topic,
        "external_id": arrival.external_id,
        "body_hash": arrival.body_hash,
        "sealed": arrival.body,
        "received_at": arrival.received_at,
        "seen": 1,
        "last_seen_at": arrival.received_at,
    }


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["connection_id"], row["topic"], row["external_id"], row["body_hash"]


def _insert(is_sqlite: bool) -> Any:
    insert = sqlite.insert(Delivery) if is_sqlite else postgresql.insert(Delivery)
    # The body is sealed already: an explicit type keeps the column from sealing it a second time.
    insert = insert.values(body=bindparam("sealed", type_=Text()))
    return insert.on_conflict_do_update(
        index_elements=["connection_id", "topic", "external_id", "body_hash"],
        set_={"seen": Delivery.seen + 1, "last_seen_at": insert.excluded.last_seen_at},
    )
