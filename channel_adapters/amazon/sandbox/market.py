"""The marketplace behind the API: its documents, and the work that is due later."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Response

from bridge.ports.sandbox import Documents, FaultKind, SandboxKit
from channel_adapters.amazon.sandbox.limits import Limiter
from channel_adapters.amazon.sandbox.options import Options

DAY = 86400.0
Document = dict[str, Any]


class Market:
    """Everything a view works with. Views run one at a time, under the kit's lock.

    Whatever has to happen later is written down in its document (``due``) and put on the agenda; after a restart the
    agenda is made anew from the documents.
    """

    def __init__(self, kit: SandboxKit, options: Options) -> None:
        self.kit = kit
        self.options = options
        self.limiter = Limiter(options)
        self.actions: dict[str, Callable[[str], None]] = {}
        self._agenda: list[tuple[float, int, str, str]] = []
        self._turn = 0

    @property
    def docs(self) -> Documents:
        return self.kit.docs

    def now(self) -> float:
        return time.time()

    def schedule(self, due: float, action: str, key: str) -> None:
        """Run ``action`` for ``key`` at the first request after ``due``."""
        self._turn += 1
        heapq.heappush(self._agenda, (due, self._turn, action, key))

    def settle(self) -> None:
        now = self.now()
        while self._agenda and self._agenda[0][0] <= now:
            _, _, action, key = heapq.heappop(self._agenda)
            self.actions[action](key)

    def rebuild(self) -> None:
        """At the start and after a reset. ``actions`` are named like the documents they are about."""
        self._agenda = []
        self.limiter.forget()
        for kind in self.actions:
            for key, document in self.docs.all(kind).items():
                if document.get("due") is not None:
                    self.schedule(document["due"], kind, key)


@dataclass
class Call:
    """One request to one operation."""

    market: Market
    operation: str
    path: dict[str, str]

    def faulty(self, kind: FaultKind) -> dict[str, Any] | None:
        """The parameters of a fault of this kind, if one is in force for this operation."""
        fault = self.market.kit.faults.take(self.operation, kind)
        return None if fault is None else fault.params


Handler = Callable[[Call], Response]
