"""Real processes for tests: started, waited for, killed, and none left behind."""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

# Every process of one Procs carries this variable, and hands it down to whatever it starts, daemons included.
TAG = "STOREBRIDGE_TEST_PROCS"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def free_ports(count: int) -> int:
    """The first of so many free ones in a row, outside of those that the system hands out by itself."""
    for first in random.sample(range(20000, 30000 - count), 200):
        with contextlib.ExitStack() as probes, contextlib.suppress(OSError):
            for port in range(first, first + count):
                probes.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return first
    raise AssertionError(f"there are no {count} free ports in a row")


def wait_until(answer: Callable[[], T], within: float, what: str | Callable[[], str], every: float = 0.02) -> T:
    """The first true answer; an AssertionError naming ``what`` when none comes in time."""
    deadline = time.monotonic() + within
    while not (value := answer()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:g} s: {what() if callable(what) else what}")
        time.sleep(every)
    return value


def accepts(port: int, host: str = "127.0.0.1") -> bool:
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=1):
        return True
    return False


def die_with_parent(how: signal.Signals) -> Callable[[], None] | None:
    """For ``preexec_fn``: a killed test run takes its servers along (Linux; elsewhere nothing)."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    set_parent_death_signal = 1
    return lambda: libc.prctl(set_parent_death_signal, int(how))


class Process:
    """A started program. Its output, both streams, is in ``log``."""

    def __init__(self, popen: subprocess.Popen[bytes], log: Path) -> None:
        self.popen = popen
        self.log = log

    @property
    def pid(self) -> int:
        return self.popen.pid

    @property
    def output(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    @property
    def is_running(self) -> bool:
        return self.popen.poll() is None

    def wait_for_port(self, port: int, within: float = 20) -> None:
        self._wait(lambda: accepts(port), within, f"port {port} open")

    def wait_for_line(self, pattern: str, within: float = 20) -> re.Match[str]:
        """The first line of output that matches."""
        found = self._wait(lambda: re.search(pattern, self.output, re.MULTILINE), within, f"output {pattern!r}")
        assert found
        return found

    def wait(self, within: float = 20) -> int:
        """The exit code (negative: the signal that ended it)."""
        try:
            return self.popen.wait(within)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {within:g} s:\n{self.output}") from None

    def send(self, how: signal.Signals) -> None:
        self.popen.send_signal(how)

    def kill(self) -> None:
        """kill -9 of this process alone; its children live on."""
        self.popen.kill()
        self.popen.wait()

    def terminate(self, within: float = 10) -> int:
        """SIGTERM, then the exit code."""
        self.popen.terminate()
        return self.wait(within)

    def _wait(self, answer: Callable[[], T], within: float, what: str) -> T:
        def answer_or_end() -> T:
            value = answer()
            if not value and not self.is_running and not (value := answer()):
                raise AssertionError(f"ended with {self.popen.returncode} before {what}:\n{self.output}")
            return value

        return wait_until(answer_or_end, within, lambda: f"{what}; output:\n{self.output}")


class Procs:
    """Starts processes and answers for them and their descendants."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tag = uuid.uuid4().hex
        self._started: list[Process] = []

    def start(
        self, args: Sequence[str | Path], *, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> Process:
        """Start ``args``; ``env`` comes on top of our own environment."""
        log = self._folder / f"{len(self._started):02}-{Path(args[0]).name}.log"
        with log.open("wb") as output:
            popen = subprocess.Popen(
                [str(arg) for arg in args],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **(env or {}), TAG: self._tag},
                cwd=cwd,
                start_new_session=True,
            )
        process = Process(popen, log)
        self._started.append(process)
        return process

    def alive(self) -> dict[int, str]:
        """Every living process that came from here, with its command line."""
        return dict(self._alive())

    def assert_no_leftovers(self, within: float = 10) -> None:
        wait_until(lambda: not self.alive(), within, lambda: f"no process left; still there: {self.alive()}")

    def kill_all(self) -> None:
        """kill -9 of everything that came from here."""
        while living := self.alive():
            for pid in living:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._reap()
            time.sleep(0.01)
        for process in self._started:  # also those whose environment cannot be read: dying, or renamed
            process.popen.kill()
            process.popen.wait(10)

    def _reap(self) -> None:
        for process in self._started:
            process.popen.poll()

    def _alive(self) -> Iterator[tuple[int, str]]:
        self._reap()
        if not Path("/proc/self/environ").exists():
            # Without /proc only what we started ourselves can be seen.
            yield from ((p.pid, shlex.join(map(str, p.popen.args))) for p in self._started if p.is_running)  # type: ignore[arg-type]
            return
        needle = f"{TAG}={self._tag}".encode()
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and needle in (entry / "environ").read_bytes().split(b"\0"):
                    yield int(entry.name), (entry / "cmdline").read_text().replace("\0", " ").strip()
