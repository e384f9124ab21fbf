"""Requests about personal data that a store's platform passes on: kept, done at once, and told with a report."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bridge.db import privacy
from bridge.db.records import note, open_problem
from bridge.db.tables import Connection, PrivacyRequest
from bridge.flows import installing
from bridge.flows.engine import Engine
from bridge.flows.wish import CONNECTING, DISCONNECTED
from bridge.ports.errors import NotFound
from bridge.ports.storeapp import AppEvent, EventKind

# Shopify's own time-limit for all three.
TIME = timedelta(days=30)
# That something was asked and done can be proved for so long; then its record goes, too.
RECORD = timedelta(days=3 * 365)
ERASE_SHOP = "erase_shop"  # a merchant's own word (bridge/flows/ending.py), beside the kinds that a platform knows


def ask(engine: Engine, platform: str, event: AppEvent) -> int:
    """Keep a request and do what it asks for. The same delivery again is the same request. Returns its number."""
    row = installing.store_row(engine, platform, event.store)
    known, number = _kept(engine, platform, event, row)
    if not known:
        _do(engine, number, event, row)
    return number


def _kept(engine: Engine, platform: str, event: AppEvent, row: Connection | None) -> tuple[bool, int]:
    """Whether it is done already, and its number."""
    name = event.delivery or hashlib.sha256(event.model_dump_json().encode()).hexdigest()
    query = select(PrivacyRequest).where(
        PrivacyRequest.platform == platform,
        PrivacyRequest.store == event.store,
        PrivacyRequest.topic == event.topic,
        PrivacyRequest.delivery == name[:100],
    )

    def act(session: Session) -> tuple[bool, int]:
        found = session.scalars(query).first()
        if found is None:
            now = engine.clock()
            found = PrivacyRequest(
                platform=platform,
                store=event.store,
                shop_id=row.shop_id if row is not None else None,
                kind=event.kind.value,
                topic=event.topic,
                delivery=name[:100],
                subject={**event.subject, "orders": list(event.orders)},
                received_at=now,
                due_at=now + TIME,
                report={},
            )
            session.add(found)
            session.flush()
        return found.done_at is not None, found.id

    try:
        return engine.db.transact(None, act)
    except IntegrityError:  # the same delivery, twice at once
        return engine.db.transact(None, act)


def _do(engine: Engine, number: int, event: AppEvent, row: Connection | None) -> None:
    if row is None:
        close(engine, number, {"found": 0, "text": "Nothing is held of this store."})
    elif event.kind is EventKind.EXPORT:
        _export(engine, number, event, row)
    elif event.kind is EventKind.ERASE_BUYER:
        _erase_buyer(engine, number, event, row)
    else:
        _erase_store(engine, number, row)


def _export(engine: Engine, number: int, event: AppEvent, row: Connection) -> None:
    def act(session: Session) -> list[dict[str, Any]]:
        found = privacy.held(session, privacy.orders_of(session, event.orders))
        now = engine.clock()
        text = f"A buyer of {row.title} wants to know what is held about them ({len(found)} orders)."
        fix = f"Give them what `storebridge privacy {number}` shows, by {(now + TIME).date().isoformat()}."
        open_problem(
            session, now, "privacy_request", f"request {number}", text, fix, severity="warning", connection_id=row.id
        )
        return found

    found = engine.db.transact(row.shop_id, act)
    close(engine, number, {"found": len(found), "orders": found})


def _erase_buyer(engine: Engine, number: int, event: AppEvent, row: Connection) -> None:
    def act(session: Session) -> dict[str, int]:
        now = engine.clock()
        done = privacy.erase_buyers(session, privacy.orders_of(session, event.orders), row.id, now)
        text = (
            f"what was held about a buyer of {done['orders']} orders is erased, as {row.title} asked (request {number})"
        )
        note(session, now, "privacy", text, connection_id=row.id)
        return done

    close(engine, number, {"erased": engine.db.transact(row.shop_id, act)}, forget=True)


def _erase_store(engine: Engine, number: int, row: Connection) -> None:
    """Two days after the app was removed. Where it is installed again by then, there is nothing to erase."""
    if row.state not in (DISCONNECTED, "needs_reauth"):
        close(engine, number, {"erased": {}, "text": "The store has installed the app again."})
        return
    if _sells_elsewhere(engine, row):
        done = engine.db.transact(row.shop_id, privacy.erase_store, row.id, engine.clock())
    else:
        done = engine.db.transact(None, privacy.erase_shop, row.shop_id)
    close(engine, number, {"erased": done}, forget=True)


def _sells_elsewhere(engine: Engine, row: Connection) -> bool:
    query = select(Connection.id).where(
        Connection.role == "platform", Connection.id != row.id, Connection.state.not_in((DISCONNECTED, CONNECTING))
    )
    with engine.db.read(row.shop_id) as session:
        return session.scalars(query).first() is not None


def close(engine: Engine, number: int, report: dict[str, Any], *, forget: bool = False) -> None:
    """``forget``: of an erasure not even the request says who it was about."""

    def act(session: Session) -> None:
        request = session.get_one(PrivacyRequest, number)
        request.done_at, request.report = engine.clock(), report
        if forget:
            request.subject = {}

    engine.db.transact(None, act)


def requests(engine: Engine) -> list[dict[str, Any]]:
    """All of them, newest first, without what is in them."""
    with engine.db.read(None) as session:
        rows = session.scalars(select(PrivacyRequest).order_by(PrivacyRequest.id.desc()).limit(200)).all()
    return [_told(row) for row in rows]


def request(engine: Engine, number: int) -> dict[str, Any]:
    """One, with its report. Raises NotFound."""
    with engine.db.read(None) as session:
        row = session.get(PrivacyRequest, number)
    if row is None:
        raise NotFound(f"There is no request {number}.", field="number")
    return {**_told(row), "report": row.report}


def _told(row: PrivacyRequest) -> dict[str, Any]:
    times = {name: getattr(row, name) for name in ("received_at", "due_at", "done_at")}
    return {"id": row.id, "store": row.store, "kind": row.kind, "topic": row.topic, **times}


def unfinished(engine: Engine) -> list[int]:
    """Requests of stores that broke off before they were done."""
    with engine.db.read(None) as session:
        theirs = PrivacyRequest.kind != ERASE_SHOP
        query = select(PrivacyRequest.id).where(PrivacyRequest.done_at.is_(None), theirs)
        return list(session.scalars(query.order_by(PrivacyRequest.id)))


def finish(engine: Engine, number: int) -> None:
    """Do what was kept and not done: the process died, or the database did not answer."""
    with engine.db.read(None) as session:
        row = session.get_one(PrivacyRequest, number)
    subject = dict(row.subject or {})
    event = AppEvent(
        kind=EventKind(row.kind),
        store=row.store,
        topic=row.topic,
        orders=tuple(subject.pop("orders", ())),
        subject=subject,
    )
    _do(engine, number, event, installing.store_row(engine, row.platform, row.store))


def forget_old(engine: Engine) -> None:
    """Records whose time is over."""
    old = delete(PrivacyRequest).where(PrivacyRequest.done_at < engine.clock() - RECORD)
    engine.db.transact(None, lambda session: session.execute(old.execution_options(synchronize_session=False)))
