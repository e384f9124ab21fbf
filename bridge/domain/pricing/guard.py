"""The price guard: a price outside its bounds, or too far from the last one, waits for a person.

It stands behind all rules and mappings, and knows nothing of them: a slip anywhere before it ends here.
"""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field, model_validator

from bridge.domain.money import Amount, Money
from bridge.domain.values import Value

_HUNDRED = Decimal(100)


class PriceGuard(Value):
    """``floor`` and ``ceiling`` in the channel's currency. ``max_change`` in percent of the last acknowledged price,
    up and down; None: any change is let through."""

    floor: Money | None = None
    ceiling: Money | None = None
    max_change: Amount | None = Field(default=Decimal(30), gt=0)

    @model_validator(mode="after")
    def _in_order(self) -> PriceGuard:
        if self.floor and self.ceiling:
            if self.floor.currency != self.ceiling.currency:
                raise ValueError("floor and ceiling are in one currency")
            if self.floor.amount > self.ceiling.amount:
                raise ValueError("the floor is above the ceiling")
        return self

    def holds(self, price: Money, acknowledged: Money | None) -> str | None:
        """Why ``price`` is not sent without asking, in the merchant's words; None when it may go.

        ``acknowledged`` is what the marketplace shows now; None for a new offer. Another currency than before is
        asked about too: the two cannot be compared.
        """
        for bound, words in ((self.floor, "below the floor"), (self.ceiling, "above the ceiling")):
            if bound is not None and bound.currency != price.currency:
                return f"The price is {price.text()}, its bounds are in {bound.currency}."
            if bound is not None and _beyond(price.amount, bound.amount, words):
                return f"The price {price.text()} is {words} of {bound.text()}."
        return None if acknowledged is None else self._jump(price, acknowledged)

    def _jump(self, price: Money, acknowledged: Money) -> str | None:
        if price.currency != acknowledged.currency:
            return f"The price changes from {acknowledged.text()} to {price.text()}."
        change = change_percent(price.amount, acknowledged.amount)
        if self.max_change is None or change is None or abs(change) <= self.max_change:
            return None
        return (
            f"The price changes from {acknowledged.text()} to {price.text()}, by {change:+.1f} %; "
            f"more than {self.max_change:f} % is asked about first."
        )


def _beyond(amount: Decimal, bound: Decimal, words: str) -> bool:
    return amount < bound if words == "below the floor" else amount > bound


def change_percent(new: Decimal, old: Decimal) -> Decimal | None:
    """In percent of the old one; None where that is 0."""
    return (new - old) * _HUNDRED / old if old else None
