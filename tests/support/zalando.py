"""A Zalando connection over the real transport to a sandbox on a real socket, and a partner's hand-made calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import yaml

from bridge.domain.listing import OfferContent
from bridge.domain.money import Money
from bridge.domain.order import Parcel, ParcelLine
from bridge.ports.channel import ItemResult, OfferDraft, OfferRef, Outcome, PriceUpdate, StockUpdate
from channel_adapters.zalando import ADAPTER
from channel_adapters.zalando.channel import ZalandoChannel
from channel_adapters.zalando.sandbox import create_sandbox
from channel_adapters.zalando.sandbox.market import CHANNELS
from channel_adapters.zalando.sandbox.options import CLIENT_ID, CLIENT_SECRET, DEFAULT_ATTRIBUTES, MERCHANT, OUTLINE
from tests.support.connected import Check, Connected, Hand, Serve
from tests.support.openapi import Description, Exchange

CONTRACT = Path(__file__).parents[1] / "fixtures" / "zalando" / "contract.yaml"
EANS = ("8718526069334", "8712345678906", "4006381333931", "9780306406157", "5901234123457")
AT_ONCE: dict[str, Any] = {
    "price_seconds": 0,
    "article_seconds": 0,
    "report_seconds": 0,
    "apart_seconds": 0,
    "limits": False,
}
OUTLINED = {"default_outline": OUTLINE, "default_attributes": list(DEFAULT_ATTRIBUTES)}
DE = CHANNELS["de"][2]
JSON_API = {"Accept": "application/vnd.api+json", "Content-Type": "application/vnd.api+json"}


class Contract:
    """Every exchange against the condensed descriptions."""

    def __init__(self) -> None:
        self.description = Description(yaml.safe_load(CONTRACT.read_text(encoding="utf-8")))

    def check(self, request: httpx.Request, response: httpx.Response) -> Exchange:
        exchange = Exchange(request, response, self.description.operation(request.method, request.url.path) or "")
        if not exchange.operation:
            exchange.faults.append("no such operation in the description")
            return exchange
        if (
            exchange.operation == "token"
            and response.is_success
            and request.content != b"grant_type=client_credentials"
        ):
            exchange.faults.append("the grant is told as a form")
        if response.status_code not in (400, 401, 406, 415):  # refused as malformed: what was sent need not be valid
            exchange.faults += self.description.faults_of_request(request)
        exchange.faults += self.description.faults_of_response(request, response)
        return exchange


class Partner(Hand):
    """Sends what it is told to send. ``check`` sees every exchange."""

    def __init__(self, base_url: str, check: Check | None = None) -> None:
        super().__init__(base_url)
        self.check = check
        self._token = ""

    def token(self) -> str:
        if not self._token:
            form = {"grant_type": "client_credentials"}
            answer = self._sent(
                self.http.build_request("POST", "/auth/token", data=form, headers={"Authorization": basic()})
            )
            self._token = answer.json()["access_token"]
        return self._token

    def call(self, method: str, path: str, body: Any = None, **options: Any) -> httpx.Response:
        """Paths that begin with ``~`` are the merchant's."""
        headers = {"Authorization": f"Bearer {self.token()}", "Accept": "application/json"} | options.pop("headers", {})
        url = path.replace("~", f"/merchants/{MERCHANT}", 1)
        return self._sent(self.http.build_request(method, url, json=body, headers=headers, **options))

    def api(self, method: str, path: str, body: Any = None, **options: Any) -> httpx.Response:
        """The same in JSON:API."""
        return self.call(method, path, body, headers=JSON_API, **options)

    def _sent(self, request: httpx.Request) -> httpx.Response:
        answer = self.http.send(request)
        if self.check:
            self.check(request, answer)
        return answer

    def has(self, sku: str = "A-1", ean: str = EANS[0], stock: int = 50, **more: Any) -> None:
        """An offer that is there already."""
        self.control("POST", "offers", {"sku": sku, "ean": ean, "stock": stock, "price": 12.99, **more})

    def order(self, sku: str = "A-1", quantity: int = 1, **more: Any) -> tuple[str, list[str]]:
        """A buyer orders; the order id and the ids of its lines."""
        lines = [{"sku": sku, "quantity": quantity}]
        placed = self.control("POST", "orders", {"lines": lines, **more})["order_id"]
        return placed, [line["line_id"] for line in self.shown(placed)["lines"]]

    def shown(self, order_id: str) -> dict[str, Any]:
        return next(dict(order) for order in self.control("GET", "orders") if order["order_id"] == order_id)

    def states(self, order_id: str) -> list[str]:
        return [line["status"] for line in self.shown(order_id)["lines"]]

    def offer(self, country: str = "de", ean: str = EANS[0]) -> dict[str, Any]:
        wanted = f"{country}:{ean}"
        return next(dict(item) for item in self.control("GET", "offers") if item["offer_id"] == wanted)


