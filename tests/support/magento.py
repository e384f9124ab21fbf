"""A sandbox Magento store on a real socket, and the store's Platform over the real transport to it."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from bridge.domain.money import Money
from bridge.domain.order import Address, DraftLine, OrderDraft
from bridge.ports.adapter import Connection
from bridge.ports.channel import Page
from bridge.ports.http import HttpServices, MemoryRecorder, Transport
from bridge.ports.manifest import Limit
from platform_adapters.magento import ADAPTER
from platform_adapters.magento.platform import MagentoPlatform
from platform_adapters.magento.rehearsal import MagentoRehearsal
from platform_adapters.magento.sandbox import SANDBOX_KEYS, create_sandbox
from tests.support.serve import serve

FIXTURES = Path(__file__).parents[1] / "fixtures" / "magento"
BUYER = Address(
    first_name="Zoë",
    last_name="de Vries-Öztürk",
    street="Domplein",
    house_number="21",
    addition="bis",
    postcode="3512 JE",
    city="Utrecht",
    country="nl",
    email="abc@verkopen.example",
    phone="+31 30 000 0000",
    extra={"pickup_point": "Primera Neude"},
)


def utc_now() -> datetime:
    return datetime.now(UTC)


def recorded(number: str) -> Any:
    """What a real store answered, by the number of the recording."""
    [file] = FIXTURES.glob(f"{number}-*.json")
    return json.loads(file.read_text(encoding="utf-8"), parse_float=Decimal)["response"]


class Store:
    """The sandbox as its merchant and its shoppers see it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = httpx.Client(base_url=url, trust_env=False, timeout=60)

    def control(self, name: str, **body: Any) -> Any:
        answer = self._client.post(f"/_sandbox/{name}", json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def look(self, name: str) -> Any:
        return self._client.get(f"/_sandbox/{name}").json()

    def fault(self, kind: str, operation: str = "*", times: int | None = 1, **params: Any) -> None:
        self.control("faults", kind=kind, operation=operation, times=times, params=params)

    def heal(self) -> None:
        self._client.delete("/_sandbox/faults")

    def bearer(self, path: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {SANDBOX_KEYS['access_token']}"}
        return self._client.get(f"/rest/V1/{path}", headers=headers)

    def product(self, sku: str, stock: int = 10, price: float = 10, **more: Any) -> str:
        """Its id. ``own`` are custom attributes."""
        own = [{"attribute_code": code, "value": value} for code, value in more.pop("own", {}).items()]
        beside = {"stock_item": {"qty": stock, "is_in_stock": stock > 0, **more.pop("stock_item", {})}}
        body = {"sku": sku, "name": f"Product {sku}", "price": price, "attribute_set_id": 4, "weight": 0.5}
        body |= {"custom_attributes": own, "extension_attributes": {"website_ids": [1], **beside}}
        return str(self.control("product", product=body | more)["id"])

    def shirt(self, sku: str = "SHIRT") -> dict[str, str]:
        """Ids by SKU of a configurable product and its four children."""
        return {doc["sku"]: str(doc["id"]) for doc in self._shirt(sku)}

    def _shirt(self, sku: str) -> Iterator[dict[str, Any]]:
        children = [
            {
                "sku": f"{sku}-{colour}-{size}",
                "id": self.product(f"{sku}-{colour}-{size}", 5, 30, visibility=1, own=own),
            }
            for colour, size, own in (
                ("RED", "S", {"color": "4", "size": "6"}),
                ("RED", "M", {"color": "4", "size": "7"}),
                ("BLUE", "S", {"color": "5", "size": "6"}),
                ("BLUE", "M", {"color": "5", "size": "7"}),
            )
        ]
        yield from children
        options = [{"id": 1, "attribute_id": "93", "label": "Color", "position": 0, "values": []}]
        options += [{"id": 2, "attribute_id": "137", "label": "Size", "position": 1, "values": []}]
        beside = {"website_ids": [1], "configurable_product_options": options}
        beside["configurable_product_links"] = [int(child["id"]) for child in children]
        body = {"sku": sku, "name": "Shirt", "price": 0, "type_id": "configurable", "attribute_set_id": 4}
        yield self.control("product", product=body | {"extension_attributes": beside})

    def stock(self, sku: str) -> dict[str, Any]:
        found: dict[str, Any] = self.look("stock")[sku]
        return found

    def order(self, external_id: str) -> dict[str, Any]:
        found: dict[str, Any] = next(row for row in self.look("orders") if str(row["entity_id"]) == external_id)
        return found

    def sent(self, operation: str) -> list[dict[str, Any]]:
        """Bodies of the requests of one kind, oldest first."""
        return [json.loads(row["body"]) for row in self.look("requests") if row["op"] == operation]


@contextlib.contextmanager
def open_store(state_path: Path | None = None, **options: Any) -> Iterator[Store]:
    with serve(create_sandbox(state_path, **options)) as url:
        yield Store(url)


class Account:
    """The store's Platform, and all that was exchanged."""

    def __init__(
        self,
        store: Store,
        *,
        settings: dict[str, Any] | None = None,
        credentials: dict[str, str] | None = None,
        clock: Callable[[], datetime] = utc_now,
        check: Callable[[httpx.Request, httpx.Response], None] | None = None,
    ) -> None:
        """``check`` sees every exchange."""
        self.store = store
        self.recorder = MemoryRecorder()
        host = urlsplit(store.url).netloc
        made = HttpServices.build(recorder=self.recorder, allowed_hosts=[host], clock=clock)
        services = replace(made, sleep=lambda seconds: time.sleep(min(seconds, 0.01)))
        given = SANDBOX_KEYS if credentials is None else credentials
        defaults = {item.name: item.default for item in ADAPTER.manifest.settings}
        self.transport = Transport(
            account="1:1",
            title="Magento",
            services=services,
            limits={"*": Limit(calls=1000, seconds=1)},
            secrets=list(SANDBOX_KEYS.values()),
            wire=Watching(check) if check else None,
        )
        self.connection = Connection(
            key="1:1",
            account="bol",
            credentials={"url": store.url, **given},
            settings={**defaults, **(settings or {})},
            urls={},
            transport=self.transport,
            clock=clock,
        )
        self.platform = MagentoPlatform(self.connection)
        self.hands = MagentoRehearsal(self.connection)

    def operations(self) -> list[str]:
        """What was called since the last look."""
        found = [exchange.operation for exchange in self.recorder.exchanges]
        self.recorder.exchanges.clear()
        return found


class Watching(httpx.HTTPTransport):
    """The network, with someone looking on."""

    def __init__(self, check: Callable[[httpx.Request, httpx.Response], None]) -> None:
        super().__init__()
        self._check = check

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        response.read()
        self._check(request, response)
        return response


def all_pages(read: Callable[[str | None], Page[Any]]) -> list[Any]:
    found: list[Any] = []
    cursor: str | None = None
    for _ in range(50):
        page = read(cursor)
        found += page.items
        if (cursor := page.next_cursor) is None:
            return found
    raise AssertionError("the list has no end")


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


def draft(variant: str, *, external_id: str = "1043946570", quantity: int = 1, **more: Any) -> OrderDraft:
    """An order of one line at 12.10 a piece; ``product`` is the parent of a child, ``tax`` the line's."""
    total = eur(str(Decimal("12.10") * quantity))
    tax, shipping = more.pop("tax", None), more.get("shipping")
    line = DraftLine(
        ref="L-1",
        product_id=more.pop("product", variant),
        variant_id=variant,
        sku="as the marketplace has it",
        title="As the marketplace calls it",
        quantity=quantity,
        unit_price=eur("12.10"),
        total=total,
        tax=eur(tax) if tax else None,
    )
    values: dict[str, Any] = {
        "ref": f"bol:{external_id}",
        "label": f"bol.com {external_id}",
        "channel": "bol.com",
        "external_id": external_id,
        "placed_at": datetime(2026, 11, 23, 8, 0, tzinfo=UTC),
        "currency": "EUR",
        "lines": (line,),
        "total": total + shipping if shipping else total,
        "ship_to": BUYER,
        "bill_to": BUYER,
    }
    return OrderDraft(**{**values, **more})
