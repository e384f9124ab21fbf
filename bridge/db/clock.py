"""The time that leases, windows and deadlines are measured by: the database's, where it has a clock of its own.

Machines whose clocks disagree, or jump, then still agree on who holds a lease.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from bridge.db.leases import database_time
from bridge.db.session import Database

Base = tuple[datetime, float, float]  # the database's time, our monotonic and our wall clock at that moment
EVERY = 60.0
JUMP = 1.0


class DatabaseClock:
    """Aware UTC. Asks the database once a minute and when this machine's clock jumped, and counts on in between.

    While the database is away it goes on with what it knows, at first with this machine's own clock.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._lock = threading.Lock()
        self._base: Base | None = None

    def __call__(self) -> datetime:
        base = self._base
        if base is None or self._is_stale(base):
            base = self._renew(base)
        return base[0] + timedelta(seconds=time.monotonic() - base[1])

    def _renew(self, base: Base | None) -> Base:
        """One thread asks; the others go on with what is known."""
        if base is not None and not self._lock.acquire(blocking=False):
            return base
        if base is None:
            self._lock.acquire()
        try:
            if self._base is base or self._base is None:
                self._base = self._ask(base)
            return self._base
        finally:
            self._lock.release()

    def _is_stale(self, base: Base) -> bool:
        passed = time.monotonic() - base[1]
        return passed > EVERY or abs(time.time() - base[2] - passed) > JUMP

    def _ask(self, base: Base | None) -> Base:
        before = time.monotonic()
        try:
            with self._db.read(None) as session:
                now = database_time(session)
        except SQLAlchemyError:
            now = base[0] + timedelta(seconds=before - base[1]) if base else datetime.now(UTC)
        after = time.monotonic()
        return now, (before + after) / 2, time.time()
