"""How far one change may reach before a person is asked: listings that end, prices that move."""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field

from bridge.domain.money import Money
from bridge.domain.values import Value


class Reach(Value):
    """Beyond these a change waits for a person.

    ``ends_percent`` of the live listings of a connection, or ``ends_most`` of them, may end; up to ``ends_few`` may
    always (in a shop of ten listings one of them is 10 %). ``price_percent``: a price may move by so much against the
    last one that was acknowledged. ``within_minutes``: endings this close together are one change.
    """

    ends_percent: Decimal = Field(
        default=Decimal(5),
        ge=0,
        le=100,
        title="Ask when more than this share of listings would end (%)",
        description="Of those that are live. What reaches further waits for your word.",
    )
    ends_most: int = Field(
        default=50, ge=0, title="Ask when more listings than this would end", description="Whatever the share is."
    )
    ends_few: int = Field(
        default=5, ge=0, title="So many may always end", description="Without asking, also in a small shop."
    )
    price_percent: Decimal = Field(
        default=Decimal(30),
        gt=0,
        title="Ask when a price moves by more than (%)",
        description="Against the last price the marketplace has acknowledged. Guards against a slip.",
    )
    within_minutes: int = Field(
        default=60,
        ge=1,
        le=10080,
        title="Endings within so many minutes are one change",
        description="So that a slow import cannot end everything piece by piece.",
    )

    def ends_too_many(self, ended: int, live: int) -> bool:
        """Whether ``ended`` of ``live`` listings (those that end included) are more than may end unasked."""
        if ended <= self.ends_few:
            return False
        return ended > self.ends_most or ended * 100 > self.ends_percent * live

    def moves_too_far(self, old: Money, new: Money) -> bool:
        """Whether a price moves by more than may be unasked, or changes its currency: the two cannot be compared."""
        if old.currency != new.currency:
            return True
        if old.amount <= 0:
            return False
        return abs(new.amount - old.amount) * 100 > self.price_percent * old.amount


def moved_percent(old: Money, new: Money) -> Decimal | None:
    """By how many percent a price moves, rounded to one digit; None where that makes no sense."""
    if old.currency != new.currency or old.amount <= 0:
        return None
    return ((new.amount - old.amount) * 100 / old.amount).quantize(Decimal("0.1"))
