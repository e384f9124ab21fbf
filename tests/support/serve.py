"""WSGI apps on real sockets: in a thread of the test, or as gunicorn beside it."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from tests.support.procs import Process, Procs, free_port

# A server that looks up fifty times a second whether it is to end costs 4 ms of each, and a process has several.
LOOK_UP = 5.0  # seconds
AT_MOST = 3.0  # seconds for what is still being answered when a server is closed


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        pass


class _Requests(list[threading.Thread]):
    """The threads of a server's requests. What they are in the middle of is waited for when it closes: a connection to a
    database that is given back after the test is closed by nobody."""

    def append(self, thread: threading.Thread) -> None:
        self[:] = [other for other in self if other.is_alive()]
        super().append(thread)

    def join(self) -> None:
        deadline = time.monotonic() + AT_MOST
        for thread in self:
            thread.join(max(0.0, deadline - time.monotonic()))


@contextlib.contextmanager
def serve(app: Any, port: int = 0, *, tls: bool = False) -> Iterator[str]:
    """The address of ``app``, each request in a thread of its own. ``tls``: with a certificate that nobody knows."""
    ssl = "adhoc" if tls else None
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=_Quiet, ssl_context=ssl)
    server._threads = _Requests()  # type: ignore[attr-defined]  # socketserver's own leaves out those that are daemons
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": LOOK_UP}, daemon=True)
    thread.start()
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}"
    finally:
        _shut_down(server)
        thread.join()
        server.server_close()


def _shut_down(server: BaseWSGIServer) -> None:
    """At once: it looks up when somebody knocks."""
    ending = threading.Thread(target=server.shutdown)
    ending.start()
    while ending.is_alive():
        with contextlib.suppress(OSError), socket.create_connection((server.host, server.server_port), timeout=1):
            pass
        ending.join(0.02)


def start_gunicorn(
    procs: Procs, target: str, *options: str, port: int | None = None, env: Mapping[str, str] | None = None
) -> tuple[Process, str]:
    """gunicorn serving ``module:app``; the process and its address."""
    port = port or free_port()
    address = f"127.0.0.1:{port}"
    process = procs.start([sys.executable, "-m", "gunicorn", "--bind", address, *options, target], env=env)
    process.wait_for_port(port)
    return process, f"http://{address}"
