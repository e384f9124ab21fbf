"""Bytes out, bytes in: one attempt, within its time and its size."""

from __future__ import annotations

import logging
import os
import ssl
import threading
import zlib
from collections.abc import Callable

import httpx

from bridge.ports.errors import AskMerchant
from bridge.ports.http.call import Call
from bridge.ports.http.inflate import BadBody, read_body
from bridge.ports.http.network import within
from bridge.ports.http.response import Response

# httpx logs every URL, httpcore every header: secrets are in both.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

CONNECT_TIMEOUT = 5.0
_UNSENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
)
_HEADERS = httpx.Headers({"Accept": "*/*", "Accept-Encoding": "gzip, deflate", "User-Agent": "storebridge"})
ODD_HEADER = "the credentials contain characters that cannot be sent. Copy them again, without anything around them."


class WireFault(Exception):
    """No whole answer came.

    ``sent``: the request may have reached the other side. ``response``: status and headers, where those came.
    ``refusal``: why we would not connect, for the merchant. ``lasting``: it would be the same again.
    """

    def __init__(
        self,
        reason: str,
        *,
        sent: bool,
        response: Response | None = None,
        refusal: str | None = None,
        lasting: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sent = sent
        self.response = response
        self.refusal = refusal
        self.lasting = lasting


class Wire:
    """One httpx transport, and a new one in a forked child: two processes must not share a connection.

    No httpx.Client around it: redirects are not followed, and cookies are neither kept nor sent (stores set them on API
    answers; sent back, they would make one session of all calls).
    """

    def __init__(self, transport: Callable[[], httpx.BaseTransport]) -> None:
        self._make = transport
        self._lock = threading.Lock()
        self._transport: httpx.BaseTransport | None = None
        self._process = 0

    def build(self, call: Call) -> httpx.Request:
        """Raises ValueError on what cannot be put into a request."""
        timeout = httpx.Timeout(call.timeout, connect=min(CONNECT_TIMEOUT, call.timeout))
        headers = _HEADERS.copy()
        headers.update(call.headers)
        return httpx.Request(
            call.method,
            call.url,
            content=call.content or None,
            headers=headers,
            extensions={"timeout": timeout.as_dict()},
        )

    def send(self, request: httpx.Request, seconds: float, max_bytes: int) -> Response:
        """The whole answer. Raises WireFault."""
        with within(seconds):
            try:
                answer = self._open().handle_request(request)
            except AskMerchant as no:
                raise WireFault(no.developer or no.merchant, sent=False, refusal=no.merchant) from no
            except httpx.LocalProtocolError:  # its text shows the header, and so the secret in it
                raise WireFault("a header cannot be sent", sent=False, refusal=ODD_HEADER) from None
            except httpx.HTTPError as error:
                refusal = _bad_certificate(error, request.url.host)
                raise WireFault(_reason(error), sent=not isinstance(error, _UNSENT), refusal=refusal) from error
            try:
                return Response(answer.status_code, answer.headers, read_body(answer, max_bytes))
            except (httpx.HTTPError, zlib.error, BadBody) as error:
                part = Response(answer.status_code, answer.headers, b"")
                lasting = isinstance(error, BadBody)
                raise WireFault(_reason(error), sent=True, response=part, lasting=lasting) from error
            finally:
                answer.close()

    def close(self) -> None:
        with self._lock:
            transport, self._transport = self._transport, None
        if transport is not None and self._process == os.getpid():
            transport.close()

    def _open(self) -> httpx.BaseTransport:
        with self._lock:
            if self._transport is None or self._process != os.getpid():
                self._transport, self._process = self._make(), os.getpid()
            return self._transport


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ")


def _bad_certificate(error: BaseException | None, host: str) -> str | None:
    """What is wrong with the other side's certificate, where that was the trouble."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"{host} has no valid certificate ({error.verify_message}). Have it renewed where it is hosted."
        error = error.__cause__ or error.__context__
    return None
