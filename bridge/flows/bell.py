"""Ringing off the request's path: at once when it is quiet, together when it is busy, and never in the way."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterable

PAUSE = 0.02
_log = logging.getLogger(__name__)


class Bell:
    """``ring`` returns at once; a thread, started at the first ring of each process, does the ringing.

    What cannot be rung is forgotten: the sweeper finds the rows.
    """

    def __init__(self, ring: Callable[[Iterable[str]], None]) -> None:
        self._ring = ring
        self._lanes: set[str] = set()
        self._wanted = threading.Event()
        self._lock = threading.Lock()
        self._pid = 0
        self._failing = False

    def ring(self, *lanes: str) -> None:
        with self._lock:
            self._lanes.update(lanes)
            if self._pid != os.getpid():
                self._pid = os.getpid()
                self._wanted = threading.Event()
                threading.Thread(target=self._run, name="bell", daemon=True).start()
        self._wanted.set()

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            self._wanted.wait()
            self._wanted.clear()
            with self._lock:
                lanes, self._lanes = self._lanes, set()
            if lanes:
                self._try(lanes)
                pause.wait(PAUSE)

    def _try(self, lanes: set[str]) -> None:
        try:
            self._ring(sorted(lanes))
            self._failing = False
        except Exception:  # noqa: BLE001 - the bell may be lost for any reason: the rows are safe
            if not self._failing:
                _log.warning("the doorbell does not ring; the sweeper takes over", exc_info=True)
            self._failing = True
