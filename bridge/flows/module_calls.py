"""What a store module says, proved: by whom, when, and that it is heard for the first time (docs/store-modules.md)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from bridge.db.tables import ActivationRow, Connection, ModuleRow, NonceRow, Shop
from bridge.domain import signed
from bridge.flows.engine import Engine
from bridge.flows.messages import read_object
from bridge.flows.wish import DISCONNECTED
from bridge.ports.errors import NotFound, Reauthorise

GONE = "This store is not connected here any more. Connect it again in the store's admin."
OVERLAP = timedelta(hours=24)
# Beyond the window, for clocks of several machines of ours.
MARGIN = timedelta(seconds=60)


@dataclass(frozen=True)
class ModuleCall:
    """A signed call. ``body`` are its raw bytes; ``signature.at`` is by the store's clock."""

    connection: Connection
    act: str
    signature: signed.Signature
    secret: str = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def shop_id(self) -> int:
        return self.connection.shop_id

    @property
    def connection_id(self) -> int:
        return self.connection.id

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(self.signature.at, UTC)

    def content(self) -> dict[str, Any]:
        """The body as JSON. Raises AskMerchant where it is no JSON object."""
        return read_object(self.body)

    def answer(self, content: bytes, now: datetime) -> str:
        """The header of the answer ``content``."""
        act = signed.answer_act(self.act)
        return str(signed.sign(self.secret, act, content, now, self.signature.nonce))


def verified(
    engine: Engine, public_id: str, connection_id: int, act: str, header: str | None, body: bytes
) -> ModuleCall:
    """Raises NotFound (the connection is gone) and Reauthorise (not signed by its module, or not lately). That it was
    not said before is for :func:`once` to see to, in the transaction of what it brings about."""
    if not public_id.isprintable():
        raise NotFound(GONE)
    query = (
        select(Connection, ModuleRow)
        .join(Shop, Shop.id == Connection.shop_id)
        .join(ModuleRow, ModuleRow.connection_id == Connection.id)
        .where(Connection.id == connection_id, Shop.public_id == public_id, Connection.state != DISCONNECTED)
    )
    with engine.db.read(None) as session:
        found = session.execute(query).first()
    if found is None:
        raise NotFound(GONE)
    connection, module = found
    now = engine.clock()
    for secret in valid_secrets(module, now):
        try:
            signature = signed.verify(header, act, body, [secret], now)
        except signed.BadSignature as error:
            reason = str(error)
            continue
        return ModuleCall(connection, act, signature, secret, body)
    raise Reauthorise(reason)


def valid_secrets(module: ModuleRow, now: datetime) -> list[str]:
    """The secrets in force, newest first; at least one."""
    known = list(module.secrets or [""])
    return known if module.retired_until is not None and now < module.retired_until else known[:1]


def once(session: Session, call: ModuleCall) -> ModuleRow:
    """The module's row, locked; from now on this very call is taken no more. Raises Reauthorise where it was taken
    before, NotFound where the connection was let go meanwhile."""
    row = session.scalars(
        select(ModuleRow).where(ModuleRow.connection_id == call.connection_id).with_for_update()
    ).first()
    if row is None:
        raise NotFound(GONE)
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    statement = (
        insert(NonceRow)
        .values(
            shop_id=call.shop_id,
            connection_id=call.connection_id,
            nonce=call.signature.nonce,
            until=call.at + signed.WINDOW + MARGIN,
        )
        .on_conflict_do_nothing()
        .returning(NonceRow.nonce)
    )
    if session.execute(statement).first() is None:
        raise Reauthorise("This very call was made before. Sign each call with a new number.")
    return row


def spend(engine: Engine, call: ModuleCall) -> None:
    """:func:`once` in a transaction of its own, for what changes nothing else or changes it elsewhere."""

    def act(session: Session) -> None:
        heard(once(session, call), engine.clock())

    engine.db.transact(call.shop_id, act)


def heard(row: ModuleRow, now: datetime) -> None:
    row.heard_at = now


def forget_old(engine: Engine) -> int:
    """Signed numbers whose time is over, and handshakes that nobody came back for."""
    now = engine.clock()

    def act(session: Session) -> int:
        gone = 0
        for table in (NonceRow, ActivationRow):
            done = session.execute(delete(table).where(table.until < now).execution_options(synchronize_session=False))
            gone += done.rowcount  # type: ignore[attr-defined]
        return gone

    return engine.db.transact(None, act)
