"""Remembering what a marketplace accepted for later, and having it followed."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from bridge.db import work
from bridge.db.tables import Connection, Submission
from bridge.db.work import Mark

FIRST_CHECK = timedelta(seconds=2)
MAX_ROUNDS = 4


def submit(session: Session, row: Connection, kind: str, subject_id: int, external_id: str, now: datetime) -> None:
    """``kind`` and ``subject_id`` name what follows from the end of it (flows/follow)."""
    due = now + FIRST_CHECK
    session.add(
        Submission(
            connection_id=row.id,
            external_id=external_id,
            kind=kind,
            subject_id=subject_id,
            submitted_at=now,
            next_check_at=due,
        )
    )
    session.flush()
    work.mark(session, row.shop_id, [Mark(row.id, "shipments", "follow", "all", priority=2, due_at=due)], now)
