"""The marketplace behind the API: its documents, the indexes over them, and the work that is due later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response

from bridge.ports.sandbox import FaultKind, SandboxKit
from bridge.ports.sandbox_market import Marketplace
from channel_adapters.bol.sandbox.limits import Limiter
from channel_adapters.bol.sandbox.options import Options

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
DAY = 86400.0

Document = dict[str, Any]


def stamp(epoch: float) -> str:
    """The moment as bol writes it: local time with offset."""
    return datetime.fromtimestamp(round(epoch), AMSTERDAM).isoformat()


def local_date(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, AMSTERDAM).date().isoformat()


def noon(date: str) -> float:
    return datetime.fromisoformat(f"{date}T12:00:00").replace(tzinfo=AMSTERDAM).timestamp()


@dataclass
class Index:
    """Ways into the documents. Rebuilt from them at the start."""

    offer_by_product: dict[tuple[str, str], str] = field(default_factory=dict)
    offers_by_reference: dict[str, set[str]] = field(default_factory=dict)
    order_of_item: dict[str, str] = field(default_factory=dict)
    items_of_offer: dict[str, set[str]] = field(default_factory=dict)
    return_of_rma: dict[str, str] = field(default_factory=dict)
    shipment_of_transport: dict[str, str] = field(default_factory=dict)

    def add_offer(self, offer: Document) -> None:
        self.offer_by_product[product_key(offer)] = offer["offerId"]
        self.offers_by_reference.setdefault(offer.get("reference") or "", set()).add(offer["offerId"])

    def remove_offer(self, offer: Document) -> None:
        self.offer_by_product.pop(product_key(offer), None)
        self.offers_by_reference.get(offer.get("reference") or "", set()).discard(offer["offerId"])

    def add_order(self, order: Document) -> None:
        for item in order["items"]:
            self.order_of_item[item["orderItemId"]] = order["orderId"]
            if item["offerId"]:
                self.items_of_offer.setdefault(item["offerId"], set()).add(item["orderItemId"])

    def add_return(self, document: Document) -> None:
        for item in document["items"]:
            self.return_of_rma[item["rmaId"]] = document["returnId"]

    def add_shipment(self, shipment: Document) -> None:
        self.shipment_of_transport[shipment["transportId"]] = shipment["shipmentId"]


def product_key(offer: Document) -> tuple[str, str]:
    """An EAN can be offered once per condition."""
    condition = offer["condition"]
    return offer["ean"], condition.get("state") or condition.get("grade") or condition["category"]


class Market(Marketplace):
    """Everything a view works with. Views run one at a time, under the kit's lock."""

    def __init__(self, kit: SandboxKit, options: Options) -> None:
        super().__init__(kit)
        self.options = options
        self.limiter = Limiter(options, kit.limits)
        self.index = Index()
        self.emit: Callable[[str, str, str], None] = lambda resource, kind, resource_id: None

    def rebuild(self) -> None:
        """Indexes and agenda from the documents, at the start and after a reset."""
        self.index = Index()
        self.limiter.forget()
        adders = {"offers": self.index.add_offer, "orders": self.index.add_order}
        adders |= {"returns": self.index.add_return, "shipments": self.index.add_shipment}
        for kind, add in adders.items():
            for document in self.docs.all(kind).values():
                add(document)
        super().rebuild()


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
