"""A bol connection over the real transport to a sandbox on a real socket."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx

from bridge.flows.admin import sandbox_place
from bridge.ports.adapter import Connection
from bridge.ports.http import HttpServices, MemoryRecorder, Transport
from bridge.ports.manifest import Limit
from channel_adapters.bol import ADAPTER
from channel_adapters.bol.channel import BolChannel
from tests.support.bol import Check, Seller


class Checked(httpx.HTTPTransport):
    """The network, with somebody looking on."""

    def __init__(self, check: Check) -> None:
        super().__init__()
        self._check = check

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        response = super().handle_request(request)
        response.read()
        if not request.url.path.startswith("/token"):
            seen = httpx.Response(response.status_code, headers=response.headers, content=response.content)
            self._check(request, seen)
        return response


class Account:
    """A channel, the seller's hand on the same sandbox, and all that was exchanged."""

    def __init__(
        self,
        url: str,
        *,
        check: Check | None = None,
        credentials: dict[str, str] | None = None,
        settings: dict[str, Any] | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.seller = Seller(url)
        self.recorder = MemoryRecorder()
        host = url.removeprefix("http://")
        services = HttpServices.build(recorder=self.recorder, allowed_hosts=[host], clock=clock)
        known, urls = sandbox_place(ADAPTER, url)
        given = credentials or known
        self.transport = Transport(
            account="bol:1",
            title="bol.com",
            services=services,
            limits={"*": Limit(calls=1000, seconds=1)},
            secrets=given.values(),
            wire=Checked(check) if check else None,
        )
        connection = Connection("1:1", "bol", given, settings or {}, urls, self.transport, clock)
        self.channel: BolChannel = ADAPTER.connect(connection)

    def operations(self) -> list[str]:
        return [exchange.operation for exchange in self.recorder.exchanges]
