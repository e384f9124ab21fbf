"""Connecting an account by a person's word in the browser: what they typed waits, sealed, until the answer comes back
with a code. The state that goes along is shown to nobody else, belongs to that draft of that shop and that person, and
is good once."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import and_, delete, or_, select, update
from sqlalchemy.orm import Session

from bridge.db import author
from bridge.db.tables import Connection
from bridge.flows.connecting import (
    CONSENT,
    Connected,
    attach,
    get,
    here,
    known_account,
    refuse_second_store,
)
from bridge.flows.engine import Engine
from bridge.flows.forms import FieldErrors
from bridge.flows.wish import CONNECTING, Given, Manner, adapter_of, read_wish, store_host
from bridge.ports.adapter import Adapter, Consent, Handover
from bridge.ports.errors import AskMerchant, BridgeError, NotFound

TIME = timedelta(hours=1)
TRIED = timedelta(minutes=3)  # an answer takes no longer
LONGEST = 4000
ANSWERED = "answered"  # a draft whose answer has come; what became of it stands in its info
REFUSED, CONNECTED = "refused", "connected"
GONE = "This answer belongs to no question of ours, or came too late. Ask for the consent again from the form."


@dataclass(frozen=True)
class Asked:
    """Where the person goes to say yes, and the address the answer comes to. ``address`` is "" once the answer is there
    and being tried."""

    title: str
    address: str
    back: str


@dataclass(frozen=True)
class Outcome:
    """What became of a question: the connection that it made or renewed, else why there is none."""

    title: str
    connection: int | None
    why: str = ""


def back(engine: Engine) -> str:
    """To be registered with the application at the marketplace, letter by letter."""
    return f"{engine.public_url.rstrip('/')}/authorised"


def begin(engine: Engine, shop_id: int, role: str, name: str, asked: Given) -> int:
    """Keep what was typed, over what an account of this name has already; returns the number under which it waits.
    Raises FieldErrors and AskMerchant."""
    adapter = adapter_of(engine, role, name)
    consent = _consent(adapter)
    now, state = engine.clock(), secrets.token_urlsafe(32)
    typed = {field: value for field, value in asked.credentials.items() if field not in consent.gives}
    given = replace(asked, account=asked.account or store_host(adapter, typed) or name, credentials=typed)
    known = known_account(engine, shop_id, name, asked.account) if asked.account else None
    wish = read_wish(shop_id, role, _without(adapter, consent), known, given, here(engine, shop_id))
    refuse_second_store(engine, wish)
    _require(adapter, consent, wish.settings)
    sealed: dict[str, Any] = {
        "state": state,
        "account": asked.account,
        "author": asked.manner.author,
        "typed": dict(asked.settings),
    }
    sealed["held"] = asked.manner.held

    def act(session: Session) -> int:
        ours = Connection.state_reason.in_((CONSENT, ANSWERED))
        old = (Connection.state == CONNECTING, ours, Connection.state_since < now - TIME)
        session.execute(delete(Connection).where(*old))
        row = Connection(
            role=role,
            adapter=name,
            account=mark(state),
            title=adapter.manifest.title,
            credentials=wish.credentials,
            webhook_secrets=[sealed],
            settings=wish.settings,
            urls=wish.urls,
            sandbox=asked.manner.sandbox,
            state=CONNECTING,
            state_reason=CONSENT,
            state_since=now,
            created_at=now,
        )
        session.add(row)
        session.flush()
        _address(engine, row)  # keys that cannot do are refused before anyone is sent
        return row.id

    number = engine.db.transact(shop_id, act)
    if isinstance(consent, Handover):
        _reach(engine, shop_id, number, consent)
    return number


def _reach(engine: Engine, shop_id: int, number: int, consent: Handover) -> None:
    """A question to a store that does not answer is none."""
    try:
        consent.reach(engine.connection(get(engine, shop_id, number)))
    except BaseException:
        engine.db.transact(shop_id, lambda session: session.execute(delete(Connection).where(Connection.id == number)))
        raise


def _address(engine: Engine, row: Connection) -> str:
    consent = _consent(adapter_of(engine, row.role, row.adapter))
    opened, state, here = engine.connection(row), str(row.webhook_secrets[0]["state"]), back(engine)
    if isinstance(consent, Handover):
        return consent.address(opened, state, here, f"{here}/{row.adapter}")
    return consent.address(opened, state, here)


def _consent(adapter: Adapter) -> Consent | Handover:
    if adapter.consent is None:
        raise AskMerchant(f"{adapter.manifest.title} is connected by credentials that are entered.", field="adapter")
    return adapter.consent


def _require(adapter: Adapter, consent: Consent | Handover, settings: Mapping[str, Any]) -> None:
    """What the consent cannot do without."""
    wanted = [item for item in adapter.manifest.settings if item.name in consent.needs and item.default is None]
    fields = [item for item in wanted if not settings.get(item.name)]
    if fields:
        raise FieldErrors({item.name: f"{item.label} is missing. {item.help}" for item in fields})


def _without(adapter: Adapter, consent: Consent | Handover) -> Adapter:
    """What the consent gives is not asked for."""
    fields = tuple(item for item in adapter.manifest.credentials if item.name not in consent.gives)
    return replace(adapter, manifest=adapter.manifest.model_copy(update={"credentials": fields}))


def mark(state: str) -> str:
    """Under which a draft is found again: whoever reads the table learns no state."""
    return f"~{hashlib.sha256(state.encode()).hexdigest()[:60]}"


def asked(engine: Engine, session: Session, number: int, author: str) -> Asked | None:
    """What waits under this number, of the session's shop; for whoever asked."""
    row = session.scalars(_open(engine).where(Connection.id == number)).first()
    if row is None or row.webhook_secrets[0]["author"] != author:
        return None
    if row.state_reason == ANSWERED:
        return None if _is_told(row) else Asked(row.title, "", back(engine))
    return Asked(row.title, _address(engine, row), back(engine))


