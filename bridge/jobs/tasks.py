"""The one job there is. It carries the name of a lane, never what is to be done there."""

from __future__ import annotations

from collections.abc import Callable

from bridge.log import get_logger

log = get_logger(__name__)


class _Desk:
    """What a worker process serves its jobs with; put here before the first job."""

    drain: Callable[[str], None] | None = None


def serve(drain: Callable[[str], None]) -> None:
    _Desk.drain = drain


def drain(lane: str) -> None:
    """Called by RQ."""
    if _Desk.drain is None:
        raise RuntimeError("this process is no worker of Storebridge: start one with `storebridge worker`")
    _Desk.drain(lane)
