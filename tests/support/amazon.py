"""An Amazon connection over the real transport to a sandbox on a real socket, and the buyers' and Amazon's hands there."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import yaml
from jsonschema import Draft7Validator
from referencing import Registry

from bridge.domain.listing import OfferContent
from bridge.domain.money import Money
from bridge.domain.order import Parcel, ParcelLine
from bridge.ports.channel import ItemResult, OfferDraft, OfferRef, StockUpdate, SubmissionState
from channel_adapters.amazon import ADAPTER
from channel_adapters.amazon.channel import AmazonChannel
from channel_adapters.amazon.sandbox import FRANCE, GERMANY
from tests.support.connected import Connected
from tests.support.openapi import Exchange
from tests.support.swagger import Descriptions

DE, FR = GERMANY, FRANCE
EANS = ("8718526069334", "8712345678906", "4006381333931", "9780306406157", "5901234123457")
AT_ONCE: dict[str, Any] = {"accept_seconds": 0, "feed_seconds": 0, "report_seconds": 0, "limits": None}
# Paths that belong to no model: Login with Amazon, presigned addresses, the schemas that definitions link to.
NOT_DESCRIBED = ("/auth/o2/token", "/documents/", "/schemas/")

MODELS = (
    "sellers-api-model/sellers",
    "listings-items-api-model/listingsItems_2021-08-01",
    "product-type-definitions-api-model/definitionsProductTypes_2020-09-01",
    "catalog-items-api-model/catalogItems_2022-04-01",
    "orders-api-model/orders_2026-01-01",
    "orders-api-model/ordersV0",
    "feeds-api-model/feeds_2021-06-30",
    "reports-api-model/reports_2021-06-30",
)


class AmazonSpecification:
    """The models, and the schemas of the documents that travel in feeds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.models = Descriptions([folder / "models" / f"{name}.json" for name in MODELS])
        feeds = {name: _json(folder / "schemas" / "feeds" / name) for name in FEED_SCHEMAS.values()}
        self._documents = {kind: feeds[name] for kind, name in FEED_SCHEMAS.items()}
        self._documents["health"] = yaml.safe_load(HEALTH_SCHEMA.read_text(encoding="utf-8"))

    def check(self, request: httpx.Request, response: httpx.Response) -> Exchange:
        path = request.url.path
        if path.startswith(NOT_DESCRIBED):
            exchange = Exchange(request, response, "not described")
            if "x-amz-access-token" in request.headers or "authorization" in request.headers:
                exchange.faults.append("a token of ours where it does not belong")
            return exchange
        exchange = self.models.check(request, response)
        if "x-amz-access-token" not in request.headers:
            exchange.faults.append("no access token")
        return exchange

    def document_faults(self, kind: str, content: bytes) -> list[str]:
        """``kind``: feed, report (on a feed) or health."""
        checker = Draft7Validator(self._documents[kind], registry=Registry())
        return [error.message[:200] for error in checker.iter_errors(json.loads(content))]


FEED_SCHEMAS = {"feed": "listings-feed-schema-v2.json", "report": "listings-feed-processing-report-schema-v2.json"}
HEALTH_SCHEMA = Path(__file__).parents[1] / "fixtures" / "amazon" / "account_health.yaml"


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


class Account(Connected[AmazonChannel]):
    """A channel, a hand on its sandbox, and all that was exchanged."""

    adapter = ADAPTER

    def operations(self) -> list[str]:
        """What reached the sandbox, in order."""
        return [entry["op"] for entry in self.control("GET", "requests")]

    def list(self, sku: str = "A-1", ean: str = EANS[0], stock: int = 5, price: float = 12.99, **more: Any) -> None:
        """A listing that is there already."""
        self.control("POST", "offers", {"sku": sku, "ean": ean, "stock": stock, "price": price, **more})

    def shown(self, sku: str = "A-1", site: str = DE) -> dict[str, Any]:
        found = self.control("GET", "offers")
        return next((dict(offer) for offer in found if (offer["sku"], offer["site"]) == (sku, site)), {})

    def order(self, sku: str = "A-1", quantity: int = 1, **more: Any) -> str:
        """A buyer orders; the order's id."""
        line = {name: more.pop(name) for name in ("discount", "shipping", "unit_price", "gift_wrap") if name in more}
        body = {"lines": [{"sku": sku, "quantity": quantity, **line}], **more}
        return str(self.control("POST", "orders", body)["order_id"])

    def sold(self, order_id: str) -> dict[str, Any]:
        return next(dict(order) for order in self.control("GET", "orders") if order["order_id"] == order_id)


def euro(amount: str) -> Money:
    return Money(amount=Decimal(amount), currency="EUR")


def draft(sku: str = "A-1", gtin: str | None = EANS[0], stock: int = 5, **more: Any) -> OfferDraft:
    given = {"key": f"key {sku}", "price": euro("12.99"), "content": OfferContent(title="A plain thing"), "site": DE}
    return OfferDraft(sku=sku, gtin=gtin, stock=stock, **{**given, **more})


def ref(sku: str = "A-1", site: str = DE, key: str = "1") -> OfferRef:
    return OfferRef(key=key, site=site, offer_id=f"{site}/{sku}", sku=sku, gtin=EANS[0])


def stock(sku: str, units: int, site: str = DE) -> StockUpdate:
    return StockUpdate(stock=units, **ref(sku, site, f"{sku} {site}").model_dump())


def parcel(line: str, quantity: int = 1, reference: str = "SB-1", carrier: str = "DHL") -> Parcel:
    lines = (ParcelLine(external_id=line, quantity=quantity),)
    return Parcel(reference=reference, carrier=carrier, tracking="00340123456789012345", lines=lines)


def status(account: Account, result: ItemResult) -> tuple[SubmissionState, str]:
    assert result.submission
    found = account.channel.follow([result.submission])[0]
    return found.state, found.message


def wait_for(condition: Callable[[], Any]) -> Any:
    for _ in range(400):
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")
