"""Writing down what happened (journal) and what a person should know (problems, and the alerts that tell of them)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.orm import Session

from bridge.db import author
from bridge.db.session import core_execute_many, line
from bridge.db.tables import AlertRow, Journal, Problem

_NOTED = insert(Journal.__table__).inline()  # type: ignore[arg-type]


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
            author=author.noted(),
        )
    )


@dataclass(frozen=True)
class Note:
    """A line of the journal about a SKU on a connection."""

    text: str
    sku: str
    connection_id: int
    detail: dict[str, Any]


def note_all(session: Session, now: datetime, kind: str, notes: Sequence[Note]) -> None:
    """Many lines of one kind, in one statement."""
    if notes:
        always = {"at": now, "kind": kind, "author": author.noted(), "shop_id": session.info["shop_id"]}
        core_execute_many(line(session), _NOTED, [always | vars(one) for one in notes])


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
    """Say it once: the same kind and subject again only counts up (and opens it again when it was closed). Who wants
    to know is told when it opens, and when a warning becomes an error."""
    session.flush()
    row = session.scalars(select(Problem).where(Problem.kind == kind, Problem.subject == subject)).first()
    if row is None:
        row = Problem(
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
        session.add(row)
        session.flush()
        _alert(session, row, "opened", now)
        return
    worse = row.severity == "warning" and severity == "error"
    event = "opened" if row.closed_at is not None else "worse" if worse else None
    if row.closed_at is not None:
        row.closed_at, row.opened_at, row.count = None, now, 0
    row.text, row.fix, row.detail, row.severity = text, fix, detail, severity
    row.seen_at, row.count = now, row.count + 1
    if event is not None:
        _alert(session, row, event, now)


def close_problem(session: Session, now: datetime, kind: str, subject: str) -> None:
    """The cause is gone."""
    close_problems(session, now, kind, [subject])


def close_problems(session: Session, now: datetime, kind: str, subjects: list[str]) -> None:
    session.flush()
    _close(session, now, Problem.kind == kind, Problem.subject.in_(subjects))


def close_of(session: Session, now: datetime, subject: str, kinds: list[str]) -> None:
    """Problems of these kinds with one subject."""
    session.flush()
    _close(session, now, Problem.subject == subject, Problem.kind.in_(kinds))


def close_by_id(session: Session, now: datetime, problem_id: int) -> None:
    """A person has dealt with it."""
    session.flush()
    _close(session, now, Problem.id == problem_id)


def _close(session: Session, now: datetime, *which: ColumnElement[bool]) -> None:
    closed = session.scalars(
        update(Problem)
        .where(*which, Problem.closed_at.is_(None))
        .values(closed_at=now)
        .returning(Problem)
        .execution_options(synchronize_session="fetch")
    )
    for row in closed.all():
        _alert(session, row, "closed", now)


def _alert(session: Session, row: Problem, event: str, now: datetime) -> None:
    """In the same transaction as the problem: what is told can be late, or twice, and is never lost."""
    names = ("kind", "subject", "severity", "text", "fix", "connection_id", "opened_at")
    values = {name: getattr(row, name) for name in names}
    session.add(AlertRow(ref=uuid.uuid4().hex, problem_id=row.id, event=event, at=now, **values))
