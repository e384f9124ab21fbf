"""An Allegro connection over the real transport to its sandbox on a real socket, and the buyer's side of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from bridge.domain.listing import OfferContent
from bridge.domain.money import Money
from bridge.domain.order import Parcel, ParcelLine
from bridge.ports.channel import ItemResult, OfferDraft, OfferRef, Outcome, PriceUpdate, StockUpdate, SubmissionStatus
from channel_adapters.allegro import ADAPTER
from channel_adapters.allegro.channel import AllegroChannel
from channel_adapters.allegro.sandbox import create_sandbox
from tests.support.connected import Connected, Serve

EANS = ("5901234123457", "8718526069334", "8712345678906", "4006381333931", "9780306406157")
AT_ONCE: dict[str, Any] = {
    "base": "allegro-pl",
    "offer_seconds": 0,
    "command_seconds": 0,
    "refund_seconds": 0,
    "limit": None,
}
MUGS = "257930"
TITLE = "Kubek ceramiczny biały 300 ml"


class Account(Connected[AllegroChannel]):
    """A channel, the buyer's hand on the same sandbox, and all that was exchanged. Retries do not wait."""

    adapter = ADAPTER

    def seen(self, operation: str) -> list[dict[str, Any]]:
        """Requests of one operation that reached the sandbox."""
        found: list[dict[str, Any]] = self.control("GET", "requests")
        return [item for item in found if item["op"] == operation]

    def offer(self, sku: str = "A-1", **more: Any) -> OfferRef:
        """An offer that exists already."""
        given = {"sku": sku, "ean": EANS[0], "stock": 5, "price": 49.99} | more
        number = self.control("POST", "offers", given)["offer_id"]
        return OfferRef(key=f"key {sku}", offer_id=number, sku=sku, gtin=given["ean"])

    def shown(self, sku: str = "A-1") -> dict[str, Any]:
        found: list[dict[str, Any]] = self.control("GET", "offers")
        return next(offer for offer in found if offer["sku"] == sku)

    def order(self, *skus: str, quantity: int = 1, **more: Any) -> tuple[str, list[str]]:
        """A buyer orders; order id and the ids of its lines."""
        extra = more.pop("line", {})
        lines = [{"sku": sku, "quantity": quantity} | extra for sku in skus or ("A-1",)]
        order_id = self.control("POST", "orders", {"lines": lines, **more})["order_id"]
        return order_id, [line["line_id"] for line in self.placed(order_id)["lines"]]

    def placed(self, order_id: str) -> dict[str, Any]:
        found: list[dict[str, Any]] = self.control("GET", "orders")
        return next(order for order in found if order["order_id"] == order_id)

    def end_of(self, result: ItemResult) -> SubmissionStatus:
        """What the submission of an item came to."""
        assert result.outcome is Outcome.SUBMITTED, result
        return self.channel.follow([result.submission or ""])[0]


Open = Callable[..., Account]


def opener(serve: Serve) -> Open:
    """``sandbox`` has options of the sandbox, the rest are the account's."""

    def open_account(sandbox: dict[str, Any] | None = None, **given: Any) -> Account:
        return Account(serve(create_sandbox(**AT_ONCE | (sandbox or {}))), **given)

    return open_account


def money(amount: str, currency: str = "PLN") -> Money:
    return Money(amount=Decimal(amount), currency=currency)


def content(**more: Any) -> OfferContent:
    return OfferContent(**{"title": TITLE, "description": "<p>Do kawy i <b>herbaty</b>.</p>"} | more)


def draft(sku: str = "A-1", gtin: str | None = EANS[0], stock: int = 5, **more: Any) -> OfferDraft:
    given = {"key": f"key {sku}", "price": money("49.99"), "content": content()} | more
    return OfferDraft(sku=sku, gtin=gtin, stock=stock, **given)


def stock(offer: OfferRef, units: int) -> StockUpdate:
    return StockUpdate(stock=units, **offer.model_dump())


def priced(offer: OfferRef, amount: str, currency: str = "PLN") -> PriceUpdate:
    return PriceUpdate(price=money(amount, currency), **offer.model_dump())


def parcel(lines: Sequence[tuple[str, int]], tracking: str = "JD0123", carrier: str = "DHL") -> Parcel:
    inside = tuple(ParcelLine(external_id=line, quantity=quantity) for line, quantity in lines)
    return Parcel(reference=f"SB-{tracking}", carrier=carrier, tracking=tracking, lines=inside)
