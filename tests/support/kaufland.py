"""A Kaufland connection over the real transport to a sandbox on a real socket, and a seller's hand-made calls."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import httpx
from flask import Flask, request

from bridge.domain.listing import OfferContent
from bridge.domain.money import Money
from bridge.domain.order import Parcel, ParcelLine
from bridge.ports.channel import CALLBACK_URL, OfferDraft, OfferRef, Outcome, StockUpdate
from channel_adapters.kaufland import ADAPTER
from channel_adapters.kaufland.channel import KauflandChannel
from channel_adapters.kaufland.sandbox import create_sandbox
from channel_adapters.kaufland.sandbox.options import CLIENT_KEY, SECRET_KEY
from channel_adapters.kaufland.signature import sign
from tests.support.connected import Check, Connected, Hand, Serve

EANS = ("8718526069334", "8712345678906", "4006381333931", "9780306406157", "5901234123457")
AT_ONCE: dict[str, Any] = {"data_seconds": 0, "visible_seconds": 0, "limit": None, "first_status": "need_to_be_sent"}


class Seller(Hand):
    """Signs what it is told to send. ``check`` sees every exchange."""

    def __init__(self, base_url: str, check: Check | None = None, secret: str = SECRET_KEY) -> None:
        super().__init__(base_url)
        self.check = check
        self.secret = secret

    def call(self, method: str, path: str, body: Any = None, **options: Any) -> httpx.Response:
        headers = {"Accept": "application/json", "User-Agent": "Inhouse_development", "Shop-Client-Key": CLIENT_KEY}
        given = options.pop("headers", {})
        sent = self.http.build_request(method, f"/v2{path}", json=body, headers=headers, **options)
        timestamp = str(int(time.time()))
        wire = f"{sent.url.scheme}://{sent.url.netloc.decode()}{sent.url.raw_path.decode()}"
        sent.headers["Shop-Timestamp"] = timestamp
        sent.headers["Shop-Signature"] = sign(self.secret, method, wire, sent.content, timestamp)
        sent.headers.update(given)
        for name in [name for name, value in given.items() if value == ""]:
            del sent.headers[name]
        answer = self.http.send(sent)
        if self.check:
            self.check(sent, answer)
        return answer

    def create(self, storefront: str = "de", **given: Any) -> int:
        """A new unit; its number."""
        answer = self.call("POST", f"/units?storefront={storefront}", unit(**given))
        assert answer.status_code == 200, answer.text
        return int(answer.json()["data"]["id_unit"])

    def order(self, sku: str = "A-1", quantity: int = 1, line: dict[str, Any] | None = None, **more: Any) -> Any:
        """A buyer orders; the order id and the numbers of its pieces."""
        lines = [{"sku": sku, "quantity": quantity, **(line or {})}]
        placed = self.control("POST", "orders", {"lines": lines, **more})["order_id"]
        return placed, [item["line_id"] for item in self.shown(placed)["lines"]]

    def shown(self, order_id: str) -> dict[str, Any]:
        return next(dict(order) for order in self.control("GET", "orders") if order["order_id"] == order_id)

    def states(self, order_id: str) -> list[str]:
        return [line["status"] for line in self.shown(order_id)["lines"]]


def unit(ean: str = EANS[0], sku: str = "A-1", amount: int = 5, price: int = 1299, **more: Any) -> dict[str, Any]:
    return {"ean": ean, "id_offer": sku, "amount": amount, "listing_price": price, "handling_time": 1, **more}


class Account(Connected[KauflandChannel]):
    """A channel, the seller's hand on the same sandbox, and all that was exchanged. Retries do not wait."""

    adapter = ADAPTER

    def __init__(self, url: str, **given: Any) -> None:
        super().__init__(url, **given)
        self.seller = Seller(url)


Open = Callable[..., Account]


def opener(serve: Serve) -> Open:
    """``sandbox`` has options of the sandbox, the rest are the account's."""

    def open_account(sandbox: dict[str, Any] | None = None, **given: Any) -> Account:
        return Account(serve(create_sandbox(**AT_ONCE | (sandbox or {}))), **given)

    return open_account


def draft(sku: str = "A-1", gtin: str | None = EANS[0], stock: int = 5, **more: Any) -> OfferDraft:
    price = Money(amount=Decimal("12.99"), currency="EUR")
    given = {"key": f"key {sku}", "site": "de", "price": price, "content": OfferContent(title="A mug")} | more
    return OfferDraft(sku=sku, gtin=gtin, stock=stock, **given)


def create(account: Account, **given: Any) -> OfferRef:
    wanted = draft(**given)
    result = account.channel.create_offers([wanted])[0]
    assert result.outcome is Outcome.APPLIED, result
    return OfferRef(key=wanted.key, site=wanted.site, offer_id=result.offer_id or "", sku=wanted.sku, gtin=wanted.gtin)


def stock(offer: OfferRef, units: int) -> StockUpdate:
    return StockUpdate(stock=units, **offer.model_dump())


def at_sandbox(account: Account, offer: OfferRef) -> dict[str, Any]:
    found = account.seller.control("GET", "offers")
    return next(dict(item) for item in found if item["offer_id"] == offer.offer_id)


def parcel(*lines: str, carrier: str = "DHL", tracking: str = "0034123") -> Parcel:
    parts = tuple(ParcelLine(external_id=line, quantity=1) for line in lines)
    return Parcel(reference="SB-1", carrier=carrier, tracking=tracking, lines=parts)


class Listener:
    """Our own web door, as Kaufland sees it."""

    def __init__(self, serve: Serve, status: int = 200) -> None:
        self.got: list[tuple[list[tuple[str, str]], bytes]] = []
        self.status = status
        app = Flask("listener")

        @app.post("/hook")
        def hook() -> tuple[str, int]:
            self.got.append((list(request.headers.items()), request.get_data()))
            return "", self.status

        self.url = serve(app) + "/hook"

    def event(self, name: str) -> tuple[list[tuple[str, str]], bytes]:
        """The first message of this event, with the address that the engine adds."""
        headers, body = wait_for(lambda: next((got for got in self.got if name.encode() in got[1]), None))
        return [*headers, (CALLBACK_URL, self.url)], body


def wait_for(condition: Callable[[], Any]) -> Any:
    for _ in range(500):
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


def all_pages(read: Callable[[str | None], Any]) -> Iterator[Any]:
    cursor: str | None = None
    while True:
        page = read(cursor)
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return


@contextmanager
def faulty(seller: Seller, kind: str, operation: str = "*", **more: Any) -> Iterator[None]:
    """While it lasts, this goes wrong every time."""
    seller.fault(kind, operation, times=None, **more)
    yield
    seller.control("DELETE", "faults")
