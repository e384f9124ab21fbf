"""What a person sees: connections with their freshness, and what needs attention. Pure reads over one shop.

Each function costs a constant number of statements, however many rows the shop has.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session


def connections(session: Session, now: datetime) -> list[dict[str, Any]]:
    """Each connection with its state, its polls, what waits and for how long, and its last webhook."""
    raise NotImplementedError


def problems(session: Session, include_closed: bool = False) -> list[dict[str, Any]]:
    """What needs a person, newest first, each with its fix."""
    raise NotImplementedError


def latency(session: Session) -> list[dict[str, Any]]:
    """From event to acknowledgement per channel: p50 and p95 in seconds."""
    raise NotImplementedError
