"""The operator behind the API: its documents, and the work that is due later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Response

from bridge.ports.sandbox import FaultKind, SandboxKit
from bridge.ports.sandbox_market import Marketplace
from channel_adapters.mirakl.sandbox.options import Options

Document = dict[str, Any]


def stamp(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Market(Marketplace):
    """Everything a view works with. Views run one at a time, under the kit's lock."""

    def __init__(self, kit: SandboxKit, options: Options) -> None:
        super().__init__(kit)
        self.options = options
        self.due: list[Callable[[], None]] = []

    def settle(self) -> None:
        """Do everything whose time has come: each kind of work looks through what waits for it."""
        for work in self.due:
            work()


@dataclass
class Call:
    """One request to one operation. ``body`` is its JSON, checked."""

    market: Market
    operation: str
    path: dict[str, str]
    body: Any = None

    def faulty(self, kind: FaultKind) -> dict[str, Any] | None:
        """The parameters of a fault of this kind, if one is in force for this operation."""
        return self.market.faulty(self.operation, kind)


Handler = Callable[[Call], Response]
