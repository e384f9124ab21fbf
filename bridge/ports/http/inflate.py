"""Reading a body that may be too large, too small or a bomb."""

from __future__ import annotations

import zlib

import httpx


class BadBody(Exception):
    """The body is too large, or packed in a way that was not asked for."""


class _Plain:
    def feed(self, chunk: bytes, room: int) -> bytes:
        return chunk

    def finish(self) -> None:
        return None


class _Inflate(_Plain):
    """gzip and deflate, never unpacking more than there is room for: a bomb stays as small as it came."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=47)
        self._began = False

    def feed(self, chunk: bytes, room: int) -> bytes:
        if not self._began and chunk:
            self._began = True
            # "deflate" means zlib by the book and bare deflate to some servers (RFC 9110, 8.4.1.2).
            if chunk[0] & 0x0F != 8 and chunk[:1] != b"\x1f":
                self._zlib = zlib.decompressobj(wbits=-15)
        return self._zlib.decompress(chunk, room)

    def finish(self) -> None:
        if self._began and not self._zlib.eof:
            raise zlib.error("the packed answer ends too early")


def read_body(answer: httpx.Response, max_bytes: int) -> bytes:
    """The unpacked body. Raises BadBody, zlib.error and what httpx raises."""
    if answer.is_stream_consumed:  # httpx.MockTransport hands over whole answers
        return answer.content
    decoder = _decoder(answer.headers.get("content-encoding", ""))
    body = bytearray()
    for chunk in answer.iter_raw():
        body += decoder.feed(chunk, max_bytes - len(body) + 1)
        if len(body) > max_bytes:
            raise BadBody(f"the answer is larger than {max_bytes} bytes")
    decoder.finish()
    return bytes(body)


def _decoder(encoding: str) -> _Plain:
    names = [name for part in encoding.split(",") if (name := part.strip().lower()) not in ("", "identity")]
    if not names:
        return _Plain()
    if names in (["gzip"], ["x-gzip"], ["deflate"]):
        return _Inflate()
    raise BadBody(f"the answer is packed as {encoding!r}, which was not asked for")
