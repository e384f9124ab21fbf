"""Reading what may be missing, null or of another type than the specification says. Times are UTC: it writes them
with a Z, older examples without anything."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from bridge.domain.money import Money
from bridge.domain.reading import whole


def money(cents: Any, currency: str) -> Money | None:
    """All amounts are whole hundredths of the storefront's currency."""
    known = whole(cents)
    return None if known is None else Money(amount=Decimal(known).scaleb(-2), currency=currency)


def cents(amount: Money) -> int:
    return int(amount.quantised().amount.scaleb(2))
