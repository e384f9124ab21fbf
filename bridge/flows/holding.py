"""Keeping a lease while one call to the outside takes its time."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy.exc import SQLAlchemyError

from bridge.db import work
from bridge.db.work import Claim
from bridge.flows.engine import Engine

EVERY = work.LEASE.total_seconds() / 3
LOOK = 1.0


@contextmanager
def held(engine: Engine, shop_id: int, claims: Sequence[Claim]) -> Iterator[None]:
    """The claims stay ours for as long as this lasts. Whether they still are is asked when the result is written, as
    always: a renewal that fails is no fault here."""
    hold = _Hold(engine, shop_id, claims, time.monotonic() + EVERY)
    _KEEPER.add(hold)
    try:
        yield
    finally:
        _KEEPER.remove(hold)


@dataclass(eq=False)
class _Hold:
    engine: Engine
    shop_id: int
    claims: Sequence[Claim]
    at: float
    under_way: threading.Lock = field(default_factory=threading.Lock)
    is_over: bool = False

    def renew(self) -> None:
        with self.under_way:
            if self.is_over:
                return
            try:
                self.engine.db.take(self.shop_id, work.renew, self.claims, self.engine.clock())
            except SQLAlchemyError:
                return
            finally:
                self.at = time.monotonic() + EVERY

    def end(self) -> None:
        """Nothing is renewed any more when this returns."""
        with self.under_way:
            self.is_over = True


class _Keeper:
    """One thread of each process renews for all who hold something: most are done before the first time."""

    def __init__(self) -> None:
        self._holds: set[_Hold] = set()
        self._lock = threading.Lock()
        self._pid = 0

    def add(self, hold: _Hold) -> None:
        with self._lock:
            if self._pid != os.getpid():
                self._pid, self._holds = os.getpid(), set()
                threading.Thread(target=self._run, name="leases", daemon=True).start()
            self._holds.add(hold)

    def remove(self, hold: _Hold) -> None:
        with self._lock:
            self._holds.discard(hold)
        hold.end()

    def _run(self) -> None:
        while True:
            time.sleep(min(LOOK, EVERY))
            now = time.monotonic()
            with self._lock:
                due = [hold for hold in self._holds if hold.at <= now]
            for hold in due:
                hold.renew()


_KEEPER = _Keeper()
