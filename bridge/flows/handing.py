"""Keys that a store hands over, from server to server, after a person agreed in its admin. The question waits as a
consent does (bridge/flows/consenting.py). Nothing of what is posted is believed but the state that nobody else knows:
the store that was asked is called with the keys before they are kept, and the browser that comes back is only told what
became of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from bridge.db import author
from bridge.db.tables import Connection
from bridge.flows.connecting import CONSENT, Connected, attach
from bridge.flows.consenting import GONE, find, mark
from bridge.flows.engine import Engine
from bridge.flows.wish import CONNECTING, Given, Manner, adapter_of
from bridge.ports.adapter import Handed, Handover
from bridge.ports.errors import AskMerchant, BridgeError, NotFound, RetryLater

HANDED = "handed"  # a draft whose keys have come; what became of them stands in its info
KEY, REFUSED, CONNECTED = "key", "refused", "connected"


def handed(engine: Engine, name: str, body: Mapping[str, Any]) -> None:
    """The keys have come. Sent once more, they are the same keys. Raises NotFound for a state that is not waited for,
    and what ``connect`` raises."""
    adapter = engine.platforms.get(name)
    if adapter is None or not isinstance(adapter.consent, Handover):
        raise NotFound(GONE)
    posted = adapter.consent.posted(body)
    row = _claim(engine, name, posted)
    if row is None:
        return
    sealed = row.webhook_secrets[0]
    credentials = {**(row.credentials or {}), **posted.credentials}
    manner = Manner(row.sandbox, author=str(sealed["author"]))
    given = Given(str(sealed["account"]), credentials, {}, row.urls, manner, dict(sealed["typed"]))
    try:
        with author.by(manner.author):
            done = attach(engine, row.shop_id, "platform", name, given)
    except BridgeError as error:
        _remember(engine, row, {REFUSED: error.merchant})
        raise
    _remember(engine, row, {CONNECTED: done.id})


def _claim(engine: Engine, name: str, posted: Handed) -> Connection | None:
    """The draft, whose keys these are from now on; None where they came before. Raises NotFound."""
    now, key = engine.clock(), _hashed(posted)
    row = find(engine, posted.state)
    if row is None or row.adapter != name:
        _require_known(engine, name, posted, key)
        return None

    def act(session: Session) -> bool:
        waits = (Connection.id == row.id, Connection.state_reason == CONSENT)
        taken = update(Connection).where(*waits).values(state_reason=HANDED, state_since=now, info={KEY: key})
        return bool(getattr(session.execute(taken), "rowcount", 0))

    if engine.db.transact(row.shop_id, act):
        return row
    _require_known(engine, name, posted, key)
    return None


def _require_known(engine: Engine, name: str, posted: Handed, key: str) -> None:
    """Raises NotFound for keys that did not come before, or did not do."""
    row = _found(engine, mark(posted.state))
    if row is None or row.adapter != name or row.info.get(KEY) != key or REFUSED in row.info:
        raise NotFound(GONE)


def _hashed(posted: Handed) -> str:
    return hashlib.sha256(json.dumps(dict(posted.credentials), sort_keys=True).encode()).hexdigest()


def _found(engine: Engine, account: str) -> Connection | None:
    query = select(Connection).where(Connection.state == CONNECTING, Connection.state_reason == HANDED)
    with engine.db.read(None) as session:
        return session.scalars(query.where(Connection.account == account)).first()


def _remember(engine: Engine, row: Connection, what: dict[str, Any]) -> None:
    """For the browser that comes back; what was typed is not needed any more."""

    def act(session: Session) -> None:
        known = session.get(Connection, row.id, with_for_update=True)
        if known is not None:
            known.info = {**known.info, **what}
            known.credentials = {}

    engine.db.transact(row.shop_id, act)


def came_back(engine: Engine, said: Mapping[str, str]) -> Connected | None:
    """What became of it, for the browser that the store sent back; None where no store was asked so. It is worth
    nothing as a proof. Raises AskMerchant and RetryLater."""
    state = said.get("state", "")
    if (row := _found(engine, mark(state))) is not None:
        return _outcome(engine, row)
    row = find(engine, state)
    if row is None or not isinstance(adapter_of(engine, row.role, row.adapter).consent, Handover):
        return None
    if said.get("success") == "1":
        raise AskMerchant(
            f"Your store agreed, but its keys have not arrived here: its server has to reach {engine.public_url}. "
            "Ask once more, or make a key in the store and enter it. Nothing is connected."
        )
    engine.db.transact(row.shop_id, lambda session: session.execute(delete(Connection).where(Connection.id == row.id)))
    raise AskMerchant(f"{row.title} was not connected: you did not agree. Nothing was changed.")


def _outcome(engine: Engine, row: Connection) -> Connected:
    if REFUSED in row.info:
        raise AskMerchant(f"Your store agreed, but it is not connected: {row.info[REFUSED]}")
    if CONNECTED not in row.info:
        raise RetryLater("Your store's keys are being tried. Reload this page in a moment.")
    with engine.db.read(row.shop_id) as session:
        done = session.get(Connection, row.info[CONNECTED])
    if done is None:
        raise AskMerchant("This store was let go meanwhile.")
    return Connected(done.id, done.account, done.title, True, dict(done.info))
