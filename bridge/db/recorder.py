"""Exchanges on their way to the journal: buffered per process, written together, never in a call's way."""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import insert
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from bridge import metrics
from bridge.db.session import Database
from bridge.db.tables import Journal
from bridge.db.vault import parse_account
from bridge.domain.reading import storable
from bridge.log import get_logger
from bridge.ports.http import Exchange

BATCH = 100
EVERY = 0.5
MOST = 5000
Make = Callable[[], Exchange]
log = get_logger(__name__)


class JournalRecorder:
    """A bridge.ports.http.Recorder that writes rows of kind ``exchange``.

    While the database is away the newest exchanges are kept and the oldest dropped. The thread is started by
    the first exchange of each process, so that an engine may be made before a fork.
    """

    def __init__(self, db: Database, *, every: float = EVERY, most: int = MOST) -> None:
        self._db = db
        self._every = every
        self._waiting: deque[Exchange | Make] = deque(maxlen=most)
        self._pid = 0
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._full = threading.Event()
        self._closed = False
        self._failing = False
        self.dropped = 0

    def record(self, exchange: Exchange) -> None:
        metrics.count_exchange(exchange.account, exchange.status)
        self._add(exchange)

    def later(self, make: Make) -> None:
        """It is put in words by whoever writes it; at once where many wait, so that few answers are kept whole."""
        if len(self._waiting) < BATCH:
            self._add(make)
        else:
            self.record(make())

    def _add(self, told: Exchange | Make) -> None:
        if self._pid != os.getpid():
            self._start()
        if len(self._waiting) == self._waiting.maxlen:
            self.dropped += 1
        self._waiting.append(told)
        if len(self._waiting) >= BATCH:
            self._full.set()

    def flush(self) -> bool:
        """Write what waits. False when the database is away; it stays waiting then."""
        with self._writing:
            while self._waiting:
                told = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
                batch = [exchange for item in told if (exchange := self._made(item)) is not None]
                try:
                    self._write(batch)
                except SQLAlchemyError as error:
                    self._keep(batch, error)
                    return False
                self._failing = False
        return True

    def _made(self, told: Exchange | Make) -> Exchange | None:
        if isinstance(told, Exchange):
            return told
        try:
            exchange = told()
        except Exception:
            log.exception("an exchange could not be put in words")
            self.dropped += 1
            return None
        metrics.count_exchange(exchange.account, exchange.status)
        return exchange

    def close(self) -> None:
        """Write what waits and stop. Safe to call twice."""
        self._closed = True
        self._full.set()
        self.flush()

    def _start(self) -> None:
        with self._lock:
            if self._pid == os.getpid():
                return
            self._full, self._writing = threading.Event(), threading.Lock()
            if self._pid:  # forked: what was waiting is the parent's to write
                self._waiting.clear()
            self._pid = os.getpid()
            atexit.register(self.close)
            threading.Thread(target=self._run, name="recorder", daemon=True).start()

    def _run(self) -> None:
        while not self._closed:
            self._full.wait(self._every)
            self._full.clear()
            if not self.flush():
                time.sleep(self._every * 4)

    def _keep(self, batch: list[Exchange], error: Exception) -> None:
        if not self._failing:
            log.warning("exchanges cannot be written to the journal for now", error=str(error))
        self._failing = True
        room = (self._waiting.maxlen or MOST) - len(self._waiting)
        self.dropped += max(0, len(batch) - room)
        kept = batch[len(batch) - min(room, len(batch)) :]
        self._waiting.extendleft(reversed(kept))

    def _write(self, batch: Iterable[Exchange]) -> None:
        rows = [row for exchange in batch if (row := _row(exchange)) is not None]
        try:
            self._insert(rows)
        except (IntegrityError, DataError):  # a shop that was deleted meanwhile; what cannot be kept
            for row in rows:
                self._insert_or_forget(row)

    def _insert_or_forget(self, row: dict[str, Any]) -> None:
        try:
            self._insert([row])
        except (IntegrityError, DataError):
            self.dropped += 1

    def _insert(self, rows: list[dict[str, Any]]) -> None:
        if not rows:
            return

        def act(session: Session) -> None:
            session.connection().execute(insert(Journal), rows)

        self._db.transact(None, act)


def _row(exchange: Exchange) -> dict[str, Any] | None:
    """The journal row; None for an account that is no connection of ours."""
    try:
        shop_id, connection_id = parse_account(exchange.account)
    except ValueError:
        return None
    delivery = exchange.subject.get("delivery", "")
    row = {
        "shop_id": shop_id,
        "at": exchange.at,
        "connection_id": connection_id,
        "kind": "exchange",
        "text": _text(exchange),
        "detail": _detail(exchange),
        "order_ref": exchange.subject.get("order", "")[:220] or None,
        "sku": exchange.subject.get("sku", "")[:190] or None,
        "delivery_id": int(delivery) if delivery.isdigit() else None,
    }
    return {name: storable(value) for name, value in row.items()}


def _text(exchange: Exchange) -> str:
    answer = exchange.error or str(exchange.status)
    return f"{exchange.operation}: {answer} after {exchange.seconds:.2f} s"


def _detail(exchange: Exchange) -> dict[str, Any]:
    return {
        "operation": exchange.operation,
        "method": exchange.method,
        "url": exchange.url,
        "status": exchange.status,
        "seconds": round(exchange.seconds, 4),
        "sent": exchange.request_excerpt,
        "got": exchange.response_excerpt,
        "error": exchange.error,
        "lane": exchange.lane,
        "attempt": exchange.attempt,
        "cost": round(exchange.cost, 4),
        "subject": dict(exchange.subject),
    }
