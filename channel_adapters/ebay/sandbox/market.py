"""The marketplace behind the APIs: its documents, and the ways into them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Response

from bridge.ports.sandbox import Documents, FaultKind, SandboxKit
from channel_adapters.ebay.sandbox.options import Options

DAY = 86400.0
CURRENCIES = {
    "EBAY_CH": "CHF",
    "EBAY_PL": "PLN",
    "EBAY_GB": "GBP",
    "EBAY_US": "USD",
    "EBAY_CA": "CAD",
    "EBAY_AU": "AUD",
}

Document = dict[str, Any]


def stamp(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def currency_of(site: str) -> str:
    return CURRENCIES.get(site, "EUR")


class Market:
    """Everything a view works with. Views run one at a time, under the kit's lock."""

    def __init__(self, kit: SandboxKit, options: Options) -> None:
        self.kit = kit
        self.options = options
        self.emit: Callable[[Document], None] = lambda order: None

    @property
    def docs(self) -> Documents:
        return self.kit.docs

    def now(self) -> float:
        return time.time()

    def put(self, kind: str, key: str, document: Document) -> None:
        self.docs.put(kind, key, document)

    def touch(self, order: Document, **changes: Any) -> None:
        """An order changes."""
        order |= {**changes, "changed": self.now()}
        self.put("orders", order["id"], order)

    def settle(self) -> None:
        """Do what is due: cancellations and refunds that were on their way."""
        now = self.now()
        for cancel in self.docs.all("cancels").values():
            if cancel["state"] == "PENDING" and cancel["due"] <= now:
                self._cancelled(cancel)
        for order in self.docs.all("orders").values():
            for refund in order["refunds"]:
                if refund["status"] == "PENDING" and refund["due"] <= now:
                    refund |= {"status": "REFUNDED", "at": refund["due"]}
                    self.touch(order)

    def _cancelled(self, cancel: Document) -> None:
        cancel |= {"state": "COMPLETED", "completed": cancel["due"]}
        self.put("cancels", cancel["id"], cancel)
        self.touch(self.docs.all("orders")[cancel["order"]], cancelled=cancel["due"])

    # Documents by what they belong to

    def offers_of(self, sku: str) -> list[Document]:
        return [offer for offer in self.docs.all("offers").values() if offer["body"]["sku"] == sku]

    def cancels_of(self, order_id: str) -> list[Document]:
        return [cancel for cancel in self.docs.all("cancels").values() if cancel["order"] == order_id]

    def is_live(self, offer: Document) -> bool:
        return bool(offer["published"]) and self.shown(offer) > 0 and not offer["held"]

    def shown(self, offer: Document) -> int:
        """What the listing shows: the lesser of both quantities."""
        item = self.docs.get("items", offer["body"]["sku"]) or {}
        there = quantity_of(item)
        own = offer["body"].get("availableQuantity")
        return min(count for count in (there, own) if count is not None) if own is not None or there is not None else 0


def quantity_of(item: Document) -> int | None:
    found = item.get("availability", {}).get("shipToLocationAvailability", {}).get("quantity")
    return int(found) if found is not None else None


@dataclass
class Call:
    """One request to one operation."""

    market: Market
    operation: str
    path: dict[str, str]
    body: Any = None
    _partial: list[dict[str, Any]] | None = None

    def faulty(self, kind: FaultKind) -> dict[str, Any] | None:
        """The parameters of a fault of this kind, if one is in force for this operation."""
        fault = self.market.kit.faults.take(self.operation, kind)
        return None if fault is None else fault.params

    def faulty_item(self, place: int, named: Document) -> dict[str, Any] | None:
        """The same for one item of a batch: ``keys`` are SKUs or offer numbers, ``every`` counts places."""
        if self._partial is None:
            fault = self.market.kit.faults.take(self.operation, "partial")
            self._partial = [fault.params] if fault is not None else []
        for params in self._partial:
            keys, every = params.get("keys"), int(params.get("every", 1))
            if any(value in keys for value in named.values()) if keys is not None else place % every == 0:
                return params
        return None


Handler = Callable[[Call], Response]
