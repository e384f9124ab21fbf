"""What listings do while the store cannot be read, by the merchant's word for each marketplace."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from bridge.domain.values import Value


class Away(StrEnum):
    """``KEEP``: everything goes on from what was read last. ``FREEZE``: quantities may only fall, prices and texts
    rest. ``ZERO``: after a while nothing is for sale."""

    KEEP = "keep"
    FREEZE = "freeze"
    ZERO = "zero"


class Safe(Value):
    """A marketplace's listings are held back. ``since``: the store cannot be read; ``planned``: by the merchant's own
    word; ``back_at``: it answers again, and is being compared with."""

    mode: Away
    since: datetime
    planned: bool = False
    back_at: datetime | None = None

    @property
    def reason(self) -> str:
        """Why nothing is for sale, or why a number does not rise."""
        what = "the store is under maintenance" if self.planned else "the store does not answer"
        since = f"{what} since {self.since:%d %b %Y %H:%M} UTC"
        if self.mode is Away.ZERO:
            text = f"{since}; by your setting listings show 0 meanwhile"
        else:
            text = f"{since}; by your setting listings are frozen meanwhile"
        return text + (", until it has been compared with" if self.back_at else "")


def held_back(policy: Away, minutes: int, since: datetime, now: datetime) -> Away | None:
    """What holds now: nothing while the policy has no say (yet)."""
    if policy is Away.FREEZE:
        return policy
    due = policy is Away.ZERO and now >= since + timedelta(minutes=minutes)
    return policy if due else None
