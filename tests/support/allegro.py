"""An Allegro connection over the real transport to its sandbox on a real socket, and the buyer's side of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx

from bridge.domain.listing import OfferContent
from bridge.domain.money import Money
from bridge.domain.order import Parcel, ParcelLine
from bridge.flows.admin import sandbox_place
from bridge.ports.adapter import Connection
from bridge.ports.channel import ItemResult, OfferDraft, OfferRef, Outcome, PriceUpdate, StockUpdate, SubmissionStatus
from bridge.ports.http import HttpServices, MemoryRecorder, Transport
from bridge.ports.manifest import Limit
from channel_adapters.allegro import ADAPTER
from channel_adapters.allegro.channel import AllegroChannel
from channel_adapters.allegro.sandbox import create_sandbox

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

Check = Callable[[httpx.Request, httpx.Response], Any]
Serve = Callable[..., str]


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


class Account:
    """A channel, the buyer's hand on the same sandbox, and all that was exchanged. Retries do not wait."""

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
        made = services or HttpServices.build(recorder=self.recorder, allowed_hosts=[host])
        self.services = replace(made, sleep=lambda seconds: time.sleep(min(seconds, 0.01)))
        known, urls = sandbox_place(ADAPTER, url)
        given = known | (credentials or {})
        self.transport = Transport(
            account="allegro:1",
            title="Allegro",
            services=self.services,
            limits={"*": Limit(calls=1000, seconds=1)},
            secrets=[given["client_secret"], given["refresh_token"]],
            wire=Checked(check) if check else None,
        )
        defaults = {field.name: field.default for field in ADAPTER.manifest.settings if field.default is not None}
        chosen = defaults | (settings or {})
        connection = Connection("1:1", "allegro", given, chosen, urls, self.transport, clock)
        self.channel: AllegroChannel = ADAPTER.connect(connection)

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
