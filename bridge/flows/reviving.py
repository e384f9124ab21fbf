"""Accounts that were set aside because they refused our credentials are asked again by themselves: the refusal may
have been the other side's fault, it may be night, and stock goes stale meanwhile. One call each time, ever more rarely.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db import records
from bridge.db.tables import Connection, Shop
from bridge.flows import asked_again, connecting
from bridge.flows.engine import LANES, Engine
from bridge.log import get_logger
from bridge.ports.errors import BridgeError
from bridge.ports.http import lane

REFUSED = "needs_reauth"
log = get_logger(__name__)


def try_again(engine: Engine) -> int:
    """Ask those whose time has come. Returns how many are let in again; what waited for them is caught up with."""
    revived = sum(_ask(engine, row) for row in _due(engine) if not engine.stopping.is_set())
    if revived:
        engine.ring(set(LANES))
    return revived


def _due(engine: Engine) -> list[Connection]:
    now = engine.clock()
    query = select(Connection).join(Shop, Shop.id == Connection.shop_id)
    with engine.db.read(None) as session:
        rows = session.scalars(query.where(Connection.state == REFUSED, Shop.paused.is_(False))).all()
    known = [(row, asked_again.known(row)) for row in rows if engine.is_installed(row)]
    return [row for row, again in known if again is not None and again.at <= now]


def _ask(engine: Engine, row: Connection) -> bool:
    try:
        with lane("sweep"):
            engine.check(row)
    except BridgeError as error:
        log.info("the credentials of connection %s are still refused: %s", row.id, error)
        return engine.db.transact(row.shop_id, _refused, row.id, engine)
    return engine.db.transact(row.shop_id, _let_in, row.id, engine)


def _refused(session: Session, number: int, engine: Engine) -> bool:
    row = _still(session, number)
    again = asked_again.known(row) if row is not None else None
    if row is not None and again is not None:
        asked_again.keep(row, again.refused(engine.clock()))
    return False


def _let_in(session: Session, number: int, engine: Engine) -> bool:
    row, now = _still(session, number), engine.clock()
    again = asked_again.known(row) if row is not None else None
    if row is None or again is None:
        return False  # somebody connected it meanwhile, or let it go
    asked_again.keep(row, again.let_in(now))
    row.state, row.state_reason, row.state_since = "active", "", now
    records.close_problem(session, now, "reauthorise", f"connection {row.id}")
    records.note(session, now, "connection", f"{row.title}: its credentials are taken again", connection_id=row.id)
    connecting.start_work(session, engine, row, now, fresh=False)
    return True


def _still(session: Session, number: int) -> Connection | None:
    row = session.scalars(select(Connection).where(Connection.id == number).with_for_update()).first()
    return row if row is not None and row.state == REFUSED else None
