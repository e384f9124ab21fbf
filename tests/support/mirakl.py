"""A Mirakl connection over the real transport to an operator in miniature on a real socket, and the buyer's side of it."""

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
from channel_adapters.mirakl import ADAPTER
from channel_adapters.mirakl.channel import MiraklChannel

EANS = ("8718526069334", "8712345678906", "4006381333931", "9780306406157", "5901234123457")
AT_ONCE: dict[str, Any] = {"import_seconds": 0, "product_seconds": 0, "debit_seconds": 0}
Check = Callable[[httpx.Request, httpx.Response], Any]


class Checked(httpx.HTTPTransport):
    """The network, with somebody looking on."""

    def __init__(self, check: Check) -> None:
        super().__init__()
        self._check = check

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        response = super().handle_request(request)
        response.read()
        self._check(request, httpx.Response(response.status_code, headers=response.headers, content=response.content))
        return response


class Shop:
    """A channel, the buyer's hand on the same sandbox, and all that was exchanged."""

    def __init__(
        self,
        url: str,
        *,
        check: Check | None = None,
        credentials: dict[str, str] | None = None,
        settings: dict[str, Any] | None = None,
        services: HttpServices | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.http = httpx.Client(base_url=url, timeout=20, trust_env=False)
        self.recorder = MemoryRecorder()
        host = url.removeprefix("http://")
        self.services = services or HttpServices.build(recorder=self.recorder, allowed_hosts=[host], clock=clock)
        known, urls = sandbox_place(ADAPTER, url)
        given = known | (credentials or {})
        transport = Transport(
            account="mirakl:1",
            title="Mirakl",
            services=self.services,
            limits={"*": Limit(calls=1000, seconds=1)},
            secrets=[given["api_key"]],
            wire=Checked(check) if check else None,
        )
        defaults = {field.name: field.default for field in ADAPTER.manifest.settings if field.default is not None}
        connection = Connection("1:1", "mirakl", given, defaults | (settings or {}), urls, transport, clock)
        self.channel: MiraklChannel = ADAPTER.connect(connection)

    def operations(self) -> list[str]:
        """What was sent, by operationId."""
        return [exchange.operation for exchange in self.recorder.exchanges]

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.http.request(method, f"/_sandbox/{path}", json=body)
        answer.raise_for_status()
        return answer.json()

    def fault(self, kind: str, operation: str = "*", **more: Any) -> None:
        self.control("POST", "faults", {"kind": kind, "operation": operation, **more})

    def heal(self) -> None:
        self.control("DELETE", "faults")

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
