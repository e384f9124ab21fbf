"""What a marketplace tells by itself: verified by its adapter, marked, acknowledged. Hints only, as from a store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bridge.db import work
from bridge.db.tables import Connection, Listing, Poll, Shop
from bridge.db.work import Claim, Mark
from bridge.flows import forgetting, resting
from bridge.flows.engine import Engine
from bridge.flows.outcome import alive
from bridge.ports.channel import CALLBACK_URL, Challenged, PushHint
from bridge.ports.errors import NotFound, RejectItem
from bridge.ports.http import lane
from bridge.ports.manifest import Capability

LISTENING = ("active", "paused")
GONE = "This marketplace is not connected here any more."
LONGEST = 100  # characters of a number of theirs
WORK: dict[str, Callable[[Connection, str, datetime], Mark]] = {
    "order": lambda row, key, _now: Mark(row.id, "orders", "orders.import", key, priority=1),
    "submission": lambda row, _key, _now: Mark(row.id, "shipments", "follow", "all", priority=1),
    "return": lambda row, _key, _now: Mark(row.id, "shipments", "returns.pull", "all"),
    "offer": lambda row, _key, _now: Mark(row.id, "sweep", "poll.status", "all"),
    "buyer": lambda row, key, now: Mark(row.id, "sweep", forgetting.KIND, key, due_at=now + forgetting.GATHERED),
}


def receive(
    engine: Engine, public_id: str, connection_id: int, headers: Iterable[tuple[str, str]], body: bytes
) -> list[PushHint]:
    """Durable on return. Raises NotFound (no such connection), Reauthorise (the signature is wrong), RejectItem (it is
    genuine, and makes no sense) and whatever stands in the way of verifying it."""
    row, url = _listening(engine, public_id, connection_id)
    told = [(name, value) for name, value in headers if name.lower() != CALLBACK_URL.lower()]
    try:
        hints = engine.channel(row).push_hints([*told, (CALLBACK_URL, url)], body)
    except (ValueError, RecursionError) as error:
        raise RejectItem("The message makes no sense.", developer=type(error).__name__) from error
    if any(not _fits(hint) for hint in hints):
        raise RejectItem("What the message is about has no usable number.")
    if hints:
        engine.ring(engine.db.transact(row.shop_id, _mark, row, hints, engine))
    return hints


def _fits(hint: PushHint) -> bool:
    return 0 < len(hint.key) <= LONGEST and hint.key.isprintable() and hint.site.isprintable()


def challenge(engine: Engine, public_id: str, connection_id: int, query: Mapping[str, str]) -> dict[str, Any] | None:
    """The answer to a marketplace that asks whether an address is ours; None where it asks nothing. Raises NotFound."""
    row, url = _listening(engine, public_id, connection_id)
    channel = engine.channel(row)
    return channel.push_challenge(url, query) if isinstance(channel, Challenged) else None


def _listening(engine: Engine, public_id: str, connection_id: int) -> tuple[Connection, str]:
    """The connection that takes messages at this address, and the address. Raises NotFound."""
    if not public_id.isprintable():
        raise NotFound(GONE)
    with engine.db.read(None) as session:
        query = select(Connection).join(Shop, Shop.id == Connection.shop_id)
        query = query.where(Connection.id == connection_id, Shop.public_id == public_id, Connection.role == "channel")
        row = session.scalars(query).first()
        url = push_url(engine, session, row) if row is not None else ""
    if row is None or row.state not in LISTENING or Capability.PUSH not in engine.manifest(row).capabilities:
        raise NotFound(GONE)
    return row, url


def _mark(session: Session, row: Connection, hints: list[PushHint], engine: Engine) -> set[str]:
    now = engine.clock()
    marks = [WORK[hint.kind](row, hint.key, now) for hint in hints if hint.kind in WORK]
    work.mark(session, row.shop_id, marks, now)
    for site in {hint.site for hint in hints if hint.kind == "offer"}:
        offers = [hint.key for hint in hints if hint.kind == "offer" and hint.site == site]
        _look_soon(session, row, site, offers, now)
    return {mark.lane for mark in marks}


def _look_soon(session: Session, row: Connection, site: str, offers: Sequence[str], now: datetime) -> None:
    """Whether these offers can be bought is read again; ``site`` "" is every site."""
    query = update(Listing).where(Listing.connection_id == row.id, Listing.offer_id.in_(offers))
    query = query.where(Listing.site == site) if site else query
    session.execute(query.values(status_due_at=now).execution_options(synchronize_session=False))


def push_url(engine: Engine, session: Session, row: Connection) -> str:
    """Where the marketplace sends its messages."""
    return f"{engine.public_url.rstrip('/')}/push/{session.get_one(Shop, row.shop_id).public_id}/{row.id}"


def addresses(engine: Engine, session: Session) -> dict[int, str]:
    """By connection, where push messages are taken: some marketplaces want it entered in a page of their own."""
    rows = session.scalars(select(Connection).where(Connection.role == "channel", Connection.state.in_(LISTENING)))
    return {row.id: push_url(engine, session, row) for row in rows if _pushes(engine, row)}


def _pushes(engine: Engine, row: Connection) -> bool:
    adapter = engine.channels.get(row.adapter)
    return adapter is not None and Capability.PUSH in adapter.manifest.capabilities


def ensure(engine: Engine, row: Connection, claims: list[Claim]) -> None:
    """Work kind ``poll.push``: subscribe, or switch on again what the marketplace switched off. Marketplaces send to
    https only, so nothing is done while the public address is not https (the polls see everything as well)."""
    with engine.db.read(row.shop_id) as session:
        url, not_live = push_url(engine, session, row), resting.in_setup(session, row.id)
    if (url.startswith("https://") or row.sandbox) and not not_live:
        with lane("sweep"):
            engine.channel(row).ensure_push(url)
    engine.db.transact(row.shop_id, _ensured, row, claims, engine)


def _ensured(session: Session, row: Connection, claims: list[Claim], engine: Engine) -> None:
    now = engine.clock()
    poll = session.scalars(select(Poll).where(Poll.connection_id == row.id, Poll.flow == "poll.push")).first()
    if poll is not None:
        poll.last_ok_at, poll.error = now, None
    alive(session, row, now)
    work.done(session, claims, now)
