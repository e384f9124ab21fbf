"""A Mirakl connection over the real transport to an operator in miniature on a real socket, and the buyer's side of it."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

from bridge.domain.listing import OfferContent
from bridge.domain.money import Money
from bridge.domain.order import Parcel, ParcelLine
from bridge.ports.channel import ItemResult, OfferDraft, OfferRef, Outcome, StockUpdate, SubmissionState
from channel_adapters.mirakl import ADAPTER
from channel_adapters.mirakl.channel import MiraklChannel
from tests.support.connected import Connected

EANS = ("8718526069334", "8712345678906", "4006381333931", "9780306406157", "5901234123457")
AT_ONCE: dict[str, Any] = {"import_seconds": 0, "product_seconds": 0, "debit_seconds": 0}


class Shop(Connected[MiraklChannel]):
    """A channel, the buyer's hand on the same sandbox, and all that was exchanged."""

    adapter = ADAPTER

    def offer(self, sku: str = "A-1", **more: Any) -> OfferRef:
        """An offer that exists already."""
        given = {"sku": sku, "ean": EANS[0], "stock": 5, "price": 12.99} | more
        self.control("POST", "offers", given)
        return OfferRef(key=f"key {sku}", offer_id=sku, sku=sku, gtin=given["ean"])

    def shown(self, sku: str = "A-1") -> dict[str, Any]:
        found: list[dict[str, Any]] = self.control("GET", "offers")
        return next(offer for offer in found if offer["sku"] == sku)

    def order(self, sku: str = "A-1", quantity: int = 1, **more: Any) -> tuple[str, str]:
        """A buyer orders; order id and the id of its first line."""
        line = {"sku": sku, "quantity": quantity} | more.pop("line", {})
        order_id = self.control("POST", "orders", {"lines": [line], **more})["order_id"]
        return order_id, f"{order_id}-1"

    def placed(self, order_id: str) -> dict[str, Any]:
        found: list[dict[str, Any]] = self.control("GET", "orders")
        return next(order for order in found if order["order_id"] == order_id)

    def end_of(self, result: ItemResult) -> tuple[SubmissionState, str]:
        """What an item's imports came to."""
        assert result.outcome is Outcome.SUBMITTED, result
        for _ in range(200):
            found = self.channel.follow([result.submission or ""])[0]
            if found.state is not SubmissionState.PENDING:
                break
            time.sleep(0.02)
        return found.state, found.message


def euro(amount: str) -> Money:
    return Money(amount=Decimal(amount), currency="EUR")


def draft(sku: str = "A-1", gtin: str | None = EANS[0], stock: int = 5, **more: Any) -> OfferDraft:
    given = {"key": f"key {sku}", "price": euro("12.99"), "content": OfferContent(title="A mug")} | more
    return OfferDraft(sku=sku, gtin=gtin, stock=stock, **given)


def stock(offer: OfferRef, units: int) -> StockUpdate:
    return StockUpdate(stock=units, **offer.model_dump())


def parcel(line: str, quantity: int = 1, carrier: str = "DHL") -> Parcel:
    lines = (ParcelLine(external_id=line, quantity=quantity),)
    return Parcel(reference="SB-1", carrier=carrier, tracking="JD0123", lines=lines)
