"""The bell: at once when quiet, together when busy, never in the way."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable

from bridge.flows.bell import Bell
from tests.support.procs import wait_until


def test_rings_together_what_comes_while_it_rings() -> None:
    rung: list[list[str]] = []
    gate = threading.Event()

    def ring(lanes: Iterable[str]) -> None:
        rung.append(list(lanes))
        gate.wait(5)

    bell = Bell(ring)
    bell.ring("stock")
    wait_until(lambda: rung == [["stock"]], 5, "the first at once")
    for _ in range(100):
        bell.ring("orders")
        bell.ring("stock")
    gate.set()
    wait_until(lambda: len(rung) > 1, 5, "the rest")
    time.sleep(0.05)
    assert rung == [["stock"], ["orders", "stock"]]


def test_a_broken_bell_is_no_matter() -> None:
    tries: list[int] = []

    def ring(_lanes: Iterable[str]) -> None:
        tries.append(1)
        raise ConnectionError("no Redis")

    bell = Bell(ring)
    bell.ring("stock")
    wait_until(lambda: len(tries) == 1, 5, "one try")
    bell.ring("stock")
    wait_until(lambda: len(tries) == 2, 5, "another")
