"""What marketplaces sell, as an independent Shopify is asked to keep it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from bridge.domain.money import Money
from bridge.domain.order import Address, DraftLine, OrderDraft, StoreOrder
from tests.support.independent_shopify import Json, number
from tests.support.independent_shopify_store import Shopify

HOME = Address(
    first_name="Zoë", last_name="Müller", company="", street="Dorpsstraat", house_number="12", addition="B",
    postcode="3511 AB", city="Utrecht", country="NL", email="zoe@buyers.example", phone="+31612345678",
)  # fmt: skip


def euro(amount: Any, currency: str = "EUR") -> Money:
    return Money.of(str(amount), currency)


def line(ref: str, variant: Json | None, units: int, total: str, tax: str | None = None, **also: Any) -> DraftLine:
    currency = also.pop("currency", "EUR")
    each = Money.of(Decimal(total) / units, currency)
    return DraftLine(
        ref=ref, product_id=str(number(variant["product"]["id"])) if variant else None,
        variant_id=str(number(variant["id"])) if variant else None, sku=variant["sku"] if variant else "MP-1",
        title=variant["product"]["title"] if variant else "Something else", quantity=units, unit_price=each,
        total=Money.of(total, currency), tax=Money.of(tax, currency) if tax is not None else None, **also,
    )  # fmt: skip


def draft(key: str, *lines: DraftLine, shipping: str | None = None, **also: Any) -> OrderDraft:
    currency = lines[0].total.currency
    total = sum((item.total.amount for item in lines), Decimal(shipping or 0))
    given = {"ship_to": HOME, "bill_to": HOME} | also
    return OrderDraft(
        ref=f"bol-1:{key}", label=f"bol {key}", channel="bol", external_id=key, currency=currency, lines=lines,
        placed_at=datetime.now(UTC) - timedelta(hours=1), shipping=Money.of(shipping, currency) if shipping else None,
        total=Money.of(total, currency), **given,
    )  # fmt: skip


def made(market: Shopify) -> Json:
    [order] = market.known("Order")
    return order


def fetch(store: Any, order: Json) -> StoreOrder:
    [found] = store.fetch_orders([order["legacyResourceId"]])
    assert isinstance(found, StoreOrder)
    return found


def key(row: Json) -> str:
    return str(number(row["id"]))
