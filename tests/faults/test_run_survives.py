"""Everything as `storebridge run` starts it: real processes, the Redis protocol, HTTP on both sides.

W1, W6, W10, W11, W15, Q1 (kill -9, in real time), Q2, Q3, Q11 in one life of one shop, so that it takes one start.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from redis import Redis

from bridge.db.tables import Connection, Delivery, Work
from tests.support.engines import signed
from tests.support.procs import Process, Procs
from tests.support.stack import Stack, open_stack

pytestmark = [pytest.mark.both_databases, pytest.mark.timeout(280)]


@pytest.fixture
def alive(procs: Procs, database_url: str, redis_url: str, tmp_path: Path) -> Iterator[tuple[Stack, Process]]:
    with open_stack(tmp_path, database_url, redis_url, limits="published", token_seconds=299) as stack:
        process = stack.run(procs)
        yield stack.connect(), process
        process.terminate(40)
        procs.assert_no_leftovers()


def children(process: Process) -> list[int]:
    """The processes below this one: web, workers, scheduler."""
    tasks = Path(f"/proc/{process.pid}/task").glob("*/children")
    return [int(pid) for path in tasks for pid in path.read_text().split()]


def post(stack: Stack, body: bytes, headers: dict[str, str]) -> int:
    return httpx.post(stack.hook_url, content=body, headers=headers, timeout=30, trust_env=False).status_code


def test_one_life_with_all_that_may_befall_it(alive: tuple[Stack, Process], procs: Procs, redis_url: str) -> None:
    stack, process = alive
    number = stack.product("A", 50)
    stack.wait("A on show", lambda: stack.shown("A") == 50)
    [store] = stack.rows(Connection, Connection.id == stack.store_id)
    secret = store.webhook_secrets[0]

    # W1: one delivery a hundred times at once
    body = b'{"id": %d, "name": "again"}' % number
    headers = signed(body, secret=secret)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: post(stack, body, headers), range(100)))
    assert set(answers) == {200}
    [kept] = [row for row in stack.rows(Delivery) if row.external_id == str(number) and row.seen > 1]
    assert kept.seen == 100
    assert len(stack.rows(Work, Work.kind == "product.read", Work.key == str(number))) == 1

    # W6, W15: forged, and for nobody
    assert post(stack, body + b" ", headers) == 401
    odd = [(name.encode(), value.encode()) for name, value in headers.items() if "Signature" not in name]
    odd.append((b"X-WC-Webhook-Signature", b"b\xe4d"))
    assert httpx.post(stack.hook_url, content=body, headers=odd, trust_env=False).status_code == 401
    elsewhere = stack.hook_url.replace(stack.shop.public_id, "nobody")
    assert httpx.post(elsewhere, content=body, headers=headers, trust_env=False).status_code == 410

    # Q2: Redis is emptied again and again while orders come in
    first = [stack.sells("A", 1) for _ in range(8)]
    with Redis.from_url(redis_url) as redis:
        for _ in range(10):
            redis.flushall()
            time.sleep(0.2)
    stack.wait("all orders in the store", lambda: all(len(stack.orders_of(key)) == 1 for key in first), 90)

    # Q1, W11: every process below is killed while there is work; leases run out in real time
    second = [stack.sells("A", 1) for _ in range(8)]
    time.sleep(1.5)
    began = time.monotonic()
    for pid in children(process):
        os.kill(pid, signal.SIGKILL)
    stack.wait("all orders in the store", lambda: all(len(stack.orders_of(key)) == 1 for key in second), 100)
    assert time.monotonic() - began < 75, "resumed within 60 seconds, and done a little later"

    # Q11: a SIGTERM in the middle of it; the next start goes on
    third = [stack.sells("A", 1) for _ in range(4)]
    time.sleep(1)
    assert process.terminate(30) == 0
    again = stack.run(procs)
    stack.wait("all orders in the store", lambda: all(len(stack.orders_of(key)) == 1 for key in third), 90)
    for key in (first[0], second[0], third[0]):
        stack.ships(stack.orders_of(key)[0], f"3S{key}")
    stack.wait(
        "shipped",
        lambda: all(stack.bol_order(key)["status"] == "SHIPPED" for key in (first[0], second[0], third[0])),
        60,
    )
    stack.wait("quiet", lambda: stack.is_quiet() and stack.shown("A") == stack.store.stock("A") == 30, 60)
    stack.check_invariants()
    assert again.terminate(30) == 0
