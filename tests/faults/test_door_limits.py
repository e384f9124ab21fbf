"""W13 over real sockets: what is too long is refused while it is still coming, and costs no memory."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from flask import Flask

from bridge.web import create_web
from tests.support.engines import PUBLIC_ID, add_connection, add_shop, signed, small_engine
from tests.support.procs import Process, Procs, free_port, wait_until
from tests.support.serve import start_gunicorn

MEGABYTE = 1_000_000
BODY = b'{"id":61}'


def create_app() -> Flask:
    engine = small_engine(os.environ["DOOR_DATABASE"])
    add_connection(engine, add_shop(engine))
    config = SimpleNamespace(
        max_webhook_bytes=MEGABYTE, page_token="", is_loopback=True, port=8000, redis_url="", proxies=0, public_url=""
    )
    return create_web(engine, config)


class Door:
    def __init__(self, process: Process, address: str) -> None:
        self.process = process
        self.url = f"{address}/hooks/{PUBLIC_ID}/1"

    def post(self, body: bytes = BODY, **headers: str) -> int:
        return httpx.post(self.url, content=body, headers={**signed(body), **headers}, timeout=30).status_code

    def memory(self) -> int:
        """Bytes in use by the server, workers included."""
        children = (
            Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="utf-8").split()
        )
        pages = sum(int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1]) for pid in children)
        return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture
def door(procs: Procs, tmp_path: Path) -> Iterator[Door]:
    target = "tests.faults.test_door_limits:create_app()"
    database = f"sqlite:///{tmp_path / 'door.db'}"
    options = ("--workers", "1", "--worker-class", "gthread", "--threads", "4")
    process, address = start_gunicorn(procs, target, *options, env={"DOOR_DATABASE": database})
    found = Door(process, address)
    wait_until(lambda: found.post() == 200, 20, "the first delivery")
    yield found
    process.terminate()
    procs.assert_no_leftovers()


def _send_forever(door: Door, head: str, chunk: bytes, most: int, path: str = "") -> tuple[bytes, int]:
    """Send chunks until the server answers or hangs up; its answer, and how many bytes it took from us."""
    parts = urlsplit(urljoin(door.url, path))
    sent = 0
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as line:
        line.sendall(f"POST {parts.path} HTTP/1.1\r\nHost: door\r\n{head}\r\n".encode())
        line.setblocking(False)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and sent < most:
            try:
                if answer := line.recv(65536):
                    return answer, sent
            except BlockingIOError:
                pass
            except OSError:
                return b"", sent
            try:
                sent += line.send(chunk)
            except BlockingIOError:
                time.sleep(0.001)
            except OSError:
                return b"", sent
    return b"", sent


def test_too_long_by_its_own_word_is_413_at_once(door: Door) -> None:
    answer, sent = _send_forever(door, "Content-Length: 10000000000\r\n", b"x" * 65536, 50 * MEGABYTE)
    assert answer.startswith(b"HTTP/1.1 413")
    assert sent < 50 * MEGABYTE
    assert door.post() == 200


def test_too_long_without_a_word_is_413_and_costs_no_memory(door: Door) -> None:
    before = door.memory()
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    for _ in range(3):
        answer, sent = _send_forever(door, "Transfer-Encoding: chunked\r\n", chunk, 200 * MEGABYTE)
        assert answer.startswith(b"HTTP/1.1 413")
        assert sent < 20 * MEGABYTE
    assert door.memory() - before < 20 * MEGABYTE
    assert door.post() == 200


@pytest.mark.parametrize("path", [f"/modules/{PUBLIC_ID}/1/events", "/modules/connect"])
def test_the_modules_door_reads_no_further_than_it_takes(door: Door, path: str) -> None:
    before = door.memory()
    answer, sent = _send_forever(door, "Content-Length: 10000000000\r\n", b"x" * 65536, 50 * MEGABYTE, path)
    assert (answer[:12], sent < 50 * MEGABYTE) == (b"HTTP/1.1 413", True)
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    answer, sent = _send_forever(door, "Transfer-Encoding: chunked\r\n", chunk, 200 * MEGABYTE, path)
    assert (answer[:12], sent < 20 * MEGABYTE) == (b"HTTP/1.1 413", True)
    assert door.memory() - before < 20 * MEGABYTE
    assert door.post() == 200


def test_a_compressed_bomb_is_not_unpacked(door: Door) -> None:
    before = door.memory()
    bomb = b"\x1f\x8b" + b"\x00" * 900_000
    assert door.post(bomb, **{"Content-Encoding": "gzip"}) == 415
    assert door.memory() - before < 20 * MEGABYTE
    assert door.post() == 200


def test_deep_and_broken_bodies_leave_it_standing(door: Door) -> None:
    before = door.memory()
    deep = b'{"id":1,"x":' + b"[" * 400_000 + b"]" * 400_000 + b"}"
    assert [door.post(body) for body in (deep, b'{"id":1,"x":"\xff\xfe"}', b'{"id":1', b"\x00" * 1000)] == [400] * 4
    assert door.post(deep, **{"X-WC-Webhook-Signature": "forged"}) == 401
    assert door.memory() - before < 30 * MEGABYTE
    assert door.post() == 200


def test_someone_who_hangs_up_in_the_middle_disturbs_nobody(door: Door) -> None:
    parts = urlsplit(door.url)
    for _ in range(20):
        with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as line:
            line.sendall(f"POST {parts.path} HTTP/1.1\r\nHost: door\r\nContent-Length: 500\r\n\r\nhalf".encode())
    assert door.post() == 200
    assert "Traceback" not in door.process.output


def _raw(door: Door, path: str, *lines: bytes, body: bytes = BODY) -> bytes:
    """The first line of the answer to a request that no library would send."""
    parts = urlsplit(urljoin(door.url, path))
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as line:
        head = b"\r\n".join(
            (b"POST " + parts.path.encode() + b" HTTP/1.1", b"Host: door", b"Connection: close", *lines)
        )
        line.sendall(head + b"\r\n\r\n" + body)
        line.shutdown(socket.SHUT_WR)
        return line.makefile("rb").readline()


def test_headers_that_no_library_sends(door: Door) -> None:
    """A signature that comes twice is none; a topic that nobody knows is of no interest."""
    length = b"Content-Length: %d" % len(BODY)
    topic, signature = (f"{name}: {value}".encode() for name, value in list(signed(BODY).items())[1:])
    chunked = b"9\r\n" + BODY + b"\r\n0\r\n\r\n"
    taken = (
        (topic, signature, length),
        (topic.lower(), signature.replace(b"X-WC-Webhook-Signature", b"x-wc-WEBHOOK-signature"), length),
        (topic, signature, length, b"Content-Type: text/html; charset=\xff\xfe"),
        (topic, signature, length, b"X-WC-Webhook-ID: \xc3\xa9\xff\x80", b"X-Odd: " + b"y" * 4000),
    )
    assert [_raw(door, "", *lines)[:12] for lines in taken] == [b"HTTP/1.1 200"] * len(taken)
    assert _raw(door, "", topic, signature, b"Transfer-Encoding: chunked", body=chunked).startswith(b"HTTP/1.1 200")
    refused = {
        (topic, signature, signature, length): b"401",
        (topic, length): b"401",
        (topic, signature.replace(b": ", b": \xe9\xff"), length): b"401",
        (signature, length, b"X-WC-Webhook-Topic: \x80\xff"): b"200",
        (topic, signature, length, length.replace(b"9", b"8")): b"400",
        (topic, signature, b"Content-Length: -1"): b"400",
        (topic, signature, b"Content-Length: 9, 9"): b"400",
        (topic, signature, b"Content-Length: \xb2"): b"400",
        (topic, signature, length, b"Transfer-Encoding: chunked"): b"400",
        (topic, signature, b"Transfer-Encoding: gzip, chunked"): b"400",
        (topic, signature, length, b"X-Odd: a\x00b"): b"400",
        (topic, signature, length, b"No colon at all"): b"400",
        (topic, signature, length, b"X-Odd : blank before the colon"): b"400",
        (topic, signature, length, b"Content-Encoding: gzip"): b"415",
        (topic, signature, length, b"Content-Encoding: identity", b"Content-Encoding: gzip"): b"415",
    }
    found = {lines: _raw(door, "", *lines)[9:12] for lines in refused}
    wrong = {lines: (status, refused[lines]) for lines, status in found.items() if status != refused[lines]}
    assert wrong == {}
    for path in (f"/modules/{PUBLIC_ID}/1/events", f"/push/{PUBLIC_ID}/1", "/apps/shopify/hooks", "/modules/connect"):
        for lines in (*taken, *refused):
            status = int(_raw(door, path, *lines)[9:12] or b"0")
            assert status < 500 or status == 501, (path, lines, status)
    assert door.post() == 200
    assert "Traceback" not in door.process.output


def test_an_address_that_is_too_long_is_refused_in_plain_words(procs: Procs) -> None:
    """Of our own server, as it is started by `storebridge run`."""
    port = free_port()
    script = f"""
