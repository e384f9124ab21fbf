"""A bol connection over the real transport to a sandbox on a real socket."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from bridge.domain.listing import OfferContent
from bridge.domain.money import Money
from bridge.domain.order import Parcel, ParcelLine
from bridge.ports.channel import ItemResult, OfferDraft, OfferRef, Outcome, StockUpdate, SubmissionState
from channel_adapters.bol import ADAPTER
from channel_adapters.bol.channel import BolChannel
from tests.support.bol import EANS, Seller
from tests.support.connected import Check, Checked, Connected


class Account(Connected[BolChannel]):
    """A channel, the seller's hand on the same sandbox, and all that was exchanged."""

    adapter = ADAPTER

    def __init__(self, url: str, **given: Any) -> None:
        super().__init__(url, **given)
        self.seller = Seller(url)

    def wire(self, check: Check) -> Checked:
        return Checked(lambda request, response: request.url.path.startswith("/token") or check(request, response))


def draft(sku: str = "A-1", gtin: str | None = EANS[0], stock: int = 5, **more: Any) -> OfferDraft:
    price = Money(amount=Decimal("12.99"), currency="EUR")
    given = {"key": f"key {sku}", "price": price, "content": OfferContent(title="A mug")} | more
    return OfferDraft(sku=sku, gtin=gtin, stock=stock, **given)


def create(account: Account, **given: Any) -> OfferRef:
    result = account.channel.create_offers([draft(**given)])[0]
    assert result.outcome is Outcome.APPLIED
    assert result.offer_id
    gtin = given.get("gtin", EANS[0])
    return OfferRef(key="1", offer_id=result.offer_id, sku=given.get("sku", "A-1"), gtin=gtin)


def stock(offer: OfferRef, units: int) -> StockUpdate:
    return StockUpdate(stock=units, **offer.model_dump())


def at_sandbox(account: Account) -> dict[str, Any]:
    found: list[dict[str, Any]] = account.seller.control("GET", "offers")
    return found[0]


def parcel(line: str, quantity: int = 1, carrier: str = "TNT") -> Parcel:
    lines = (ParcelLine(external_id=line, quantity=quantity),)
    return Parcel(reference="SB-1", carrier=carrier, tracking="3SBOL1", lines=lines)


def status(account: Account, result: ItemResult) -> tuple[SubmissionState, str]:
    assert result.outcome is Outcome.SUBMITTED
    found = account.channel.follow([result.submission or ""])[0]
    return found.state, found.message


def wait_for(condition: Callable[[], Any]) -> Any:
    for _ in range(250):
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")
