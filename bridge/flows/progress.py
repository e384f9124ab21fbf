"""How far long work has come, for whoever looks; and that it should stop, where that does no harm.

What may be stopped are looks at everything that come again by themselves: a sweep, a full check. What puts a change of
settings into effect may not.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from bridge.db import work
from bridge.db.tables import Connection, RunRow, Work
from bridge.db.work import Claim, Mark
from bridge.flows.engine import Engine
from bridge.ports.errors import AskMerchant, NotFound

CHECK, RESEND, CATALOGUE, READ_BACK = "project.connection", "listings.resend", "poll.catalogue", "poll.offers"
# Longer ago than this, work that says it is running has lost its worker; it is taken up again by another.
QUIET = timedelta(minutes=3)
SHOWN_AFTER = timedelta(minutes=10)
MANY = 50
# By the merchant's word: kind of work, its key.
STARTED: Mapping[str, str] = {CHECK: "check", RESEND: "all", CATALOGUE: "all"}


class Run:
    """One piece of long work while it is done. Each step renews the lease of its claims."""

    def __init__(
        self, engine: Engine, row: Connection, claims: list[Claim], kind: str, total: int | None, *, can_stop: bool
    ) -> None:
        self._engine, self._row, self._claims, self._kind = engine, row, claims, kind
        self._done = 0
        engine.db.transact(row.shop_id, _begin, row.id, kind, total, can_stop, engine.clock())

    def went_on(self, more: int) -> bool:
        """So many more are done. False where somebody wants it to stop."""
        self._done += more
        return self._engine.db.transact(self._row.shop_id, self._step, self._engine.clock())

    def _step(self, session: Session, now: datetime) -> bool:
        work.renew(session, self._claims, now)
        row = _row(session, self._row.id, self._kind)
        if row is None:
            return True
        row.done, row.updated_at = self._done, now
        return row.state != "stopping"

    def end(self) -> None:
        """Done, or stopped; the work is finished with it."""
        self._engine.db.transact(self._row.shop_id, self._finish, self._engine.clock())

    def _finish(self, session: Session, now: datetime) -> None:
        ended(session, self._row.id, self._kind, now)
        work.done(session, self._claims, now)


def _row(session: Session, connection_id: int, kind: str) -> RunRow | None:
    return session.scalars(select(RunRow).where(RunRow.connection_id == connection_id, RunRow.kind == kind)).first()


def _begin(session: Session, connection_id: int, kind: str, total: int | None, can_stop: bool, now: datetime) -> None:
    row = _row(session, connection_id, kind)
    if row is None:
        row = RunRow(connection_id=connection_id, kind=kind)
        session.add(row)
    row.done, row.total, row.can_stop, row.state = 0, total, can_stop, "running"
    row.started_at = row.updated_at = now


def ended(session: Session, connection_id: int, kind: str, now: datetime) -> None:
    row = _row(session, connection_id, kind)
    if row is not None:
        row.state, row.updated_at = ("stopped" if row.state == "stopping" else "done"), now


def start(engine: Engine, shop_id: int, connection_id: int, kind: str) -> None:
    """Have it done, soon. Raises NotFound for what cannot be asked for."""
    if kind not in STARTED:
        raise NotFound("There is no such work.")

    role = "platform" if kind == CATALOGUE else "channel"
    of_role = select(Connection.id).where(Connection.id == connection_id, Connection.role == role)

    def act(session: Session) -> None:
        if session.scalar(of_role) is None:
            raise NotFound("There is no such connection.")
        work.mark(session, shop_id, [Mark(connection_id, "sweep", kind, STARTED[kind], priority=3)], engine.clock())

    engine.db.transact(shop_id, act)
    engine.ring({"sweep"})


def was_stopped(session: Session, connection_id: int, kind: str) -> bool:
    row = _row(session, connection_id, kind)
    return row is not None and row.state == "stopped"


def stop(engine: Engine, shop_id: int, number: int) -> None:
    """It ends after the part that is being done. Raises NotFound, and AskMerchant for what must not stop half-way."""

    def act(session: Session) -> None:
        row = session.scalars(select(RunRow).where(RunRow.id == number).with_for_update()).first()
        if row is None:
            raise NotFound("There is no such work.")
        if not row.can_stop:
            raise AskMerchant("This puts a change into effect and is not stopped half-way.")
        if row.state == "running":
            row.state = "stopping"

    engine.db.transact(shop_id, act)


def shown(session: Session, now: datetime) -> list[dict[str, Any]]:
    """What is running, waits to, or has just ended, by connection; and that the reading of a store was stopped."""
    names = ("id", "connection_id", "kind", "done", "total", "can_stop", "state", "started_at", "updated_at")
    query = select(RunRow, Connection.title).join(Connection, Connection.id == RunRow.connection_id)
    recent = or_(
        RunRow.state.in_(("running", "stopping")),
        RunRow.updated_at > now - SHOWN_AFTER,
        (RunRow.kind == CATALOGUE) & (RunRow.state == "stopped"),
    )
    found = [
        {**{name: getattr(row, name) for name in names}, "title": title, "is_quiet": _is_quiet(row, now)}
        for row, title in session.execute(query.where(recent).order_by(RunRow.id))
    ]
    running = {(item["connection_id"], item["kind"]) for item in found if item["state"] in ("running", "stopping")}
    return [
        *found,
        *(item for item in _waiting(session) if (item["connection_id"], item["kind"]) not in running),
        *_reading(session),
    ]


def _is_quiet(row: RunRow, now: datetime) -> bool:
    return row.state in ("running", "stopping") and now - row.updated_at > QUIET


def _waiting(session: Session) -> list[dict[str, Any]]:
    """Asked for and not begun."""
    query = (
        select(Work.connection_id, Work.kind, Connection.title, Work.first_marked_at)
        .join(Connection, Connection.id == Work.connection_id)
        .where(Work.kind.in_(tuple(STARTED)), Work.dirty_version > Work.done_version)
        .order_by(Work.id)
    )
    return [_line(connection, kind, title, "waiting", at) for connection, kind, title, at in session.execute(query)]


def _reading(session: Session) -> list[dict[str, Any]]:
    """Products that a store has named and that are still to be read, where there are many."""
    query = (
        select(Work.connection_id, Connection.title, func.count(), func.min(Work.first_marked_at))
        .join(Connection, Connection.id == Work.connection_id)
        .where(Work.kind == "product.read", Work.dirty_version > Work.done_version)
        .group_by(Work.connection_id, Connection.title)
        .having(func.count() > MANY)
    )
    return [
        {**_line(connection, "product.read", title, "running", at), "left": left}
        for connection, title, left, at in session.execute(query)
    ]


def _line(connection: int, kind: str, title: str, state: str, at: datetime) -> dict[str, Any]:
    empty = {"id": None, "done": 0, "total": None, "can_stop": False, "is_quiet": False, "updated_at": at}
    return {**empty, "connection_id": connection, "kind": kind, "title": title, "state": state, "started_at": at}
