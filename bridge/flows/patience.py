"""How long a store event may wait for others of the same product (docs/decisions/0005).

What a delivery says of its product decides nothing but that: a wrong word costs seconds, never a wrong number.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable

from bridge.db.work import BRISK, Settle

NEAR = 10
AT_ONCE = Settle(rest=0, apart=0, most=0, quiet=0)
PATIENT = Settle(rest=1, apart=2, most=10, quiet=5)
FLOODED = Settle(rest=2.5, apart=2.5, most=20, quiet=None)
MANY, WITHIN = 60, 2.0


def pace_of(units: int | None, kept_back: int, *, flooded: bool) -> Settle:
    """``units``: what is said to be left, None where nothing is said; ``kept_back``: the largest safety buffer."""
    if units is None:
        return BRISK
    if units <= kept_back:
        return AT_ONCE
    if units <= kept_back + NEAR:
        return BRISK
    return FLOODED if flooded else PATIENT


class Flood:
    """Whether a store tells of so many products at once that it must be a bulk edit or an import. Each process goes by
    what it has seen itself."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: defaultdict[int, deque[float]] = defaultdict(lambda: deque(maxlen=MANY))

    def rises(self, connection_id: int) -> bool:
        """To be asked once for each event."""
        seen, now = self._seen[connection_id], self._clock()
        seen.append(now)
        return len(seen) == MANY and now - seen[0] < WITHIN
