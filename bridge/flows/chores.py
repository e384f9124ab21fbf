"""What has to be done now and then and nobody waits for."""

from __future__ import annotations

from bridge.flows import installing, privacy
from bridge.flows.engine import Engine


def chores(engine: Engine) -> None:
    """Requests about personal data that broke off, and access that would run out for want of use."""
    for number in privacy.unfinished(engine):
        privacy.finish(engine, number)
    installing.keep_alive(engine)
