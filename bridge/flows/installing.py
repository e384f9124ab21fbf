"""Stores that install the bridge as an app: the first visit connects them, a removal lets them go, a return brings them
back. Whoever visits has been proved by the store."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from bridge.db import author, leases
from bridge.db.tables import Connection, Shop, TokenRow
from bridge.flows import connecting, leaving
from bridge.flows.admin import Named
from bridge.flows.engine import Engine
from bridge.flows.wish import DISCONNECTED
from bridge.ports.adapter import Adapter
from bridge.ports.errors import AskMerchant, BridgeError, NotFound, Reauthorise, RetryLater
from bridge.ports.http.context import hurry
from bridge.ports.storeapp import AppKeys, StoreApp, Visit

LEASE = timedelta(seconds=60)
WAIT, STEP = 20.0, 0.1
# The sender of a webhook waits for 5 seconds in all.
ASK_SECONDS = 2.0
IDLE = timedelta(days=7)
RENEWALS = 20


def app_of(engine: Engine, name: str) -> tuple[Adapter, StoreApp, AppKeys]:
    """The app of a platform. Raises NotFound where it has none, or this installation no keys for it."""
    adapter, keys = engine.platforms.get(name), engine.apps.get(name)
    if adapter is None or adapter.app is None or keys is None:
        raise NotFound(f"There is no app for {name} here.")
    return adapter, adapter.app, keys


def visited(engine: Engine, name: str, visit: Visit) -> tuple[Named, Connection]:
    """The visitor's shop and its store, connected if it was not. Raises what connecting raises."""
    row = store_row(engine, name, visit.store)
    if row is None or not _works(engine, row):
        with alone(engine, f"install:{name}:{visit.store}"[:120]):
            row = store_row(engine, name, visit.store)
            if row is None or not _works(engine, row):
                row = _connect(engine, name, visit, row)
    with engine.db.read(None) as session:
        shop = session.get_one(Shop, row.shop_id)
        return Named.of(shop), row


def store_row(engine: Engine, name: str, store: str) -> Connection | None:
    """The connection of a store, the one in use before those that were let go."""
    query = select(Connection).where(
        Connection.role == "platform", Connection.adapter == name, Connection.account == store
    )
    with engine.db.read(None) as session:
        rows = session.scalars(query.order_by(Connection.id)).all()
    return next((row for row in rows if row.state != DISCONNECTED), rows[-1] if rows else None)


def _works(engine: Engine, row: Connection) -> bool:
    if row.state not in ("active", "paused"):
        return False
    if (row.credentials or {}).get("access_token"):
        return True
    with engine.db.read(row.shop_id) as session:
        return session.get(TokenRow, row.id) is not None


def _connect(engine: Engine, name: str, visit: Visit, known: Connection | None) -> Connection:
    _, app, _ = app_of(engine, name)
    shop_id = known.shop_id if known is not None else new_shop(engine, visit.store)
    given = {"url": visit.url}
    try:
        with author.by(f"user {visit.user}, in the store's admin"):
            done = connecting.connect(
                engine, shop_id, "platform", name, visit.store, given, {}, {},
                grant=lambda it: app.grant(it, visit.proof),
            )  # fmt: skip
    except BaseException:
        if known is None:
            engine.db.transact(None, lambda session: session.execute(delete(Shop).where(Shop.id == shop_id)))
        raise
    return connecting.get(engine, shop_id, done.id)


def new_shop(engine: Engine, store: str) -> int:
    """A shop of its own for a store that nobody knows; its id."""

    def act(session: Session) -> int:
        row = Shop(public_id=secrets.token_urlsafe(12), name=store, created_at=engine.clock())
        session.add(row)
        session.flush()
        return row.id

    return engine.db.transact(None, act)


@contextmanager
def alone(engine: Engine, name: str) -> Iterator[None]:
    """Two windows opened at once install it once."""
    token, deadline = secrets.token_hex(12), time.monotonic() + WAIT
    while not leases.acquire(engine.db, name, token, LEASE):
        if time.monotonic() > deadline:
            raise RetryLater("The store is being connected; reload the page in a moment.")
        time.sleep(STEP)
    try:
        yield
    finally:
        leases.release(engine.db, name, token)


def removed(engine: Engine, name: str, store: str) -> bool:
    """The store says that it has removed the app. That may be old news, told again after it was installed anew: so the
    store is asked, and only one that lets us in no more is let go. Raises RetryLater where it does not answer."""
    row = store_row(engine, name, store)
    if row is None or row.state == DISCONNECTED:
        return False
    try:
        with hurry(ASK_SECONDS):
            engine.platform(row).check()
    except Reauthorise:
        leaving.left(engine, row)
        return True
    except AskMerchant:  # it lets us in, and has something to complain about
        return False
    return False


def keep_alive(engine: Engine) -> int:
    """Renew the access of stores that nothing is asked of (paused ones): a refresh token that is not used for 90 days
    is worth nothing, and the store would have to be connected again. Returns how many were renewed."""
    limit = engine.clock() - IDLE
    with engine.db.read(None) as session:
        query = (
            select(Connection)
            .join(TokenRow, TokenRow.connection_id == Connection.id)
            .where(Connection.role == "platform", Connection.state.in_(("active", "paused")))
            .where((Connection.last_ok_at.is_(None)) | (Connection.last_ok_at < limit))
            .order_by(Connection.last_ok_at)
            .limit(RENEWALS)
        )
        rows = list(session.scalars(query))
    return sum(_renew(engine, row) for row in rows)


def _renew(engine: Engine, row: Connection) -> bool:
    try:
        engine.platform(row).check()
    except BridgeError:
        return False
    now = engine.clock()

    def act(session: Session) -> None:
        session.get_one(Connection, row.id).last_ok_at = now

    engine.db.transact(row.shop_id, act)
    return True
