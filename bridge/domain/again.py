"""When an account that refused its credentials is asked again: soon at first, then ever more rarely."""

from __future__ import annotations

from datetime import datetime, timedelta

from bridge.domain.values import Value

FIRST, LONGEST = timedelta(minutes=2), timedelta(hours=6)
# Refused again within this time after it had been let in: the rhythm goes on where it was.
STEADY = timedelta(hours=1)


class Again(Value):
    """``at``: the next time; ``gap`` in seconds: how long after the last one; ``let_in_at``: the credentials worked."""

    at: datetime
    gap: float
    let_in_at: datetime | None = None

    def refused(self, now: datetime) -> Again:
        """The same answer once more."""
        gap = min(2 * self.gap, LONGEST.total_seconds())
        return Again(at=now + timedelta(seconds=gap), gap=gap)

    def let_in(self, now: datetime) -> Again:
        return self.model_copy(update={"let_in_at": now})


def first(now: datetime, before: Again | None) -> Again:
    """The credentials have just been refused. ``before``: what is known of the last time."""
    if before is not None and before.let_in_at is not None and now - before.let_in_at < STEADY:
        return before.refused(now)
    return Again(at=now + FIRST, gap=FIRST.total_seconds())
