"""The marketplace behind the API: its documents, the ways into them, and the work that is due later."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Response

from bridge.ports.sandbox import FaultKind, SandboxKit
from bridge.ports.sandbox_market import Marketplace
from channel_adapters.zalando.sandbox.options import Options

# Country, currency and number of sales channels; the first number is the one of the documentation's examples.
CHANNELS = {
    "de": ("Germany", "EUR", "01924c48-49bb-40c2-9c32-ab582e6db6f4"),
    "fr": ("France", "EUR", "733af55a-4133-4d7c-b5f3-d64d42c135fe"),
    "nl": ("Netherlands", "EUR", "ca9d5f22-2a1b-4799-b3b7-83f47c191489"),
    "uk": ("United Kingdom", "GBP", "67d78f40-5a6c-4d5b-8b0e-2f7a0d5d0a10"),
    "pl": ("Poland", "PLN", "ca53e2d0-5a26-4b6e-9a6d-1a9e3c2b7f11"),
    "ch": ("Switzerland", "CHF", "1f2e3d4c-5b6a-4978-8796-a5b4c3d2e1f0"),
}
NUMBERS = {number: code for code, (_, _, number) in CHANNELS.items()}

Document = dict[str, Any]


def stamp(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def pair(channel: str, ean: str) -> str:
    """The key of what belongs to an article in a sales channel."""
    return f"{channel.lower()}|{ean}"


class Market(Marketplace):
    """Everything a view works with. Views run one at a time, under the kit's lock."""

    def __init__(self, kit: SandboxKit, options: Options) -> None:
        super().__init__(kit)
        self.options = options
        self._minutes: dict[str, tuple[int, float]] = {}
        kit.limits.documented = True

    def admits(self, budget: str, documented: float, cost: float = 1) -> bool:
        """One more call, or ``cost`` more updates, in this minute."""
        most = self.kit.limits.calls(documented if self.options.limits else None, documented)
        if most is None:
            return True
        minute = int(self.now() / 60)
        known, used = self._minutes.get(budget, (minute, 0.0))
        used = cost if known != minute else used + cost
        self._minutes[budget] = (minute, used)
        return used <= most

    def new_uuid(self, name: str) -> str:
        """Never the same twice, and the same in every run."""
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{name} {self.docs.next_id(name)}"))

    def is_live(self, channel: str) -> bool:
        return NUMBERS.get(channel.lower()) in self.options.countries

    def article(self, ean: str) -> Document | None:
        """What this merchant has named or introduced."""
        found: Document | None = self.docs.get("articles", ean)
        return found

    def knows(self, ean: str) -> bool:
        """Whether the catalogue has this article: by somebody, or by this merchant once it was judged."""
        article = self.article(ean)
        onboarded = article is not None and article["state"] == "onboarded"
        return onboarded or (self.options.known_products == "all" and article is None)

    def is_onboarded(self, ean: str) -> bool:
        article = self.article(ean)
        return self.options.known_products == "all" if article is None else article["state"] == "onboarded"

    def stock_of(self, channel: str, ean: str) -> int:
        return int((self.docs.get("stocks", pair(channel, ean)) or {"quantity": 0})["quantity"])

    def price_of(self, channel: str, ean: str) -> Document | None:
        found: Document | None = self.docs.get("prices", pair(channel, ean))
        return found

    def is_for_sale(self, channel: str, ean: str) -> bool:
        has_price = self.price_of(channel, ean) is not None
        return self.is_live(channel) and self.is_onboarded(ean) and has_price and self.stock_of(channel, ean) > 0


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
