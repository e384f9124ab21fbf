"""Draining a lane: everything that is due, each scope in a thread of its own, so that a slow or blocked connection
never holds up another. Leases keep several drains of one lane apart, in as many processes as there are.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy.exc import SQLAlchemyError

from bridge.flows import table as real_table
from bridge.flows.engine import Engine
from bridge.log import bind, get_logger

SECONDS = 20.0
LINGER = 3.0
SLICE = 0.25
LOOK_AGAIN = 1.0
JOIN_AT = 4
GAP = 0.02
LOOKING = 4.0  # while something runs, looking takes at most a fifth of the time
PASS_EVERY = 0.25
QUICK = 0.005
log = get_logger(__name__)


class Table(Protocol):
    """What a drain needs to know of bridge.flows.table."""

    def scopes(self, engine: Engine, lane: str) -> Iterable[Any]: ...

    def next_due(self, engine: Engine, lane: str) -> datetime | None: ...

    def run(self, engine: Engine, scope: Any, deadline: float) -> None: ...


class Drainer:
    """One per engine. From its making on, a ring from inside for a lane that is being drained here wakes that drain
    and costs no Redis."""

    def __init__(self, engine: Engine, table: Table = real_table, threads: int = 32) -> None:
        self.engine = engine
        self._table = table
        self._threads = threads
        self._outside = engine.ring
        engine.ring = self.ring
        engine.beside = self.beside
        self._changed = threading.Condition()
        self._lanes: set[str] = set()
        self._marked: dict[str, float] = {}  # lane: when to look again
        self._looked: dict[str, float] = {}
        self._look_took: dict[str, float] = {}
        self._passed: dict[str, float] = {}
        self._running: dict[Hashable, tuple[str, Future[None]]] = {}
        self._haste: dict[Hashable, _Haste] = {}
        self._pool: ThreadPoolExecutor | None = None

    @classmethod
    def of(cls, engine: Engine) -> Drainer:
        """The engine's drainer, made at the first call."""
        owner = getattr(engine.ring, "__self__", None)
        return owner if isinstance(owner, Drainer) else cls(engine)

    def ring(self, lanes: Iterable[str]) -> None:
        """The engine's bell: drains at work in this process hear it at once, all others through Redis."""
        wanted = set(lanes)
        here = self.wake(wanted)
        if wanted - here:
            self._outside(wanted - here)

    def wake(self, lanes: Iterable[str]) -> set[str]:
        """Let the drains of these lanes look again; returns the lanes that are being drained here. While something
        of a lane is running, rings that follow each other within ``GAP`` are one, and within a longer time where
        looking takes long."""
        with self._changed:
            here = self._lanes & set(lanes)
            for lane in here:
                self._mark_soon(lane)
        return here

    def _mark_soon(self, lane: str) -> None:
        gap = max(GAP, LOOKING * self._look_took.get(lane, 0.0)) if self._is_running(lane) else 0.0
        self._mark(lane, max(time.monotonic(), self._looked.get(lane, 0.0) + gap))

    def _mark(self, lane: str, at: float) -> None:
        self._marked[lane] = min(at, self._marked.get(lane, math.inf))
        self._changed.notify_all()

    def drain(self, lane: str, seconds: float = SECONDS, linger: float = LINGER, idle: float = 0.0) -> None:
        """Do what is due in a lane until nothing is left, ``seconds`` have passed or the engine is stopping.

        What falls due within ``linger`` seconds is waited for; with nothing at all left the drain listens for
        ``idle`` seconds more. Never raises.
        """
        deadline = time.monotonic() + seconds
        with self._changed:
            self._lanes.add(lane)
        try:
            self._rounds(lane, deadline, linger, idle)
        except SQLAlchemyError as error:
            log.warning("the database is away; the sweeper rings when it is back", lane=lane, error=str(error))
        finally:
            self._leave(lane, anyway=True)
        if time.monotonic() >= deadline and not self.engine.stopping.is_set():
            self._outside([lane])

    def close(self, seconds: float) -> bool:
        """Wait for what is running; True when everything has ended."""
        with self._changed:
            running = [future for _, future in self._running.values()]
            pool, self._pool = self._pool, None
        done = not wait(running, seconds).not_done
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)
        return done

    def _rounds(self, lane: str, deadline: float, linger: float, idle: float) -> None:
        quiet_since: float | None = None
        while not self.engine.stopping.is_set() and (left := deadline - time.monotonic()) > 0:
            with self._changed:
                self._marked.pop(lane, None)  # what is marked from here on is seen in the next round
                self._looked[lane] = time.monotonic()
            started, pause = self._start(lane, deadline)
            if started or self._is_running(lane):
                quiet_since = None
                self._wait(lane, min(pause, left, LOOK_AGAIN))
                continue
            first_look = quiet_since is None
            quiet_since = quiet_since or time.monotonic()
            rest = min(pause, self._seconds_to_next(lane, linger, overdue_counts=first_look))
            if math.isinf(rest):
                rest = quiet_since + idle - time.monotonic()
                if rest <= 0 and self._leave(lane):
                    return
            self._wait(lane, min(rest, left))

    def _start(self, lane: str, deadline: float) -> tuple[int, float]:
        """Start every scope that is due and not running here, each as it is found; how many, and seconds until one put
        off may start."""
        began = time.monotonic()
        due: set[Hashable] = set()
        fresh, soonest, busy = 0, math.inf, False
        for scope in self._table.scopes(self.engine, lane):
            due.add(scope)
            with self._changed:
                if scope in self._running:
                    busy = True
                elif pause := self._haste[scope].pause() if scope in self._haste else 0.0:
                    soonest = min(soonest, pause)
                else:
                    self._submit(lane, scope, deadline)
                    fresh += 1
        with self._changed:
            self._look_took[lane] = min(time.monotonic() - began, GAP)
            for gone in [scope for scope, haste in self._haste.items() if haste.lane == lane and scope not in due]:
                del self._haste[gone]
        if fresh >= JOIN_AT or (busy and self._may_pass(lane)):
            self._outside([lane])  # enough for others to join in, or theirs if they are free
        return fresh, soonest

    def _may_pass(self, lane: str) -> bool:
        """What falls due while its scope is at work here is offered to others, but not to and fro without end."""
        now = time.monotonic()
        if now - self._passed.get(lane, 0.0) < PASS_EVERY:
            return False
        self._passed[lane] = now
        return True

    def _submit(self, lane: str, scope: Hashable, deadline: float) -> None:
        self._running[scope] = (lane, self._threads_of_its_own().submit(self._run, lane, scope, deadline))

    def beside(self, lane: str, act: Callable[[], None]) -> bool:
        """Run ``act``, which never raises, in a thread of its own; the drain of the lane is not over before it. False,
        and it is not run, where the process is being stopped."""
        if self.engine.stopping.is_set():
            return False
        key = object()

        def run() -> None:
            bind(lane=lane)
            try:
                act()
            finally:
                with self._changed:
                    self._running.pop(key, None)
                    self._mark_soon(lane)

        with self._changed:
            self._running[key] = (lane, self._threads_of_its_own().submit(run))
        return True

    def _threads_of_its_own(self) -> ThreadPoolExecutor:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="drain")
        return self._pool

    def _run(self, lane: str, scope: Hashable, deadline: float) -> None:
        began = time.monotonic()
        bind(lane=lane)
        try:
            self._table.run(self.engine, scope, deadline)
        except Exception:
            log.exception("a scope broke off", scope=str(scope))
        finally:
            with self._changed:
                self._running.pop(scope, None)
                self._haste.setdefault(scope, _Haste(lane)).ran(time.monotonic() - began)
                self._mark_soon(lane)

    def _is_running(self, lane: str) -> bool:
        with self._changed:
            return any(owner == lane for owner, _ in self._running.values())

    def _wait(self, lane: str, seconds: float) -> None:
        """Until something is marked, a scope ends, the engine stops or the time is over."""
        until = time.monotonic() + seconds
        with self._changed:
            while not self.engine.stopping.is_set():
                left = min(until, self._marked.get(lane, math.inf)) - time.monotonic()
                if left <= 0:
                    return
                self._changed.wait(min(left, SLICE))

    def _seconds_to_next(self, lane: str, linger: float, *, overdue_counts: bool) -> float:
        """Until the next item falls due; infinite when that is beyond ``linger``.

        An item that is due and is not among the scopes has just become due, or may not be done for now (a paused
        shop): one more look tells.
        """
        due = self._table.next_due(self.engine, lane)
        if due is None:
            return math.inf
        seconds = (due - self.engine.clock()).total_seconds()
        if seconds <= 0:
            return 0.001 if overdue_counts else math.inf
        return seconds if seconds <= linger else math.inf

    def _leave(self, lane: str, *, anyway: bool = False) -> bool:
        """Stop listening, unless something was marked since the last look. True when the drain is over."""
        with self._changed:
            if lane in self._marked and not anyway:
                return False
            self._lanes.discard(lane)
            missed = lane in self._marked
            self._marked.pop(lane, None)
        if missed and not self.engine.stopping.is_set():
            self._outside([lane])
        return True


class _Haste:
    """Keeps a scope that ends at once and is due again at once from being run without pause: its rows may be held
    by another worker, or the database may refuse."""

    def __init__(self, lane: str) -> None:
        self.lane = lane
        self._quick = 0
        self._not_before = 0.0

    def ran(self, seconds: float) -> None:
        self._quick = self._quick + 1 if seconds < QUICK else 0
        wait = min(0.5, 0.002 * 2**self._quick) if self._quick else 0.0
        self._not_before = time.monotonic() + wait

    def pause(self) -> float:
        return max(0.0, self._not_before - time.monotonic())


def drain(engine: Engine, lane: str, seconds: float = SECONDS, linger: float = LINGER) -> None:
    """Do what is due in a lane now, in this process."""
    Drainer.of(engine).drain(lane, seconds, linger)
