"""Many claims in one call, and where that fails each by itself: one that cannot be read stops none of the others."""

from __future__ import annotations

from collections.abc import Callable

from bridge.db import work
from bridge.db.work import Claim
from bridge.flows.engine import Engine
from bridge.flows.outcome import settle
from bridge.ports.errors import Reauthorise, RetryLater, SlowDown, Superseded

Act = Callable[[list[Claim]], None]


def together(engine: Engine, claims: list[Claim], act: Act, patience: int = 0) -> None:
    """``act`` on all claims. After ``patience`` tries a fault that would pass is taken for one claim's, too."""
    try:
        act(claims)
    except (SlowDown, Reauthorise, Superseded):
        raise
    except Exception as error:
        passing = isinstance(error, RetryLater) and min(claim.attempts for claim in claims) < patience
        if passing or len(claims) == 1:
            raise
        _apart(engine, claims, act)


def _apart(engine: Engine, claims: list[Claim], act: Act) -> None:
    """Where the other side answers nobody, the rest waits."""
    with engine.db.read(claims[0].shop_id) as session:
        mine = work.still_mine(session, claims)  # some may be done already
    left = [claim for claim in claims if claim.id in mine]
    for place, claim in enumerate(left):
        try:
            act([claim])
        except (SlowDown, Reauthorise) as error:
            settle(engine, left[place:], error)
            return
        except Exception as error:  # noqa: BLE001 it is told by its own claim, the others go on
            settle(engine, [claim], error)
