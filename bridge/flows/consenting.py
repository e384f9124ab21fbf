"""Connecting an account by a person's word in the browser: what they typed waits, sealed, until the answer comes back
with a code. The state that goes along is known to nobody else, belongs to that draft of that shop, and is good once."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from bridge.db.tables import Connection
from bridge.flows.connecting import CONNECTING, CONSENT, Connected, attach
from bridge.flows.engine import Engine
from bridge.flows.wish import Given, Manner, adapter_of, read_wish
from bridge.ports.adapter import Adapter, Consent
from bridge.ports.errors import AskMerchant, NotFound

TIME = timedelta(hours=1)
LONGEST = 4000
GONE = "This answer belongs to no question of ours, or came too late. Ask for the consent again from the form."


@dataclass(frozen=True)
class Asked:
    """Where the person goes to say yes, and the address the answer comes to."""

    title: str
    address: str
    back: str


def back(engine: Engine) -> str:
    """To be registered with the application at the marketplace, letter by letter."""
    return f"{engine.public_url.rstrip('/')}/authorised"


def begin(engine: Engine, shop_id: int, name: str, asked: Given) -> int:
    """Keep what was typed; returns the number under which it waits. Raises FieldErrors and AskMerchant."""
    adapter = adapter_of(engine, "channel", name)
    consent = _consent(adapter)
    now, state = engine.clock(), secrets.token_urlsafe(32)
    typed = {field: value for field, value in asked.credentials.items() if field not in consent.gives}
    given = replace(asked, account=asked.account or name, credentials=typed)
    wish = read_wish(shop_id, "channel", _without(adapter, consent), None, given, now)
    sealed = {"state": state, "account": asked.account, "author": asked.manner.author, "typed": dict(asked.settings)}

    def act(session: Session) -> int:
        old = (Connection.state == CONNECTING, Connection.state_reason == CONSENT, Connection.state_since < now - TIME)
        session.execute(delete(Connection).where(*old))
        row = Connection(
            role="channel",
            adapter=name,
            account=_mark(state),
            title=adapter.manifest.title,
            credentials=wish.credentials,
            webhook_secrets=[sealed],
            settings=wish.settings,
            urls=wish.urls,
            state=CONNECTING,
            state_reason=CONSENT,
            state_since=now,
            created_at=now,
        )
        session.add(row)
        session.flush()
        return row.id

    return engine.db.transact(shop_id, act)


def _consent(adapter: Adapter) -> Consent:
    if adapter.consent is None:
        raise AskMerchant(f"{adapter.manifest.title} is connected by credentials that are entered.", field="adapter")
    return adapter.consent


def _without(adapter: Adapter, consent: Consent) -> Adapter:
    """What the consent gives is not asked for."""
    fields = tuple(item for item in adapter.manifest.credentials if item.name not in consent.gives)
    return replace(adapter, manifest=adapter.manifest.model_copy(update={"credentials": fields}))


def _mark(state: str) -> str:
    """Under which a draft is found again: whoever reads the table learns no state."""
    return f"~{hashlib.sha256(state.encode()).hexdigest()[:60]}"


def asked(engine: Engine, session: Session, number: int) -> Asked | None:
    """What waits under this number, of the session's shop."""
    row = session.scalars(_waiting(engine).where(Connection.id == number)).first()
    if row is None:
        return None
    adapter = adapter_of(engine, "channel", row.adapter)
    state = str(row.webhook_secrets[0]["state"])
    return Asked(row.title, _consent(adapter).address(engine.connection(row), state, back(engine)), back(engine))


def _waiting(engine: Engine) -> Any:
    fresh = Connection.state_since >= engine.clock() - TIME
    return select(Connection).where(Connection.state == CONNECTING, Connection.state_reason == CONSENT, fresh)


def answered(engine: Engine, state: str, code: str, refusal: str = "") -> Connected:
    """The person has said yes (``code``) or no (``refusal``, in the marketplace's words). Raises NotFound for a state
    that is not waited for, and what ``connect`` raises."""
    row = _take(engine, state[:LONGEST])
    adapter = adapter_of(engine, "channel", row.adapter)
    if not code:
        words = f" ({refusal[:80]})" if refusal else ""
        raise AskMerchant(f"{row.title} was not opened: the consent was refused{words}. Nothing is connected.")
    granted = _consent(adapter).redeem(engine.connection(row), code[:LONGEST], back(engine))
    sealed = row.webhook_secrets[0]
    given = Given(
        str(sealed["account"] or ""),
        {**row.credentials, **granted.credentials},
        {**sealed["typed"], **granted.settings},
        row.urls,
        Manner(held=True, author=str(sealed["author"])),
    )
    return attach(engine, row.shop_id, "channel", row.adapter, given)


def _take(engine: Engine, state: str) -> Connection:
    """The draft, which is gone with that: a state is good once. Raises NotFound."""
    with engine.db.read(None) as session:
        query = _waiting(engine).where(Connection.account == _mark(state))
        row: Connection | None = session.scalars(query).first()
    if row is None:
        raise NotFound(GONE)

    def act(session: Session) -> bool:
        gone = session.execute(delete(Connection).where(Connection.id == row.id))
        return bool(getattr(gone, "rowcount", 0))

    if not engine.db.transact(row.shop_id, act):
        raise NotFound(GONE)
    return row
