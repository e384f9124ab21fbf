"""A real HTTP server that misbehaves as it is told, on raw sockets."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

Act = Callable[["Caller"], None]


@dataclass
class Caller:
    """One request, and the socket to answer it on."""

    socket: socket.socket
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def answer(self, status: int = 200, body: Any = None, *, kind: str = "application/json", **headers: str) -> None:
        """A whole answer. ``headers``: Retry_After="5"."""
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(data)}"]
        lines += [f"Content-Type: {kind}"] if kind else []
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.raw("\r\n".join([*lines, "", ""]).encode() + data)

    def raw(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            self.socket.sendall(data)

    def reset(self) -> None:
        """Break the connection so that the other side sees a reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.socket.detach())


@dataclass
class Rogue:
    """What it does by path (without the query), and what it was asked."""

    url: str
    acts: dict[str, Act] = field(default_factory=dict)
    calls: list[Caller] = field(default_factory=list)
    connections: int = 0

    def on(self, path: str, act: Act) -> str:
        """Do this at that path; returns its whole URL."""
        self.acts[path] = act
        return self.url + path

    def answers(self, path: str, *args: Any, **kwargs: Any) -> str:
        """Always the same answer at that path."""
        return self.on(path, lambda caller: caller.answer(*args, **kwargs))

    @property
    def methods(self) -> list[str]:
        return [call.method for call in self.calls]


@contextlib.contextmanager
def rogue(context: ssl.SSLContext | None = None) -> Iterator[Rogue]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = Rogue(f"{'https' if context else 'http'}://127.0.0.1:{listener.getsockname()[1]}")
    open_sockets: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            server.connections += 1
            open_sockets.append(connection)
            threading.Thread(target=_serve, args=(server, connection, context), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield server
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in open_sockets:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()


def _serve(server: Rogue, connection: socket.socket, context: ssl.SSLContext | None) -> None:
    with contextlib.suppress(OSError, ValueError):
        if context:
            connection = context.wrap_socket(connection, server_side=True)
        with connection, connection.makefile("rb") as stream:
            while caller := _read(connection, stream):
                server.calls.append(caller)
                act = server.acts.get(caller.path.partition("?")[0])
                if act:
                    act(caller)
                else:
                    caller.answer(404, {"message": "no such path"})


def _read(connection: socket.socket, stream: Any) -> Caller | None:
    line = stream.readline().decode("latin-1").split()
    if len(line) < 2:
        return None
    headers = {}
    while (text := stream.readline().decode("latin-1").strip()) != "":
        name, _, value = text.partition(":")
        headers[name.strip().lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", 0)))
    return Caller(connection, line[0], line[1], headers, body)
