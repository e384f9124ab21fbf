"""The watch: looks for what is wrong and tells of it, beside the scheduler. Many may run; one is at work."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from bridge.db import leases
from bridge.flows import alerts as real_alerts
from bridge.flows.engine import Engine
from bridge.flows.watching import Watching
from bridge.log import get_logger

LEASE = "watch"
HOLD = timedelta(seconds=120)
RENEW = 30.0
EVERY = 5.0
LOOK = 60.0
GRACE = 120.0  # after a start, so that what was missed is caught up with before anyone is told
log = get_logger(__name__)


class Alerts(Protocol):
    def send(self, engine: Engine, goes_on: Callable[[], bool]) -> int: ...


class Watch:
    """``round`` is one turn. It runs in a thread of its own: a mail server that is slow must not stop the polls."""

    def __init__(
        self,
        engine: Engine,
        folder: Path | None = None,
        alerts: Alerts = real_alerts,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.engine = engine
        self._alerts = alerts
        self._clock = clock
        self._watching = Watching(engine, folder)
        self._look_at = clock() + GRACE
        self._token = secrets.token_hex(12)
        self._failing = False
        self._leads_until = 0.0
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def join(self, seconds: float) -> None:
        """Wait until it has ended, after the engine was told to stop."""
        self._thread.join(seconds)

    def round(self) -> None:
        if not self._leads():
            return
        if self._clock() >= self._look_at:
            self._look_at = self._clock() + LOOK
            self._watching.look()
        self._alerts.send(self.engine, self._goes_on)

    def _leads(self) -> bool:
        self._leads_until = self._clock() + RENEW
        return leases.acquire(self.engine.db, LEASE, self._token, HOLD)

    def _goes_on(self) -> bool:
        """Still at work, and alone with it."""
        return not self.engine.stopping.is_set() and (self._clock() < self._leads_until or self._leads())

    def _run(self) -> None:
        while not self.engine.stopping.wait(EVERY):
            try:
                self.round()
                self._failing = False
            except (SQLAlchemyError, OSError) as error:
                if not self._failing:
                    log.warning("the database is away; the watch waits for it", error=str(error))
                self._failing = True
            except Exception:
                log.exception("a round of the watch broke off")