def basic(client_id: str = CLIENT_ID, secret: str = CLIENT_SECRET) -> str:
    flow = httpx.BasicAuth(client_id, secret).auth_flow(httpx.Request("GET", "http://nowhere.example"))
    return str(next(flow).headers["Authorization"])


class Account(Connected[ZalandoChannel]):
    """A channel, the partner's hand on the same sandbox, and all that was exchanged. ``ahead``: how far the channel's
    clock is before that of the sandbox. Retries do not wait."""

    adapter = ADAPTER

    def __init__(self, url: str, **given: Any) -> None:
        self.ahead = timedelta(0)
        super().__init__(url, clock=self.now, **given)
        self.partner = Partner(url)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def ship(self, order_id: str, parcel: Parcel) -> ItemResult:
        """Both steps, as the engine does: with the time between them that was asked for."""
        result = self.channel.confirm_shipment(self.channel.fetch_order(order_id), parcel)
        if result.outcome is not Outcome.RETRY or result.after is None:
            return result
        self.ahead += result.after
        return self.channel.confirm_shipment(self.channel.fetch_order(order_id), parcel)


Open = Callable[..., Account]


def opener(serve: Serve) -> Open:
    """``sandbox`` has options of the sandbox, the rest are the account's."""

    def open_account(sandbox: dict[str, Any] | None = None, **given: Any) -> Account:
        return Account(serve(create_sandbox(**AT_ONCE | (sandbox or {}))), **given)

    return open_account


def euro(amount: str, currency: str = "EUR") -> Money:
    return Money(amount=Decimal(amount), currency=currency)


def draft(sku: str = "A-1", gtin: str | None = EANS[0], stock: int = 5, **more: Any) -> OfferDraft:
    content = OfferContent(title="A belt", description="Of leather.", brand="Potter & Sons")
    given = {"key": f"key {sku}", "site": "de", "price": euro("12.99"), "content": content} | more
    return OfferDraft(sku=sku, gtin=gtin, stock=stock, **given)


def ref(ean: str = EANS[0], site: str = "de", sku: str = "A-1") -> OfferRef:
    return OfferRef(key=f"key {site} {ean}", site=site, offer_id=f"{site}:{ean}", sku=sku, gtin=ean)


def stock(offer: OfferRef, units: int) -> StockUpdate:
    return StockUpdate(stock=units, **offer.model_dump())


def price(offer: OfferRef, amount: str, currency: str = "EUR") -> PriceUpdate:
    return PriceUpdate(price=euro(amount, currency), **offer.model_dump())


def parcel(*lines: str, tracking: str = "0034123", reference: str = "SB-1") -> Parcel:
    parts = tuple(ParcelLine(external_id=line, quantity=1) for line in lines)
    return Parcel(reference=reference, carrier="DHL", tracking=tracking, lines=parts)


def all_pages(read: Callable[[str | None], Any]) -> Iterator[Any]:
    cursor: str | None = None
    while True:
        page = read(cursor)
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return


@contextmanager
def faulty(partner: Partner, kind: str, operation: str = "*", **more: Any) -> Iterator[None]:
    """While it lasts, this goes wrong every time."""
    partner.fault(kind, operation, times=None, **more)
    yield
    partner.control("DELETE", "faults")
