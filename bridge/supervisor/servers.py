"""gunicorn inside our own processes: the web server and the sandboxes."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from socket import socket
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger
from gunicorn.http.errors import LimitRequestHeaders, LimitRequestLine
from gunicorn.workers.gthread import ThreadWorker

from bridge.log import Repeated
from bridge.web import unread

SHM = Path("/dev/shm")  # noqa: S108 - gunicorn's heartbeat files, not ours

LONGEST_LINE = 8190  # of a request, in bytes; gunicorn's most, and all but what it reads at once
MOST_REST, SECONDS = 64 * 1024, 1.0
END = b"\r\n\r\n"
TOO_MUCH = {
    LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
}


class PlainLogger(Logger):  # type: ignore[misc]
    """gunicorn's messages in our log, from warnings on."""

    def setup(self, cfg: Any) -> None:
        self.cfg = cfg
        for log in (self.error_log, self.access_log):
            log.handlers.clear()
            log.propagate = True
        self.error_log.setLevel(logging.WARNING)
        self.access_log.setLevel(logging.WARNING)
        self.error_log.addFilter(Repeated(5))

    def access(self, *_args: Any, **_kwargs: Any) -> None:
        """Exchanges and deliveries are in the journal."""


class PlainWorker(ThreadWorker):  # type: ignore[misc]
    """What is refused before it reaches a page is said in plain words where a person can come by it: by a filter, by
    cookies of others at the same address."""

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        status = next((status for kind, status in TOO_MUCH.items() if isinstance(exc, kind)), None)
        if status is None:
            super().handle_error(req, client, addr, exc)
            return
        with contextlib.suppress(OSError):
            client.sendall(unread.answer(status, _rest(client)))


def _rest(client: socket) -> bytes:
    """What is still coming, as far as it is worth reading: a line that is closed on somebody who is still sending is
    broken off, and our answer with it."""
    found, until = b"", time.monotonic() + SECONDS
    with contextlib.suppress(OSError):
        while len(found) < MOST_REST and END not in found and (left := until - time.monotonic()) > 0:
            client.settimeout(left)
            part = client.recv(MOST_REST)
            if not part:
                break
            found += part
    return found


class Server(BaseApplication):  # type: ignore[misc]
    """A WSGI app, made in each worker by ``make``, on a socket that is bound already."""

    def __init__(
        self, make: Callable[[], Any], socket_fd: int, *, processes: int, threads: int, at_exit: Callable[[], None]
    ) -> None:
        self._make = make
        self._options = {
            "bind": f"fd://{socket_fd}",
            "workers": processes,
            "worker_class": PlainWorker,
            "threads": threads,
            "limit_request_line": LONGEST_LINE,
            "timeout": 120,
            "graceful_timeout": 5,
            "keepalive": 30,
            "worker_tmp_dir": str(SHM) if SHM.is_dir() else None,
            "logger_class": PlainLogger,
            "control_socket_disable": True,
            "proc_name": "storebridge",
            "worker_exit": lambda _server, _worker: at_exit(),
        }
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return self._make()


def serve(
    make: Callable[[], Any],
    socket_fd: int,
    *,
    processes: int = 1,
    threads: int = 8,
    at_exit: Callable[[], None] = lambda: None,
) -> None:
    """Until SIGTERM; ``at_exit`` runs in each worker as it ends."""
    Server(make, socket_fd, processes=processes, threads=threads, at_exit=at_exit).run()
