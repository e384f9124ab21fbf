"""Returns: what the buyer sends back, and how the merchant decided."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field, model_validator

from bridge.domain.money import Money
from bridge.domain.values import Value


class ReturnDecision(StrEnum):
    """The merchant's result of an inspection, in one vocabulary; adapters map it to theirs."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    REPLACED = "replaced"
    REPAIRED = "repaired"
    KEPT_BY_BUYER = "kept_by_buyer"


class Condition(StrEnum):
    """How goods came back."""

    AS_NEW = "as_new"
    OPENED = "opened"
    DAMAGED = "damaged"


class Shelf(StrEnum):
    """The merchant's rule for what goes back on the shelf; goods of no known condition count as new."""

    AS_NEW = "as_new"
    OPENED = "opened"  # those too
    ALL = "all"
    NONE = "none"

    def takes(self, condition: Condition | None) -> bool:
        if self in (Shelf.ALL, Shelf.NONE):
            return self is Shelf.ALL
        return condition in (None, Condition.AS_NEW) or (self is Shelf.OPENED and condition is Condition.OPENED)


class ReturnCause(StrEnum):
    """Why the buyer sends something back, in one vocabulary; adapters map theirs to it."""

    CHANGED_MIND = "changed_mind"
    TOO_SMALL = "too_small"
    TOO_LARGE = "too_large"
    DEFECTIVE = "defective"
    NOT_AS_DESCRIBED = "not_as_described"
    WRONG_ITEM = "wrong_item"
    LATE = "late"
    OTHER = "other"


def cause_in(words: str, table: Mapping[str, ReturnCause]) -> ReturnCause:
    """Of reasons that are words or have several spellings: by the first key that stands in them, in capitals."""
    return next((cause for part, cause in table.items() if part in words.upper()), ReturnCause.OTHER)


class ReturnLine(Value):
    """One line of a return. ``external_id`` is what the marketplace wants decided (RMA id); ``reason`` is its own word,
    ``cause`` what that means; ``received``: the goods are back, None where the marketplace does not tell;
    ``respond_by``: its own deadline, where it names one."""

    external_id: str
    order_id: str | None
    order_line_id: str | None = None
    sku: str | None = None
    gtin: str | None = None
    title: str = ""
    quantity: int = Field(ge=1)
    reason: str = ""
    cause: ReturnCause = ReturnCause.OTHER
    comment: str = ""
    handled: bool = False
    received: bool | None = None
    respond_by: datetime | None = None


class MarketplaceReturn(Value):
    """A return as the marketplace tells it. ``raw`` is the answer it came from, kept whole."""

    external_id: str
    registered_at: datetime
    lines: tuple[ReturnLine, ...]
    raw: dict[str, Any] = Field(default_factory=dict)


class RefundReason(StrEnum):
    """Why the buyer gets money back, in one vocabulary; adapters map it to theirs."""

    RETURNED = "returned"
    DAMAGED = "damaged"
    NOT_RECEIVED = "not_received"
    WRONG_ITEM = "wrong_item"
    GOODWILL = "goodwill"
    OTHER = "other"


class ChannelRefund(Value):
    """Money to give back to the buyer through the marketplace, for units of one order line. ``amount`` includes
    VAT; ``shipping`` is the part of the shipping costs, on top of it. No units: for a part of one. ``alike``: refunds
    of the line with the same units and amount that were paid before, each under its own reference; ``before``: all that
    was owed of the line's amount before this, where that is known: what is divided is divided to the cent. ``code``:
    the marketplace's own reason, where the merchant has chosen one for ``reason``."""

    line_id: str
    quantity: int = Field(ge=0)
    amount: Money
    shipping: Money | None = None
    reason: RefundReason = RefundReason.RETURNED
    code: str = ""
    alike: int = Field(default=0, ge=0)
    before: Money | None = None


class RefundLine(Value):
    """Units of a store order line to refund; ``restock`` puts them back on the store's shelf. ``cancelled``: they have
    not left and are not to be sent any more. Without units: ``amount`` of what the line has cost, for a part of it."""

    store_line_id: str
    quantity: int = Field(ge=0)
    restock: bool = True
    cancelled: bool = False
    amount: Money | None = None

    @model_validator(mode="after")
    def _units_or_amount(self) -> RefundLine:
        if (self.quantity == 0) != (self.amount is not None) or (self.amount is not None and self.restock):
            raise ValueError("a line is refunded by units, or by an amount that brings nothing back")
        return self


class ReturnNotice(Value):
    """A return announced on a marketplace, for the store to keep. ``ref`` is ours and finds it again; ``words`` are for
    people; ``known``: the store's id of it, once there was one; ``taken``: ids that belong to other returns of ours."""

    ref: str
    store_line_id: str
    quantity: int = Field(ge=1)
    cause: ReturnCause = ReturnCause.OTHER
    words: str = ""
    requested_at: datetime
    known: str = ""
    taken: tuple[str, ...] = ()


class StoreReturn(Value):
    """A return as a store keeps it. ``external_id`` empty: it keeps none, and ``why`` says so to the merchant.
    ``name`` is what the store calls it; ``was_there``: somebody had made it in the store."""

    external_id: str = ""
    name: str = ""
    was_there: bool = False
    why: str = ""
