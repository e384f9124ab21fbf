"""The marketplace behind the APIs: its documents, and the ways into them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Response

from bridge.ports.sandbox import FaultKind, SandboxKit
from bridge.ports.sandbox_market import Marketplace
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


class Market(Marketplace):
    """Everything a view works with. Views run one at a time, under the kit's lock."""

    def __init__(self, kit: SandboxKit, options: Options) -> None:
        super().__init__(kit)
        self.options = options
        self.emit: Callable[[Document], None] = lambda order: None
        self.actions |= {"cancel": self._cancelled, "refund": self._refunded}
        self.rebuilders.append(self._resume)

    def put(self, kind: str, key: str, document: Document) -> None:
        self.docs.put(kind, key, document)

    def touch(self, order: Document, **changes: Any) -> None:
        """An order changes."""
        order |= {**changes, "changed": self.now()}
        self.put("orders", order["id"], order)

    # Cancellations and refunds are through after a while

    def cancel_soon(self, cancel: Document) -> None:
        cancel |= {"state": "PENDING", "due": self.now() + self.options.cancel_seconds}
        self.put("cancels", cancel["id"], cancel)
        self.schedule(cancel["due"], "cancel", cancel["id"])

    def _cancelled(self, key: str) -> None:
        cancel = self.docs.all("cancels")[key]
        self.put("cancels", key, cancel | {"state": "COMPLETED", "completed": cancel["due"]})
        self.touch(self.docs.all("orders")[cancel["order"]], cancelled=cancel["due"])

    def _refunded(self, order_id: str) -> None:
        order, now = self.docs.all("orders")[order_id], self.now()
        for refund in order["refunds"]:
            if refund["status"] == "PENDING" and refund["due"] <= now:
                refund |= {"status": "REFUNDED", "at": refund["due"]}
        self.touch(order)

    def _resume(self) -> None:
        for cancel in self.docs.all("cancels").values():
            if cancel["state"] == "PENDING":
                self.schedule(cancel["due"], "cancel", cancel["id"])
        for order in self.docs.all("orders").values():
            for refund in order["refunds"]:
                if refund["status"] == "PENDING":
                    self.schedule(refund["due"], "refund", order["id"])

    # Documents by what they belong to

    def offers_of(self, sku: str) -> list[Document]:
        return [offer for offer in self.docs.all("offers").values() if offer["body"]["sku"] == sku]

    def offers_by_ean(self, ean: str) -> list[Document]:
        items = self.docs.all("items")
        names = ("ean", "upc", "isbn")
        skus = {sku for sku, item in items.items() if any(ean in item["product"].get(name, []) for name in names)}
        return [offer for offer in self.docs.all("offers").values() if offer["body"]["sku"] in skus]

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
        return self.market.faulty(self.operation, kind)

    def faulty_item(self, place: int, named: Document) -> dict[str, Any] | None:
        """The same for one item of a batch: ``keys`` are SKUs or offer numbers, ``every`` counts places."""
        if self._partial is None:
            params = self.market.faulty(self.operation, "partial")
            self._partial = [params] if params is not None else []
        for params in self._partial:
            keys, every = params.get("keys"), int(params.get("every", 1))
            if any(value in keys for value in named.values()) if keys is not None else place % every == 0:
                return params
        return None


Handler = Callable[[Call], Response]
