"""Sockets with a guard and a clock.

The guard decides where httpcore opens a connection, on the very address that it has checked; host name, Host
header, SNI and certificate check stay as they are. So a name that resolves differently a moment later (DNS
rebinding) gains nothing. The clock ends an attempt at its deadline however little each read brings: httpx's own
time-outs start anew with every byte.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpcore
import httpx

from bridge.ports.http.guard import Guard

_WRITE_SLICE = 64 * 1024
_MOST_ADDRESSES = 4
NO_SUCH_HOST = "has no address"

_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Reads and writes inside end after ``seconds``, all together."""
    token = _deadline.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _deadline.reset(token)


def _left(timeout: float | None, expired: type[Exception]) -> float | None:
    deadline = _deadline.get()
    if deadline is None:
        return timeout
    left = deadline - time.monotonic()
    if left <= 0:
        raise expired("the time for this call is used up")
    return left if timeout is None else min(timeout, left)


class TimedStream(httpcore.NetworkStream):
    """A connection that knows the deadline."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _WRITE_SLICE):
            self._inner.write(buffer[start : start + _WRITE_SLICE], _left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return TimedStream(self._inner.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class GuardedBackend(httpcore.NetworkBackend):
    """Opens connections where the guard allows it. Raises its AskMerchant otherwise."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            addresses = self._guard.addresses(host, port)[:_MOST_ADDRESSES]
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"{host} {NO_SUCH_HOST} ({error})") from error
        for address in addresses[:-1]:
            # Half the time for an address when there is another: a host's IPv6 may lead nowhere.
            half = None if timeout is None else timeout / 2
            try:
                return self._open(address, port, half, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return self._open(addresses[-1], port, timeout, local_address, socket_options)

    def _open(
        self, address: str, port: int, timeout: float | None, local: str | None, options: Iterable[Any] | None
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return TimedStream(self._sockets.connect_tcp(address, port, left, local, options))


class GuardedTransport(httpx.HTTPTransport):
    """httpx's own transport over guarded sockets."""

    def __init__(self, guard: Guard, ssl_context: ssl.SSLContext, *, connections: int = 16) -> None:
        super().__init__(verify=ssl_context, trust_env=False)
        if not isinstance(self._pool, httpcore.ConnectionPool):
            raise TypeError("this httpx keeps its connections elsewhere: the guard would not be asked")
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl_context,
            max_connections=connections,
            # Below the 5 s after which Apache drops an idle connection by default: a write that meets a closed
            # connection has an unknown outcome.
            keepalive_expiry=4.0,
            network_backend=GuardedBackend(guard),
        )
