"""The watch: looks for what is wrong and tells of it, beside the scheduler. Many may run; one is at work."""

from __future__ import annotations

import secrets
import threading
from datetime import timedelta
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from bridge.db import leases
from bridge.flows import alerts as real_alerts
from bridge.flows.engine import Engine
from bridge.log import get_logger

LEASE = "watch"
HOLD = timedelta(seconds=120)
EVERY = 5.0
log = get_logger(__name__)


class Alerts(Protocol):
    def send(self, engine: Engine) -> int: ...


class Watch:
    """``round`` is one turn. It runs in a thread of its own: a mail server that is slow must not stop the polls."""

    def __init__(self, engine: Engine, alerts: Alerts = real_alerts) -> None:
        self.engine = engine
        self._alerts = alerts
        self._token = secrets.token_hex(12)
        self._failing = False
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def join(self, seconds: float) -> None:
        """Wait until it has ended, after the engine was told to stop."""
        self._thread.join(seconds)

    def round(self) -> None:
        if leases.acquire(self.engine.db, LEASE, self._token, HOLD):
            self._alerts.send(self.engine)

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
