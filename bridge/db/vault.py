"""Access tokens for all workers: encrypted rows, one refresh at a time under a lease."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bridge.db import leases
from bridge.db.session import Database
from bridge.db.tables import TokenRow
from bridge.ports.errors import RetryLater
from bridge.ports.http import Token

STEP = 0.05


class DatabaseVault:
    """A bridge.ports.http.TokenVault over the table ``tokens``. Accounts are Connection keys, "shop:connection"."""

    def __init__(self, db: Database, sleep: Callable[[float], None] = time.sleep) -> None:
        self._db = db
        self._sleep = sleep

    def load(self, account: str) -> Token | None:
        shop_id, connection_id = parse_account(account)
        with self._db.read(shop_id) as session:
            kept = session.scalars(select(TokenRow.token).where(TokenRow.connection_id == connection_id)).first()
        return _token(kept) if kept else None

    def save(self, account: str, token: Token, instead: Token | None = None) -> None:
        """Durable when it returns. A token that outlives the given one is never overwritten by it (a worker that
        lost its lock while it was renewing must not undo what came after), unless it is the one that was renewed."""
        shop_id, connection_id = parse_account(account)

        def act(session: Session) -> None:
            query = select(TokenRow).where(TokenRow.connection_id == connection_id).with_for_update()
            row = session.scalars(query).first()
            if row is None:
                session.add(TokenRow(connection_id=connection_id, token=_kept(token), version=1))
            elif (known := _token(row.token)).expires_at <= token.expires_at or known == instead:
                row.token, row.version = _kept(token), row.version + 1

        try:
            self._db.transact(shop_id, act)
        except IntegrityError:  # another process added the row between our look and our write
            self._db.transact(shop_id, act)

    def forget(self, account: str) -> None:
        """After the merchant entered new credentials: the old token is not to be used any more."""
        shop_id, connection_id = parse_account(account)

        def act(session: Session) -> None:
            session.execute(delete(TokenRow).where(TokenRow.connection_id == connection_id))

        self._db.transact(shop_id, act)

    @contextmanager
    def lock(self, account: str, seconds: float) -> Iterator[None]:
        """Exclusive over threads and processes; a dead holder's lock is free again after ``seconds``."""
        name, token = f"token:{account}", secrets.token_hex(12)
        deadline = time.monotonic() + seconds
        while not leases.acquire(self._db, name, token, timedelta(seconds=seconds)):
            if time.monotonic() + STEP > deadline:
                raise RetryLater("Another worker is renewing the access of this account; trying again soon.")
            self._sleep(STEP)
        try:
            yield
        finally:
            leases.release(self._db, name, token)


def parse_account(account: str) -> tuple[int, int]:
    """Shop and connection of a Connection key. Raises ValueError."""
    shop, _, connection = account.partition(":")
    if not (shop.isdigit() and connection.isdigit()):
        raise ValueError(f"{account!r} is no connection key such as 1:2")
    return int(shop), int(connection)


def _kept(token: Token) -> dict[str, Any]:
    return {"access": token.access, "refresh": token.refresh, "expires_at": token.expires_at.isoformat()}


def _token(kept: dict[str, Any]) -> Token:
    return Token(kept["access"], datetime.fromisoformat(kept["expires_at"]), kept["refresh"])
