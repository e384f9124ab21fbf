"""What has to be done now and then and nobody waits for."""

from __future__ import annotations

from bridge.flows import ending, installing, module_calls, privacy, turnover
from bridge.flows.engine import Engine


def chores(engine: Engine) -> None:
    """Requests about personal data that broke off or waited, and records of them that are old; access that would run
    out for want of use, and what modules have signed so long ago that it is refused anyway; and what was sold to other
    EU countries is counted."""
    for number in privacy.unfinished(engine):
        privacy.finish(engine, number)
    ending.go_on(engine)
    privacy.forget_old(engine)
    installing.keep_alive(engine)
    module_calls.forget_old(engine)
    turnover.count(engine)
