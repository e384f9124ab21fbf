"""The scheduler: marks polls that fall due and rings for work that nobody rang for. Many may run; one leads."""

from __future__ import annotations

import secrets
import signal
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from types import FrameType
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from bridge.db import leases
from bridge.flows import polls as real_polls
from bridge.flows import table as real_table
from bridge.flows.chores import chores as real_chores
from bridge.flows.engine import Engine
from bridge.log import get_logger

LEASE = "scheduler"
HOLD = timedelta(seconds=10)
EVERY = 0.5
RENEW = 2.0
SWEEP = 2.0
FIRST_CHORES, CHORES = 60.0, 3600.0
log = get_logger(__name__)


class Table(Protocol):
    def lanes_with_work(self, engine: Engine) -> set[str]: ...


class Polls(Protocol):
    def tick(self, engine: Engine) -> set[str]: ...

    def catch_up(self, engine: Engine) -> None: ...


class Scheduler:
    """``round`` is one turn of the loop; it does nothing while another scheduler leads."""

    def __init__(
        self,
        engine: Engine,
        table: Table = real_table,
        polls: Polls = real_polls,
        clock: Callable[[], float] = time.monotonic,
        chores: Callable[[Engine], None] = real_chores,
    ) -> None:
        self.engine = engine
        self.leads = False
        self._table = table
        self._polls = polls
        self._clock = clock
        self._token = secrets.token_hex(12)
        self._renew_at = 0.0
        self._sweep_at = 0.0
        self._failing = False
        self._act = chores
        self._chores_at = clock() + FIRST_CHORES
        self._chores: threading.Thread | None = None

    def run(self) -> None:
        """Until SIGTERM or SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        while not self.engine.stopping.is_set():
            self.try_round()
            self.engine.stopping.wait(EVERY)
        self.resign()

    def try_round(self) -> None:
        """A round that survives the absence of the database."""
        try:
            self.round()
            if self._failing:
                log.info("the scheduler is at work again")
            self._failing = False
        except (SQLAlchemyError, OSError) as error:
            self.leads, self._renew_at = False, 0.0
            if not self._failing:
                log.warning("the database is away; the scheduler waits for it", error=str(error))
            self._failing = True
        except Exception:
            log.exception("a round of the scheduler broke off")

    def round(self) -> None:
        now = self._clock()
        if now >= self._renew_at:
            self._lead()
            self._renew_at = now + RENEW
        if not self.leads:
            return
        lanes = self._polls.tick(self.engine)
        if now >= self._sweep_at:
            lanes = lanes | self._table.lanes_with_work(self.engine)
            self._sweep_at = now + SWEEP
        if lanes:
            self.engine.ring(lanes)
        if now >= self._chores_at and not (self._chores and self._chores.is_alive()):
            self._chores_at = now + CHORES
            self._chores = threading.Thread(target=self._do_chores, name="chores", daemon=True)
            self._chores.start()

    def _do_chores(self) -> None:
        """What nobody waits for, beside the loop, because stores may take their time to answer."""
        try:
            self._act(self.engine)
        except Exception:
            log.exception("a chore broke off; it is taken up again in an hour")

    def resign(self) -> None:
        """Let another scheduler lead at once."""
        if not self.leads:
            return
        self.leads = False
        try:
            leases.release(self.engine.db, LEASE, self._token)
        except SQLAlchemyError as error:
            log.info("the leadership runs out by itself", error=str(error))

    def _lead(self) -> None:
        leads = leases.acquire(self.engine.db, LEASE, self._token, HOLD)
        if leads != self.leads:
            log.info("this scheduler leads" if leads else "another scheduler leads")
        if leads and not self.leads:
            self._polls.catch_up(self.engine)
        self.leads = leads

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.engine.stopping.set()
