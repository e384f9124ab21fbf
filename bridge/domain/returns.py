"""Returns: what the buyer sends back, and how the merchant decided."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from bridge.domain.values import Value


class ReturnDecision(StrEnum):
    """The merchant's result of an inspection, in one vocabulary; adapters map it to theirs."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    REPLACED = "replaced"
    REPAIRED = "repaired"
    KEPT_BY_BUYER = "kept_by_buyer"


class ReturnLine(Value):
    """One line of a return. ``external_id`` is what the marketplace wants decided (RMA id)."""

    external_id: str
    order_id: str | None
    order_line_id: str | None = None
    sku: str | None = None
    gtin: str | None = None
    title: str = ""
    quantity: int = Field(ge=1)
    reason: str = ""
    comment: str = ""
    handled: bool = False


class MarketplaceReturn(Value):
    """A return as the marketplace tells it. ``raw`` is the answer it came from, kept whole."""

    external_id: str
    registered_at: datetime
    lines: tuple[ReturnLine, ...]
    raw: dict[str, Any] = Field(default_factory=dict)


class RefundLine(Value):
    """Units of a store order line to refund; ``restock`` puts them back on the store's shelf."""

    store_line_id: str
    quantity: int = Field(ge=1)
    restock: bool = True
