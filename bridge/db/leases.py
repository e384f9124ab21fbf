"""Named rights that one holder has at a time, over threads, processes and machines: rows of ``leases``.

The time that counts is the database's, so that machines whose clocks disagree agree on who holds what.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, literal, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from bridge.db.session import Database
from bridge.db.tables import Lease, UtcTime

LONGEST = timedelta(minutes=5)  # nobody holds any for longer without prolonging it


def database_time(session: Session) -> datetime:
    """The database's own clock. SQLite has none: there all processes are on one machine."""
    if session.get_bind().dialect.name == "sqlite":
        return datetime.now(UTC)
    return session.scalars(select(func.clock_timestamp(type_=UtcTime()))).one()


def acquire(db: Database, name: str, token: str, hold: timedelta) -> bool:
    """Take the lease, or prolong it where ``token`` has it already. True when it is ours until ``hold`` from now. One
    that ends later than any would was given by a clock that has been set back since."""

    def act(session: Session) -> bool:
        now = database_time(session)
        insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
        statement = insert(Lease).values(name=name, token=token, until=now + hold)
        statement = statement.on_conflict_do_update(
            index_elements=["name"],
            set_={"token": token, "until": now + hold},
            where=or_(
                Lease.token == token,
                Lease.until <= literal(now, UtcTime()),
                Lease.until > literal(now + max(hold, LONGEST), UtcTime()),
            ),
        )
        session.execute(statement)
        return session.scalars(select(Lease.token).where(Lease.name == name)).one() == token

    return db.transact(None, act)


def renew(db: Database, name: str, token: str, hold: timedelta) -> bool:
    """Prolong a lease we hold. False when it is no longer ours: whoever took it may be at work."""

    def act(session: Session) -> bool:
        now = database_time(session)
        mine = update(Lease).where(Lease.name == name, Lease.token == token, Lease.until > now)
        return bool(session.execute(mine.values(until=now + hold)).rowcount)  # type: ignore[attr-defined]

    return db.transact(None, act)


def release(db: Database, name: str, token: str) -> None:
    """Give it back, if it is still ours."""

    def act(session: Session) -> None:
        session.execute(delete(Lease).where(Lease.name == name, Lease.token == token))

    db.transact(None, act)


def held_for(db: Database, name: str) -> timedelta | None:
    """How much longer someone holds the lease; None when nobody does."""
    with db.read(None) as session:
        until = session.scalars(select(Lease.until).where(Lease.name == name)).first()
        left = None if until is None else until - database_time(session)
    return left if left is not None and left > timedelta(0) else None
