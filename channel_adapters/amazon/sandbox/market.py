"""The marketplace behind the API: its documents, and the work that is due later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Response

from bridge.ports.sandbox import FaultKind, SandboxKit
from bridge.ports.sandbox_consent import seller
from bridge.ports.sandbox_market import Marketplace
from channel_adapters.amazon.sandbox.limits import Limiter
from channel_adapters.amazon.sandbox.options import Options

DAY = 86400.0
Document = dict[str, Any]


class Market(Marketplace):
    """Everything a view works with. Views run one at a time, under the kit's lock.

    Whatever has to happen later is written down in its document (``due``) and put on the agenda; after a restart the
    agenda is made anew from the documents.
    """

    def __init__(self, kit: SandboxKit, options: Options) -> None:
        super().__init__(kit)
        self.options = options
        self.limiter = Limiter(options, kit.limits)

    @property
    def seller(self) -> str:
        return seller(self, self.options.seller_id)

    def rebuild(self) -> None:
        """At the start and after a reset. ``actions`` are named like the documents they are about."""
        super().rebuild()
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
        return self.market.faulty(self.operation, kind)


Handler = Callable[[Call], Response]
