"""Writing down what happened (journal) and what a person should know (problems)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bridge.db.tables import Journal, Problem


def note(
    session: Session,
    now: datetime,
    kind: str,
    text: str,
    *,
    connection_id: int | None = None,
    order: str | None = None,
    sku: str | None = None,
    delivery: int | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """One line of the journal. ``text`` is for people; ``detail`` must hold no personal data and no secret."""
    session.add(
        Journal(
            at=now,
            kind=kind,
            text=text,
            connection_id=connection_id,
            order_ref=order,
            sku=sku,
            delivery_id=delivery,
            detail=detail or {},
        )
    )


def open_problem(
    session: Session,
    now: datetime,
    kind: str,
    subject: str,
    text: str,
    fix: str,
    *,
    connection_id: int | None = None,
    detail: str = "",
    severity: str = "error",
) -> None:
    """Say it once: the same kind and subject again only counts up (and opens it again when it was closed)."""
    session.flush()
    row = session.scalars(select(Problem).where(Problem.kind == kind, Problem.subject == subject)).first()
    if row is None:
        session.add(
            Problem(
                kind=kind,
                subject=subject,
                text=text,
                fix=fix,
                connection_id=connection_id,
                detail=detail,
                severity=severity,
                opened_at=now,
                seen_at=now,
            )
        )
        session.flush()
        return
    if row.closed_at is not None:
        row.closed_at, row.opened_at, row.count = None, now, 0
    row.text, row.fix, row.detail, row.severity = text, fix, detail, severity
    row.seen_at, row.count = now, row.count + 1


def close_problem(session: Session, now: datetime, kind: str, subject: str) -> None:
    """The cause is gone."""
    close_problems(session, now, kind, [subject])


def close_problems(session: Session, now: datetime, kind: str, subjects: list[str]) -> None:
    session.flush()
    session.execute(
        update(Problem)
        .where(Problem.kind == kind, Problem.subject.in_(subjects), Problem.closed_at.is_(None))
        .values(closed_at=now)
        .execution_options(synchronize_session="fetch")
    )
