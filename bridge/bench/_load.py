"""A load generator that costs little: prepared bytes over kept connections, one loop, the standard library only.

One request is some 30 microseconds of this process, so that the server under test is what is measured.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import selectors
import socket
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
PATIENCE = 30.0


@dataclass
class Load:
    """What came of a load: seconds per answered request, and how often each status."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.seconds if self.seconds else 0.0


class _Line:
    """One kept connection with at most one request under way."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address, timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.sent_at = 0.0

    def send(self, request: bytes) -> None:
        self.received = b""
        self.sent_at = time.perf_counter()
        self.socket.sendall(request)

    def read(self) -> int:
        """The status when the answer is whole, else 0. Raises ConnectionError when the other side hung up."""
        more = self.socket.recv(65536)
        if not more:
            raise ConnectionResetError("closed in the middle of an answer")
        self.received += more
        head, found, body = self.received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not found or (length is not None and len(body) < int(length[1])):
            return 0
        return int(head[9:12])


def send(address: tuple[str, int], requests: Sequence[bytes], connections: int, seconds: float | None = None) -> Load:
    """Send all of ``requests``, or as many as go out within ``seconds``, over so many connections at once."""
    load = Load()
    waiting = iter(requests)
    with selectors.DefaultSelector() as selector:
        began = time.perf_counter()
        for request in islice(waiting, connections):
            line = _Line(address)
            selector.register(line.socket, selectors.EVENT_READ, line)
            line.send(request)
        last = _run(selector, waiting, load, began + seconds if seconds else None)
        load.seconds = last - began
    return load


def _run(selector: selectors.BaseSelector, waiting: Iterator[bytes], load: Load, end: float | None) -> float:
    """Until every answer is there. Returns the time of the last one."""
    now = time.perf_counter()
    while selector.get_map():
        ready = selector.select(PATIENCE)
        if not ready:
            raise TimeoutError(f"no answer within {PATIENCE:g} s")
        for key, _ in ready:
            line: _Line = key.data
            status = line.read()
            if not status:
                continue
            now = time.perf_counter()
            load.latencies.append(now - line.sent_at)
            load.statuses[status] += 1
            request = next(waiting, None) if end is None or now < end else None
            if request is None:
                selector.unregister(line.socket)
                line.socket.close()
            else:
                line.send(request)
    return now


def pour(address: tuple[str, int], requests: Iterator[bytes], rate: float, connections: int) -> Load:
    """Send ``rate`` of them a second, whatever the answers do: each is timed from its moment, also where it had to wait
    for one of the connections."""
    load = Load()
    with selectors.DefaultSelector() as selector:
        free = [_Line(address) for _ in range(connections)]
        for line in free:
            selector.register(line.socket, selectors.EVENT_READ, line)
        began = time.perf_counter()
        number, following = 0, next(requests, None)
        last, deadline = began, began + PATIENCE
        while following is not None or len(free) < connections:
            now = time.perf_counter()
            while following is not None and free and (due := began + number / rate) <= now:
                line = free.pop()
                line.send(following)
                line.sent_at = due
                number, following = number + 1, next(requests, None)
                deadline = now + PATIENCE
            wait = max(0.0, began + number / rate - now) if following is not None and free else PATIENCE
            for key, _ in selector.select(wait):
                answered: _Line = key.data
                if status := answered.read():
                    last = time.perf_counter()
                    load.latencies.append(last - answered.sent_at)
                    load.statuses[status] += 1
                    free.append(answered)
                    deadline = last + PATIENCE
            if time.perf_counter() > deadline:
                raise TimeoutError(f"no answer within {PATIENCE:g} s")
        for line in free:
            line.socket.close()
    load.seconds = last - began
    return load


def delivery(path: str, secret: str, product: int, number: int, stock: int | None = None) -> bytes:
    """A webhook as a WooCommerce store sends one, some 5 kB, no two alike: the bytes of a whole HTTP request."""
    units = number if stock is None else stock
    body = json.dumps(
        {"id": product, "sku": f"B-{product}", "stock_quantity": units, "type": "simple", "status": "publish"}
        | {"date_modified_gmt": f"2026-11-23T10:00:{number % 60:02d}", "description": f"<p>{_TEXT}</p>"}
        | {"meta_data": [{"id": key, "key": f"_field_{key}", "value": f"value {key}"} for key in range(24)]}
    ).encode()
    signature = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: WooCommerce/10.5.0 Hookshot (WordPress/6.8.7)\r\n"
        "Content-Type: application/json\r\nX-WC-Webhook-Topic: product.updated\r\nX-WC-Webhook-Resource: product\r\n"
        "X-WC-Webhook-Event: updated\r\nX-WC-Webhook-Source: http://127.0.0.1/\r\nX-WC-Webhook-ID: 1\r\n"
        f"X-WC-Webhook-Delivery-ID: {number}\r\nX-WC-Webhook-Signature: {signature}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


_TEXT = "Made to last, easy to repair. Two years of guarantee. " * 60
