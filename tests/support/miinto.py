"""A Miinto connection over the real transport to a sandbox on a real socket, and a feed that the sandbox fetches."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from flask import Flask, Response

from bridge.domain.listing import OfferContent
from bridge.domain.money import Money
from bridge.ports.channel import FeedItem, FeedOffer
from channel_adapters.miinto import ADAPTER
from channel_adapters.miinto.channel import MiintoChannel
from channel_adapters.miinto.sandbox import create_sandbox
from tests.support.connected import Connected, Serve

PICTURE = "https://pictures.example/bag.jpg"
GTINS = ("8718526069334", "8712345678906", "4006381333931")
ATTRIBUTES = {"color": "Brown", "size": "One Size", "material": "Leather", "madein": "IT"}


def content(**more: Any) -> OfferContent:
    attributes = {**ATTRIBUTES, **more.pop("attributes", {})}
    given = {"title": "Chain shoulder bag", "brand": "Maker", "description": "Fine.", "images": (PICTURE,)}
    return OfferContent(**{**given, **more}, attributes=attributes)


def item(sku: str = "A-1", gtin: str | None = GTINS[0], stock: int = 5, group: str = "77", **more: Any) -> FeedItem:
    price = Money(amount=Decimal(more.pop("price", "412.10")), currency="EUR")
    offer = FeedOffer(stock=stock, price=price, content=more.pop("content", None) or content(), **more)
    return FeedItem(sku=sku, gtin=gtin, group=group, offers={"EUR": offer})


class Account(Connected[MiintoChannel]):
    """A channel, the control of the sandbox behind it, and all that was exchanged. Retries do not wait."""

    adapter = ADAPTER

    def __init__(self, url: str, serve: Serve, settings: dict[str, Any] | None = None, **given: Any) -> None:
        super().__init__(url, settings={"sites": ["EUR"], **(settings or {})}, **given)
        self.serve = serve

    def offer(self, *items: FeedItem) -> Any:
        """The sandbox fetches a file of these; what it says of it."""
        writer = self.channel.feed()
        text = writer.head() + "".join(writer.entry(entry).text for entry in items) + writer.tail()
        app = Flask("feed")
        app.add_url_rule("/feed.tsv", "feed", lambda: Response(text, mimetype="text/tab-separated-values"))
        self.control("POST", "feed", {"url": self.serve(app) + "/feed.tsv"})
        return self.control("GET", "feed")

    def buy(self, *lines: tuple[str, int], **more: Any) -> str:
        wanted = [{"sku": sku, "quantity": units} for sku, units in lines]
        return str(self.control("POST", "orders", {"lines": wanted, **more})["order_id"])


def opener(serve: Serve) -> Callable[..., Account]:
    """``sandbox`` has options of the sandbox, the rest are the account's."""

    def open_account(sandbox: dict[str, Any] | None = None, **given: Any) -> Account:
        return Account(serve(create_sandbox(**(sandbox or {}))), serve, **given)

    return open_account
