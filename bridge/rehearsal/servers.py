"""Real sockets for apps of this process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

Wsgi = Callable[..., Any]
HOST = "127.0.0.1"


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"  # connections are kept, as on a real server

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        return None


class Door:
    """An address that is known before the app behind it exists."""

    def __init__(self) -> None:
        self.app: Wsgi | None = None
        self._server: BaseWSGIServer = make_server(HOST, 0, self._serve, threaded=True, request_handler=_Quiet)
        self.port = self._server.server_port
        self.url = f"http://{HOST}:{self.port}"
        self._thread = threading.Thread(target=self._run, name=f"door-{self.port}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join(5)
        self._server.server_close()

    def _run(self) -> None:
        self._server.serve_forever(poll_interval=0.25)

    def _serve(self, environ: dict[str, Any], start_response: Any) -> Any:
        if self.app is None:
            start_response("503 Service Unavailable", [("Content-Length", "0"), ("Retry-After", "1")])
            return [b""]
        return self.app(environ, start_response)


@contextmanager
def serving(app: Wsgi | None = None) -> Iterator[Door]:
    door = Door()
    door.app = app
    try:
        yield door
    finally:
        door.close()
