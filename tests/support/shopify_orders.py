"""Orders to be made in a sandbox Shopify store."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from bridge.domain.catalogue import StoreVariant
from bridge.domain.money import Money
from bridge.domain.order import Address, DraftLine, OrderDraft
from bridge.domain.returns import ReturnNotice

BUYER = Address(
    first_name="Zoë",
    last_name="de Vries-Öztürk",
    street="Domplein",
    house_number="21",
    addition="bis",
    postcode="3512 JE",
    city="Utrecht",
    region="Utrecht",
    country="nl",
    email="abc@verkopen.example",
    phone="+31 30 000 0000",
    extra={"pickup_point": "Primera Neude"},
)


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


def draft(
    variant: StoreVariant,
    *,
    external_id: str = "1043946570",
    quantity: int = 1,
    total: str = "12.10",
    tax: str | None = None,
    shipping: str | None = None,
    **more: Any,
) -> OrderDraft:
    """An order of one line; ``total`` is for all its units."""
    line = DraftLine(
        ref="L-1",
        product_id=variant.product_id,
        variant_id=variant.external_id,
        sku=variant.sku,
        title="As the marketplace calls it",
        quantity=quantity,
        unit_price=eur(total),
        total=eur(total),
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
        "shipping": eur(shipping) if shipping else None,
        "total": eur(total) + eur(shipping or "0"),
        "ship_to": BUYER,
        "bill_to": BUYER,
    }
    return OrderDraft(**{**values, **more})


def notice(ref: str, line: str, *, units: int = 1, **more: Any) -> ReturnNotice:
    """A return that a marketplace announced."""
    values: dict[str, Any] = {
        "ref": ref,
        "store_line_id": line,
        "quantity": units,
        "words": "Return R-1 announced on bol",
    }
    return ReturnNotice(**{**values, "requested_at": datetime(2026, 11, 25, 9, 0, tzinfo=UTC), **more})
