"""An eBay connection over the real transport to a sandbox on a real socket, and the buyer's side of it."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from flask import Flask, request

from bridge.domain.listing import OfferContent
from bridge.domain.money import Money
from bridge.domain.order import Parcel, ParcelLine
from bridge.ports.channel import ItemResult, OfferDraft, OfferRef, Outcome, StockUpdate, SubmissionState
from channel_adapters.ebay import ADAPTER
from channel_adapters.ebay.channel import EbayChannel
from channel_adapters.ebay.sandbox import create_sandbox
from tests.support.connected import Connected, Serve

EANS = ("4006381333931", "8712345678906", "8718526069334", "9780306406157", "5901234123457")
AT_ONCE: dict[str, Any] = {"cancel_seconds": 0, "refund_seconds": 0}


class Account(Connected[EbayChannel]):
    """A channel, the buyer's hand on the same sandbox, and all that was exchanged. Retries do not wait."""

    adapter = ADAPTER

    def sent(self, operation: str) -> list[dict[str, Any]]:
        """What reached the sandbox of an operation."""
        found: list[dict[str, Any]] = self.control("GET", "requests")
        return [entry for entry in found if entry["op"] == operation]

    def offer(self, sku: str = "A-1", **more: Any) -> OfferRef:
        """An offer that exists already."""
        given = {"sku": sku, "ean": EANS[0], "stock": 5, "price": 12.99} | more
        offer_id = self.control("POST", "offers", given)["offer_id"]
        site = given.get("site", "EBAY_DE")
        return OfferRef(key=f"key {sku}", site=site, offer_id=offer_id, sku=sku, gtin=given["ean"])

    def shown(self, sku: str = "A-1") -> dict[str, Any]:
        found: list[dict[str, Any]] = self.control("GET", "offers")
        return next(offer for offer in found if offer["sku"] == sku)

    def order(self, sku: str = "A-1", quantity: int = 1, **more: Any) -> tuple[str, str]:
        """A buyer orders; order id and the id of its first line."""
        line = {"sku": sku, "quantity": quantity} | more.pop("line", {})
        lines = [line, *more.pop("more_lines", [])]
        order_id = self.control("POST", "orders", {"lines": lines, "force": True, **more})["order_id"]
        return order_id, self.placed(order_id)["lines"][0]["line_id"]

    def placed(self, order_id: str) -> dict[str, Any]:
        found: list[dict[str, Any]] = self.control("GET", "orders")
        return next(order for order in found if order["order_id"] == order_id)

    def send_back(self, order_id: str, **more: Any) -> str:
        line = {"quantity": more.pop("quantity", 1)} | more.pop("line", {})
        return str(self.control("POST", "returns", {"order_id": order_id, "lines": [line], **more})["return_id"])

    def end_of(self, result: ItemResult) -> tuple[SubmissionState, str]:
        """What became of what was accepted for later."""
        assert result.outcome is Outcome.SUBMITTED, result
        for _ in range(200):
            found = self.channel.follow([result.submission or ""])[0]
            if found.state is not SubmissionState.PENDING:
                break
            time.sleep(0.02)
        return found.state, found.message


Open = Callable[..., Account]


def opener(serve: Serve) -> Open:
    """``sandbox`` has options of the sandbox, the rest are the account's. A sandbox with the same options as an earlier
    one is the same, emptied: making one takes longer than most tests."""

    def open_account(sandbox: dict[str, Any] | None = None, **given: Any) -> Account:
        app = _sandbox(tuple(sorted((AT_ONCE | (sandbox or {})).items())))
        app.test_client().post("/_sandbox/reset")
        return Account(serve(app), **given)

    return open_account


@functools.cache
def _sandbox(options: tuple[tuple[str, Any], ...]) -> Flask:
    return create_sandbox(**dict(options))


def euro(amount: str) -> Money:
    return Money(amount=Decimal(amount), currency="EUR")


def draft(sku: str = "A-1", gtin: str | None = EANS[0], stock: int = 5, **more: Any) -> OfferDraft:
    given = {"key": f"key {sku}", "site": "EBAY_DE", "price": euro("12.99"), "content": OfferContent(title="A mug")}
    return OfferDraft(sku=sku, gtin=gtin, stock=stock, **given | more)


def stock(offer: OfferRef, units: int) -> StockUpdate:
    return StockUpdate(stock=units, **offer.model_dump())


def parcel(*lines: str, quantity: int = 1, carrier: str = "DHL", tracking: str = "JD0123", **more: Any) -> Parcel:
    parts = tuple(ParcelLine(external_id=line, quantity=quantity) for line in lines)
    return Parcel(reference="SB-1", carrier=carrier, tracking=tracking, lines=parts, **more)


def all_pages(read: Callable[[str | None], Any]) -> Iterator[Any]:
    cursor: str | None = None
    while True:
        page = read(cursor)
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return


class Listener:
    """Our own web door, as eBay sees it. ``answer`` says what it replies to a challenge."""

    def __init__(self, serve: Serve, answer: Callable[[str, dict[str, str]], dict[str, Any] | None]) -> None:
        self.got: list[tuple[list[tuple[str, str]], bytes]] = []
        app = Flask("listener")

        @app.get("/hook")
        def challenge() -> Any:
            return answer(self.url, dict(request.args)) or ("", 404)

        @app.post("/hook")
        def hook() -> tuple[str, int]:
            self.got.append((list(request.headers.items()), request.get_data()))
            return "", 200

        self.url = serve(app) + "/hook"


def wait_for(condition: Callable[[], Any]) -> Any:
    for _ in range(500):
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")
