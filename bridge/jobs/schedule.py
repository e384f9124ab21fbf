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
from bridge.flows.reviving import try_again
from bridge.log import get_logger

LEASE = "scheduler"
HOLD = timedelta(seconds=10)
EVERY = 0.5
RENEW = 2.0
SWEEP = 2.0
FIRST_CHORES, CHORES = 60.0, 3600.0
LOOKS = 15.0
log = get_logger(__name__)


class Table(Protocol):
    def lanes_with_work(self, engine: Engine) -> set[str]: ...


class Polls(Protocol):
    def tick(self, engine: Engine) -> set[str]: ...

    def catch_up(self, engine: Engine) -> None: ...


class _Aside:
    """What nobody waits for, done now and then beside the loop, because others may take their time to answer."""

    def __init__(self, name: str, act: Callable[[Engine], object], at: float, every: float) -> None:
        self._name, self._act, self._at, self._every = name, act, at, every
        self._thread: threading.Thread | None = None

    def start_if_due(self, engine: Engine, now: float) -> None:
        if now < self._at or (self._thread and self._thread.is_alive()):
            return
        self._at = now + self._every
        self._thread = threading.Thread(target=self._do, args=(engine,), name=self._name, daemon=True)
        self._thread.start()

    def _do(self, engine: Engine) -> None:
        try:
            self._act(engine)
        except Exception:
            log.exception("%s broke off; they are taken up again after a while", self._name)


class Scheduler:
    """``round`` is one turn of the loop; it does nothing while another scheduler leads."""

    def __init__(
        self,
        engine: Engine,
        table: Table = real_table,
        polls: Polls = real_polls,
        clock: Callable[[], float] = time.monotonic,
        chores: Callable[[Engine], object] = real_chores,
        looks: Callable[[Engine], object] = try_again,
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
        self._aside = (
            _Aside("chores", chores, clock() + FIRST_CHORES, CHORES),
            _Aside("looks", looks, clock() + LOOKS, LOOKS),
        )

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
        for aside in self._aside:
            aside.start_if_due(self.engine, now)

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
