"""The ground for stores that are made of nothing but their description: an adapter on an app of ours, without sockets, limits
and waiting, and what a whole of calls has come to."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import httpx

from bridge.domain.catalogue import StoreVariant
from bridge.domain.money import Money
from bridge.domain.order import Address, DraftLine, OrderDraft, StoreOrder
from bridge.flows.paging import pages
from bridge.ports.adapter import Adapter, Connection
from bridge.ports.errors import BridgeError
from bridge.ports.http import Breaker, Grant, HttpServices, MemoryRecorder, Transport

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SINCE = datetime(2026, 11, 20, 10, tzinfo=UTC)
HOST = "store.example"
# One in so many answers is none of the API's own.
ODD = 20
MOST_REQUESTS = 600


class _Unlimited:
    def take(self, *_: Any, **__: Any) -> Grant:
        return Grant(granted=True, wait=0.0)

    def refund(self, *_: Any) -> None: ...

    def observe(self, *_: Any) -> None: ...

    def block(self, _key: str, _limit: Any, seconds: float | None) -> float:
        return seconds if seconds is not None else 1.0

    def blocked(self, *_: Any) -> float:
        return 0.0


class _Patient:
    def wait(self, _account: str) -> float:
        return 0.0

    def failed(self, _account: str) -> None: ...

    def succeeded(self, _account: str) -> None: ...

    def release(self, _account: str) -> None: ...


def connect(adapter: Adapter, app: Any, settings: Mapping[str, Any], recorder: MemoryRecorder) -> Any:
    """The adapter's object; ``recorder`` keeps what was exchanged."""
    breaker: Breaker = _Patient()
    services = replace(
        HttpServices.build(recorder=recorder, allowed_hosts=[HOST], clock=lambda: NOW),
        limiter=_Unlimited(),
        breaker=breaker,
        sleep=lambda _: None,
    )
    defaults = {item.name: item.default for item in adapter.manifest.settings}
    transport = Transport(
        account="described:1",
        title=adapter.manifest.title,
        services=services,
        wire=httpx.WSGITransport(_as_bytes(app)),
    )
    given = {"url": f"http://{HOST}", **adapter.sandbox_credentials}
    connection = Connection("described:1", "described", given, {**defaults, **settings}, {}, transport, lambda: NOW)
    return adapter.connect(connection)


def _as_bytes(app: Any) -> Any:
    """Paths as a real server hands them over (PEP 3333); httpx gives them decoded."""

    def passed_on(environ: dict[str, Any], start: Any) -> Any:
        return app(environ | {"PATH_INFO": environ["PATH_INFO"].encode().decode("latin-1")}, start)

    return passed_on


def odd_answer(rng: random.Random) -> tuple[int, str, bytes] | None:
    """What no API describes and every host sends: a page, nothing, notices before the data; None mostly."""
    if rng.randrange(ODD):
        return None
    return rng.choice(
        [
            (200, "text/html", b"<!DOCTYPE html><title>One moment, please</title>"),
            (200, "application/json", b""),
            (200, "application/json", b"null"),
            (200, "application/json", b'"ok"'),
            (200, "application/json", b"[]"),
            (200, "application/json", b"{}"),
            (200, "application/json", b"[null, 1]"),
            (200, "application/json", b'{"data": null}'),
            (200, "application/json", b"<b>Warning</b>: Undefined array key 1 in /var/www/x.php\n{}"),
            (200, "application/json", b"\xef\xbb\xbf{}"),
            (200, "application/json", b'{"a": "\xff"}'),
            (429, "application/json", b"{}"),
            (500, "text/html", b"<h1>Internal Server Error</h1>"),
            (502, "text/html", b""),
            (503, "application/json", b'{"message": null, "errors": [null, {"message": 5}], "code": {"a": 1}}'),
            (404, "text/html", b"<h1>Not found</h1>"),
            (403, "text/html", b"<title>Attention Required!</title>"),
            (401, "application/json", b'{"errors": {"base": ["no"]}, "parameters": {"fieldName": ["x"]}}'),
            (301, "text/html", b"moved"),
        ]
    )


@dataclass
class Outcomes:
    """``broken`` are faults of the adapter, each with the seed that shows it again."""

    went_well: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    def run(self, seed: str, name: str, call: Callable[[], Any], recorder: MemoryRecorder) -> None:
        recorder.exchanges.clear()
        try:
            call()
        except BridgeError as error:
            self.refused[name] = self.refused.get(name, 0) + 1
            if not error.merchant.strip():
                self.broken.append(f"{name} with seed {seed!r}: no text for the merchant: {error!r}")
        except Exception as error:  # noqa: BLE001 - all of them are told together
            last = recorder.exchanges[-1] if recorder.exchanges else None
            told = f" after {last.operation}: {last.response_excerpt[:1500]}" if last else ""
            self.broken.append(f"{name} with seed {seed!r}: {type(error).__name__}: {error}{told}")
        else:
            self.went_well[name] = self.went_well.get(name, 0) + 1
        if len(recorder.exchanges) > MOST_REQUESTS:
            self.broken.append(f"{name} with seed {seed!r}: {len(recorder.exchanges)} requests")


def every_page(read: Callable[[str | None], Any]) -> list[Any]:
    """All items of a list, as the engine reads it."""
    return [item for page in pages(read) for item in page]


def draft(product_id: str, variant_id: str, currency: str, seed: str) -> OrderDraft:
    """An order of one line."""
    price, buyer = Money.of("12.10", currency), Address(first_name="A", last_name="B", street="C", country="NL")
    line = DraftLine(
        ref="L-1",
        product_id=product_id,
        variant_id=variant_id,
        sku="SKU-1",
        title="A thing",
        quantity=2,
        unit_price=Money.of("6.05", currency),
        total=price,
    )
    return OrderDraft(
        ref=f"bol:{seed}",
        label=f"bol {seed}",
        channel="bol",
        external_id=seed,
        placed_at=NOW,
        currency=currency,
        lines=(line,),
        total=price,
        ship_to=buyer,
        bill_to=buyer,
    )


def amounts_of(variant: StoreVariant) -> Iterator[Money]:
    for amount in (variant.price, variant.regular_price, variant.sale_price, variant.cost):
        if amount is not None:
            yield amount


def sane(order: StoreOrder) -> None:
    """What holds of any order, whatever the store says."""
    assert order.external_id, order
    assert order.total.currency == order.currency, order
    assert order.modified_at is None or order.modified_at.utcoffset() is not None
    for line in order.lines:
        assert line.refunded >= 0, line
    for parcel in order.parcels:
        assert all(units > 0 for units in parcel.lines.values()), parcel
    refs = [parcel.ref for parcel in order.parcels]
    assert len(refs) == len(set(refs)), refs