import socket
from bridge.supervisor.servers import serve
from flask import Flask
door = socket.create_server(("127.0.0.1", {port}))
serve(lambda: Flask("door"), door.fileno())
"""
    process = procs.start([sys.executable, "-c", script])
    process.wait_for_port(port)
    with httpx.Client(
        base_url=f"http://127.0.0.1:{port}", headers={"Accept-Language": "pt, de-AT;q=0.9, en;q=0.5"}
    ) as line:
        answers = {size: line.get(f"/orders?search={'x' * size}") for size in (8000, 9000, 20_000)}
        cookies = line.get("/orders", headers={"Cookie": f"of_somebody_else={'x' * 9000}"})
    assert {size: answer.status_code for size, answer in answers.items()} == {8000: 404, 9000: 414, 20_000: 414}
    assert '<html lang="de">' in answers[20_000].text
    assert answers[20_000].text.count("<h1>") == 1
    assert cookies.status_code == 431
    # Where the wish for a language was lost with what was too long, each finds theirs.
    for answer, word in ((answers[9000], "suchen oder filtern Sie"), (cookies, "die Cookies dieser Adresse")):
        assert word in answer.text
        assert "Nothing was changed." in answer.text
        assert "Request" not in answer.text
    process.terminate()
    procs.assert_no_leftovers()
