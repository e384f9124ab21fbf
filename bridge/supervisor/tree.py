"""A tree of forked children: started, watched, started again with growing pauses, ended together."""

from __future__ import annotations

import ctypes
import os
import platform
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType

import click

from bridge.log import get_logger

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
STEADY = 60.0
ENDINGS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
ON_LINUX = platform.system() == "Linux"
_SET_PARENT_DEATH_SIGNAL = 1
_SET_NAME = 15
log = get_logger(__name__)


@dataclass
class Child:
    """``main`` runs in the forked process. ``once``: not started again after it ended well."""

    name: str
    main: Callable[[], None]
    once: bool = False
    pid: int = 0
    started: float = 0.0
    pause: float = FIRST_PAUSE
    start_at: float = 0.0
    done: bool = False


class Tree:
    """The children of this process. Ends when SIGTERM or SIGINT arrives."""

    def __init__(self) -> None:
        self.children: list[Child] = []
        self.stopping = False
        self._groups: set[int] = set()  # of all children there ever were: what they left behind is in them
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for number in ENDINGS:
            signal.signal(number, self._stop)
        signal.signal(signal.SIGCHLD, _nothing)

    def start(self, child: Child) -> None:
        self.children.append(child)
        self._fork(child)

    def run(self, until: Callable[[], bool], timeout: float | None = None) -> bool:
        """Watch the children until ``until`` is true, a stop is asked for, or ``timeout`` has passed. True when
        ``until`` was."""
        end = None if timeout is None else time.monotonic() + timeout
        while not self.stopping and (end is None or time.monotonic() < end):
            self._look_after()
            if until():
                return True
            self._sleep(0.05 if end is not None else 0.5)
        return False

    def stop(self, within: float) -> None:
        """SIGTERM for all; after ``within`` seconds SIGKILL for whoever is left, descendants included."""
        self.stopping = True
        end = time.monotonic() + within
        running = [child for child in self.children if child.pid]
        for child in running:
            _send(child.pid, signal.SIGTERM)
        while any(child.pid for child in running) and time.monotonic() < end:
            self._reap()
            self._sleep(0.1)
        for child in self.children:
            if child.pid:
                log.warning("did not end in time and was killed", child=child.name)
        for group in self._groups:
            _send_group(group, signal.SIGKILL)
        self._reap(wait=True)

    def _fork(self, child: Child) -> None:
        parent = os.getpid()
        sys.stdout.flush()
        sys.stderr.flush()
        child.pid = os.fork()
        child.started = time.monotonic()
        if child.pid:
            self._groups.add(child.pid)
            return
        os.setpgid(0, 0)  # Ctrl-C reaches the parent alone, which ends us in order
        signal.set_wakeup_fd(-1)
        for number in (*ENDINGS, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        self._reader.close()
        self._writer.close()
        die_with(parent)
        name_process(child.name)
        _live(child)

    def _look_after(self) -> None:
        self._reap()
        now = time.monotonic()
        for child in self.children:
            if not child.pid and not child.done and now >= child.start_at:
                self._fork(child)

    def _reap(self, *, wait: bool = False) -> None:
        for child in self.children:
            if not child.pid:
                continue
            try:
                pid, status = os.waitpid(child.pid, 0 if wait else os.WNOHANG)
            except ChildProcessError:
                pid, status = child.pid, 0
            if pid:
                self._ended(child, os.waitstatus_to_exitcode(status))

    def _ended(self, child: Child, code: int) -> None:
        lived = time.monotonic() - child.started
        child.pid = 0
        child.done = child.once and code == 0
        if self.stopping or child.done:
            return
        child.pause = FIRST_PAUSE if lived > STEADY else child.pause
        child.start_at = time.monotonic() + child.pause
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        log.warning("a process ended and is started again", child=child.name, how=how, seconds=child.pause)
        child.pause = min(LONGEST_PAUSE, child.pause * 2)

    def _sleep(self, seconds: float) -> None:
        """Until a signal arrives, at most ``seconds``."""
        if select.select([self._reader], [], [], seconds)[0]:
            self._reader.recv(4096)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.stopping = True


def _live(child: Child) -> None:
    """The rest of a forked process: its work, then the end, past everything the parent had planned."""
    code = 1
    try:
        child.main()
        code = 0
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1 if error.code else 0
    except KeyboardInterrupt:
        code = 0
    except BaseException:
        log.exception("a process broke off", child=child.name)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def die_with(parent: int) -> None:
    """End this process (SIGTERM) when ``parent`` ends, even by kill -9."""
    if ON_LINUX:
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, int(signal.SIGTERM))
        if os.getppid() != parent:
            os._exit(0)
        return
    threading.Thread(target=_watch, args=(parent,), name="parent-watch", daemon=True).start()


def name_process(name: str) -> None:
    """What `ps -o comm` and `top` show, at most 15 bytes."""
    if ON_LINUX:
        ctypes.CDLL(None).prctl(_SET_NAME, ctypes.c_char_p(f"sb {name}".encode()[:15]))


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)


def _send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _send_group(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return


def _nothing(_number: int, _frame: FrameType | None) -> None:
    """Wakes the loop."""
