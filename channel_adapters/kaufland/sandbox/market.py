"""The marketplace behind the API: its documents, the ways into them, and the work that is due later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Response

from bridge.ports.sandbox import FaultKind, SandboxKit
from bridge.ports.sandbox_market import Marketplace
from channel_adapters.kaufland.sandbox.options import Options

DAY = 86400.0
# Seller API documentation, rate limiting: over all endpoints.
CALLS_A_SECOND = 111
CURRENCIES = {"cz": "CZK", "pl": "PLN"}
LOCALES = {
    "de": "de-DE",
    "cz": "cs-CZ",
    "sk": "sk-SK",
    "pl": "pl-PL",
    "at": "de-AT",
    "fr": "fr-FR",
    "it": "it-IT",
}

Document = dict[str, Any]


def stamp(epoch: float) -> str:
    return datetime.fromtimestamp(int(epoch), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Market(Marketplace):
    """Everything a view works with. Views run one at a time, under the kit's lock."""

    def __init__(self, kit: SandboxKit, options: Options) -> None:
        super().__init__(kit)
        self.options = options
        self.emit: Callable[[str, str, str], None] = lambda event, resource, storefront: None
        self._second, self._used = 0, 0
        kit.limits.documented = True

    def admits(self) -> bool:
        """One more call in this second, over all endpoints."""
        most = self.kit.limits.calls(self.options.limit, CALLS_A_SECOND)
        if most is None:
            return True
        if (second := int(self.now())) != self._second:
            self._second, self._used = second, 0
        self._used += 1
        return self._used <= most

    # Documents by what they belong to

    def units_of(self, storefront: str) -> list[Document]:
        return [unit for unit in self.docs.all("units").values() if unit["storefront"] == storefront]

    def pieces_of(self, order_id: str) -> list[Document]:
        order = self.docs.all("orders")[order_id]
        pieces = self.docs.all("pieces")
        return [pieces[key] for key in order["pieces"]]

    def change_piece(self, piece: Document, **changes: Any) -> None:
        before = piece["status"]
        piece |= {**changes, "updated": self.now()}
        self.docs.put("pieces", piece["key"], piece)
        if piece["status"] != before:
            self.emit("order_unit_status_changed", f"/order-units/{piece['key']}", piece["storefront"])


@dataclass
class Call:
    """One request to one operation."""

    market: Market
    operation: str
    path: dict[str, str]
    body: Any = None

    def faulty(self, kind: FaultKind) -> dict[str, Any] | None:
        """The parameters of a fault of this kind, if one is in force for this operation."""
        return self.market.faulty(self.operation, kind)


Handler = Callable[[Call], Response]
