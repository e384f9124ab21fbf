"""The operator behind the API: its documents, and the work that is due later."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Response

from bridge.ports.sandbox import Documents, FaultKind, SandboxKit
from channel_adapters.mirakl.sandbox.options import Options

Document = dict[str, Any]


def stamp(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Market:
    """Everything a view works with. Views run one at a time, under the kit's lock."""

    def __init__(self, kit: SandboxKit, options: Options) -> None:
        self.kit = kit
        self.options = options
        self.due: list[Callable[[], None]] = []

    @property
    def docs(self) -> Documents:
        return self.kit.docs

    def now(self) -> float:
        return time.time()

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
        fault = self.market.kit.faults.take(self.operation, kind)
        return None if fault is None else fault.params


Handler = Callable[[Call], Response]
