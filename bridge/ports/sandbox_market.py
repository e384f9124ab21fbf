"""The marketplace behind a sandbox's views: its documents, and the work that is due later.

Work is done at the first request after its time has come, under the kit's lock: nothing runs beside the views. After
a restart the agenda is made anew from the documents.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable
from typing import Any

from bridge.ports.sandbox import Documents, FaultKind, SandboxKit


class Marketplace:
    """Everything a view works with. Views run one at a time, under the kit's lock.

    ``actions``: what is done for a key when its time has come, by name; ``rebuilders`` put on the agenda what the
    documents say is due.
    """

    def __init__(self, kit: SandboxKit) -> None:
        self.kit = kit
        self.actions: dict[str, Callable[[str], None]] = {}
        self.rebuilders: list[Callable[[], None]] = []
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
        """Do everything that is due."""
        now = self.now()
        while self._agenda and self._agenda[0][0] <= now:
            _, _, action, key = heapq.heappop(self._agenda)
            self.actions[action](key)

    def rebuild(self) -> None:
        """The agenda from the documents, at the start and after a reset."""
        self._agenda = []
        for rebuild in self.rebuilders:
            rebuild()

    def faulty(self, operation: str, kind: FaultKind) -> dict[str, Any] | None:
        """The parameters of a fault of this kind, if one is in force for this operation."""
        fault = self.kit.faults.take(operation, kind)
        return None if fault is None else fault.params
