"""A marketplace's adapter over the real transport to its sandbox on a real socket, and the other hand on that sandbox."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar, Generic, TypeVar

import httpx

from bridge.flows.admin import sandbox_place
from bridge.ports.adapter import Adapter, Connection
from bridge.ports.channel import Channel
from bridge.ports.http import HttpServices, MemoryRecorder, Transport
from bridge.ports.manifest import Limit

Check = Callable[[httpx.Request, httpx.Response], Any]
Serve = Callable[..., str]
AnyChannel = TypeVar("AnyChannel", bound=Channel)
LIMITS = {"*": Limit(calls=1000, seconds=1)}


class Checked(httpx.HTTPTransport):
    """The network, with somebody looking on."""

    def __init__(self, check: Check) -> None:
        super().__init__()
        self._check = check

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        response = super().handle_request(request)
        response.read()
        self._check(request, httpx.Response(response.status_code, headers=response.headers, content=response.content))
        return response


class Hand:
    """What a buyer or the marketplace itself does at the sandbox at ``url``."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = httpx.Client(base_url=url, timeout=20, trust_env=False)

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.http.request(method, f"/_sandbox/{path}", json=body)
        answer.raise_for_status()
        return answer.json()

    def fault(self, kind: str, operation: str = "*", **more: Any) -> None:
        self.control("POST", "faults", {"kind": kind, "operation": operation, **more})

    def heal(self) -> None:
        self.control("DELETE", "faults")


class Connected(Hand, Generic[AnyChannel]):
    """An account: its channel, the other hand on the same sandbox, and all that was exchanged.

    ``credentials`` and ``settings`` replace those out of the box; ``check`` sees every exchange. Retries do not wait.
    """

    adapter: ClassVar[Adapter]

    def __init__(
        self,
        url: str,
        *,
        check: Check | None = None,
        credentials: dict[str, str] | None = None,
        settings: dict[str, Any] | None = None,
        services: HttpServices | None = None,
        limits: dict[str, Limit] | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__(url)
        manifest = self.adapter.manifest
        known, urls = sandbox_place(self.adapter, url)
        given = known | (credentials or {})
        self.recorder = MemoryRecorder()
        self.services = services or _patient(self.recorder, url, clock)
        self.transport = Transport(
            account=f"{manifest.name}:1",
            title=manifest.title,
            services=self.services,
            limits=limits or LIMITS,
            secrets=[
                given[field.name] for field in manifest.credentials if field.kind == "secret" and given[field.name]
            ],
            wire=self.wire(check) if check else None,
        )
        defaults = {field.name: field.default for field in manifest.settings if field.default is not None}
        chosen = defaults | (settings or {})
        self.channel: AnyChannel = self.adapter.connect(
            Connection("1:1", manifest.name, given, chosen, urls, self.transport, clock)
        )

    def wire(self, check: Check) -> Checked:
        return Checked(check)

    def operations(self) -> list[str]:
        """What was sent, by operation."""
        return [exchange.operation for exchange in self.recorder.exchanges]


def _patient(recorder: MemoryRecorder, url: str, clock: Callable[[], datetime]) -> HttpServices:
    built = HttpServices.build(recorder=recorder, allowed_hosts=[url.removeprefix("http://")], clock=clock)
    return replace(built, sleep=lambda seconds: time.sleep(min(seconds, 0.01)))
