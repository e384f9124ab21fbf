"""A store and a marketplace of a few lines, for tests of what connects and lets go of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx

from bridge.flows.engine import Engine
from bridge.ports.adapter import Adapter, Connection
from bridge.ports.channel import AccountInfo, ItemResult, Outcome, StockUpdate
from bridge.ports.errors import Reauthorise, RetryLater
from bridge.ports.http import HttpServices, Transport
from bridge.ports.manifest import Capability, FormField, Manifest
from bridge.ports.platform import SentEvent, StoreInfo, WebhookAudit
from tests.support.engines import SignedDoor, small_engine

GOOD_KEY = "good-key"


@dataclass
class Outside:
    """What the other side says and has been told."""

    currency: str = "EUR"
    webhooks: dict[str, str] = field(default_factory=dict)
    webhooks_work: bool = True
    checked: list[Mapping[str, str]] = field(default_factory=list)
    stock: dict[str, int] = field(default_factory=dict)
    refuses: set[str] = field(default_factory=set)
    busy: set[str] = field(default_factory=set)
    better: tuple[str, ...] = ()  # what the store would do too, with a right it was not given
    away: bool = False
    on_check: Callable[[], None] = lambda: None
    clock_ahead: timedelta = timedelta(0)

    def front_door(self, _request: httpx.Request) -> httpx.Response:
        return httpx.Response(404, headers={"Date": format_datetime(datetime.now(UTC) + self.clock_ahead, usegmt=True)})


class Store:
    def __init__(self, connection: Connection, outside: Outside) -> None:
        self.connection, self.outside = connection, outside

    def check(self) -> StoreInfo:
        self.outside.checked.append(dict(self.connection.credentials))
        self.outside.on_check()
        if self.connection.credentials["key"] != GOOD_KEY:
            raise Reauthorise("The store refuses the key.")
        return StoreInfo(
            name="Toys", url=self.connection.credentials["url"], currency=self.outside.currency, version="10.5",
            prices_include_tax=True, better=self.outside.better,
        )  # fmt: skip

    def ensure_webhooks(self, url: str, secret: str) -> WebhookAudit:
        if not self.outside.webhooks_work:
            raise RetryLater("The store does not answer.")
        self.outside.webhooks = {url: secret}
        return WebhookAudit(active=5, mended=("product.updated",))

    def remove_webhooks(self, url: str) -> int:
        if not self.outside.webhooks_work:
            raise RetryLater("The store does not answer.")
        return 5 if self.outside.webhooks.pop(url, None) else 0

    def send_test_event(self, marker: str) -> SentEvent:
        return SentEvent(topic="test", external_id=marker)


class Market:
    def __init__(self, connection: Connection, outside: Outside) -> None:
        self.connection, self.outside = connection, outside

    def check(self) -> AccountInfo:
        self.outside.checked.append(dict(self.connection.credentials))
        self.outside.on_check()
        if self.connection.credentials["key"] != GOOD_KEY:
            raise Reauthorise("The marketplace refuses the key.")
        return AccountInfo(name="Toys at bol", countries=("NL",))

    def update_stock(self, updates: Sequence[StockUpdate]) -> list[ItemResult]:
        if self.outside.away:
            raise RetryLater("The marketplace does not answer.")
        return [ItemResult(key=item.key, outcome=self._update(item), message="no") for item in updates]

    def _update(self, item: StockUpdate) -> Outcome:
        if item.sku in self.outside.refuses:
            return Outcome.REJECTED
        if item.sku in self.outside.busy:
            self.outside.busy.discard(item.sku)
            return Outcome.RETRY
        self.outside.stock[item.sku] = item.stock
        return Outcome.APPLIED


KEY = FormField(name="key", label="API key", help="Shown once under Settings > API.", kind="secret")
SHOP_URL = FormField(name="url", label="Store address", kind="url")


def accounts_engine(url: str, ring: Any = None) -> tuple[Engine, Outside]:
    """An engine with a store platform and a marketplace whose other side is ``Outside``."""
    outside = Outside()
    store = Manifest(
        name="woocommerce", title="WooCommerce", kind="platform", credentials=(SHOP_URL, KEY),
        capabilities=(Capability.CHECK, Capability.WEBHOOKS, Capability.CATALOGUE),
    )  # fmt: skip
    market = Manifest(
        name="bol", title="bol.com", kind="channel", currency="EUR", credentials=(KEY,),
        urls={"api": "https://api.bol.com/retailer", "login": "https://login.bol.com"},
        capabilities=(Capability.CHECK, Capability.OFFERS, Capability.ORDERS), batch={"update_stock": 2},
    )  # fmt: skip
    engine = replace(
        small_engine(url, ring),
        platforms={"woocommerce": _adapter(store, lambda c: Store(c, outside), webhooks=SignedDoor())},
        channels={"bol": _adapter(market, lambda c: Market(c, outside))},
        make_transport=lambda row, adapter: Transport(
            account=f"{row.shop_id}:{row.id}",
            services=HttpServices.build(),
            wire=httpx.MockTransport(outside.front_door),
        ),
        public_url="https://bridge.example",
    )
    return engine, outside


def _adapter(manifest: Manifest, connect: Any, webhooks: Any = None) -> Adapter:
    return Adapter(
        Path(),
        manifest,
        connect=connect,
        sandbox=lambda: None,
        sandbox_credentials={"key": GOOD_KEY},
        webhooks=webhooks,
    )
