"""The ground of the contract suite: adapters are found as the engine finds them, by entry point, and each is connected
to its own sandbox over real HTTP. The rules stand in test_every_adapter.py; one added there reaches every adapter.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.flows.admin import sandbox_place
from bridge.ports.adapter import Adapter, Connection
from bridge.ports.channel import Channel
from bridge.ports.http import HttpServices, MemoryRecorder, Transport
from bridge.ports.manifest import Capability, Limit
from bridge.ports.platform import Platform
from bridge.ports.quality import load_quality
from bridge.registry import discover

FOUND = discover()
# What a capability promises, in methods of the contract.
METHODS: Mapping[str, Mapping[Capability, tuple[str, ...]]] = {
    "channel": {
        Capability.CHECK: ("check",),
        Capability.OFFERS: (
            "find_offers",
            "create_offers",
            "update_stock",
            "update_prices",
            "end_offers",
            "sale_status",
        ),
        Capability.CONTENT: ("update_content",),
        Capability.READ_BACK: ("list_offers",),
        Capability.ORDERS: ("list_orders", "list_open_orders", "fetch_order", "acknowledge_order"),
        Capability.SHIPMENTS: ("confirm_shipment", "carrier_code", "follow"),
        Capability.CANCEL: ("cancel_line",),
        Capability.RETURNS: ("list_returns", "decide_return"),
        Capability.PUSH: ("push_hints", "ensure_push"),
        Capability.SCORE: ("score",),
        Capability.CATEGORIES: ("list_categories",),
        Capability.REQUIREMENTS: ("requirements",),
        Capability.ACCEPT: ("accept_order",),
        Capability.ANSWER_CANCELLATION: ("refuse_cancellation",),
        Capability.REFUNDS: ("refund",),
        Capability.FEED: ("feed", "sale_status"),
    },
    "platform": {
        Capability.CHECK: ("check",),
        Capability.CATALOGUE: ("list_products", "list_variants", "fetch_products"),
        Capability.CREATE_ORDER: ("find_orders", "create_order", "list_orders", "fetch_orders", "add_note"),
        Capability.CANCEL: ("cancel_order",),
        Capability.REFUNDS: ("refund_lines",),
        Capability.RETURNS: ("announce_return", "accept_return", "drop_return"),
        Capability.WEBHOOKS: ("ensure_webhooks", "remove_webhooks"),
        Capability.STOCK_WRITE: ("set_stock",),
    },
}
SINCE = datetime.now(UTC) - timedelta(minutes=30)
# The lists of each kind, as calls: each must bear an empty answer, a fault and a refusal.
LISTS: Mapping[str, Mapping[Capability, Callable[[Any], Any]]] = {
    "channel": {
        Capability.READ_BACK: lambda channel: channel.list_offers(None),
        Capability.ORDERS: lambda channel: channel.list_orders(SINCE, None),
        Capability.RETURNS: lambda channel: channel.list_returns(None),
    },
    "platform": {
        Capability.CATALOGUE: lambda platform: platform.list_products(SINCE, None),
        Capability.CREATE_ORDER: lambda platform: platform.list_orders(SINCE, None),
    },
}


def rule(name: str, kind: str | None = None, *, needs: Capability | None = None) -> pytest.MarkDecorator:
    """The test proves this rule of the quality scale, for each adapter (of this kind, with this capability) that says it
    keeps it."""
    return pytest.mark.rule(name, kind=kind, needs=needs)


def keepers(name: str | None, kind: str | None, needs: Capability | None) -> list[Adapter]:
    """The installed adapters a test is for."""
    of_kind = [item for item in FOUND.all() if kind in (None, item.manifest.kind)]
    of_kind = [item for item in of_kind if needs is None or needs in item.manifest.capabilities]
    return [item for item in of_kind if name is None or name in _done(item.folder, item.manifest.kind)]


@cache
def _done(folder: Path, kind: str) -> tuple[str, ...]:
    return load_quality(folder, kind).done


@dataclass
class Bench:
    """One adapter connected to its own sandbox over real HTTP, with everything that was exchanged."""

    adapter: Adapter
    url: str
    recorder: MemoryRecorder = field(default_factory=MemoryRecorder)
    services: HttpServices | None = None
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=60, trust_env=False, verify=False))

    def connect(self, settings: Mapping[str, Any] | None = None, **changed: str) -> Any:
        """The adapter's object; ``changed`` are credentials to get wrong."""
        return self.adapter.connect(self.connection(settings, **changed))

    def connection(self, settings: Mapping[str, Any] | None = None, **changed: str) -> Connection:
        manifest = self.adapter.manifest
        credentials, urls = sandbox_place(self.adapter, self.url)
        credentials |= changed
        host = self.url.removeprefix("http://")
        # As the processes of one installation share what is in Redis: tokens, limits, the breaker.
        self.services = self.services or HttpServices.build(recorder=self.recorder, allowed_hosts=[host])
        secrets = [str(credentials[item.name]) for item in manifest.credentials if item.kind == "secret"]
        transport = Transport(
            account="suite:1",
            title=manifest.title,
            services=self.services,
            limits={"*": Limit(calls=100000, seconds=1)},  # some count in points
            secrets=secrets,
        )
        defaults = {item.name: item.default for item in manifest.settings if item.default is not None}
        chosen = defaults | dict(self.adapter.sandbox_settings) | dict(settings or {})
        return Connection("suite:1", "suite", credentials, chosen, urls, transport, lambda: datetime.now(UTC))

    def lists(self) -> Mapping[str, Callable[[Any], Any]]:
        """The lists this adapter declares, by capability."""
        declared = self.adapter.manifest.capabilities
        known = LISTS[self.adapter.manifest.kind]
        return {capability.value: call for capability, call in known.items() if capability in declared}

    def fault(self, kind: str, times: int | None = None, **params: Any) -> None:
        answer = self.http.post(f"{self.url}/_sandbox/faults", json={"kind": kind, "times": times, "params": params})
        assert answer.status_code == 201, answer.text

    def heal(self) -> None:
        self.http.delete(f"{self.url}/_sandbox/faults")

    def seen(self) -> list[dict[str, Any]]:
        """What reached the sandbox, in order."""
        found: list[dict[str, Any]] = self.http.get(f"{self.url}/_sandbox/requests").json()
        return found


def missing_methods(adapter: Adapter, made: object) -> list[str]:
    """Methods that a declared capability promises and that are not there, or take other arguments than promised."""
    kind = adapter.manifest.kind
    contract = Channel if kind == "channel" else Platform
    wrong: list[str] = []
    for capability in adapter.manifest.capabilities:
        for name in METHODS[kind].get(capability, ()):
            found = getattr(made, name, None)
            if found is None:
                wrong.append(f"{capability.value}: {name} is missing")
                continue
            promised = list(inspect.signature(getattr(contract, name)).parameters)[1:]
            given = list(inspect.signature(found).parameters)
            if given[: len(promised)] != promised:
                wrong.append(f"{capability.value}: {name}({', '.join(given)}) instead of ({', '.join(promised)})")
    return wrong
