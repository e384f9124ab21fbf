"""A Miinto connection over the real transport to a sandbox on a real socket, and a feed that the sandbox fetches."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
from flask import Flask, Response

from bridge.domain.listing import OfferContent
from bridge.domain.money import Money
from bridge.flows.admin import sandbox_place
from bridge.ports.adapter import Connection
from bridge.ports.channel import FeedItem, FeedOffer
from bridge.ports.http import HttpServices, MemoryRecorder, Transport
from bridge.ports.manifest import Limit
from channel_adapters.miinto import ADAPTER
from channel_adapters.miinto.channel import MiintoChannel
from channel_adapters.miinto.sandbox import create_sandbox
from tests.support.kaufland import Check, Checked, Serve

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


class Account:
    """A channel, the control of the sandbox behind it, and all that was exchanged. Retries do not wait."""

    def __init__(
        self,
        url: str,
        serve: Serve,
        *,
        check: Check | None = None,
        settings: dict[str, Any] | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.url = url
        self.serve = serve
        self.recorder = MemoryRecorder()
        services = HttpServices.build(recorder=self.recorder, allowed_hosts=[url.removeprefix("http://")])
        services = replace(services, sleep=lambda seconds: time.sleep(min(seconds, 0.01)))
        credentials, urls = sandbox_place(ADAPTER, url)
        transport = Transport(
            account="miinto:1",
            title="Miinto",
            services=services,
            limits={"*": Limit(calls=1000, seconds=1)},
            secrets=[credentials["secret"]],
            wire=Checked(check) if check else None,
        )
        given = {"sites": ["EUR"], **(settings or {})}
        self.channel: MiintoChannel = ADAPTER.connect(
            Connection("1:1", "miinto", credentials, given, urls, transport, clock)
        )

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = httpx.request(method, f"{self.url}/_sandbox/{path}", json=body, timeout=20, trust_env=False)
        answer.raise_for_status()
        return answer.json()

    def fault(self, kind: str, operation: str = "*", **more: Any) -> None:
        self.control("POST", "faults", {"kind": kind, "operation": operation, **more})

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

    def operations(self) -> list[str]:
        return [exchange.operation for exchange in self.recorder.exchanges]


def opener(serve: Serve) -> Callable[..., Account]:
    """``sandbox`` has options of the sandbox, the rest are the account's."""

    def open_account(sandbox: dict[str, Any] | None = None, **given: Any) -> Account:
        return Account(serve(create_sandbox(**(sandbox or {}))), serve, **given)

    return open_account
