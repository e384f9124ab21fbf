"""Taking in what a store tells by itself: verified, kept with the mark of what to read again, acknowledged, rung.

A delivery is a hint. Nothing of its content is believed: the mark names what to read, the reading is the truth. What it
says of the stock decides how soon.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from bridge.db.ingest import Arrival, Ingest, seal
from bridge.db.tables import Connection, Shop
from bridge.db.work import Mark
from bridge.flows.bell import Bell
from bridge.flows.engine import Engine
from bridge.flows.messages import MAX_DEPTH, depth, read_object, understood
from bridge.flows.patience import AT_ONCE, Flood, pace_of
from bridge.flows.signing import valid_secrets
from bridge.ports.errors import AskMerchant, NotFound, RetryLater
from bridge.ports.platform import Hint, HintKind, WebhookDoor
from bridge.ports.storeapp import AppEvent, AppKeys, EventKind, StoreApp

REMEMBER = 2.0
REMEMBERED = 2000
_TOPIC, _ID = 80, 100
# Not while it is being connected, and not after it was disconnected.
_LISTENING = ("active", "paused", "needs_reauth")

_log = logging.getLogger(__name__)
_GONE = "This store is not connected here any more."


@dataclass(frozen=True, slots=True)
class Address:
    """Where a delivery goes: a connection, its adapter's reader and the secrets that are valid now. ``kept_back`` is
    the largest buffer of the shop's marketplaces."""

    shop_id: int
    connection_id: int
    platform: str
    door: WebhookDoor
    secrets: tuple[str, ...]
    kept_back: int = 0


