"""One writer at a time over all processes of an SQLite file, each woken the moment the one before is done.

SQLite's own way of waiting for another writer is to sleep 1, 2, 5 ... 100 ms between tries, which is unfair and, with
a writer every few milliseconds, most of the time between an event and its effect (measured: docs/decisions/0007).
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path


class Turn:
    """A lock on a file beside the database. The kernel lets go of it when its holder dies. It is a courtesy: whoever
    writes without it still waits in BEGIN IMMEDIATE; so where the file cannot be opened (the folder is away), the
    database itself says what is wrong.

    Who comes ``first`` (the door: a store waits for its answer) waits for the lock alone; all others queue for a
    second one before it. So a webhook waits for one writer, however many queue; for one more now and then on a busy
    machine, since the kernel wakes who waits and does not hand the lock over.
    """

    def __init__(self, path: Path) -> None:
        self._turn = _File(path)
        self._queue = _File(path.with_name(f"{path.name}-queue"))

    @contextmanager
    def taken(self, *, first: bool = False) -> Iterator[None]:
        with nullcontext() if first else self._queue.locked(), self._turn.locked():
            yield

    def close(self) -> None:
        self._turn.close()
        self._queue.close()


class _File:
    """A lock over the threads of this process and over processes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._pid = 0
        self._file = -1

    @contextmanager
    def locked(self) -> Iterator[None]:
        with self._lock:
            try:
                descriptor = self._open()
            except OSError:
                descriptor = -1
            if descriptor < 0:
                yield
                return
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        with self._lock:
            if self._pid == os.getpid():
                os.close(self._file)
            self._pid = 0

    def _open(self) -> int:
        """A forked child opens the file anew: an inherited descriptor is the same lock as its parent's."""
        if self._pid != os.getpid():
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self._pid = os.getpid()
        return self._file