def outcome(engine: Engine, session: Session, number: int, author: str) -> Outcome | None:
    """What became of the question with this number, for whoever asked it; None while nobody knows, and where there is
    none."""
    fresh = Connection.state_since >= engine.clock() - TIME
    query = select(Connection).where(Connection.state == CONNECTING, Connection.id == number, fresh)
    row = session.scalars(query).first()
    if row is None or not _is_told(row) or row.webhook_secrets[0]["author"] != author:
        return None
    return Outcome(row.title, row.info.get(CONNECTED), str(row.info.get(REFUSED, "")))


def _is_told(row: Connection) -> bool:
    return bool({REFUSED, CONNECTED} & (row.info or {}).keys())


def _waiting(engine: Engine) -> Any:
    fresh = Connection.state_since >= engine.clock() - TIME
    return select(Connection).where(Connection.state == CONNECTING, Connection.state_reason == CONSENT, fresh)


def _open(engine: Engine) -> Any:
    """What waits for its answer, or has it and is being tried by whoever took it, if they live."""
    now = engine.clock()
    waits = and_(Connection.state_reason == CONSENT, Connection.state_since >= now - TIME)
    tried = and_(Connection.state_reason == ANSWERED, Connection.state_since >= now - TRIED)
    return select(Connection).where(Connection.state == CONNECTING, or_(waits, tried))


def answered(engine: Engine, answer: Mapping[str, str]) -> Connected:
    """The person has said yes (with a code) or no (``error``, in the marketplace's words). Raises NotFound for a state
    that is not waited for, and what ``connect`` raises."""
    said = {name[:40]: value[:LONGEST] for name, value in answer.items()}
    row = _take(engine, said.get("state", ""))
    adapter = adapter_of(engine, "channel", row.adapter)
    try:
        done = _redeem(engine, row, adapter, said)
    except BridgeError as error:
        _remember(engine, row, {REFUSED: error.merchant})
        raise
    _remember(engine, row, {CONNECTED: done.id})
    return done


def _redeem(engine: Engine, row: Connection, adapter: Adapter, said: Mapping[str, str]) -> Connected:
    consent = _consent(adapter)
    if isinstance(consent, Handover):
        raise NotFound(GONE)
    if not said.get(consent.code):
        raise AskMerchant(_refused(row, said.get("error", "")))
    granted = consent.redeem(engine.connection(row), said, back(engine))
    sealed = row.webhook_secrets[0]
    manner = Manner(row.sandbox, adds=not sealed["account"], held=bool(sealed["held"]), author=str(sealed["author"]))
    given = Given(
        str(sealed["account"] or ""),
        {**row.credentials, **granted.credentials},
        granted.settings,
        row.urls,
        manner,
        dict(sealed["typed"]),
    )
    with author.by(manner.author):
        return attach(engine, row.shop_id, "channel", row.adapter, given)


def _refused(row: Connection, said: str) -> str:
    """``access_denied`` is a person's no; anything else is the application's fault."""
    if said in ("", "access_denied"):
        return f"{row.title} was not opened: you did not agree. Nothing was changed; ask again when you want to."
    return (
        f"{row.title} was not opened: it refused the application ({said[:80]}). Nothing was changed; look at the keys "
        "and at what is registered with the application."
    )


def find(engine: Engine, state: str) -> Connection | None:
    """What waits for an answer with this state."""
    with engine.db.read(None) as session:
        row: Connection | None = session.scalars(_waiting(engine).where(Connection.account == mark(state))).first()
    return row


def _remember(engine: Engine, row: Connection, what: dict[str, Any]) -> None:
    """For the page that waits for it; the code may have made this very draft something else meanwhile."""

    def act(session: Session) -> None:
        known = session.get(Connection, row.id, with_for_update=True)
        if known is not None and known.state == CONNECTING:
            known.info = {**(known.info or {}), **what}

    engine.db.transact(row.shop_id, act)


def _take(engine: Engine, state: str) -> Connection:
    """The draft, as it was until now: a state is good once, and what was typed is not kept. Raises NotFound."""
    row = find(engine, state)
    if row is None:
        raise NotFound(GONE)

    def act(session: Session) -> bool:
        waits = update(Connection).where(Connection.id == row.id, Connection.state_reason == CONSENT)
        values = {"state_reason": ANSWERED, "state_since": engine.clock(), "credentials": {}}
        taken = session.execute(waits.values(**values).execution_options(synchronize_session=False))
        return bool(getattr(taken, "rowcount", 0))

    if not engine.db.transact(row.shop_id, act):
        raise NotFound(GONE)
    return row