class Receiver:
    """The receiving half of intake; one per process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._ingest = Ingest(engine.db)
        self._bell = Bell(engine.ring)
        self._flood = Flood()
        self._known: dict[tuple[str, int], tuple[float, Address | None]] = {}
        self._lock = threading.Lock()

    def address(self, public_id: str, connection_id: int) -> Address:
        """Remembered for REMEMBER seconds, so a disconnect or a new secret takes effect within that.

        Raises NotFound when there is no such connection, RetryLater when the database does not answer.
        """
        key = (public_id, connection_id)
        known = self._known.get(key)
        if known is None or known[0] < time.monotonic():
            known = (time.monotonic() + REMEMBER, self._look_up(public_id, connection_id))
            with self._lock:
                if len(self._known) >= REMEMBERED:
                    self._known.clear()
                self._known[key] = known
        if known[1] is None:
            raise NotFound(_GONE)
        return known[1]

    def receive(self, address: Address, headers: Mapping[str, str], body: bytes) -> Hint:
        """Verify, keep and mark in one transaction, ring. Durable on return.

        Raises Reauthorise (forged), AskMerchant (verified, and yet no sense), NotFound (disconnected
        meanwhile), RetryLater (not kept: the sender must see a failure).
        """
        hint = read(address.door, headers, body, address.secrets)
        if hint.kind is HintKind.NOTHING:
            return hint
        self._take(address.shop_id, address.connection_id, hint, body, address.kept_back)
        return hint

    def keep_hint(self, row: Connection, hint: Hint, body: bytes) -> None:
        """Keep what a store has told the app (:func:`read_event`). Raises NotFound and RetryLater."""
        if row.state not in _LISTENING:
            return
        try:
            with self._engine.db.read(row.shop_id) as session:
                kept_back = _kept_back(session, row.shop_id)
        except SQLAlchemyError as error:
            raise _not_now(error) from error
        self._take(row.shop_id, row.id, hint, body, kept_back)

    def _take(self, shop_id: int, connection_id: int, hint: Hint, body: bytes, kept_back: int) -> None:
        flooded = hint.kind is not HintKind.ORDER and self._flood.rises(connection_id)
        mark = mark_of(hint, connection_id, kept_back, flooded=flooded)
        arrival = Arrival(
            shop_id=shop_id,
            connection_id=connection_id,
            topic=hint.topic,
            external_id=hint.external_id,
            body_hash=hashlib.sha256(hint.delivery.encode() if hint.delivery else body).hexdigest(),
            body=seal(body.decode()),
            received_at=self._engine.clock(),
            mark=mark,
        )
        self._keep(arrival)
        self._bell.ring(mark.lane)

    def _keep(self, arrival: Arrival) -> None:
        try:
            self._ingest.keep(arrival)
        except IntegrityError as error:
            raise NotFound(_GONE) from error
        except DataError as error:
            raise AskMerchant("The delivery cannot be stored.", developer=type(error).__name__) from error
        except SQLAlchemyError as error:
            raise _not_now(error) from error

    def _look_up(self, public_id: str, connection_id: int) -> Address | None:
        query = (
            select(Connection)
            .join(Shop, Shop.id == Connection.shop_id)
            .where(
                Connection.id == connection_id,
                Connection.role == "platform",
                Connection.state.in_(_LISTENING),
                Shop.public_id == public_id,
            )
        )
        try:
            with self._engine.db.read(None) as session:
                row = session.scalars(query).first()
                return self._address(row, _kept_back(session, row.shop_id)) if row else None
        except SQLAlchemyError as error:
            raise _not_now(error) from error

    def _address(self, row: Connection, kept_back: int) -> Address | None:
        adapter = self._engine.platforms.get(row.adapter)
        if adapter is None or adapter.webhooks is None:
            return None
        secrets = tuple(valid_secrets(row, self._engine.clock()))
        return Address(row.shop_id, row.id, row.adapter, adapter.webhooks, secrets, kept_back)


def _kept_back(session: Session, shop_id: int) -> int:
    """The largest buffer that is set for a marketplace as a whole; one that a rule sets is not known here."""
    query = select(Connection.settings).where(Connection.shop_id == shop_id, Connection.role == "channel")
    return max((_whole(settings.get("buffer")) for settings in session.scalars(query)), default=0)


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else 0


def read(door: WebhookDoor, headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> Hint:
    """Verify and read. Raises Reauthorise, and AskMerchant for what makes no sense."""
    hint = understood(lambda: door.read(headers, body, secrets))
    if hint.kind is not HintKind.NOTHING:
        _refuse_unsound(hint, body)
    return hint


def read_event(app: StoreApp, keys: AppKeys, headers: Mapping[str, str], body: bytes) -> AppEvent:
    """The same of what a store tells the app."""
    event = understood(lambda: app.event(headers, body, keys))
    if event.hint is not None and event.kind is EventKind.HINT:
        _refuse_unsound(event.hint, body)
    elif event.kind is not EventKind.NOTHING:
        read_object(body)
    return event


def _refuse_unsound(hint: Hint, body: bytes) -> None:
    if depth(body) > MAX_DEPTH:
        raise AskMerchant(f"The delivery is nested deeper than {MAX_DEPTH} levels.")
    if not _fits(hint.external_id, _ID) or not _fits(hint.topic, _TOPIC):
        raise AskMerchant("The delivery's topic or id is missing, too long or not printable.")
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise AskMerchant("The delivery is not valid UTF-8.") from error


def _fits(name: str, longest: int) -> bool:
    return 0 < len(name) <= longest and name.isprintable()


def mark_of(hint: Hint, connection_id: int, kept_back: int = 0, *, flooded: bool = False) -> Mark:
    """What to read again, and how soon."""
    if hint.kind is HintKind.ORDER:
        return Mark(connection_id, "orders", "store_order.read", hint.external_id)
    kind = "product.read" if hint.kind is HintKind.PRODUCT else "pool.read"
    pace = pace_of(hint.units, kept_back, flooded=flooded)
    first = 2 if pace is AT_ONCE else 3
    return Mark(connection_id, "stock", kind, hint.external_id, priority=first, settle=True, pace=pace)


def _not_now(error: SQLAlchemyError) -> RetryLater:
    _log.warning("a delivery could not be kept: %s", error)
    return RetryLater("The database does not answer; nothing was kept.", developer=type(error).__name__)
