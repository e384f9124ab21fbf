"""A bol connection over the real transport to a sandbox on a real socket."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx

from bridge.domain.listing import OfferContent
from bridge.domain.money import Money
from bridge.domain.order import Parcel, ParcelLine
from bridge.flows.admin import sandbox_place
from bridge.ports.adapter import Connection
from bridge.ports.channel import ItemResult, OfferDraft, OfferRef, Outcome, StockUpdate, SubmissionState
from bridge.ports.http import HttpServices, MemoryRecorder, Transport
from bridge.ports.manifest import Limit
from channel_adapters.bol import ADAPTER
from channel_adapters.bol.channel import BolChannel
from tests.support.bol import EANS, Check, Seller


class Checked(httpx.HTTPTransport):
    """The network, with somebody looking on."""

    def __init__(self, check: Check) -> None:
        super().__init__()
        self._check = check

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        response = super().handle_request(request)
        response.read()
        if not request.url.path.startswith("/token"):
            seen = httpx.Response(response.status_code, headers=response.headers, content=response.content)
            self._check(request, seen)
        return response


class Account:
    """A channel, the seller's hand on the same sandbox, and all that was exchanged."""

    def __init__(
        self,
        url: str,
        *,
        check: Check | None = None,
        credentials: dict[str, str] | None = None,
        settings: dict[str, Any] | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.seller = Seller(url)
        self.recorder = MemoryRecorder()
        host = url.removeprefix("http://")
        services = HttpServices.build(recorder=self.recorder, allowed_hosts=[host], clock=clock)
        known, urls = sandbox_place(ADAPTER, url)
        given = credentials or known
        self.transport = Transport(
            account="bol:1",
            title="bol.com",
            services=services,
            limits={"*": Limit(calls=1000, seconds=1)},
            secrets=given.values(),
            wire=Checked(check) if check else None,
        )
        connection = Connection("1:1", "bol", given, settings or {}, urls, self.transport, clock)
        self.channel: BolChannel = ADAPTER.connect(connection)

    def operations(self) -> list[str]:
        return [exchange.operation for exchange in self.recorder.exchanges]


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
