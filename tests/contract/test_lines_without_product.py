"""Orders with a line that is no product of the store, against the sandbox of every store that has such lines: amounts to
the cent, no stock for it, and it is shipped and refunded like any other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.domain.money import Money
from bridge.domain.order import Address, DraftLine, OrderDraft, StoreOrderStatus
from bridge.domain.returns import RefundLine
from bridge.ports.manifest import Feature
from bridge.registry import discover
from tests.support import shopify, woocommerce

BUYER = Address(first_name="Zoë", last_name="de Vries", street="Domplein", house_number="21", city="Utrecht",
                postcode="3512 JE", country="nl")  # fmt: skip
STORES: dict[str, dict[str, Any]] = {
    "shopify": {},
    "woocommerce": {"fulfillments": True},
    "woocommerce with VAT": {"fulfillments": True, "tax_rates": {"": 21}},
    "woocommerce with the plugin": {"fulfillments": True, "module": True, "tax_rates": {"": 21}},
}
SETTINGS = {"woocommerce with VAT": {"order_taxes": "store"}}


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


@contextmanager
def opened(name: str) -> Iterator[Any]:
    if name == "shopify":
        with shopify.open_shop() as shop:
            account = shopify.Account(shop)
            account.platform.check()
            yield shop, account.platform, account.hands.create_product
        return
    with woocommerce.open_store(**STORES[name]) as store:
        woo = woocommerce.Account(store, settings=SETTINGS.get(name))
        yield store, woo.platform, lambda sku, _gtin, _title, _price, stock: str(store.product(sku, stock))


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> Iterator[Any]:
    with opened(request.param) as (sandbox, platform, create_product):
        number = create_product("A", "8719102443555", "Thing", "12.10", 10)
        yield sandbox, platform, platform.fetch_products([number]).products[0].variants[0]


def draft(product_id: str, variant_id: str) -> OrderDraft:
    def line(ref: str, product: str | None, variant: str | None, title: str, quantity: int, total: str) -> DraftLine:
        return DraftLine(ref=ref, product_id=product, variant_id=variant, sku=f"S-{ref}", title=title, quantity=quantity,
                         unit_price=eur(total), total=eur(total))  # fmt: skip

    lines = (
        line("L-1", product_id, variant_id, "Thing", 1, "12.10"),
        line("L-2", None, None, "Unheard of", 3, "9.00"),
    )
    return OrderDraft(
        ref="bol:77", label="bol.com 77", channel="bol.com", external_id="77", placed_at=datetime(2026, 11, 23, tzinfo=UTC),
        currency="EUR", lines=lines, shipping=eur("4.95"), total=eur("26.05"), ship_to=BUYER, bill_to=BUYER,
    )  # fmt: skip


def stock(sandbox: Any) -> int:
    found: int = sandbox.look("stock")["A"]
    return found


def test_it_is_made_shipped_and_refunded(store: Any) -> None:
    sandbox, platform, variant = store
    made = platform.create_order(draft(variant.product_id, variant.external_id))
    assert made.total == eur("26.05")
    known = {line.ref: line for line in made.lines}
    assert {ref: (line.quantity, line.variant_id != "") for ref, line in known.items()} == {
        "L-1": (1, True), "L-2": (3, False),
    }  # fmt: skip
    assert stock(sandbox) == 9
    assert [found.external_id for found in platform.find_orders(["bol:77"]).values()] == [made.external_id]
    free = known["L-2"].external_id
    parcel = {"tracking": "T1", "carrier": "DHL", "lines": {free: 2}}
    source = {"source": "fulfillments", "complete": False} if "woocommerce" in platform.manifest.name else {}
    sandbox.control("ship", order=int(made.external_id), **parcel, **source)
    [part] = platform.fetch_orders([made.external_id])
    assert [found.lines for found in part.parcels] == [{free: 2}]
    assert part.status is StoreOrderStatus.PROCESSING
    for _ in range(2):
        back = [RefundLine(store_line_id=free, quantity=1, restock=False)]
        after = platform.refund_lines(made.external_id, back, "Broken", "bol:77/1")
    assert {line.ref: line.refunded for line in after.lines} == {"L-1": 0, "L-2": 1}
    assert after.refunded == eur("3.00")
    assert stock(sandbox) == 9


def test_it_is_cancelled_with_the_order(store: Any) -> None:
    sandbox, platform, variant = store
    made = platform.create_order(draft(variant.product_id, variant.external_id))
    assert platform.cancel_order(made.external_id, "Cancelled.").status is StoreOrderStatus.CANCELLED
    assert stock(sandbox) == 10


def test_an_order_of_nothing_else(store: Any) -> None:
    _, platform, variant = store
    whole = draft(variant.product_id, variant.external_id)
    made = platform.create_order(whole.model_copy(update={"lines": whole.lines[1:], "total": eur("13.95")}))
    assert (made.total, [line.ref for line in made.lines]) == (eur("13.95"), ["L-2"])


def test_every_store_has_them_or_says_why_not() -> None:
    platforms = discover().platforms
    without = {name for name, adapter in platforms.items() if Feature.FREE_LINES in adapter.manifest.cannot}
    assert set(platforms) - without == {name.split()[0] for name in STORES}
