"""Bytes out, bytes in: one attempt, within its time and its size."""

from __future__ import annotations

import time
import zlib

import httpx

from bridge.ports.http.response import Response

_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


class WireFault(Exception):
    """No whole answer. ``sent``: the request may have reached the other side. ``response``: the part that came."""

    def __init__(self, reason: str, *, sent: bool, response: Response | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sent = sent
        self.response = response


def send(client: httpx.Client, request: httpx.Request, *, seconds: float, max_bytes: int) -> Response:
    """The whole answer. Raises WireFault."""
    deadline = time.monotonic() + seconds
    try:
        answer = client.send(request, stream=True)
    except httpx.HTTPError as error:
        raise WireFault(_reason(error), sent=not isinstance(error, _UNSENT)) from error
    try:
        return Response(answer.status_code, answer.headers, _read(answer, deadline, max_bytes))
    except (httpx.HTTPError, zlib.error, _Broken) as error:
        part = Response(answer.status_code, answer.headers, b"")
        raise WireFault(_reason(error), sent=True, response=part) from error
    finally:
        answer.close()


class _Broken(Exception):
    """The body is too slow, too large or in an unknown encoding."""


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ")


def _read(answer: httpx.Response, deadline: float, max_bytes: int) -> bytes:
    if answer.is_stream_consumed:  # httpx.MockTransport hands over whole answers
        return answer.content
    decode = _decoder(answer.headers.get("content-encoding", ""))
    body = bytearray()
    for chunk in answer.iter_raw():
        body += decode.feed(chunk, max_bytes - len(body) + 1)
        if len(body) > max_bytes:
            raise _Broken(f"the answer is larger than {max_bytes} bytes")
        if time.monotonic() > deadline:
            raise _Broken("the answer came too slowly")
    return bytes(body)


class _Plain:
    def feed(self, chunk: bytes, room: int) -> bytes:
        return chunk


class _Inflate(_Plain):
    """gzip and deflate, never unpacking more than there is room for, so that a bomb stays small."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=47)

    def feed(self, chunk: bytes, room: int) -> bytes:
        return self._zlib.decompress(chunk, max(1, room))


def _decoder(encoding: str) -> _Plain:
    wanted = [
        part.strip().lower() for part in encoding.split(",") if part.strip().lower() not in ("", "identity")
    ]
    if not wanted:
        return _Plain()
    if wanted in (["gzip"], ["x-gzip"], ["deflate"]):
        return _Inflate()
    raise _Broken(f"the answer is encoded as {encoding!r}, which was not asked for")
