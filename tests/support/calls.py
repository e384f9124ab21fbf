"""The transport against a server that misbehaves: helpers for the tests beside this file."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from bridge.ports.http import HttpServices, MemoryRecorder, Transport
from bridge.ports.manifest import Limit
from tests.support.rogue import Act, Caller

SECRET = "cs_seeded_secret_value"
WIDE = {"*": Limit(calls=10_000, seconds=11)}


def transport(recorder: MemoryRecorder | None = None, *, pause: float = 1.0, **limits: Limit) -> Transport:
    """``pause`` shortens the waits between attempts."""
    services = HttpServices.build(recorder=recorder, allowed_hosts=["127.0.0.1"])
    services = replace(services, sleep=lambda seconds: time.sleep(seconds * pause))
    return Transport(account="1:7", services=services, limits=limits or WIDE, secrets=[SECRET], title="My shop")


def get(shop: Transport, url: str, **options: Any) -> Any:
    return shop.request("GET", url, operation="read", **options).json


def post(shop: Transport, url: str, **options: Any) -> Any:
    return shop.request("POST", url, operation="write", **{"json": {"a": 1}, **options}).json


def first_then(*acts: Act) -> Act:
    """Do each in turn, and the last one for ever."""
    left = list(acts)

    def act(caller: Caller) -> None:
        (left.pop(0) if len(left) > 1 else left[0])(caller)

    return act


def fine(caller: Caller) -> None:
    caller.answer(200, {"done": True})


def trouble(caller: Caller) -> None:
    caller.answer(503, b"<html>busy</html>", kind="text/html")


def hang_up(caller: Caller) -> None:
    caller.reset()


def half(caller: Caller) -> None:
    caller.raw(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
    time.sleep(0.05)
    caller.reset()
