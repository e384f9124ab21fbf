"""WSGI apps on real sockets: in a thread of the test, or as gunicorn beside it."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server

from tests.support.procs import Process, Procs, free_port


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        pass


@contextlib.contextmanager
def serve(app: Any, port: int = 0, *, tls: bool = False) -> Iterator[str]:
    """The address of ``app``, each request in a thread of its own. ``tls``: with a certificate that nobody knows."""
    ssl = "adhoc" if tls else None
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=_Quiet, ssl_context=ssl)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def start_gunicorn(
    procs: Procs, target: str, *options: str, port: int | None = None, env: Mapping[str, str] | None = None
) -> tuple[Process, str]:
    """gunicorn serving ``module:app``; the process and its address."""
    port = port or free_port()
    address = f"127.0.0.1:{port}"
    process = procs.start([sys.executable, "-m", "gunicorn", "--bind", address, *options, target], env=env)
    process.wait_for_port(port)
    return process, f"http://{address}"
