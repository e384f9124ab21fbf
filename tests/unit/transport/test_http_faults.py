"""Broken, slow and oversized answers, and what may be repeated after them."""

from __future__ import annotations

import gzip
import time

import pytest

from bridge.ports.errors import (
    RetryLater,
    UnknownOutcome,
)
from bridge.ports.http import (
    ErrorTable,
    MemoryRecorder,
    Transport,
)
from tests.support.calls import fine, first_then, get, half, hang_up, post, trouble
from tests.support.rogue import Act, Caller, Rogue, rogue


@pytest.mark.parametrize("fault", [half, hang_up, trouble])
def test_reads_are_repeated(server: Rogue, shop: Transport, fault: Act) -> None:
    assert get(shop, server.on("/x", first_then(fault, fault, fine))) == {"done": True}
    assert len(server.calls) == 3


@pytest.mark.parametrize("fault", [half, hang_up, trouble])
def test_reads_are_repeated_twice_at_most(server: Rogue, shop: Transport, fault: Act) -> None:
    with pytest.raises(RetryLater) as caught:
        get(shop, server.on("/x", fault))
    assert type(caught.value) is RetryLater
    assert len(server.calls) == 3


@pytest.mark.parametrize("fault", [half, hang_up, trouble])
def test_writes_are_never_repeated(server: Rogue, shop: Transport, fault: Act) -> None:
    with pytest.raises(UnknownOutcome, match=r"My shop: whether write was done at 127.0.0.1 is not known"):
        post(shop, server.on("/x", first_then(fault, fine)))
    assert len(server.calls) == 1


def test_a_write_said_to_be_repeatable_is(server: Rogue, shop: Transport) -> None:
    url = server.on("/x", first_then(trouble, fine))
    assert post(shop, url, idempotent=True) == {"done": True}
    with pytest.raises(UnknownOutcome):
        shop.request("PUT", server.on("/y", trouble), operation="write", idempotent=False)


def test_a_table_may_know_that_a_status_means_not_done(server: Rogue, shop: Transport) -> None:
    with pytest.raises(RetryLater):
        post(shop, server.on("/x", trouble), errors=ErrorTable(unsure=frozenset({500, 504})))


def test_nothing_was_sent_where_nobody_listens(shop: Transport, recorder: MemoryRecorder) -> None:
    with pytest.raises(RetryLater, match="cannot be reached"):
        post(shop, "http://127.0.0.1:9/x")
    assert [exchange.status for exchange in recorder.exchanges] == [None] * 3


def test_time_out(server: Rogue, shop: Transport) -> None:
    url = server.on("/x", lambda caller: time.sleep(2))
    began = time.monotonic()
    with pytest.raises(UnknownOutcome):
        post(shop, url, timeout=0.3)
    with pytest.raises(RetryLater):
        get(shop, url, timeout=0.3)
    assert time.monotonic() - began < 1.2  # no new attempt after the time is over


def drip(*pieces: bytes) -> object:
    def act(caller: Caller) -> None:
        for piece in pieces:
            caller.raw(piece)
            time.sleep(0.05)

    return act


def test_slow_loris_in_the_head(server: Rogue, shop: Transport) -> None:
    """Each byte in time, and never an end: httpx's own time-outs would wait for ever."""
    url = server.on("/x", drip(b"HTTP/1.1 200 OK\r\n", *[b"X-A: b\r\n"] * 100))
    began = time.monotonic()
    with pytest.raises(UnknownOutcome):
        post(shop, url, timeout=0.5)
    assert time.monotonic() - began < 0.8


def test_slow_loris_in_the_body(server: Rogue, shop: Transport, recorder: MemoryRecorder) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
    began = time.monotonic()
    with pytest.raises(RetryLater, match="no complete answer"):
        get(shop, server.on("/x", drip(head, *[b"x"] * 99)), timeout=0.5)
    assert time.monotonic() - began < 0.8
    assert recorder.exchanges[0].status == 200


def test_a_reader_that_does_not_read(server: Rogue, shop: Transport) -> None:
    def deaf(caller: Caller) -> None:
        time.sleep(2)

    big = b"x" * 50_000_000
    server.on("/x", deaf)
    began = time.monotonic()
    with rogue() as other:
        other.acts["/x"] = deaf
        with pytest.raises(UnknownOutcome):
            shop.request("POST", other.url + "/x", operation="write", content=big, timeout=0.5)
    assert time.monotonic() - began < 1.5


def test_too_large(server: Rogue, shop: Transport) -> None:
    url = server.answers("/x", 200, b"[" + b"1," * 100_000 + b"1]")
    with pytest.raises(RetryLater) as caught:
        get(shop, url, max_bytes=100_000)
    assert "larger than 100000 bytes" in caught.value.developer
    assert len(server.calls) == 1  # it would be as large again
    assert get(shop, url)


def test_gzip_bomb(server: Rogue, shop: Transport) -> None:
    bomb = gzip.compress(b"0" * 200_000_000, 1)
    with pytest.raises(RetryLater) as caught:
        get(shop, server.answers("/x", 200, bomb, Content_Encoding="gzip"))
    assert "larger than" in caught.value.developer


@pytest.mark.parametrize(
    ("encoding", "data"),
    [("br", b"xx"), ("gzip, gzip", b"xx"), ("gzip", b"not packed"), ("gzip", gzip.compress(b"{}" * 99, mtime=0)[:-9])],
)
def test_badly_packed(server: Rogue, shop: Transport, encoding: str, data: bytes) -> None:
    with pytest.raises(RetryLater):
        get(shop, server.answers("/x", 200, data, Content_Encoding=encoding))
