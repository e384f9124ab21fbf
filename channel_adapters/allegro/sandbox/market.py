"""The marketplace behind the API: its documents, and the work that is due later."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Response

from bridge.ports.sandbox import FaultKind, SandboxKit
from bridge.ports.sandbox_market import Marketplace
from channel_adapters.allegro.sandbox.options import Options

DAY = 86400.0
# Developer portal, FAQ: per client ID, over all endpoints.
CALLS_A_MINUTE = 9000
CURRENCIES = {"allegro-pl": "PLN", "allegro-cz": "CZK", "allegro-sk": "EUR", "allegro-hu": "HUF"}
LANGUAGES = {"allegro-pl": "pl-PL", "allegro-cz": "cs-CZ", "allegro-sk": "sk-SK", "allegro-hu": "hu-HU"}

Document = dict[str, Any]


def stamp(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_id() -> str:
    return str(uuid.uuid4())


class Market(Marketplace):
    """Everything a view works with."""

    def __init__(self, kit: SandboxKit, options: Options) -> None:
        super().__init__(kit)
        self.options = options
        self._minute, self._used = 0, 0
        kit.limits.documented = True

    @property
    def currency(self) -> str:
        return CURRENCIES[self.options.base]

    def admits(self) -> bool:
        """One more call in this minute, over all endpoints."""
        most = self.kit.limits.calls(self.options.limit, CALLS_A_MINUTE)
        if most is None:
            return True
        if (minute := int(self.now() // 60)) != self._minute:
            self._minute, self._used = minute, 0
        self._used += 1
        return self._used <= most


@dataclass
class Call:
    """One request to one operation. ``body`` is its JSON."""

    market: Market
    operation: str
    path: dict[str, str]
    body: Any = None

    def faulty(self, kind: FaultKind) -> dict[str, Any] | None:
        return self.market.faulty(self.operation, kind)


Handler = Callable[[Call], Response]
